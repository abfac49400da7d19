/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/tmpfs.c - directories and inodes of tmpfs
 *
 * Idea        A directory is a list of entries in the order of their making; each has a position that is never used
 *             again, so that readdir goes on in the right place whatever is removed meanwhile. Simple: a linear
 *             search that compares hashes first; a bigger kernel has a tree or a table of names.
 * Invariants  see tmpfs.h
 *             I3  An entry is on the list of names of its inode. The last one that is removed stays there, dead, until
 *                 the inode goes or gets a new name: an open file remembers what it was called.
 *             I4  entries are in ascending order of pos, from DIR_FIRST_POS on
 * Locks       tree_lock, for writing where entries change; held by every caller but evict and drop. name_lock for the
 *             lists of names
 * Follow      from path.c, kernel/sys_path.c   to vfs.c, mm/pagecache.c
 * Tests       tests/guest/file.c
 */
#include <kernel/fs/tmpfs.h>

#include <kernel/fs/devfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/slab.h>

#define TMPFS_MAGIC 0x01021994
#define TMPFS_SHARE 2   /* at most half of all memory becomes files, and a name may be had for each page, as in Linux */
#define DIR_FIRST_POS 2 /* 0 and 1 are "." and ".." */

struct tmpfs_entry {
	struct list link;      /* in the directory's entries */
	struct list name_link; /* in the inode's names */
	struct inode *dir;     /* whose entry it is; held by what names the inode: I3 */
	struct inode *inode;   /* one held reference */
	bool dead;             /* no longer in the directory; name_lock */
	u64 pos;
	u32 hash;
	u32 len;
	char name[];
};

static int tmpfs_fill(struct superblock *sb);
static int devtmpfs_fill(struct superblock *sb);
static void tmpfs_drop(struct superblock *sb);
static int tmpfs_lookup(struct inode *dir, const char *name, u32 len, struct inode **out);
static int tmpfs_create(struct inode *dir, const char *name, u32 len, const struct inode_kind *kind,
			struct inode **out);
static int tmpfs_link(struct inode *dir, const char *name, u32 len, struct inode *target);
static int tmpfs_remove(struct inode *dir, const char *name, u32 len, struct inode *child);
static int tmpfs_rename(struct inode *old_dir, const char *old_name, u32 old_len, struct inode *child,
			struct inode *new_dir, const char *new_name, u32 new_len, struct inode *victim);
static int tmpfs_iterate(struct inode *dir, u64 pos, struct dir_emit *emit);
static int tmpfs_name_of(struct inode *dir, struct inode *child, char *name);
static s64 tmpfs_read_link(struct inode *inode, char *buf, u32 size);
static u64 tmpfs_link_size(struct inode *inode);
static void tmpfs_evict(struct inode *inode);

static struct inode *tmpfs_inode(struct superblock *sb, const struct inode_kind *kind);
static bool inode_furnish(struct inode *inode, const struct inode_kind *kind);
static struct tmpfs_entry *entry_new(const char *name, u32 len);
static struct tmpfs_entry *entry_find(struct inode *dir, const char *name, u32 len);
static void entry_add(struct inode *dir, struct tmpfs_entry *e, struct inode *inode);
static void entry_del(struct inode *dir, struct tmpfs_entry *e);
static void dir_add(struct inode *dir, struct tmpfs_entry *e);
static void dir_del(struct inode *dir, struct tmpfs_entry *e);
static void names_change(struct inode *inode, struct tmpfs_entry *out, struct tmpfs_entry *in);
static struct tmpfs_entry *names_change_locked(struct inode *inode, struct tmpfs_entry *out, struct tmpfs_entry *in);
static struct tmpfs_entry *first_name(struct inode *inode);
static void drop_all_below(struct inode *root);
static u32 name_hash(const char *name, u32 len);

