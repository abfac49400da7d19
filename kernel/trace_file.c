/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_file.c - /dev/trace
 *
 * Idea        see trace_file.h
 * Invariants  see trace_file.h
 * Locks       see trace_file.h
 * Follow      from devfs.c   to trace_stream.c
 * Tests       tests/guest/trace.c
 */
#include <kernel/trace_file.h>

#include <kernel/fs/abi.h>
#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/poll.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/mutex.h>
#include <kernel/trace_stream.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define RECORDS_AT_ONCE (PAGE_SIZE / sizeof(struct trace_record))
#define WORDS_MAX 512

struct trace_file {
	struct mutex lock;
	struct trace_follower follower;                   /* lock: its cursors */
	struct trace_record records[RECORDS_AT_ONCE - 8]; /* lock */
};

static int trace_open(struct file *f);
static void trace_release(struct file *f);
static s64 trace_read(struct file *f, struct io *io);
static s64 take_locked(struct trace_file *t, struct io *io);
static s64 trace_write(struct file *f, struct io *io);
static u32 trace_poll(struct file *f, struct poll_item *item);
static bool look(const struct trace_follower *follower);

const struct file_ops trace_file_ops = {.read = trace_read,
					.write = trace_write,
					.open = trace_open,
					.release = trace_release,
					.poll = trace_poll,
					.stream = true};

static int
trace_open(struct file *f)
{
	struct trace_file *t = kmalloc(sizeof(*t), ALLOC_KERNEL);
	const char *unknown;
	int err;

	if (!t)
		return -ENOMEM;
	mutex_init(&t->lock, RANK_PIPE);
	err = trace_follow(&t->follower, trace_events_default() & ~trace_words_mask("sample", &unknown));
	if (err)
		kfree(t);
	else
		f->private = t;
	return err;
}

static void
trace_release(struct file *f)
{
	struct trace_file *t = f->private;

	trace_unfollow(&t->follower);
	kfree(t);
}

/* Waits without the lock, so that another reader of the file can be killed meanwhile. */
static s64
trace_read(struct file *f, struct io *io)
{
	struct trace_file *t = f->private;
	s64 result;
	int err = 0;

	if (io->left < sizeof(struct trace_record))
		return -EINVAL;
	do {
		mutex_lock(&t->lock);
		result = take_locked(t, io);
		mutex_unlock(&t->lock);
		if (!result)
			err = f->flags & O_NONBLOCK ? -EAGAIN
						    : wait_event_interruptible(&trace_wait, look(&t->follower));
	} while (!result && !err);
	return result ? result : err;
}

/* Whole records. One that was taken and met a bad address is gone, as with a pipe. */
static s64
take_locked(struct trace_file *t, struct io *io)
{
	u64 moved = 0;
	u32 n;

	do {
		u64 room = min_u64(io->left / sizeof(struct trace_record), ARRAY_SIZE(t->records));

		n = trace_take(&t->follower, t->records, (u32)room);
		moved += io_put(io, t->records, n * sizeof(struct trace_record));
	} while (n && io->left >= sizeof(struct trace_record) && !io->faulted);
	return io_result(io, moved);
}

static s64
trace_write(struct file *f, struct io *io)
{
	struct trace_file *t = f->private;
	char words[WORDS_MAX];
	u64 given = io->left;
	u64 len = given;
	const char *unknown;
	u64 mask;

	if (len >= sizeof(words))
		return -EINVAL;
	if (io_take(io, words, len) != given)
		return -EFAULT;
	while (len && (words[len - 1] == '\n' || words[len - 1] == ' '))
		len--;
	words[len] = 0;
	mask = trace_words_mask(words, &unknown);
	if (unknown)
		return -EINVAL;
	trace_choose(&t->follower, mask);
	return (s64)given;
}

static u32
trace_poll(struct file *f, struct poll_item *item)
{
	struct trace_file *t = f->private;

	poll_join(item, &trace_wait);
	return look(&t->follower) ? POLL_READABLE : 0;
}

/* Race: whoever goes to sleep has asked to be woken before this look. */
static bool
look(const struct trace_follower *follower)
{
	if (trace_pending(follower))
		return true;
	trace_wait_first();
	return trace_pending(follower);
}
