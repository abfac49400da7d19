/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/tmpfs_entry.c - the entries of directories of tmpfs: from a name to an inode, and back
 *
 * Idea        see tmpfs_entry.h
 * Invariants  see tmpfs_entry.h
 * Locks       see tmpfs_entry.h
 * Follow      from tmpfs.c   to names.c
 * Tests       tests/guest/file.c, tests/guest/names.c
 */
#include <kernel/fs/tmpfs_entry.h>

#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

static struct tmpfs_entry *names_change_locked(struct inode *inode, struct tmpfs_entry *out, struct tmpfs_entry *in);
static u32 name_hash(const char *name, u32 len);

struct tmpfs_entry *
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

struct tmpfs_entry *
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
void
entry_add(struct inode *dir, struct tmpfs_entry *e, struct inode *inode)
{
	inode_hold(inode);
	e->inode = inode;
	entry_link(dir, e);
	entry_names_change(inode, NULL, e);
}

/* The entry's reference ends; the inode's reference to its parent ends with the inode itself. */
void
entry_del(struct inode *dir, struct tmpfs_entry *e)
{
	struct inode *inode = e->inode;

	entry_unlink(dir, e);
	entry_names_change(inode, e, NULL); /* consumes the entry */
	inode_drop(inode);
}

void
entry_link(struct inode *dir, struct tmpfs_entry *e)
{
	dir->sb->names++;
	e->dir = dir;
	e->pos = dir->next_pos++;
	list_add_tail(&e->link, &dir->entries);
	if (inode_is_dir(e->inode))
		dir->nlink++;
	dir->mtime_ns = dir->ctime_ns = inode_now_ns();
}

void
entry_unlink(struct inode *dir, struct tmpfs_entry *e)
{
	list_del(&e->link);
	dir->sb->names--;
	if (inode_is_dir(e->inode))
		dir->nlink--;
	dir->mtime_ns = dir->ctime_ns = inode_now_ns();
}

/* The names of @inode lose @out and gain @in; either may be NULL. Its parent is the directory of the first. */
void
entry_names_change(struct inode *inode, struct tmpfs_entry *out, struct tmpfs_entry *in)
{
	struct inode *old = inode->parent;
	struct tmpfs_entry *gone;

	spin_lock(&name_lock);
	gone = names_change_locked(inode, out, in);
	inode->parent = entry_first_name(inode)->dir;
	inode_hold(inode->parent);
	spin_unlock(&name_lock);
	kfree(gone);
	inode_drop(old);
}

/* Returns the entry that nobody needs any more, or NULL. */
static struct tmpfs_entry *
names_change_locked(struct inode *inode, struct tmpfs_entry *out, struct tmpfs_entry *in)
{
	struct tmpfs_entry *first = entry_first_name(inode);

	must_hold(&name_lock);
	if (in)
		list_add_tail(&in->name_link, &inode->names);
	if (!out && first && first->dead)
		out = first;
	if (!out)
		return NULL;
	out->dead = true;
	if (inode->names.next == inode->names.prev)
		return NULL; /* I2: it was the last */
	list_del(&out->name_link);
	return out;
}

struct tmpfs_entry *
entry_first_name(struct inode *inode)
{
	return list_empty(&inode->names) ? NULL : list_first(&inode->names, struct tmpfs_entry, name_link);
}

void
entry_forgotten(struct inode *dir, struct tmpfs_entry *e, struct inode *inode)
{
	e->dir = dir;
	e->inode = inode;
	e->dead = true;
	list_add_tail(&e->name_link, &inode->names);
	inode->nlink = 0;
	inode->parent = dir;
	inode_hold(dir);
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