static const struct inode_ops tmpfs_ops = {
	.evict = tmpfs_evict,
};
static const struct inode_ops tmpfs_link_ops = {
	.read_link = tmpfs_read_link,
	.link_size = tmpfs_link_size,
	.evict = tmpfs_evict,
};
static const struct inode_ops tmpfs_dir_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.link = tmpfs_link,
	.remove = tmpfs_remove,
	.rename = tmpfs_rename,
	.iterate = tmpfs_iterate,
	.name_of = tmpfs_name_of,
	.evict = tmpfs_evict,
};

const struct fs_type tmpfs_type = {
	.name = "tmpfs",
	.magic = TMPFS_MAGIC,
	.fill = tmpfs_fill,
	.drop = tmpfs_drop,
};
const struct fs_type devtmpfs_type = {
	.name = "devtmpfs",
	.magic = TMPFS_MAGIC,
	.fill = devtmpfs_fill,
	.drop = tmpfs_drop,
};

static int
tmpfs_fill(struct superblock *sb)
{
	struct inode_kind kind = {.mode = S_IFDIR | 0755};

	sb->quota.most = total_pages() / TMPFS_SHARE;
	sb->names_most = sb->quota.most;
	sb->root = tmpfs_inode(sb, &kind);
	return sb->root ? 0 : -ENOMEM;
}

static int
devtmpfs_fill(struct superblock *sb)
{
	int err = tmpfs_fill(sb);

	if (err)
		return err;
	rwsem_write_lock(&tree_lock);
	err = devfs_populate(sb->root);
	rwsem_write_unlock(&tree_lock);
	if (err)
		tmpfs_drop(sb);
	return err;
}

static void
tmpfs_drop(struct superblock *sb)
{
	assertf(atomic_read(&sb->pins) == 0, "%d pins", atomic_read(&sb->pins));
	drop_all_below(sb->root);
	assertf(atomic_read(&sb->root->refs) == 1, "%d references to the root", atomic_read(&sb->root->refs));
	inode_drop(sb->root);
}

static int
tmpfs_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct tmpfs_entry *e = entry_find(dir, name, len);

	assert(rwsem_is_held(&tree_lock));
	if (!e)
		return -ENOENT;
	*out = inode_get(e->inode);
	return 0;
}

static int
tmpfs_create(struct inode *dir, const char *name, u32 len, const struct inode_kind *kind, struct inode **out)
{
	struct tmpfs_entry *e;
	struct inode *inode;

	assert(rwsem_write_is_mine(&tree_lock));
	dassert(!entry_find(dir, name, len));
	if (!dir->nlink)
		return -ENOENT;
	if (dir->sb->names >= dir->sb->names_most)
		return -ENOSPC;
	e = entry_new(name, len);
	inode = e ? tmpfs_inode(dir->sb, kind) : NULL;
	if (!inode) {
		kfree(e);
		return -ENOMEM;
	}
	entry_add(dir, e, inode);
	*out = inode_get(inode);
	inode_drop(inode); /* the entry has its own reference */
	return 0;
}

static int
tmpfs_link(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	struct tmpfs_entry *e;

	assert(rwsem_write_is_mine(&tree_lock));
	assert(!inode_is_dir(target));
	if (!dir->nlink || !target->nlink)
		return -ENOENT;
	if (dir->sb->names >= dir->sb->names_most)
		return -ENOSPC;
	e = entry_new(name, len);
	if (!e)
		return -ENOMEM;
	target->nlink++;
	target->ctime_ns = inode_now_ns();
	entry_add(dir, e, target);
	return 0;
}

static int
tmpfs_remove(struct inode *dir, const char *name, u32 len, struct inode *child)
{
	struct tmpfs_entry *e = entry_find(dir, name, len);

	assert(rwsem_write_is_mine(&tree_lock));
	assert(e && e->inode == child);
	if (inode_is_dir(child) && !list_empty(&child->entries))
		return -ENOTEMPTY;
	child->nlink -= inode_is_dir(child) ? 2 : 1;
	child->ctime_ns = inode_now_ns();
	entry_del(dir, e);
	return 0;
}

