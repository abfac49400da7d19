/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_sync.c - when data reach a device: fsync and its kin, and advice about reading ahead
 *
 * Idea        Files in memory have no device behind them: what is left of each call are its errors, and the advice is
 *             as good as none, as on Linux's tmpfs. Only a disk itself has something to do (file_ops->fsync): its
 *             cache is emptied, and the device's error is reported. sync() does that for every disk and has no error.
 * Invariants  none
 * Locks       none
 * Follow      from syscall.c   to fs/file.h
 * Tests       tests/guest/sendfile.c
 * See         fsync(2), sync_file_range(2), posix_fadvise(2), readahead(2)
 */
#include <kernel/dev/block.h>
#include <kernel/fs/file.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/syscall.h>

#define SYNC_FILE_RANGE_ALL 7
#define FADVISE_LAST 5 /* POSIX_FADV_NOREUSE */

static struct file *file_get_usable(u64 fd);

s64
sys_fsync(u64 fd)
{
	struct file *f = file_get_usable(fd);
	s64 result;

	if (!f)
		return -EBADF;
	if (f->ops->fsync)
		result = f->ops->fsync(f);
	else
		result = f->object || (f->inode && inode_is_dir(f->inode)) ? 0 : -EINVAL;
	file_put(f);
	return result;
}

s64
sys_fdatasync(u64 fd)
{
	return sys_fsync(fd);
}

s64
sys_sync(void)
{
	struct disk *disk;

	for (u32 i = 0; (disk = disk_at(i)); i++)
		(void)disk_flush(&disk->parts[0]);
	return 0;
}

s64
sys_syncfs(u64 fd)
{
	struct file *f = file_get_usable(fd);
	s64 result;

	if (!f)
		return -EBADF;
	result = f->inode && (f->inode->mode & S_IFMT) == S_IFBLK ? f->ops->fsync(f) : 0;
	file_put(f);
	return result;
}

s64
sys_sync_file_range(u64 fd, u64 from, u64 len, u64 flags)
{
	struct file *f = file_get_usable(fd);
	s64 result = 0;

	if (!f)
		return -EBADF;
	if ((flags & ~(u64)SYNC_FILE_RANGE_ALL) || (s64)from < 0 || (s64)(from + len) < (s64)from)
		result = -EINVAL;
	else if (!f->object && !(f->inode && inode_is_dir(f->inode)))
		result = -ESPIPE;
	file_put(f);
	return result;
}

s64
sys_fadvise64(u64 fd, u64 from, u64 len, u64 advice)
{
	struct file *f = file_get_usable(fd);
	s64 result = 0;

	if (!f)
		return -EBADF;
	if (!f->inode || (f->inode->mode & S_IFMT) == S_IFIFO)
		result = -ESPIPE;
	else if ((s64)len < 0 || (u32)advice > FADVISE_LAST)
		result = -EINVAL;
	file_put(f);
	return result;
}

s64
sys_readahead(u64 fd, u64 from, u64 len)
{
	struct file *f = file_get_usable(fd);
	s64 result;

	if (!f)
		return -EBADF;
	if (!file_can_read(f))
		result = -EBADF;
	else
		result = f->object ? 0 : -EINVAL;
	file_put(f);
	return result;
}

/* NULL also for a descriptor of O_PATH. */
static struct file *
file_get_usable(u64 fd)
{
	struct file *f = file_get(fd);

	if (f && (f->flags & O_PATH)) {
		file_put(f);
		f = NULL;
	}
	return f;
}
