/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/wait.h - wait queues, for a program with one thread
 *
 * Idea        Nobody else can make a condition true, so a wait that finds it false calls host_wait(), where the
 *             test plays the rest of the world, and looks once more. A wait without a time limit that is not
 *             satisfied then is a panic.
 * Follow      in place of <kernel/wait.h>
 */
#pragma once

#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

struct wait_queue {
	u32 wakes;
};

#define WAIT_QUEUE_INIT(name) \
	{                     \
		.wakes = 0    \
	}

/* The test's: what happens while the code under test sleeps. */
void host_wait(void);
u64 clock_ns(void);

/* kernel/sched.h, which the kernel's wait.h includes: there is nobody else to run. */
static inline bool
cond_resched(void)
{
	return false;
}

static inline void
wait_init(struct wait_queue *q)
{
	q->wakes = 0;
}

static inline u32
wake_all(struct wait_queue *q)
{
	return ++q->wakes;
}

static inline u32
wake_one(struct wait_queue *q)
{
	return ++q->wakes;
}

#define wait_timed(q, cond, state, deadline_ns) \
	({                                      \
		(void)(deadline_ns);            \
		if (!(cond))                    \
			host_wait();            \
		(cond) ? 0 : -ETIMEDOUT;        \
	})

#define wait_event(q, cond)          \
	do {                         \
		if (!(cond))         \
			host_wait(); \
		assert(cond);        \
	} while (0)
