/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/path.h - from a path to an inode
 *
 * Idea        A walk is a loop over the components of a string. A symbolic link is followed by putting its target in
 *             front of what is left (pathname.h): no recursion, and a path that grows too long is ENAMETOOLONG as it
 *             should be.
 * Invariants  none
 * Locks       the caller holds tree_lock, for reading or writing, until it has done with what was found
 * Follow      from kernel/sys_path.c, file.c   to inode_ops->lookup
 * Tests       tests/guest/file.c
 */
#pragma once

#include <kernel/fs/pathname.h>

struct inode;

/* How to walk. */
enum walk_flag {
	WALK_FOLLOW = 1, /* a symbolic link in the last place is followed */
	WALK_PARENT = 2, /* do not look the last component up: find the directory that it is in */
	WALK_CREATE = 4, /* find the last component; if it does not exist, find the directory that it would be in */
	WALK_EMPTY = 8,  /* an empty path is the starting point itself (AT_EMPTY_PATH) */
};

struct walk {
	char *buf;           /* PATH_MAX bytes, owned by the caller; changed by the walk */
	struct inode *start; /* where a relative path starts; pinned by the caller */
	struct inode *root;  /* where an absolute one starts, and ".." stops; likewise. NULL: the root of all */
	u32 flags;           /* enum walk_flag */

	struct inode
		*inode;    /* result, pinned: what the path names; NULL with WALK_PARENT or when it is to be created */
	struct inode *dir; /* result, pinned: else the directory, */
	const char *name;  /* the last component inside buf, */
	u32 len;           /* of this many bytes, */
	enum path_last last; /* what kind of component it is, */
	bool slash;          /* and whether a '/' follows it */

	struct inode *at; /* own: where the walk is, pinned */
	u32 pos;          /* own: offset of the rest of the path */
	u32 links;        /* own: symbolic links followed so far */
};

/*
 * path_walk - walk w->buf from w->start
 *
 * Returns   0 and the results; -ENOENT -ENOTDIR -ELOOP -ENAMETOOLONG -ENOMEM
 * Context   may sleep; the caller holds tree_lock
 * Gives     w->inode or w->dir, pinned (path_walk_end)
 */
int path_walk(struct walk *w);

/* path_walk_end - unpin the results that are not NULL. Context: may sleep. */
void path_walk_end(struct walk *w);

/*
 * path_child - look one name up in a directory, and cross what is mounted on it
 *
 * Returns   0; -ENOENT, -ENOTDIR, -ENOMEM
 * Context   may sleep; the caller holds tree_lock
 * Gives     *out, pinned
 */
int path_child(struct inode *dir, const char *name, u32 len, struct inode **out);

/*
 * path_parent - the directory above @dir, from mounted root to what it covers; @root itself at the top
 *
 * Returns   the directory
 * Context   the caller holds tree_lock
 * Gives     one pinned reference
 */
struct inode *path_parent(struct inode *dir, struct inode *root);

/*
 * path_buf_alloc - PATH_MAX bytes for a walk
 *
 * Returns   the buffer; NULL: no memory
 * Context   may sleep
 * Gives     the buffer (path_buf_free)
 */
char *path_buf_alloc(void);
void path_buf_free(char *buf);