/* Prepare: the new entry. Commit: the victim goes, then the new entry takes the place of the old one. */
static int
tmpfs_rename(struct inode *old_dir, const char *old_name, u32 old_len, struct inode *child, struct inode *new_dir,
	     const char *new_name, u32 new_len, struct inode *victim)
{
	struct tmpfs_entry *old = entry_find(old_dir, old_name, old_len);
	struct tmpfs_entry *new;
	int err = 0;

	assert(rwsem_write_is_mine(&tree_lock));
	assert(old && old->inode == child);
	if (!new_dir->nlink)
		return -ENOENT;
	new = entry_new(new_name, new_len);
	if (!new)
		return -ENOMEM;
	if (victim)
		err = tmpfs_remove(new_dir, new_name, new_len, victim);
	if (err) {
		kfree(new);
		return err;
	}
	new->inode = child; /* the old entry's reference */
	dir_del(old_dir, old);
	dir_add(new_dir, new);
	names_change(child, old, new); /* consumes the old entry */
	child->ctime_ns = inode_now_ns();
	return 0;
}

static int
tmpfs_iterate(struct inode *dir, u64 pos, struct dir_emit *emit)
{
	struct tmpfs_entry *e;

	assert(rwsem_is_held(&tree_lock));
	list_for_each (e, &dir->entries, link) {
		if (e->pos < pos)
			continue;
		if (!emit->add(emit, e->name, e->len, e->inode->ino, e->inode->mode, e->pos + 1))
			break;
	}
	return 0;
}

static int
tmpfs_name_of(struct inode *dir, struct inode *child, char *name)
{
	struct tmpfs_entry *e = first_name(child);

	must_hold(&name_lock);
	if (!e || e->dir != dir)
		return -ENOENT;
	memcpy(name, e->name, e->len + 1);
	return 0;
}

static s64
tmpfs_read_link(struct inode *inode, char *buf, u32 size)
{
	u32 len = min_u64(size, strlen(inode->target));

	memcpy(buf, inode->target, len);
	return len;
}

static u64
tmpfs_link_size(struct inode *inode)
{
	return strlen(inode->target);
}

static void
tmpfs_evict(struct inode *inode)
{
	struct tmpfs_entry *e = first_name(inode);

	if (inode->object)
		pagecache_put(inode->object);
	if (inode_is_link(inode))
		kfree(inode->target);
	if (inode_is_dir(inode))
		assert(list_empty(&inode->entries));
	assert(!e || e->dead);
	kfree(e);
}

/* Gives one held reference. NULL: no memory. */
static struct inode *
tmpfs_inode(struct superblock *sb, const struct inode_kind *kind)
{
	struct inode *inode = inode_alloc(sb, kind);

	if (inode && !inode_furnish(inode, kind)) {
		inode_drop(inode);
		return NULL;
	}
	return inode;
}

/* What the kind needs beside the inode. False: no memory. */
static bool
inode_furnish(struct inode *inode, const struct inode_kind *kind)
{
	struct pagecache *object;
	u32 len;

	inode->ops = &tmpfs_ops;
	switch (kind->mode & S_IFMT) {
	case S_IFDIR:
		inode->ops = &tmpfs_dir_ops;
		inode->nlink = 2;
		inode->next_pos = DIR_FIRST_POS;
		list_init(&inode->entries);
		return true;
	case S_IFREG:
		inode->fops = &tmpfs_file_ops;
		object = pagecache_create(PAGE_SHMEM);
		if (!object)
			return false;
		pagecache_count_in(object, &inode->sb->quota);
		inode_own_object(inode, object);
		return true;
	case S_IFLNK:
		len = strlen(kind->target) + 1;
		inode->ops = &tmpfs_link_ops;
		inode->target = kmalloc(len, ALLOC_KERNEL);
		if (inode->target)
			memcpy(inode->target, kind->target, len);
		return inode->target;
	default:
		return true;
	}
}

static struct tmpfs_entry *
entry_new(const char *name, u32 len)
{
	struct tmpfs_entry *e = kmalloc(sizeof(*e) + len + 1, ALLOC_KERNEL);

	assert(len && len <= NAME_MAX);
	if (!e)
		return NULL;
	memcpy(e->name, name, len);
	e->name[len] = 0;
	e->len = len;
	e->hash = name_hash(name, len);
	e->dead = false;
	return e;
}

