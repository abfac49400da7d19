/* SPDX-License-Identifier: MIT */
/*
 * mm/page_ladder.c - making memory when there is none: drain, shrink, reclaim, kill, wait, fail
 *
 * Idea        Each rung is climbed only when those below did not help.
 *
 *               0  who cannot wait fails
 *               1  drain the per-CPU lists of all CPUs
 *               2  if nothing can be reclaimed: let all caches go (shrinker.h). Else rung 4 asks them for a part
 *               3  who is dying takes from the reserves, or fails and dies the sooner; so does who reclaims
 *               4  reclaim some pages; if any were freed, start over
 *               5  large blocks (order > 3), and callers that would rather fail: fail
 *               6  kill the process whose end frees most. There is none: a program's page ends in panic, another
 *                  allocation fails
 *               7  sleep until frames come back, then start over
 *
 *             Rung 6 kills nobody while an earlier victim is giving back. Rung 7 ends when any CPU returns frames to a
 *             zone, and in any case after WAIT_NS, because the frames may rest on some CPU's list; after IDLE_ROUNDS
 *             rounds without a single frame the allocation fails, so that a victim that cannot die stops nobody for
 *             ever. It may hold mm->lock for reading: a victim needs only its own, and whoever holds that one is dying
 *             too, hence served from the reserves (rung 3).
 * Invariants  none of its own
 * Locks       none; sleeps
 * Follow      from page_alloc.c   to shrinker.c, reclaim.c, oom.c
 * Tests       tests/host/page_alloc_test.c, tests/guest/exhaust.c, tests/guest/oom_gone.c
 * See         docs/mm.md; docs/oom-log.md
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/task.h>
#include <kernel/trace.h>
#include <kernel/wait.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/page_ladder.h>
#include <mm/reclaim.h>
#include <mm/shrinker.h>
#include <mm/vmstat.h>

#define ORDER_COSTLY 3     /* the largest block for which a process is killed */
#define WAIT_NS 50000000UL /* rung 7 sleeps at most 50 ms */
#define IDLE_ROUNDS 200    /* 10 s in which nothing at all was freed */
#define ORDER_ROUNDS 20    /* frames come back, but no block of order 1 to 3: 1 s */
#define RECLAIM_TARGET 32  /* pages that who waits frees for itself and others */
#define WARNINGS 10        /* failures that are worth a line in the log */

static atomic_t waiting;  /* tasks on rungs 1 to 7 */
static atomic_t returned; /* spills since boot that happened while someone was waiting */
static struct wait_queue returned_wait = WAIT_QUEUE_INIT(returned_wait);

static struct page *ladder(u32 order, u32 flags);
static struct page *ladder_find(u32 order, u32 flags);
static bool task_is_dying(void);
static u32 dying_flags(void);
static struct page *ladder_end(u32 flags);
static bool returned_await(s32 seen);
static void alloc_failed(u32 order, u32 flags);

struct page *
page_alloc_slow(u32 order, u32 flags)
{
	struct page *page = NULL;

	trace(alloc_slow, order, flags, 0);
	if (flags & ALLOC_WAIT) {
		may_sleep();
		atomic_inc(&waiting);
		page = ladder(order, flags);
		atomic_dec(&waiting);
	}
	if (!page)
		alloc_failed(order, flags);
	return page;
}

void
page_alloc_wake(void)
{
	if (likely(!atomic_read(&waiting)))
		return;
	atomic_inc(&returned);
	wake_all(&returned_wait);
}

/* Rungs 1 to 7: see the head comment. */
static struct page *
ladder(u32 order, u32 flags)
{
	u32 most_rounds = order ? ORDER_ROUNDS : IDLE_ROUNDS;

	dassert(flags & ALLOC_WAIT);
	dassert(atomic_read(&waiting) > 0); /* else nobody would wake us on rung 7 */
	for (u32 rounds = 0; rounds < most_rounds; rounds++) {
		s32 seen = atomic_read(&returned);
		struct page *page = ladder_find(order, flags); /* 1, 2 */

		if (page)
			return page;
		trace(alloc_slow, order, flags, 3);
		if (task_is_dying())
			return page_zones_alloc(order, flags | dying_flags());
		if (current->reclaims)
			return page_zones_alloc(order, flags | ALLOC_RESERVE);
		trace(alloc_slow, order, flags, 4);
		count_event(flags & ALLOC_DMA ? VM_ALLOCSTALL_DMA : VM_ALLOCSTALL_NORMAL);
		if (reclaim_pages(&nodes[0], RECLAIM_TARGET, false)) {
			rounds = order ? rounds : 0; /* frames do not make a block */
			continue;
		}
		trace(alloc_slow, order, flags, 5);
		if (order > ORDER_COSTLY || flags & ALLOC_NOOOM)
			return NULL;
		trace(alloc_slow, order, flags, 6);
		if (!oom_kill(order, flags))
			return ladder_end(flags);
		trace(alloc_slow, order, flags, 7);
		if (returned_await(seen) && !order)
			rounds = 0;

		/* Why: it does not sleep when frames came meanwhile, and the victim may need this CPU to die. */
		cond_resched();
	}
	return NULL;
}

/* Rungs 1 and 2. Returns a page, or NULL when memory is short indeed. */
static struct page *
ladder_find(u32 order, u32 flags)
{
	struct page *page = page_zones_alloc(order, flags);

	may_sleep(); /* draining waits for the other CPUs */
	if (!page) {
		trace(alloc_slow, order, flags, 1);
		page_alloc_drain();
		page = page_zones_alloc(order, flags);
	}
	if (!page && !reclaim_possible()) {
		trace(alloc_slow, order, flags, 2);
		shrink_caches(0);
		page_alloc_drain();
		page = page_zones_alloc(order, flags);
	}
	return page;
}

static bool
task_is_dying(void)
{
	return current->oom_victim || signal_state_fatal(&current->signal);
}

/* How deep a dying task may dip: a victim to the bottom, since all of the system waits for its end. */
static u32
dying_flags(void)
{
	return current->oom_victim ? ALLOC_RESERVE : ALLOC_ATOMIC;
}

/* There is nobody left to kill. */
static struct page *
ladder_end(u32 flags)
{
	if (flags & ALLOC_CHARGE)
		panic("Out of memory, and no process may be killed: %lu of %lu pages are free, and those that are left "
		      "to live own the rest",
		      nr_free_pages(), total_pages());
	return NULL;
}

/* Sleeps until frames came back to a zone since @seen was read; true if so, false when the time was up first. */
static bool
returned_await(s32 seen)
{
	u64 deadline = clock_ns() + WAIT_NS;

	may_sleep();
	return !wait_timed(&returned_wait, atomic_read(&returned) != seen, TASK_KILLABLE, deadline);
}

static void
alloc_failed(u32 order, u32 flags)
{
	static atomic_t warnings;

	if (flags & ALLOC_NOWARN || atomic_add_return(&warnings, 1) > WARNINGS)
		return;
	pr_warn("page_alloc: no block of order %u for %s (flags %x): %lu of %lu pages are free\n", order, current->comm,
		flags, nr_free_pages(), total_pages());
}
