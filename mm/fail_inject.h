/* SPDX-License-Identifier: MIT */
/*
 * mm/fail_inject.h - shall this allocation fail, for the sake of a test?
 *
 * Idea        see fail_inject.c. The two places where memory is handed out, page_alloc() and kmem_cache_alloc(), ask
 *             before anything else. Until somebody wants failures that costs nothing: what they test anyhow, flags, is
 *             tested against words that grow when failures are wanted.
 * Invariants  none
 * Locks       none
 * Follow      from page_alloc.c, slab.c, kernel/fs/procfs_task.c, kernel/main.c
 * Tests       tests/host/page_alloc_test.c, tests/guest/failnth.c
 * See         Linux Documentation/fault-injection/fault-injection.rst
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

struct task;

extern bool fail_inject_on;  /* somebody asked for failures; set once, never cleared, read without a lock */
extern u32 fail_inject_deep; /* likewise: flags that page_alloc() looks at closely; ALLOC_DMA, then any */
extern u32 fail_inject_last; /* likewise: flags that kmem_cache_alloc() looks at in the end; ALLOC_ZERO, then any */

/* What is asked for. */
enum fail_kind {
	FAIL_PAGE, /* frames */
	FAIL_SLAB, /* an object of a cache */
};

/*
 * fail_inject_nth - the @n-th allocation of @task from now on fails, once; 0: none does
 *
 * Returns   nothing
 * Context   any; @task exists
 */
void fail_inject_nth(struct task *task, u32 n);

/*
 * fail_inject_every - from now on every @n-th allocation of frames that may sleep fails, in programs' tasks; 0: none
 *
 * Returns   nothing
 * Context   any (command line: fail_page_alloc=n)
 */
void fail_inject_every(u32 n);

/*
 * Of the allocations that are made while a task reclaims or brings a page back from swap, every @interval-th fails, and
 * @times times in all; -1: without end. A new interval begins the count anew; 0: none fails. vm.fail_reclaim_*
 *
 * Context   any
 */
void fail_inject_reclaim_interval(u32 interval);
void fail_inject_reclaim_times(s32 times);
u32 fail_inject_reclaim_interval_now(void);
s32 fail_inject_reclaim_times_left(void);

/* What fail_inject() does once somebody asked for failures. */
bool fail_inject_decide(enum fail_kind kind, u32 flags);

/*
 * fail_inject - shall the allocation that the current task asks for fail? To be asked once an allocation
 *
 * Returns   true if so; never for ALLOC_NOINJECT
 * Context   any, even with interrupts off
 */
static inline bool
fail_inject(enum fail_kind kind, u32 flags)
{
	return unlikely(fail_inject_on) && fail_inject_decide(kind, flags);
}
