/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_fs.c - system calls about descriptors: close, duplicate, settings, and pipes
 *
 * Idea        Each call finds its file, checks what the manual page lists, and changes the table of descriptors or asks
 *             the file's operations. What reads and writes is in sys_rw.c.
 * Invariants  none
 * Locks       none here; those of fs/files.c
 * Follow      from syscall.c   to fs/file.h, fs/files.c, fs/pipe.c
 * Tests       tests/guest/file.c, tests/guest/pipe.c, tests/guest/wild.c
 * See         section 2 of the manual
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/pipe.h>
#include <kernel/fs/seal.h>
#include <kernel/fs/vfs.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define SETTABLE (O_APPEND | O_NONBLOCK | O_NOATIME) /* by F_SETFL */
#define FIONBIO 0x5421
#define CLOSE_RANGE_CLOEXEC 4

static s64 dup_to(u64 from, u64 to, bool cloexec);
static s64 fcntl_flags(struct file *f, u64 flags);
static s64 fd_dup(struct file *f, u64 min, bool cloexec);
static s64 ioctl_any(struct file *f, u32 cmd, u64 arg);
static s64 pipe_install(struct file *ends[2], u64 fds, u64 flags);
static struct files *own_files(void);
static u64 fd_limit(void);

s64
sys_close(u64 fd)
{
	struct file *f = files_remove(own_files(), (u32)fd);

	if (!f)
		return -EBADF;
	file_close(f, own_files());
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
			file_close(f, files);
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
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		result = fcntl_lock(f, fd, (u32)cmd, arg);
		break;
	case F_ADD_SEALS:
		result = seals_add(f, (u32)arg);
		break;
	case F_GET_SEALS:
		result = seals_get(f);
		break;
	case F_GETPIPE_SZ:
		result = pipe_size(f);
		break;
	case F_SETPIPE_SZ:
		result = pipe_resize(f, arg);
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

s64
fd_install(struct file *f, u64 flags)
{
	s64 fd = files_install(own_files(), f, 0, fd_limit(), flags & O_CLOEXEC);

	if (fd < 0)
		file_put(f);
	return fd;
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
