/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_alloc.c - system calls about the space that a file takes: fallocate, truncate, ftruncate
 *
 * Idea        Check what the manual page lists, then leave it to the file system.
 * Invariants  none
 * Locks       none here; inode->lock below
 * Follow      from syscall.c   to fs/tmpfs_alloc.c, inode_truncate
 * Tests       tests/guest/fallocate.c, tests/guest/file.c
 * See         fallocate(2), truncate(2)
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/syscall.h>

#define FALLOC_KNOWN 0x7f /* KEEP_SIZE PUNCH_HOLE NO_HIDE_STALE COLLAPSE_RANGE ZERO_RANGE INSERT_RANGE UNSHARE_RANGE */

static s64 fallocate_file(struct file *f, u32 mode, u64 from, u64 len);

s64
sys_fallocate(u64 fd, u64 mode, u64 from, u64 len)
{
	struct file *f = file_get(fd);
	s64 err;

	if (!f)
		return -EBADF;
	err = f->flags & O_PATH ? -EBADF : fallocate_file(f, (u32)mode, from, len);
	file_put(f);
	return err;
}

s64
sys_truncate(u64 path, u64 size)
{
	struct inode *inode;
	s64 err;

	if ((s64)size < 0)
		return -EINVAL;
	err = at_inode(AT_FDCWD, path, WALK_FOLLOW, &inode);
	if (err)
		return err;
	err = inode_truncate(inode, size);
	inode_put(inode);
	return err;
}

s64
sys_ftruncate(u64 fd, u64 size)
{
	struct file *f;
	s64 err;

	if ((s64)size < 0)
		return -EINVAL;
	f = file_get(fd);
	if (!f)
		return -EBADF;
	err = f->flags & O_PATH ? -EBADF : -EINVAL;
	if (f->inode && file_can_write(f))
		err = inode_truncate(f->inode, size);
	file_put(f);
	return err;
}

/* In Linux's order. */
static s64
fallocate_file(struct file *f, u32 mode, u64 from, u64 len)
{
	if ((s64)from < 0 || (s64)len <= 0)
		return -EINVAL;
	if ((mode & ~FALLOC_KNOWN) || ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE)))
		return -EOPNOTSUPP;
	if (!file_can_write(f))
		return -EBADF;
	if (!f->inode || (f->inode->mode & S_IFMT) == S_IFIFO)
		return -ESPIPE;
	if (inode_is_dir(f->inode))
		return -EISDIR;
	if (!inode_is_regular(f->inode))
		return -ENODEV;
	if ((s64)(from + len) < 0)
		return -EFBIG;
	return f->ops->fallocate ? f->ops->fallocate(f, mode, from, from + len) : -EOPNOTSUPP;
}