static struct tmpfs_entry *
entry_find(struct inode *dir, const char *name, u32 len)
{
	u32 hash = name_hash(name, len);
	struct tmpfs_entry *e;

	list_for_each (e, &dir->entries, link) {
		if (e->hash == hash && e->len == len && !memcmp(e->name, name, len))
			return e;
	}
	return NULL;
}

/* Takes one reference to @inode for the entry. */
static void
entry_add(struct inode *dir, struct tmpfs_entry *e, struct inode *inode)
{
	inode_hold(inode);
	e->inode = inode;
	dir_add(dir, e);
	names_change(inode, NULL, e);
}

/* The entry's reference ends; the inode's reference to its parent ends with the inode itself. */
static void
entry_del(struct inode *dir, struct tmpfs_entry *e)
{
	struct inode *inode = e->inode;

	dir_del(dir, e);
	names_change(inode, e, NULL); /* consumes the entry */
	inode_drop(inode);
}

static void
dir_add(struct inode *dir, struct tmpfs_entry *e)
{
	dir->sb->names++;
	e->dir = dir;
	e->pos = dir->next_pos++;
	list_add_tail(&e->link, &dir->entries);
	if (inode_is_dir(e->inode))
		dir->nlink++;
	dir->mtime_ns = dir->ctime_ns = inode_now_ns();
}

static void
dir_del(struct inode *dir, struct tmpfs_entry *e)
{
	list_del(&e->link);
	dir->sb->names--;
	if (inode_is_dir(e->inode))
		dir->nlink--;
	dir->mtime_ns = dir->ctime_ns = inode_now_ns();
}

/* The names of @inode lose @out and gain @in; either may be NULL. Its parent is the directory of the first. */
static void
names_change(struct inode *inode, struct tmpfs_entry *out, struct tmpfs_entry *in)
{
	struct inode *old = inode->parent;
	struct tmpfs_entry *gone;

	spin_lock(&name_lock);
	gone = names_change_locked(inode, out, in);
	inode->parent = first_name(inode)->dir;
	inode_hold(inode->parent);
	spin_unlock(&name_lock);
	kfree(gone);
	inode_drop(old);
}

/* Returns the entry that nobody needs any more, or NULL. */
static struct tmpfs_entry *
names_change_locked(struct inode *inode, struct tmpfs_entry *out, struct tmpfs_entry *in)
{
	struct tmpfs_entry *first = first_name(inode);

	must_hold(&name_lock);
	if (in)
		list_add_tail(&in->name_link, &inode->names);
	if (!out && first && first->dead)
		out = first;
	if (!out)
		return NULL;
	out->dead = true;
	if (inode->names.next == inode->names.prev)
		return NULL; /* I3: it was the last */
	list_del(&out->name_link);
	return out;
}

static struct tmpfs_entry *
first_name(struct inode *inode)
{
	return list_empty(&inode->names) ? NULL : list_first(&inode->names, struct tmpfs_entry, name_link);
}

/* No recursion: go down to a directory without entries, remove what is there, go up. */
static void
drop_all_below(struct inode *root)
{
	struct inode *dir = root;
	struct tmpfs_entry *e;

	while (dir != root || !list_empty(&dir->entries)) {
		if (list_empty(&dir->entries)) {
			dir = dir->parent;
			e = list_first(&dir->entries, struct tmpfs_entry, link);
			entry_del(dir, e);
			continue;
		}
		e = list_first(&dir->entries, struct tmpfs_entry, link);
		if (inode_is_dir(e->inode) && !list_empty(&e->inode->entries))
			dir = e->inode;
		else
			entry_del(dir, e);
	}
}

/* FNV-1a. */
static u32
name_hash(const char *name, u32 len)
{
	u32 hash = 2166136261U;

	for (u32 i = 0; i < len; i++)
		hash = (hash ^ (u8)name[i]) * 16777619U;
	return hash;
}
