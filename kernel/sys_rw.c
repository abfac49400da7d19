/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_rw.c - system calls that move bytes between a descriptor and a program, and its file position
 *
 * Idea        Every call becomes transfer() or, with segments, transfer_vec(): find the file, check what the manual
 *             page lists, and leave the work to the file's operations. A transfer without a position of its own uses
 *             and moves the file's.
 * Invariants  none
 * Locks       file->pos_lock over transfers that use the file's position
 * Follow      from syscall.c   to fs/file.h, fs/io.h, fs/tmpfs_file.c, fs/pipe.c
 * Tests       tests/guest/file.c, tests/guest/pipe.c, tests/guest/wild.c
 * See         section 2 of the manual
 */
#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/vfs.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define VEC_INLINE 8 /* segments of readv that need no allocation */
#define RWF_HIPRI 1
#define RWF_DSYNC 2
#define RWF_SYNC 4
#define RWF_APPEND 16
#define AT_FILE_POSITION (~0UL) /* for transfer(): the file's own position */

enum way {
	READ,
	WRITE,
};

static s64 transfer(u64 fd, u64 buf, u64 len, u64 pos, enum way way);
static s64 transfer_vec(u64 fd, u64 vec, u64 n, u64 pos, enum way way, bool append);
static s64 vec_get(struct iovec *vec, u64 user, u64 n);
static int transfer_check(const struct file *f, u64 pos, enum way way);
static s64 transfer_do(struct file *f, struct io *io, u64 pos, enum way way);
static bool position_fits(const struct io *io);
static s64 seek_locked(struct file *f, s64 offset, u64 whence);

s64
sys_read(u64 fd, u64 buf, u64 len)
{
	return transfer(fd, buf, len, AT_FILE_POSITION, READ);
}

s64
sys_write(u64 fd, u64 buf, u64 len)
{
	return transfer(fd, buf, len, AT_FILE_POSITION, WRITE);
}

s64
sys_pread64(u64 fd, u64 buf, u64 len, u64 pos)
{
	return (s64)pos < 0 ? -EINVAL : transfer(fd, buf, len, pos, READ);
}

s64
sys_pwrite64(u64 fd, u64 buf, u64 len, u64 pos)
{
	return (s64)pos < 0 ? -EINVAL : transfer(fd, buf, len, pos, WRITE);
}

s64
sys_readv(u64 fd, u64 vec, u64 n)
{
	return transfer_vec(fd, vec, n, AT_FILE_POSITION, READ, false);
}

s64
sys_writev(u64 fd, u64 vec, u64 n)
{
	return transfer_vec(fd, vec, n, AT_FILE_POSITION, WRITE, false);
}

s64
sys_preadv(u64 fd, u64 vec, u64 n, u64 pos)
{
	return (s64)pos < 0 ? -EINVAL : transfer_vec(fd, vec, n, pos, READ, false);
}

s64
sys_pwritev(u64 fd, u64 vec, u64 n, u64 pos)
{
	return (s64)pos < 0 ? -EINVAL : transfer_vec(fd, vec, n, pos, WRITE, false);
}

/* Position -1 is the file's own. The wish not to wait is refused, as where no file can promise it. */
s64
sys_preadv2(u64 fd, u64 vec, u64 n, u64 pos, u64 pos_high, u64 flags)
{
	if (flags & ~(u64)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC))
		return -EOPNOTSUPP;
	return (s64)pos < -1 ? -EINVAL : transfer_vec(fd, vec, n, pos, READ, false);
}

s64
sys_pwritev2(u64 fd, u64 vec, u64 n, u64 pos, u64 pos_high, u64 flags)
{
	if (flags & ~(u64)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND))
		return -EOPNOTSUPP;
	return (s64)pos < -1 ? -EINVAL : transfer_vec(fd, vec, n, pos, WRITE, flags & RWF_APPEND);
}

