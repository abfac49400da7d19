/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/files.h - the table of file descriptors of a process
 *
 * Idea        an array of pointers that doubles, and a bit per descriptor that exec closes. Threads share the table by
 *             reference; fork copies it. Looking up takes the table's spinlock and a reference: about 25 instructions,
 *             and no reader can meet a table that is being replaced.
 *             Simple: Linux finds files without a lock by deferring every free (RCU).
 * Invariants  I1  slots at and above `size` do not exist; a slot below `first_free` is in use.
 *             I2  every non-NULL slot owns one reference to its file.
 * Locks       lock (spin, leaf): every field but refs. Files are put and memory is taken outside of it.
 * Follow      from kernel/sys_fs.c, fork.c, exec.c, exit.c   to file.c
 * Tests       tests/host/files_test.c
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/lib/types.h>
#include <kernel/spinlock.h>

#define FILES_INLINE 32 /* descriptors that need no second allocation */
#define FILES_MAX 65536 /* of one process, whatever RLIMIT_NOFILE says (EMFILE) */

struct file;

struct files {
	atomic_t refs;
	struct spinlock lock; /* rank FILES */
	u32 size;             /* lock: slots in table */
	u32 first_free;       /* lock: no free slot below */
	struct file **table;  /* lock */
	u64 *cloexec;         /* lock: one bit a slot */
	struct file *inline_table[FILES_INLINE];
	u64 inline_cloexec[1];
};

void files_init(void);

/*
 * files_create - an empty table
 *
 * Returns   the table, refs == 1; NULL: no memory
 * Context   may sleep
 * Gives     one reference (files_put)
 */
struct files *files_create(void);

/*
 * files_fork - a copy of @from: the same open files under the same numbers
 *
 * Returns   the copy, refs == 1; NULL: no memory
 * Context   may sleep
 * Gives     one reference (files_put)
 */
struct files *files_fork(struct files *from);

/* Shares a table (CLONE_FILES). The last files_put closes every file; it may sleep. */
struct files *files_get(struct files *files);
void files_put(struct files *files);

/* files_close_on_exec - close the marked descriptors. Context: may sleep. */
void files_close_on_exec(struct files *files);

/*
 * files_install - put @file into the lowest free slot at or above @min
 *
 * Returns the descriptor; -EMFILE (@limit, the soft RLIMIT_NOFILE, is reached), -EINVAL (@min is not below @limit),
 * -ENOMEM Context may sleep Takes the caller's reference to @file, when it succeeds
 */
s64 files_install(struct files *files, struct file *file, u32 min, u64 limit, bool cloexec);

/*
 * files_replace - put @file into slot @fd, and close what was there (dup2)
 *
 * Returns   @fd; -EBADF (@fd is not below @limit), -ENOMEM
 * Context   may sleep
 * Takes     the caller's reference to @file, when it succeeds
 */
s64 files_replace(struct files *files, struct file *file, u32 fd, u64 limit, bool cloexec);

/*
 * files_remove - empty slot @fd
 *
 * Returns   the file; NULL: the slot was empty (-EBADF)
 * Context   does not sleep
 * Gives     the slot's reference
 */
struct file *files_remove(struct files *files, u64 fd);

/*
 * files_lookup - the file in slot @fd
 *
 * Returns   the file; NULL: none
 * Context   does not sleep; takes files->lock
 * Gives     one reference
 */
struct file *files_lookup(struct files *files, u64 fd);

/* The close-on-exec mark: 0 or 1, or -EBADF; files_set_cloexec gives 0 or -EBADF. */
int files_get_cloexec(struct files *files, u64 fd);
int files_set_cloexec(struct files *files, u64 fd, bool on);

/* The first used descriptor at or above @fd, or -1: for /proc/<pid>/fd. */
s64 files_next(struct files *files, u64 fd);
