/* SPDX-License-Identifier: MIT */
/*
 * mm/fail_inject.c - allocations that fail although there is memory
 *
 * Idea        Errors of memory are rare, so their paths rot. Here they come on demand:
 *               - one, exactly: the n-th allocation of a task from now on (/proc/<pid>/fail-nth, fail_nth=n for process
 *                 1). A test that counts n up until a run comes to its end with the failure still to come has seen each
 *                 allocation of that run fail.
 *               - many: every n-th allocation of frames by programs (fail_page_alloc=n).
 *               - those of one path: on the way out of memory and on the way back (vm.fail_reclaim_interval and
 *                 _times, which mean what interval and times of Linux's fault attributes do). Who else asks meanwhile
 *                 is not disturbed.
 *             Frames and objects count, whoever asks on behalf of the task: what a fault, a system call, reclaim or
 *             exit allocates. An object that needs a new slab counts twice, as on Linux.
 *             Simple: what an interrupt allocates counts for the task that it interrupts.
 * Invariants  none
 * Locks       none: a task's count is its own; who writes it from outside may miss one allocation
 * Follow      from page_alloc.c, slab.c, kernel/fs/procfs_task.c
 * Tests       tests/host/page_alloc_test.c, tests/guest/failnth.c, tests/guest/failswap.c
 * See         Linux Documentation/fault-injection/fault-injection.rst
 */
#include <kernel/task.h>
#include <mm/fail_inject.h>
#include <mm/page_alloc.h>

bool fail_inject_on;
u32 fail_inject_deep = ALLOC_DMA;
u32 fail_inject_last = ALLOC_ZERO;

static u32 fail_every;      /* 0: never; const after init */
static atomic_t fail_count; /* allocations that could have failed by fail_every */

static u32 reclaim_interval;         /* racy */
static atomic_t reclaim_count;       /* of allocations on that path since it was set */
static atomic_t reclaim_times = {1}; /* failures left; negative: no limit */

static void fail_inject_begin(void);
static bool reclaim_fails(void);
static bool every_decide(enum fail_kind kind, u32 flags);

void
fail_inject_nth(struct task *task, u32 n)
{
	WRITE_ONCE(task->fail_nth, n);
	if (n)
		fail_inject_begin();
}

void
fail_inject_every(u32 n)
{
	fail_every = n;
	if (n)
		fail_inject_begin();
}

void
fail_inject_reclaim_interval(u32 interval)
{
	WRITE_ONCE(reclaim_interval, 0);
	atomic_set(&reclaim_count, 0);
	WRITE_ONCE(reclaim_interval, interval);
	if (interval)
		fail_inject_begin();
}

void
fail_inject_reclaim_times(s32 times)
{
	atomic_set(&reclaim_times, times);
}

u32
fail_inject_reclaim_interval_now(void)
{
	return READ_ONCE(reclaim_interval);
}

s32
fail_inject_reclaim_times_left(void)
{
	return atomic_read(&reclaim_times);
}

/* Why: never back. A count of tasks that wait for their failure would cost each of them more than this saves. */
static void
fail_inject_begin(void)
{
	WRITE_ONCE(fail_inject_on, true);
	WRITE_ONCE(fail_inject_deep, ALLOC_FLAGS);
	WRITE_ONCE(fail_inject_last, ALLOC_FLAGS);
}

bool
fail_inject_decide(enum fail_kind kind, u32 flags)
{
	u32 left = READ_ONCE(current->fail_nth);

	if (flags & ALLOC_NOINJECT)
		return false;
	if (left) {
		WRITE_ONCE(current->fail_nth, left - 1);
		return left == 1;
	}
	if (READ_ONCE(reclaim_interval) && (current->reclaims || current->swaps_in) && reclaim_fails())
		return true;
	return fail_every && every_decide(kind, flags);
}

static bool
reclaim_fails(void)
{
	u32 interval = READ_ONCE(reclaim_interval);
	s32 left;

	if (!interval || (u32)atomic_add_return(&reclaim_count, 1) % interval)
		return false;
	do {
		left = atomic_read(&reclaim_times);
		if (left <= 0)
			return left < 0;
	} while (!atomic_cmpxchg(&reclaim_times, left, left - 1));
	return true;
}

static bool
every_decide(enum fail_kind kind, u32 flags)
{
	if (kind != FAIL_PAGE || !(flags & ALLOC_WAIT))
		return false;
	if (!current->mm || current->oom_victim)
		return false;
	return atomic_add_return(&fail_count, 1) % (s32)fail_every == 0;
}