s64
sys_lseek(u64 fd, u64 offset, u64 whence)
{
	struct file *f = file_get(fd);
	s64 pos;

	if (!f)
		return -EBADF;
	pos = f->flags & O_PATH ? -EBADF : mutex_lock_killable(&f->pos_lock);
	if (!pos) {
		pos = seek_locked(f, offset, whence);
		mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return pos;
}

static inline s64
transfer(u64 fd, u64 buf, u64 len, u64 pos, enum way way)
{
	struct file *f = file_get(fd);
	struct io io;
	s64 result;

	if (unlikely(!f))
		return -EBADF;
	io_init(&io, buf, min_u64(len, IO_MAX), pos);
	result = transfer_check(f, pos, way);
	if (likely(!result))
		result = va_is_user_range(buf, len) ? transfer_do(f, &io, pos, way) : -EFAULT;
	file_put(f);
	return result;
}

static s64
transfer_vec(u64 fd, u64 user, u64 n, u64 pos, enum way way, bool append)
{
	struct iovec few[VEC_INLINE];
	struct iovec *vec = few;
	struct file *f;
	struct io io;
	s64 result;

	if (n > IOV_MAX)
		return -EINVAL;
	f = file_get(fd);
	if (!f)
		return -EBADF;
	if (n > VEC_INLINE)
		vec = kmalloc(n * sizeof(*vec), ALLOC_KERNEL);
	result = vec ? transfer_check(f, pos, way) : -ENOMEM;
	if (!result)
		result = vec_get(vec, user, n);
	if (result > 0) {
		io_init(&io, 0, result, pos);
		io.vec = vec;
		io.append = append;
		result = transfer_do(f, &io, pos, way);
	}
	if (vec != few)
		kfree(vec);
	file_put(f);
	return result;
}

/* Returns the bytes of all segments, cut to IO_MAX. */
static s64
vec_get(struct iovec *vec, u64 user, u64 n)
{
	u64 total = 0;

	if (copy_from_user(vec, (void *)user, n * sizeof(*vec)))
		return -EFAULT;
	for (u64 i = 0; i < n; i++) {
		if ((s64)vec[i].len < 0)
			return -EINVAL;
		if (!va_is_user_range(vec[i].base, vec[i].len))
			return -EFAULT;
		total = min_u64(total + vec[i].len, IO_MAX);
	}
	return total;
}

static inline int
transfer_check(const struct file *f, u64 pos, enum way way)
{
	if (!(way == READ ? file_can_read(f) : file_can_write(f)))
		return -EBADF;
	if (!(way == READ ? f->ops->read : f->ops->write))
		return -EINVAL;
	return pos != AT_FILE_POSITION && f->ops->stream ? -ESPIPE : 0;
}

static inline s64
transfer_do(struct file *f, struct io *io, u64 pos, enum way way)
{
	s64 (*move)(struct file * f, struct io * io) = way == READ ? f->ops->read : f->ops->write;
	s64 result;

	if (f->ops->stream)
		return move(f, io);
	if (pos != AT_FILE_POSITION)
		return position_fits(io) ? move(f, io) : -EINVAL;
	result = mutex_lock_killable(&f->pos_lock);
	if (unlikely(result))
		return result;
	io->pos = f->pos;
	result = position_fits(io) ? move(f, io) : -EINVAL;
	if (result > 0)
		f->pos = io->pos;
	mutex_unlock(&f->pos_lock);
	return result;
}

/* Would the position behind the last byte be one? Positions are signed. */
static inline bool
position_fits(const struct io *io)
{
	return (s64)(io->pos + io->left) >= 0;
}

static s64
seek_locked(struct file *f, s64 offset, u64 whence)
{
	s64 base = 0;

	if (f->ops->stream)
		return -ESPIPE;
	if (whence == SEEK_CUR)
		base = f->pos;
	else if (whence == SEEK_END)
		base = f->ops->size ? f->ops->size(f) : inode_size(f->inode);
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, offset, &base))
		return -EINVAL;
	if (base < 0)
		return -EINVAL;
	f->pos = base;
	return base;
}
