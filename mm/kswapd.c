/* SPDX-License-Identifier: MIT */
/*
 * mm/kswapd.c - memory kept free ahead of demand
 *
 * Idea        Whoever takes the frames between low and min pays nothing for them, and wakes a thread that makes up for
 *             it:
 *
 *                 free |=====================| high |======| low |=====| min |====|0
 *                        kswapd sleeps ...... ^             |            |
 *                                             `-- reclaims -'            |
 *                        ordinary allocations go on ............... until here, then reclaim for themselves
 *
 *             A node that gives nothing back, FAILURES_MOST times in a row, is left alone until reclaim_pages() frees
 *             something there, or a swap area comes: direct reclaim, and then the OOM killer, must decide.
 * Invariants  I1  Above high the thread sleeps, and takes no time at all.
 *             I2  Events as Linux has them: wakeup_kswapd is the allocator's call, and comes before any direct reclaim
 *                 that follows it; kswapd_wake is one for each run (pageoutrun), of which several may follow one call;
 *                 kswapd_sleep ends the last of them.
 * Locks       the wait queue's own; zone->lock for a look at the watermarks
 * Follow      from page_alloc.c   to reclaim.c
 * Tests       tests/guest/swap.c
 * See         docs/mm.md
 */
#include <kernel/kthread.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/trace.h>
#include <kernel/wait.h>
#include <mm/kswapd.h>
#include <mm/page_alloc.h>
#include <mm/reclaim.h>
#include <mm/swap_io.h>
#include <mm/vmstat.h>
#include <mm/zone.h>

#define TARGET 64           /* pages to free between two looks at the watermarks */
#define FAILURES_MOST 16    /* as Linux's MAX_RECLAIM_RETRIES */
#define SOON_NS 100000000UL /* 100 ms, as Linux */

static struct wait_queue kswapd_wait[MAX_NODES];
static bool kswapd_needed[MAX_NODES]; /* set by who finds too little, cleared by the thread; atomic */
static u32 failures[MAX_NODES];       /* runs in a row that freed nothing; racy */

static void kswapd(void *arg);
static bool is_needed_soon(struct node *node);
static void balance(struct node *node);
static bool is_hopeless(const struct node *node);
static bool is_balanced(struct node *node);

void
kswapd_start(void)
{
	for (u32 n = 0; n < node_count; n++) {
		wait_init(&kswapd_wait[n]);
		if (!kthread_create(kswapd, &nodes[n], "kswapd0"))
			panic("no memory for kswapd");
	}
}

void
kswapd_wake(struct node *node)
{
	if (READ_ONCE(kswapd_needed[node->id]) || is_hopeless(node) || !reclaim_possible())
		return;
	trace(mm_vmscan_wakeup_kswapd, node->id, nr_free_pages(), 0);
	WRITE_ONCE(kswapd_needed[node->id], true);
	wake_all(&kswapd_wait[node->id]);
}

void
kswapd_encourage(const struct node *node)
{
	WRITE_ONCE(failures[node->id], 0);
}

static void
kswapd(void *arg)
{
	struct node *node = arg;

	for (;;) {
		wait_event(&kswapd_wait[node->id], READ_ONCE(kswapd_needed[node->id]));
		do {
			trace(mm_vmscan_kswapd_wake, node->id, nr_free_pages(), 0);
			count_event(VM_PAGEOUTRUN);
			balance(node);
			WRITE_ONCE(kswapd_needed[node->id], false);
		} while (is_needed_soon(node));
		trace(mm_vmscan_kswapd_sleep, node->id, nr_free_pages(), is_balanced(node));
	}
}

/* A short sleep before the long one: whoever is back at low, or below high, at its end was quick. */
static bool
is_needed_soon(struct node *node)
{
	if (!is_balanced(node)) /* nothing more can be freed: do not try again until somebody asks */
		return false;
	if (!wait_event_timeout(&kswapd_wait[node->id], READ_ONCE(kswapd_needed[node->id]), clock_ns() + SOON_NS)) {
		count_event(VM_KSWAPD_LOW_WMARK_HIT_QUICKLY);
		return true;
	}
	if (is_balanced(node) || is_hopeless(node) || !reclaim_possible())
		return false;
	count_event(VM_KSWAPD_HIGH_WMARK_HIT_QUICKLY);
	return true;
}

static void
balance(struct node *node)
{
	while (!is_balanced(node) && !is_hopeless(node) && reclaim_possible()) {
		if (!reclaim_pages(node, TARGET, true) && !swap_writes_flying())
			WRITE_ONCE(failures[node->id], failures[node->id] + 1);
		cond_resched();
	}
}

static bool
is_hopeless(const struct node *node)
{
	return READ_ONCE(failures[node->id]) >= FAILURES_MOST;
}

static bool
is_balanced(struct node *node)
{
	for (u32 z = 0; z < NR_ZONES; z++) {
		const struct zone *zone = &node->zones[z];

		if (zone->present && READ_ONCE(zone->free) < READ_ONCE(zone->high))
			return false;
	}
	return true;
}
