/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_fs.h - what the files of system calls about files share
 *
 * Idea        sys_rw.c and sys_copy.c have the calls that move bytes, sys_sync.c those about when, sys_alloc.c about
 *             how many; sys_fs.c the others that begin with a descriptor, sys_path.c those that open; sys_stat.c,
 *             sys_statx.c and sys_utime.c those that describe, sys_name.c those that change names, sys_dir.c those
 *             that list, sys_mount.c those that mount, sys_lock.c those that lock, sys_memfd.c files without a name,
 *             sys_poll.c those that wait. The prototypes of all come from syscalls.def.
 * Invariants  none
 * Locks       none
 * Follow      from syscall.h   to fs/
 * Tests       tests/guest/file.c, tests/guest/wild.c
 */
#pragma once

#include <kernel/fs/path.h>

struct file;
struct inode;
struct stat;

/* A path of a program, on its way to an inode. */
struct at {
	struct walk w;
};

/*
 * at_prepare - copy the path at user address @path, and find where it starts: @dirfd or the working directory
 *
 * Returns   0; -EFAULT, -ENAMETOOLONG, -ENOMEM, -EBADF, -ENOTDIR (@dirfd is no directory)
 * Context   may sleep
 * Gives     what at_free takes back
 */
int at_prepare(struct at *a, u64 dirfd, u64 path, u32 walk_flags);

/* at_free - unpin the results of the walk and all that at_prepare took. Context: may sleep; no lock. */
void at_free(struct at *a);

/*
 * at_inode - what a path of a program names; @walk_flags: WALK_FOLLOW, WALK_EMPTY
 *
 * Returns   0; what at_prepare and path_walk return
 * Context   may sleep; takes tree_lock for reading
 * Gives     *out, pinned (inode_put)
 */
int at_inode(u64 dirfd, u64 path, u32 walk_flags, struct inode **out);

/*
 * string_get - a string of a program, of up to PATH_MAX - 1 bytes
 *
 * Returns   0 and *out (path_buf_free); -EFAULT, -ENAMETOOLONG, -ENOMEM
 * Context   may sleep
 */
int string_get(u64 user, char **out);

/*
 * fd_install - give @f the lowest free descriptor of the current process; close-on-exec if O_CLOEXEC is in @flags
 *
 * Returns   the descriptor; -EMFILE, -ENOMEM
 * Context   may sleep
 * Takes     the caller's reference, whatever the result
 */
s64 fd_install(struct file *f, u64 flags);

/*
 * fd_inode - the inode behind a descriptor of the current process
 *
 * Returns   0; -EBADF, -EINVAL (a pipe: it has none)
 * Context   does not sleep
 * Gives     *out, pinned (inode_put)
 */
int fd_inode(u64 fd, struct inode **out);

/* fd_inode_change - as fd_inode; -EBADF also for a descriptor of O_PATH, through which nothing may be changed. */
int fd_inode_change(u64 fd, struct inode **out);

/*
 * stat_get - what stat(2) tells of a path or, with AT_EMPTY_PATH, a descriptor
 *
 * Returns   0; what at_inode returns
 * Context   may sleep; takes tree_lock for reading
 */
int stat_get(u64 dirfd, u64 path, u64 flags, struct stat *out);

/* fcntl_lock - F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ kin on @f, which is descriptor @fd. Context: may sleep. */
s64 fcntl_lock(struct file *f, u64 fd, u32 cmd, u64 user);

/* WALK_FOLLOW, unless the bit @nofollow is in @flags. */
u32 follow_unless(u64 flags, u64 nofollow);

/* The mode that a new file gets: @mode under the umask of the process. Context: any. */
u32 umask_apply(u64 mode);
