/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/poll.h - wait until one of several files has something to tell
 *
 * Idea        A file's poll operation says what holds now, and lets the caller join the queues that are woken when
 *             that changes. Who waits for many files marks itself asleep first, then asks each of them, and only then
 *             sleeps:
 *
 *                 state = sleeping
 *                 each file: join its queues, then look      a waker after the look finds us on the queue, asleep
 *                 nothing? schedule()                        a waker before it is seen by the look
 *
 *             Simple: each wake-up asks all the files again; epoll, which would not, does not exist.
 * Invariants  I1  An item is on queues only while poll_files() runs, which holds a reference to its file.
 * Locks       those of the queues
 * Follow      from sys_poll.c   to poll.c, file_ops->poll
 * Tests       tests/guest/poll.c
 * See         poll(2)
 */
#pragma once

#include <kernel/wait.h>

struct file;

#define POLLIN 0x001
#define POLLPRI 0x002
#define POLLOUT 0x004
#define POLLERR 0x008
#define POLLHUP 0x010
#define POLLNVAL 0x020
#define POLLRDNORM 0x040
#define POLLRDBAND 0x080
#define POLLWRNORM 0x100
#define POLLWRBAND 0x200

#define POLL_READABLE (POLLIN | POLLRDNORM)
#define POLL_WRITABLE (POLLOUT | POLLWRNORM)
#define POLL_QUEUES 2 /* that one file has at most */

struct poll_queue {
	struct wait_queue *queue;
	struct wait_entry entry;
};

/* One file that is waited for. Zeroed but for the first two. */
struct poll_item {
	struct file *file; /* held; NULL: nothing there, never ready */
	u32 events;        /* wanted; POLLERR and POLLHUP always are */
	u32 revents;       /* result: what of it holds */
	u32 joined;        /* queues in use */
	struct poll_queue at[POLL_QUEUES];
};

/*
 * poll_join - for a poll operation, before it looks: be woken with @q. Without @item (NULL) nothing happens
 *
 * Context   of file_ops->poll: does not sleep
 */
void poll_join(struct poll_item *item, struct wait_queue *q);

/*
 * poll_files - wait until one of the @n files is ready, or for @deadline_ns on clock_ns() (0: only look)
 *
 * Returns   the number of items with revents; 0: the time is over; -ERESTARTSYS
 * Context   may sleep
 */
s64 poll_files(struct poll_item *items, u32 n, u64 deadline_ns);
