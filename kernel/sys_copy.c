/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_copy.c - system calls that move bytes from one file to another: sendfile, copy_file_range
 *
 * Idea        A page at a time through a buffer of the kernel, by the two files' own read and write. What the second
 *             does not take counts as not read.
 * Invariants  none
 * Locks       pos_lock of the file written to, during each write; that of the other for a moment at either end, so that
 *             two such locks are never held at once
 * Follow      from syscall.c   to fs/file.h, fs/io.h
 * Tests       tests/guest/sendfile.c
 * See         sendfile(2), copy_file_range(2)
 */
#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

/* One end of a copy. */
struct end {
	struct file *f;
	u64 user; /* where the program keeps the position; 0: the file's own is used and moved */
	u64 pos;
};

static s64 ends_get(struct end *in, u64 in_fd, struct end *out, u64 out_fd);
static s64 sendfile_check(const struct end *in, const struct end *out);
static s64 range_check(const struct end *in, const struct end *out, u64 len);
static s64 end_begin(struct end *e);
static s64 end_finish(struct end *e);
static s64 copy(struct end *in, struct end *out, u64 len);
static s64 copy_page(struct end *in, struct end *out, char *buf, u64 len);
static s64 write_page(struct end *out, char *buf, u64 len);

s64
sys_sendfile(u64 out_fd, u64 in_fd, u64 offset, u64 len)
{
	struct end in = {.user = offset};
	struct end out = {0};
	s64 result = ends_get(&in, in_fd, &out, out_fd);

	if (result)
		return result;
	result = sendfile_check(&in, &out);
	if (!result)
		result = end_begin(&in);
	if (!result && (s64)len < 0)
		result = -EINVAL;
	if (!result) {
		result = copy(&in, &out, min_u64(len, IO_MAX));
		if (end_finish(&in))
			result = -EFAULT;
	}
	file_put(in.f);
	file_put(out.f);
	return result;
}

s64
sys_copy_file_range(u64 in_fd, u64 in_offset, u64 out_fd, u64 out_offset, u64 len, u64 flags)
{
	struct end in = {.user = in_offset};
	struct end out = {.user = out_offset};
	s64 result = ends_get(&in, in_fd, &out, out_fd);

	if (result)
		return result;
	result = end_begin(&in);
	if (!result)
		result = end_begin(&out);
	if (!result && flags)
		result = -EINVAL;
	if (!result)
		result = range_check(&in, &out, len);
	if (!result) {
		result = copy(&in, &out, min_u64(len, IO_MAX));
		if (end_finish(&in) || end_finish(&out))
			result = -EFAULT;
	}
	file_put(in.f);
	file_put(out.f);
	return result;
}

static s64
ends_get(struct end *in, u64 in_fd, struct end *out, u64 out_fd)
{
	in->f = file_get(in_fd);
	out->f = file_get(out_fd);
	if (in->f && out->f)
		return 0;
	if (in->f)
		file_put(in->f);
	if (out->f)
		file_put(out->f);
	return -EBADF;
}

static s64
sendfile_check(const struct end *in, const struct end *out)
{
	if (!file_can_read(in->f) || !file_can_write(out->f))
		return -EBADF;
	if (in->user && in->f->ops->stream)
		return -ESPIPE;
	if (!in->f->inode || !inode_is_regular(in->f->inode) || !in->f->ops->read)
		return -EINVAL;
	return !out->f->ops->write || (out->f->flags & O_APPEND) ? -EINVAL : 0;
}

static s64
range_check(const struct end *in, const struct end *out, u64 len)
{
	struct inode *from = in->f->inode;
	struct inode *to = out->f->inode;

	if ((from && inode_is_dir(from)) || (to && inode_is_dir(to)))
		return -EISDIR;
	if (!from || !to || !inode_is_regular(from) || !inode_is_regular(to))
		return -EINVAL;
	if (!file_can_read(in->f) || !file_can_write(out->f) || (out->f->flags & O_APPEND))
		return -EBADF;
	if (from->sb != to->sb)
		return -EXDEV;
	if (in->pos + len < in->pos || out->pos + len < out->pos)
		return -EOVERFLOW;
	if (from == to && in->pos < out->pos + len && out->pos < in->pos + len)
		return -EINVAL;
	return from->object && to->object ? 0 : -EINVAL;
}

/* Where the copy begins at this end. */
static s64
end_begin(struct end *e)
{
	if (!e->user)
		e->pos = READ_ONCE(e->f->pos);
	else if (get_user_u64(&e->pos, (u64 *)e->user))
		return -EFAULT;
	return (s64)e->pos < 0 ? -EINVAL : 0;
}

static s64
end_finish(struct end *e)
{
	if (e->user)
		return put_user_u64(e->pos, (u64 *)e->user);
	mutex_lock(&e->f->pos_lock);
	e->f->pos = e->pos;
	mutex_unlock(&e->f->pos_lock);
	return 0;
}

/* Bytes copied; an error only when there were none. */
static s64
copy(struct end *in, struct end *out, u64 len)
{
	char *buf = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	u64 done = 0;
	s64 got = 0;

	if (!buf)
		return -ENOMEM;
	while (done < len) {
		got = copy_page(in, out, buf, min_u64(len - done, PAGE_SIZE));
		if (got <= 0)
			break;
		done += got;
		cond_resched();
		if (current->signal_pending)
			break;
	}
	kfree(buf);
	return done ? (s64)done : got;
}

static s64
copy_page(struct end *in, struct end *out, char *buf, u64 len)
{
	struct io io;
	s64 got;

	io_init(&io, (u64)buf, len, in->pos);
	io.kernel = true;
	got = in->f->ops->read(in->f, &io);
	if (got <= 0)
		return got;
	got = write_page(out, buf, got);
	if (got > 0)
		in->pos += got;
	return got;
}

/* At the file's own position, unless the caller of copy_file_range has named one. */
static s64
write_page(struct end *out, char *buf, u64 len)
{
	struct file *f = out->f;
	struct io io;
	s64 got;

	io_init(&io, (u64)buf, len, out->pos);
	io.kernel = true;
	if (f->ops->stream || out->user) {
		got = f->ops->write(f, &io);
		out->pos = io.pos;
		return got;
	}
	got = mutex_lock_killable(&f->pos_lock);
	if (got)
		return got;
	io.pos = f->pos;
	got = f->ops->write(f, &io);
	if (got > 0)
		f->pos = out->pos = io.pos;
	mutex_unlock(&f->pos_lock);
	return got;
}
