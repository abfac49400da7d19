/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/tmpfs.c - directories and inodes of tmpfs
 *
 * Idea        A directory is a list of entries (tmpfs_entry.h). A file that was made without a name, by O_TMPFILE or
 *             memfd_create, has an entry that is dead from the start. Those of memfd_create belong to a file system
 *             that is mounted nowhere and has no limit but memory.
 * Invariants  see tmpfs.h
 * Locks       tree_lock, for writing where entries change; held by every caller but evict and drop. name_lock for the
 *             lists of names
 * Follow      from path.c, kernel/sys_path.c   to vfs.c, mm/pagecache.c
 * Tests       tests/guest/file.c
 */
#include <kernel/fs/tmpfs.h>

#include <kernel/fs/devfs.h>
#include <kernel/fs/mount_options.h>
#include <kernel/fs/seq.h>
#include <kernel/fs/tmpfs_entry.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/slab.h>

#define TMPFS_MAGIC 0x01021994
#define TMPFS_SHARE 2 /* at most half of all memory becomes files, and a name may be had for each page, as in Linux */

static int tmpfs_fill(struct superblock *sb);
static int devtmpfs_fill(struct superblock *sb);
static int tmpfs_configure(struct superblock *sb, const struct mount_options *options, bool again);
static void tmpfs_show(const struct superblock *sb, struct seq *s);
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

static int tmpfs_tmpfile(struct inode *dir, const struct inode_kind *kind, struct inode **out);
static void inherit_group(const struct inode *dir, struct inode *inode);
static int nameless(struct inode *dir, const char *name, const struct inode_kind *kind, struct inode **out);
static struct inode *tmpfs_inode(struct superblock *sb, const struct inode_kind *kind);
static bool inode_furnish(struct inode *inode, const struct inode_kind *kind);
static void drop_all_below(struct inode *root);

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
	.tmpfile = tmpfs_tmpfile,
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
	.configure = tmpfs_configure,
	.show = tmpfs_show,
	.drop = tmpfs_drop,
};
const struct fs_type devtmpfs_type = {
	.name = "devtmpfs",
	.magic = TMPFS_MAGIC,
	.fill = devtmpfs_fill,
	.configure = tmpfs_configure,
	.show = tmpfs_show,
	.drop = tmpfs_drop,
};

/* Where files are that memfd_create makes: mounted nowhere. */
static struct superblock anon = {.type = &tmpfs_type, .dev = ANON_DEV, .pins = {1}};

void
tmpfs_init(void)
{
	if (tmpfs_fill(&anon))
		panic("No memory for the file system of memfd_create.");
	anon.quota.most = ~0UL;
}

struct inode *
inode_anonymous(u32 mode, const struct inode_ops *ops)
{
	struct inode_kind kind = {.mode = mode};
	struct inode *inode = inode_alloc(&anon, &kind);

	if (!inode)
		return NULL;
	inode->ops = ops;
	inode_get(inode);
	inode_drop(inode); /* only the caller knows it */
	return inode;
}

int
tmpfs_memfd(const char *name, struct inode **out)
{
	struct inode_kind kind = {.mode = S_IFREG | 0777};

	return nameless(anon.root, name, &kind, out);
}

static int
tmpfs_fill(struct superblock *sb)
{
	struct inode_kind kind = {.mode = S_IFDIR | 01777};

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
	sb->root->mode = S_IFDIR | 0755;
	rwsem_write_lock(&tree_lock);
	err = devfs_populate(sb->root);
	rwsem_write_unlock(&tree_lock);
	if (err)
		tmpfs_drop(sb);
	return err;
}

/* Limits may change at any time, but not below what is used; the root gets its owner and mode once. */
static int
tmpfs_configure(struct superblock *sb, const struct mount_options *o, bool again)
{
	u64 pages = o->pages ? o->pages : ~0UL;
	u64 names = o->inodes ? o->inodes : ~0UL;

	if (again && (o->said & OPTION_SIZE) && pages < (u64)atomic64_read(&sb->quota.pages))
		return -EINVAL;
	if (again && (o->said & OPTION_INODES) && names < sb->names)
		return -EINVAL;
	sb->said |= o->said;
	if (o->said & OPTION_SIZE)
		WRITE_ONCE(sb->quota.most, pages);
	if (o->said & OPTION_INODES)
		WRITE_ONCE(sb->names_most, names);
	if (again)
		return 0;
	if (o->said & OPTION_MODE)
		sb->root->mode = S_IFDIR | o->mode;
	sb->root->uid = o->uid;
	sb->root->gid = o->gid;
	return 0;
}

static void
tmpfs_show(const struct superblock *sb, struct seq *s)
{
	if ((sb->said & OPTION_SIZE) && sb->quota.most != ~0UL)
		seq_printf(s, ",size=%luk", sb->quota.most * (PAGE_SIZE / 1024));
	if ((sb->said & OPTION_INODES) && sb->names_most != ~0UL)
		seq_printf(s, ",nr_inodes=%lu", sb->names_most);
	if (sb->said & OPTION_MODE)
		seq_printf(s, ",mode=%03o", sb->root->mode & 07777);
	if (sb->said & OPTION_UID)
		seq_printf(s, ",uid=%u", sb->root->uid);
	if (sb->said & OPTION_GID)
		seq_printf(s, ",gid=%u", sb->root->gid);
}

static void
tmpfs_drop(struct superblock *sb)
{
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
	inherit_group(dir, inode);
	entry_add(dir, e, inode);
	*out = inode_get(inode);
	inode_drop(inode); /* the entry has its own reference */
	return 0;
}

static int
tmpfs_tmpfile(struct inode *dir, const struct inode_kind *kind, struct inode **out)
{
	char name[24];
	int err;

	if (!dir->nlink)
		return -ENOENT;
	format(name, sizeof(name), "#%lu", (u64)atomic64_read(&dir->sb->next_ino) + 1);
	err = nameless(dir, name, kind, out);
	if (!err)
		inherit_group(dir, *out);
	return err;
}

/* A file that was never in @dir, which gives it a file system and the path it shows. Gives *out, pinned. */
static int
nameless(struct inode *dir, const char *name, const struct inode_kind *kind, struct inode **out)
{
	struct tmpfs_entry *e = entry_new(name, strlen(name));
	struct inode *inode = e ? tmpfs_inode(dir->sb, kind) : NULL;

	if (!inode) {
		kfree(e);
		return -ENOMEM;
	}
	entry_forgotten(dir, e, inode);
	*out = inode_get(inode);
	inode_drop(inode); /* only the caller knows it */
	return 0;
}

/* In a directory with the set-gid bit everything belongs to its group, and directories hand the bit on. */
static void
inherit_group(const struct inode *dir, struct inode *inode)
{
	if (!(dir->mode & S_ISGID))
		return;
	inode->gid = dir->gid;
	if (inode_is_dir(inode))
		inode->mode |= S_ISGID;
}

static int
tmpfs_link(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	struct tmpfs_entry *e;

	assert(rwsem_write_is_mine(&tree_lock));
	assert(!inode_is_dir(target));
	if (!dir->nlink || (!target->nlink && !target->linkable))
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
	entry_unlink(old_dir, old);
	entry_link(new_dir, new);
	entry_names_change(child, old, new); /* consumes the old entry */
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
	struct tmpfs_entry *e = entry_first_name(child);

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
	struct tmpfs_entry *e = entry_first_name(inode);

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
		pagecache_pay_by_page(object);
		inode_own_object(inode, object);
		inode->seals = F_SEAL_SEAL;
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
