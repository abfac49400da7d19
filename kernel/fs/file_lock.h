/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/file_lock.h - advisory locks on files: flock, and on ranges of bytes by fcntl
 *
 * Idea        A lock belongs to an owner: an open file (flock, F_OFD_SETLK) or a table of descriptors, that is, a
 *             process (F_SETLK). Locks of flock and those of ranges know nothing of each other. What an owner sets
 *             replaces what it had on the same bytes, so that its ranges never overlap and neighbours of one kind are
 *             one.
 *             Simple: one spinlock and one queue of waiters for all files; whoever lets go wakes all, and they look
 *             again.
 * Invariants  I1  Two locks of one kind on the same bytes have one owner, or both are shared.
 *             I2  An owner's locks of one kind on a file are disjoint.
 *             I3  An inode without open files has no locks.
 * Locks       a spinlock of this file: inode->locks and all locks
 * Follow      from kernel/sys_lock.c, files.c (close), file.c (the last close)   to kernel/wait.h
 * Tests       tests/guest/locks.c
 * See         flock(2), fcntl(2)
 */
#pragma once

#include <kernel/lib/types.h>

struct file;
struct files;
struct inode;

enum file_lock_kind {
	LOCK_WHOLE,  /* flock */
	LOCK_RECORD, /* fcntl */
};

enum file_lock_type { /* as fcntl numbers them */
	LOCK_SHARED,
	LOCK_EXCLUSIVE,
	LOCK_NONE,
};

#define LOCK_TO_END (~0UL >> 1) /* last byte of a range without end */

/* What is asked for, and what stands in the way of it. */
struct file_lock_request {
	struct inode *inode;
	const void *owner;
	s32 pid; /* of a process's lock; -1: of an open file's */
	u8 kind;
	u8 type;
	u64 first, last; /* bytes, both included */
};

/* Makes the slab cache. Context: boot. */
void file_lock_init(void);

/*
 * file_lock_set - lock, convert or (LOCK_NONE) unlock the range
 *
 * Returns   0; -EAGAIN (without @wait: somebody else has it), -ENOLCK (no memory), -EDEADLK (waiting would never end),
 *           -ERESTARTSYS (a signal)
 * Context   may sleep; the caller holds an open file of the inode
 */
int file_lock_set(const struct file_lock_request *r, bool wait);

/* file_lock_test - what is in the way of @r, in *out; false: nothing. Context: any. */
bool file_lock_test(const struct file_lock_request *r, struct file_lock_request *out);

/* How many locks there are; while there are none, closing a file has nothing to look for. Read racily. */
extern u32 file_locks_total;

/* file_locks_close - a descriptor of @files that led to @f is closed: the process loses its locks. May free. */
void file_locks_close(struct file *f, const struct files *files);

/* file_locks_release - the last reference to @f goes: its own locks go too. May free. */
void file_locks_release(struct file *f);
