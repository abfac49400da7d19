/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/tmpfs_file.c - reading and writing files that are page cache
 *
 * Idea        A page at a time: look it up, copy, let go. A hole has no page and reads as zeroes.
 *             Simple: the access time stays that of the creation, as with mount -o noatime.
 * Invariants  I1  Only the holder of inode->lock changes the size.
 * Locks       Reading takes none: the page's reference keeps the frame. Race: a truncation between the look at the size
 *             and the copy lets the reader see what the page held, or zeroes: both were true a moment ago.
 *             Writing holds inode->lock (sleeping) over the copy, so that two writers do not mix and O_APPEND appends.
 * Follow      from kernel/sys_rw.c, initrd.c   to mm/pagecache.c
 * Tests       tests/guest/file.c, tests/guest/mmap.c
 */
#include <kernel/fs/tmpfs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/shmem.h>

#define FILE_MAX 0x7fffffffffffffffUL /* bytes: positions are signed */

static s64 tmpfs_read(struct file *f, struct io *io);
static int find_outside(struct pagecache *object, u64 index, struct page **out);
static s64 tmpfs_write(struct file *f, struct io *io);
static s64 write_locked(struct inode *inode, struct io *io);
static s64 write_check_locked(struct inode *inode, struct io *io);
static s64 write_page_locked(struct inode *inode, struct io *io);
static bool give_way(const struct io *io);

const struct file_ops tmpfs_file_ops = {
	.read = tmpfs_read,
	.write = tmpfs_write,
	.fallocate = tmpfs_fallocate,
};

int
tmpfs_append_kernel(struct inode *inode, const void *data, u64 len)
{
	struct io io;
	s64 done;

	if (!inode->object || inode->fops != &tmpfs_file_ops)
		return -EINVAL;
	io_init(&io, (u64)data, len, 0);
	io.kernel = true;
	mutex_lock(&inode->lock);
	io.pos = inode->object->size;
	done = write_locked(inode, &io);
	mutex_unlock(&inode->lock);
	if (done == (s64)len)
		return 0;
	return done < 0 ? (int)done : -ENOSPC;
}

static s64
tmpfs_read(struct file *f, struct io *io)
{
	struct pagecache *object = f->object;
	u64 moved = 0;
	struct page *page;
	int err = 0;
	u64 size;
	u64 off;
	u64 n;

	do {
		size = READ_ONCE(object->size);
		if (io->pos >= size)
			break;
		off = io->pos & ~PAGE_MASK;
		n = min_u64(min_u64(PAGE_SIZE - off, size - io->pos), io->left);
		page = pagecache_find(object, io->pos >> PAGE_SHIFT);
		if (unlikely(!page))
			err = find_outside(object, io->pos >> PAGE_SHIFT, &page);
		if (unlikely(err))
			break;
		if (likely(page)) {
			page_touch(page);
			moved += io_put(io, (char *)page_to_va(page) + off, n);
			page_put(page);
		} else {
			moved += io_put_zero(io, n);
		}
	} while (give_way(io));
	return err && !moved ? err : io_result(io, moved);
}

/* A page that is not in memory: a hole, unless some page of the file has left; then shmem.c knows. */
static int
find_outside(struct pagecache *object, u64 index, struct page **out)
{
	bool major;

	return READ_ONCE(object->went_out) ? shmem_find(object, index, ALLOC_USER, &major, out) : 0;
}

static s64
tmpfs_write(struct file *f, struct io *io)
{
	struct inode *inode = f->inode;
	s64 done = mutex_lock_killable(&inode->lock);

	if (done)
		return done;
	if ((f->flags & O_APPEND) || io->append)
		io->pos = inode->object->size;
	done = write_locked(inode, io);
	mutex_unlock(&inode->lock);
	return done;
}

static s64
write_locked(struct inode *inode, struct io *io)
{
	s64 moved = 0;
	s64 got = 0;

	assert(mutex_is_mine(&inode->lock));
	if (!io->left)
		return 0;
	got = write_check_locked(inode, io);
	if (got)
		return got;
	do {
		got = write_page_locked(inode, io);
		if (got < 0)
			break;
		moved += got;
	} while (give_way(io));
	if (!moved)
		return io->faulted ? -EFAULT : got;
	inode->mtime_ns = inode->ctime_ns = inode_now_ns();
	return moved;
}

/* May this be written? Cuts it to what may. */
static s64
write_check_locked(struct inode *inode, struct io *io)
{
	u64 most = FILE_MAX;

	if (current->process)
		most = min_u64(most, rlimit_get(current->process, RLIMIT_FSIZE));
	if (io->pos >= most) {
		if (most < FILE_MAX)
			signal_send_current(SIGXFSZ);
		return -EFBIG;
	}
	io->left = min_u64(io->left, most - io->pos);
	return inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ? -EPERM : 0;
}

/* Up to the end of one page: the bytes first, then the size that shows them. */
static s64
write_page_locked(struct inode *inode, struct io *io)
{
	u64 off = io->pos & ~PAGE_MASK;
	u64 want = min_u64(PAGE_SIZE - off, io->left);
	struct page *page;
	u64 got;
	int err;

	if ((inode->seals & F_SEAL_GROW) && io->pos + want > inode->object->size)
		return -EPERM;
	err = pagecache_get_page(inode->object, io->pos >> PAGE_SHIFT, &page);
	if (err)
		return err;
	page_touch(page);
	got = io_take(io, (char *)page_to_va(page) + off, want);
	page_put(page);
	if (got && io->pos > inode->object->size)
		pagecache_set_size(inode->object, io->pos);
	if (!got && io->pos - off >= inode->object->size) /* nothing shows the page */
		pagecache_punch(inode->object, io->pos - off, io->pos - off + PAGE_SIZE);
	return got;
}

/*
 * Between two pages: is there more to do? Others run first. Why not for a task that is to die: a victim of the OOM
 * killer may use the last reserves, and a file would keep them.
 */
static bool
give_way(const struct io *io)
{
	if (!io->left || io->faulted)
		return false;
	cond_resched();
	return !signal_state_fatal(&current->signal);
}
