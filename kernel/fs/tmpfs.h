/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/tmpfs.h - files that are nothing but page cache
 *
 * Idea        A regular file is a page cache object: reading copies out of its pages, writing into them, and mmap and
 *             exec map these very pages. A directory is a list of entries. Nothing is stored twice; a file that is
 *             unlinked and closed leaves no page behind.
 * Invariants  I1  An entry holds one reference to its inode, a directory one to its parent.
 *             I2  nlink of a file is the number of entries that name it; of a directory 2, and 1 for each directory in
 *                 it; 0 once it is removed, and then it takes no new entries.
 * Locks       tree_lock: entries. inode->lock: size and contents against other writers; reading takes no lock.
 * Follow      from vfs.c   to tmpfs_file.c, mm/pagecache.c
 * Tests       tests/guest/file.c
 */
#pragma once

#include <kernel/fs/vfs.h>

struct file_ops;

extern const struct fs_type tmpfs_type;
extern const struct fs_type devtmpfs_type;   /* the same, with the device nodes in it from the start */
extern const struct file_ops tmpfs_file_ops; /* of regular files */

/* inode_anonymous - an inode in no directory, with no evict but what @ops has; pinned. NULL: no memory. May sleep. */
struct inode *inode_anonymous(u32 mode, const struct inode_ops *ops);

/* Makes the file system of memfd_create. Context: boot. */
void tmpfs_init(void);

/* file_ops->fallocate of a regular file. -EPERM (sealed) -EOPNOTSUPP -EFBIG -ENOSPC -ENOMEM -EINTR. May sleep. */
s64 tmpfs_fallocate(struct file *f, u32 mode, u64 from, u64 to);

/*
 * tmpfs_memfd - a file in no directory, called @name
 *
 * Returns   0; -ENOMEM
 * Context   may sleep
 * Gives     *out, pinned (inode_put)
 */
int tmpfs_memfd(const char *name, struct inode **out);

/*
 * tmpfs_append_kernel - write @len bytes at the end of a file, for the initrd
 *
 * Returns   0; -ENOMEM, -EFBIG; -EINVAL: no regular file of a tmpfs
 * Context   may sleep; takes inode->lock
 */
int tmpfs_append_kernel(struct inode *inode, const void *data, u64 len);
