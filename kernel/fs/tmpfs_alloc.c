/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/tmpfs_alloc.c - memory for a file before it is written, and holes afterwards
 *
 * Idea        As Linux's tmpfs: mode 0 and KEEP_SIZE make pages of zeroes, PUNCH_HOLE gives pages back; whatever else
 *             there is, is for disks. Whether the file system has room for all is asked first. Simple: when memory
 *             ends in the middle, what was made stays in the file; Linux takes it out again.
 * Invariants  none
 * Locks       inode->lock
 * Follow      from kernel/sys_alloc.c   to mm/pagecache.c
 * Tests       tests/guest/fallocate.c
 * See         fallocate(2)
 */
#include <kernel/fs/tmpfs.h>

#include <kernel/fs/file.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>

static s64 punch_locked(struct inode *inode, u64 from, u64 to);
static s64 grow_locked(struct inode *inode, u32 mode, u64 from, u64 to);
static bool has_room(struct pagecache *object, u64 first, u64 end);
static s64 make_pages(struct pagecache *object, u64 first, u64 end);

s64
tmpfs_fallocate(struct file *f, u32 mode, u64 from, u64 to)
{
	struct inode *inode = f->inode;
	s64 err;

	if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	err = mutex_lock_killable(&inode->lock);
	if (err)
		return err;
	err = mode & FALLOC_FL_PUNCH_HOLE ? punch_locked(inode, from, to) : grow_locked(inode, mode, from, to);
	mutex_unlock(&inode->lock);
	return err;
}

static s64
punch_locked(struct inode *inode, u64 from, u64 to)
{
	assert(mutex_is_mine(&inode->lock));
	if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	pagecache_punch(inode->object, from, to);
	inode->mtime_ns = inode->ctime_ns = inode_now_ns();
	return 0;
}

static s64
grow_locked(struct inode *inode, u32 mode, u64 from, u64 to)
{
	struct pagecache *object = inode->object;
	u64 first = from >> PAGE_SHIFT;
	u64 end = div_round_up(to, PAGE_SIZE);
	s64 err;

	assert(mutex_is_mine(&inode->lock));
	if (to > object->size && to > rlimit_get(current->process, RLIMIT_FSIZE) && !(mode & FALLOC_FL_KEEP_SIZE)) {
		signal_send_current(SIGXFSZ);
		return -EFBIG;
	}
	if ((inode->seals & F_SEAL_GROW) && to > object->size)
		return -EPERM;
	if (!has_room(object, first, end))
		return -ENOSPC;
	err = make_pages(object, first, end);
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && to > object->size)
		pagecache_set_size(object, to);
	inode->ctime_ns = inode_now_ns();
	return err;
}

static bool
has_room(struct pagecache *object, u64 first, u64 end)
{
	const struct pagecache_quota *quota = object->quota;
	u64 need = end - first - pagecache_count_range(object, first, end);

	return !quota || need + (u64)atomic64_read(&quota->pages) <= READ_ONCE(quota->most);
}

static s64
make_pages(struct pagecache *object, u64 first, u64 end)
{
	struct page *page;
	s64 err = 0;

	for (u64 i = first; i < end && !err; i++) {
		err = pagecache_get_page(object, i, &page);
		if (!err)
			page_put(page);
		cond_resched();
		if (!err && signal_state_fatal(&current->signal))
			err = -EINTR;
	}
	return err;
}
