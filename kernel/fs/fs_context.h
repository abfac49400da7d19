/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/fs_context.h - what a process carries about the tree: root, working directory, umask
 *
 * Idea        counted, because CLONE_FS shares it
 * Invariants  root and cwd are pinned as long as the context lives
 * Locks       lock (spin, leaf): root, cwd, umask
 * Follow      from fork.c, exit.c, main.c   to vfs.h
 * Tests       tests/guest/file.c
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/spinlock.h>

struct inode;

struct fs_context {
	atomic_t refs;
	struct spinlock lock; /* rank FILES */
	u32 umask;            /* lock */
	struct inode *cwd;    /* lock; pinned */
	struct inode *root;   /* lock; pinned: where "/" is, and where ".." stops */
};

/*
 * fs_context_create - stand at the root, with umask 022
 *
 * Returns   the context, refs == 1; NULL: no memory
 * Context   may sleep; after vfs_init
 * Gives     one reference (fs_context_put)
 */
struct fs_context *fs_context_create(void);

/* fs_context_fork - a copy of @from; NULL: no memory. Context: may sleep. Gives: one reference. */
struct fs_context *fs_context_fork(struct fs_context *from);

/* Shares a context (CLONE_FS). The last fs_context_put lets go of the directory; it may sleep. */
struct fs_context *fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);

/*
 * fs_cwd - the working directory
 *
 * Returns   the directory; the root when @fs is NULL (the kernel itself, at boot)
 * Context   takes fs->lock
 * Gives     one pinned reference (inode_put)
 */
struct inode *fs_cwd(struct fs_context *fs);

/* fs_root - likewise, where its absolute paths start. */
struct inode *fs_root(struct fs_context *fs);

/* fs_chdir, fs_chroot - stand at @dir; begin at @dir. Takes: the caller's pinned reference. Context: may sleep. */
void fs_chdir(struct fs_context *fs, struct inode *dir);
void fs_chroot(struct fs_context *fs, struct inode *dir);
