/* SPDX-License-Identifier: MIT */
/*
 * mm/fail_inject.c - allocations that fail although there is memory
 *
 * Idea        Errors of memory are rare, so their paths rot. Here they come on demand:
 *               - one, exactly: the n-th allocation of a task from now on (/proc/<pid>/fail-nth, fail_nth=n for process
 *                 1). A test that counts n up until a run comes to its end with the failure still to come has seen each
 *                 allocation of that run fail.
 *               - many: every n-th allocation of frames by programs (fail_page_alloc=n).
 *             Frames and objects count, whoever asks on behalf of the task: what a fault, a system call, reclaim or
 *             exit allocates. An object that needs a new slab counts twice, as on Linux.
 *             Simple: what an interrupt allocates counts for the task that it interrupts.
 * Invariants  none
 * Locks       none: a task's count is its own; who writes it from outside may miss one allocation
 * Follow      from page_alloc.c, slab.c, kernel/fs/procfs_task.c
 * Tests       tests/host/page_alloc_test.c, tests/guest/failnth.c
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

static void fail_inject_begin(void);
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
	return fail_every && every_decide(kind, flags);
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
