/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_fs.c - system calls that begin with a file descriptor
 *
 * Idea        Each call finds its file, checks what the manual page lists, and leaves the work to the file's
 *             operations.
 * Invariants  none
 * Locks       file->pos_lock over transfers that use the position
 * Follow      from syscall.c   to fs/file.h, fs/files.c, fs/pipe.c
 * Tests       tests/guest/file.c, tests/guest/pipe.c, tests/guest/wild.c
 * See         section 2 of the manual
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/io.h>
#include <kernel/fs/pipe.h>
#include <kernel/fs/vfs.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define VEC_INLINE 8                                 /* segments of readv that need no allocation */
#define SETTABLE (O_APPEND | O_NONBLOCK | O_NOATIME) /* by F_SETFL */
#define FIONBIO 0x5421
#define CLOSE_RANGE_CLOEXEC 4
#define PIPE_BYTES (PIPE_SLOTS * PAGE_SIZE)
#define AT_FILE_POSITION (~0UL) /* for transfer(): the file's own position */

enum way {
	READ,
	WRITE,
};

static s64 transfer(u64 fd, u64 buf, u64 len, u64 pos, enum way way);
static s64 transfer_vec(u64 fd, u64 vec, u64 n, u64 pos, enum way way);
static s64 vec_get(struct iovec *vec, u64 user, u64 n);
static int transfer_check(const struct file *f, u64 pos, enum way way);
static s64 transfer_do(struct file *f, struct io *io, u64 pos, enum way way);
static s64 seek_locked(struct file *f, s64 offset, u64 whence);
static s64 dup_to(u64 from, u64 to, bool cloexec);
static s64 fcntl_flags(struct file *f, u64 flags);
static s64 fd_dup(struct file *f, u64 min, bool cloexec);
static s64 ioctl_any(struct file *f, u32 cmd, u64 arg);
static s64 pipe_install(struct file *ends[2], u64 fds, u64 flags);
static struct files *own_files(void);
static u64 fd_limit(void);

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
	return transfer_vec(fd, vec, n, AT_FILE_POSITION, READ);
}

s64
sys_writev(u64 fd, u64 vec, u64 n)
{
	return transfer_vec(fd, vec, n, AT_FILE_POSITION, WRITE);
}

s64
sys_preadv(u64 fd, u64 vec, u64 n, u64 pos)
{
	return (s64)pos < 0 ? -EINVAL : transfer_vec(fd, vec, n, pos, READ);
}

s64
sys_pwritev(u64 fd, u64 vec, u64 n, u64 pos)
{
	return (s64)pos < 0 ? -EINVAL : transfer_vec(fd, vec, n, pos, WRITE);
}

s64
sys_lseek(u64 fd, u64 offset, u64 whence)
{
	struct file *f = file_get(fd);
	s64 pos;

	if (!f)
		return -EBADF;
	mutex_lock(&f->pos_lock);
	pos = f->flags & O_PATH ? -EBADF : seek_locked(f, offset, whence);
	mutex_unlock(&f->pos_lock);
	file_put(f);
	return pos;
}

s64
sys_close(u64 fd)
{
	struct file *f = files_remove(own_files(), (u32)fd);

	if (!f)
		return -EBADF;
	file_put(f);
	return 0;
}

