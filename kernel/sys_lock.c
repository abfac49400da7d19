/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_lock.c - system calls that lock files: flock, and the locks of fcntl
 *
 * Idea        A struct flock of the program becomes a range; file_lock.c does the rest.
 * Invariants  none
 * Locks       none here
 * Follow      from syscall.c, sys_fs.c (fcntl)   to fs/file_lock.h
 * Tests       tests/guest/locks.c
 * See         flock(2), fcntl(2)
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/file_lock.h>
#include <kernel/fs/files.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define FLOCK_SH 1
#define FLOCK_EX 2
#define FLOCK_NB 4
#define FLOCK_UN 8

/* The ABI's struct flock. */
struct flock {
	s16 type, whence;
	s32 pad0;
	s64 start, len; /* len 0: to the end, wherever that will be */
	s32 pid, pad1;
};

_Static_assert(sizeof(struct flock) == 32, "struct flock as programs know it");

static s64 lock_get(struct file *f, struct file_lock_request *r, u64 user);
static s64 lock_set(struct file *f, struct file_lock_request *r, u64 fd, bool wait);
static s64 range_get(struct file *f, const struct flock *l, struct file_lock_request *r);

s64
sys_flock(u64 fd, u64 op)
{
	struct file_lock_request r = {.kind = LOCK_WHOLE, .pid = current->process->pid, .last = LOCK_TO_END};
	struct file *f = file_get(fd);
	s64 err = -EINVAL;

	if (!f)
		return -EBADF;
	r.inode = f->inode;
	r.owner = f;
	switch ((u32)op & ~(u32)FLOCK_NB) {
	case FLOCK_SH:
		r.type = LOCK_SHARED;
		err = 0;
		break;
	case FLOCK_EX:
		r.type = LOCK_EXCLUSIVE;
		err = 0;
		break;
	case FLOCK_UN:
		r.type = LOCK_NONE;
		err = 0;
		break;
	}
	if (!err && (f->flags & O_PATH))
		err = -EBADF;
	if (!err)
		err = f->inode ? file_lock_set(&r, !(op & FLOCK_NB)) : -EINVAL;
	file_put(f);
	return err;
}

s64
fcntl_lock(struct file *f, u64 fd, u32 cmd, u64 user)
{
	bool of_file = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	struct file_lock_request r = {
		.inode = f->inode,
		.kind = LOCK_RECORD,
		.owner = of_file ? (void *)f : (void *)current->process->files,
		.pid = of_file ? -1 : current->process->pid,
	};
	struct flock l;
	s64 err;

	if (f->flags & O_PATH)
		return -EBADF;
	if (!f->inode)
		return -EINVAL;
	if (copy_from_user(&l, (void *)user, sizeof(l)))
		return -EFAULT;
	if (of_file && l.pid)
		return -EINVAL;
	err = range_get(f, &l, &r);
	if (err)
		return err;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return lock_get(f, &r, user);
	return lock_set(f, &r, fd, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

static s64
lock_get(struct file *f, struct file_lock_request *r, u64 user)
{
	struct file_lock_request other;
	struct flock l;

	if (r->type == LOCK_NONE)
		return -EINVAL;
	if (copy_from_user(&l, (void *)user, sizeof(l)))
		return -EFAULT;
	l.type = LOCK_NONE;
	if (file_lock_test(r, &other)) {
		l.type = other.type;
		l.whence = SEEK_SET;
		l.start = other.first;
		l.len = other.last == LOCK_TO_END ? 0 : other.last - other.first + 1;
		l.pid = other.pid;
	}
	return copy_to_user((void *)user, &l, sizeof(l));
}

/*
 * Race: while we wait for a lock, another thread closes the descriptor, and with it goes every lock of the process, but
 * not the one that we are about to get. Then nobody would ever take it away.
 */
static s64
lock_set(struct file *f, struct file_lock_request *r, u64 fd, bool wait)
{
	struct file *now;
	s64 err;

	if (r->type == LOCK_SHARED && !file_can_read(f))
		return -EBADF;
	if (r->type == LOCK_EXCLUSIVE && !file_can_write(f))
		return -EBADF;
	err = file_lock_set(r, wait);
	if (err || r->type == LOCK_NONE || r->pid < 0)
		return err;
	now = file_get(fd);
	if (now != f) {
		r->type = LOCK_NONE;
		(void)file_lock_set(r, false);
		err = -EBADF;
	}
	if (now)
		file_put(now);
	return err;
}

static s64
range_get(struct file *f, const struct flock *l, struct file_lock_request *r)
{
	s64 base = 0;
	s64 last;

	if (l->type < LOCK_SHARED || l->type > LOCK_NONE)
		return -EINVAL;
	r->type = l->type;
	if (l->whence == SEEK_CUR)
		base = READ_ONCE(f->pos);
	else if (l->whence == SEEK_END)
		base = inode_size(f->inode);
	else if (l->whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, l->start, &base))
		return -EOVERFLOW;
	if (base < 0)
		return -EINVAL;
	last = LOCK_TO_END;
	if (l->len > 0 && __builtin_add_overflow(base, l->len - 1, &last))
		return -EOVERFLOW;
	if (l->len < 0) {
		last = base - 1;
		base += l->len;
		if (base < 0)
			return -EINVAL;
	}
	r->first = base;
	r->last = last;
	return 0;
}
