/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/tmpfs_entry.h - the entries of directories of tmpfs: from a name to an inode, and back
 *
 * Idea        An entry is on two lists: of its directory, in the order of making, and of its inode, whose names it is
 *             one of. Each has a position in the directory that is never used again: readdir goes on in the right
 *             place whatever is removed meanwhile. Simple: a linear search that compares hashes first; a bigger kernel
 *             has a tree or a table of names.
 * Invariants  I1  entries are in ascending order of pos, from DIR_FIRST_POS on.
 *             I2  The last name that an inode loses stays on its list, dead, until the inode goes or gets a new name:
 *                 an open file remembers what it was called.
 *             I3  The parent of an inode is the directory of its first name.
 * Locks       tree_lock for writing where entries change; name_lock for the lists of names and for parents
 * Follow      from tmpfs.c   to names.c
 * Tests       tests/guest/file.c, tests/guest/names.c
 */
#pragma once

#include <kernel/fs/vfs.h>

#define DIR_FIRST_POS 2 /* 0 and 1 are "." and ".." */

struct tmpfs_entry {
	struct list link;      /* in the directory's entries */
	struct list name_link; /* in the inode's names */
	struct inode *dir;     /* whose entry it is; the inode holds it as its parent, or another name of it does */
	struct inode *inode;   /* one held reference */
	bool dead;             /* no longer in the directory; name_lock */
	u64 pos;
	u32 hash;
	u32 len;
	char name[];
};

/* entry_new - an entry that is nowhere yet; NULL: no memory. Context: may sleep. Gives: the entry (kfree). */
struct tmpfs_entry *entry_new(const char *name, u32 len);

/* entry_find - the entry of that name in @dir; NULL: none. Context: tree_lock. */
struct tmpfs_entry *entry_find(struct inode *dir, const char *name, u32 len);

/* entry_first_name - the entry whose name @inode shows, perhaps dead; NULL: a root. Context: name_lock or tree_lock. */
struct tmpfs_entry *entry_first_name(struct inode *inode);

/* entry_add - @e in @dir names @inode from now on, and holds it. entry_del - no longer. Context: tree_lock, writing. */
void entry_add(struct inode *dir, struct tmpfs_entry *e, struct inode *inode);
void entry_del(struct inode *dir, struct tmpfs_entry *e);

/* The halves of these, for rename: into or out of the directory; and the names that @inode loses and gains, or NULL. */
void entry_link(struct inode *dir, struct tmpfs_entry *e);
void entry_unlink(struct inode *dir, struct tmpfs_entry *e);
void entry_names_change(struct inode *inode, struct tmpfs_entry *out, struct tmpfs_entry *in);

/* entry_forgotten - @e is what a file is called that never was in @dir. Context: may sleep; nobody knows @inode yet. */
void entry_forgotten(struct inode *dir, struct tmpfs_entry *e, struct inode *inode);
