/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/poll.c - wait until one of several files has something to tell
 *
 * Idea        see poll.h
 * Invariants  see poll.h
 * Locks       those of the queues
 * Follow      from sys_poll.c   to file_ops->poll, kernel/wait.c
 * Tests       tests/guest/poll.c
 */
#include <kernel/fs/poll.h>

#include <kernel/fs/file.h>
#include <kernel/panic.h>

static u32 look_at_all(struct poll_item *items, u32 n, bool join);
static u32 look_at(const struct poll_item *item, struct poll_item *join);
static void leave_all(struct poll_item *items, u32 n);

void
poll_join(struct poll_item *item, struct wait_queue *q)
{
	struct poll_queue *at;

	if (!item)
		return;
	assertf(item->joined < POLL_QUEUES, "a file has more than %u queues", POLL_QUEUES);
	at = &item->at[item->joined++];
	assert(!at->queue || at->queue == q);
	at->queue = q;
	wait_join(q, &at->entry);
}

s64
poll_files(struct poll_item *items, u32 n, u64 deadline_ns)
{
	s64 result = look_at_all(items, n, false);

	if (result || wait_timed_out(deadline_ns))
		return result;
	may_sleep();
	wait_timer_start(deadline_ns);
	for (;;) {
		task_state_set(TASK_INTERRUPTIBLE);
		result = look_at_all(items, n, true);
		if (!result)
			result = wait_interrupted(TASK_INTERRUPTIBLE);
		if (result || wait_timed_out(deadline_ns))
			break;
		schedule();
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	wait_timer_stop(deadline_ns);
	leave_all(items, n);
	return result;
}

static u32
look_at_all(struct poll_item *items, u32 n, bool join)
{
	u32 ready = 0;

	for (u32 i = 0; i < n; i++) {
		items[i].joined = 0;
		items[i].revents = look_at(&items[i], join ? &items[i] : NULL);
		ready += items[i].revents != 0;
	}
	return ready;
}

static u32
look_at(const struct poll_item *item, struct poll_item *join)
{
	u32 mask = POLL_READABLE | POLL_WRITABLE;

	if (!item->file)
		return 0;
	if (item->file->ops->poll)
		mask = item->file->ops->poll(item->file, join);
	return mask & (item->events | POLLERR | POLLHUP);
}

static void
leave_all(struct poll_item *items, u32 n)
{
	for (u32 i = 0; i < n; i++)
		for (u32 k = 0; k < POLL_QUEUES && items[i].at[k].queue; k++)
			wait_finish(items[i].at[k].queue, &items[i].at[k].entry);
}