s64
sys_close_range(u64 first, u64 last, u64 flags)
{
	struct files *files = own_files();
	struct file *f;

	first = (u32)first;
	last = (u32)last;
	if ((flags & ~(u64)CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	for (s64 fd = files_next(files, first); fd >= 0 && (u64)fd <= last; fd = files_next(files, fd + 1)) {
		f = flags ? NULL : files_remove(files, fd);
		if (flags)
			files_set_cloexec(files, fd, true);
		else if (f)
			file_put(f);
	}
	return 0;
}

s64
sys_dup(u64 fd)
{
	struct file *f = file_get(fd);

	return f ? fd_install(f, 0) : -EBADF;
}

s64
sys_dup2(u64 from, u64 to)
{
	struct file *f;

	if ((u32)from != (u32)to)
		return dup_to(from, to, false);
	f = file_get(from);
	if (!f)
		return -EBADF;
	file_put(f);
	return (u32)to;
}

s64
sys_dup3(u64 from, u64 to, u64 flags)
{
	if ((u32)from == (u32)to || (flags & ~(u64)O_CLOEXEC))
		return -EINVAL;
	return dup_to(from, to, flags & O_CLOEXEC);
}

s64
sys_fcntl(u64 fd, u64 cmd, u64 arg)
{
	struct file *f = file_get(fd);
	s64 result = -EINVAL;

	if (!f)
		return -EBADF;
	switch ((u32)cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		result = fd_dup(f, arg, cmd == F_DUPFD_CLOEXEC);
		break;
	case F_GETFD:
		result = files_get_cloexec(own_files(), (u32)fd);
		break;
	case F_SETFD:
		result = files_set_cloexec(own_files(), (u32)fd, arg & FD_CLOEXEC);
		break;
	case F_GETFL:
		result = f->flags;
		break;
	case F_SETFL:
		result = fcntl_flags(f, arg);
		break;
	case F_GETPIPE_SZ:
		result = file_is_pipe(f) ? (s64)PIPE_BYTES : -EBADF;
		break;
	}
	file_put(f);
	return result;
}

s64
sys_ioctl(u64 fd, u64 cmd, u64 arg)
{
	struct file *f = file_get(fd);
	s64 result;

	if (!f)
		return -EBADF;
	result = f->flags & O_PATH ? -EBADF : ioctl_any(f, cmd, arg);
	file_put(f);
	return result;
}

s64
sys_pipe(u64 fds)
{
	return sys_pipe2(fds, 0);
}

s64
sys_pipe2(u64 fds, u64 flags)
{
	struct file *ends[2];

	if (flags & ~(u64)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (pipe_create(ends, flags & O_NONBLOCK))
		return -ENOMEM;
	return pipe_install(ends, fds, flags);
}

/* Nothing here has a device behind it. */
s64
sys_fsync(u64 fd)
{
	struct file *f = file_get(fd);
	s64 result;

	if (!f)
		return -EBADF;
	result = f->ops->stream ? -EINVAL : 0;
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
	return 0;
}

s64
fd_install(struct file *f, u64 flags)
{
	s64 fd = files_install(own_files(), f, 0, fd_limit(), flags & O_CLOEXEC);

	if (fd < 0)
		file_put(f);
	return fd;
}

static inline s64
transfer(u64 fd, u64 buf, u64 len, u64 pos, enum way way)
{
	struct file *f = file_get(fd);
	struct io io;
	s64 result;

	if (unlikely(!f))
		return -EBADF;
	len = min_u64(len, IO_MAX);
	io_init(&io, buf, len, pos);
	result = transfer_check(f, pos, way);
	if (likely(!result))
		result = va_is_user_range(buf, len) ? transfer_do(f, &io, pos, way) : -EFAULT;
	file_put(f);
	return result;
}

static s64
transfer_vec(u64 fd, u64 user, u64 n, u64 pos, enum way way)
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

	if (pos != AT_FILE_POSITION || f->ops->stream)
		return move(f, io);
	result = mutex_lock_killable(&f->pos_lock);
	if (unlikely(result))
		return result;
	io->pos = f->pos;
	result = move(f, io);
	if (result > 0)
		f->pos = io->pos;
	mutex_unlock(&f->pos_lock);
	return result;
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
		base = inode_size(f->inode);
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, offset, &base))
		return -EOVERFLOW;
	if (base < 0)
		return -EINVAL;
	f->pos = base;
	return base;
}

static s64
dup_to(u64 from, u64 to, bool cloexec)
{
	struct file *f = file_get(from);
	s64 fd;

	if (!f)
		return -EBADF;
	fd = files_replace(own_files(), f, to, fd_limit(), cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

static s64
fd_dup(struct file *f, u64 min, bool cloexec)
{
	s64 fd;

	if (min >= fd_limit())
		return -EINVAL;
	fd = files_install(own_files(), file_hold(f), min, fd_limit(), cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

static s64
fcntl_flags(struct file *f, u64 flags)
{
	if (f->flags & O_PATH)
		return -EBADF;
	WRITE_ONCE(f->flags, (f->flags & ~SETTABLE) | (flags & SETTABLE));
	return 0;
}

static s64
ioctl_any(struct file *f, u32 cmd, u64 arg)
{
	u32 on;

	if (cmd == FIONBIO) {
		if (get_user_u32(&on, (u32 *)arg))
			return -EFAULT;
		return fcntl_flags(f, on ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK);
	}
	if (cmd == FIONREAD && f->object)
		return put_user_u32(inode_size(f->inode) - READ_ONCE(f->pos), (u32 *)arg);
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

/* Takes both ends. */
static s64
pipe_install(struct file *ends[2], u64 fds, u64 flags)
{
	s32 fd[2] = {fd_install(ends[0], flags), -EMFILE};
	s64 err;

	if (fd[0] < 0) {
		file_put(ends[1]);
		return fd[0];
	}
	fd[1] = fd_install(ends[1], flags);
	err = fd[1] < 0 ? fd[1] : copy_to_user((void *)fds, fd, sizeof(fd));
	if (err) {
		sys_close(fd[0]);
		if (fd[1] >= 0)
			sys_close(fd[1]);
	}
	return err;
}

static struct files *
own_files(void)
{
	return current->process->files;
}

static u64
fd_limit(void)
{
	return rlimit_get(current->process, RLIMIT_NOFILE);
}
