/* SPDX-License-Identifier: MIT */
/*
 * mm/reclaim.c - take memory back from those who have not used it lately
 *
 * Idea        One loop for the background (kswapd) and for who cannot wait for it (direct reclaim). Each round takes
 *             first what costs no transfer, caches and pages that were given up, then batches of pages of both kinds
 *             (reclaim_batch.c) in the shares that balance.c computes. The policy (evict.h) says from which list a
 *             batch is taken, and may want to know first which pages were used of all (evict_walk.h).
 *             The reach grows in steps (priority 12 to 0: 1/4096 of a list up to all of it), so that little is looked
 *             at while little is needed. Who waits looks at so many pages in vain and then takes the oldest, used or
 *             not, for a stall has a bound.
 * Invariants  I1  see reclaim_batch.c
 *             I2  Reclaim never enters itself: a task that reclaims allocates from the reserves (task->reclaims).
 *             I3  Direct reclaim that frees nothing has tried each page, and nothing is in flight.
 * Locks       none of its own: see reclaim_batch.c
 * Follow      from page_ladder.c, kswapd.c   to reclaim_batch.c, lazyfree.c, shrinker.c
 * Tests       tests/guest/swap.c, tests/guest/vmscan.c
 * See         docs/tour.md; docs/mm.md
 */
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/task.h>
#include <kernel/trace.h>
#include <kernel/wait.h>
#include <mm/balance.h>
#include <mm/kswapd.h>
#include <mm/lazyfree.h>
#include <mm/page_alloc.h>
#include <mm/reclaim_batch.h>
#include <mm/shrinker.h>
#include <mm/swap_cache.h>
#include <mm/swap_io.h>
#include <mm/swap_mend.h>
#include <mm/vmstat.h>

#define BATCH 32          /* pages that are looked at together: one transfer, one flush */
#define PRIORITY_FIRST 12 /* 1/4096 of a list */
#define FEW_SHARE 32      /* of all pages: few in the swap cache */
#define LOOKS_MOST 4096   /* pages that direct reclaim looks at before it takes what is used */
#define FLYING_MOST 256   /* pages in flight to the disk, before reclaim waits for some */
#define WAIT_NS 20000000UL
#define MEND_WAITS 50 /* 1 s for pages whose slots are bad */

static bool anon_possible(void);
static bool parts_help(void);
static void reclaim_round(struct reclaim *r);
static void reclaim_lazy(struct reclaim *r);
static void reclaim_last(struct reclaim *r);
static void reclaim_kind(struct reclaim *r, enum lru_kind kind, u64 part, u64 whole);
static bool is_stalled(const struct reclaim *r);
static struct shares shares_now(const struct reclaim *r);

u32 sysctl_swappiness = SWAPPINESS_DEFAULT;

u64
reclaim_pages(struct node *node, u64 target, bool kswapd)
{
	struct reclaim r = {
		.node = node, .lru = &node->lru, .target = target, .kswapd = kswapd, .priority = PRIORITY_FIRST};

	may_sleep();
	assert(!current->reclaims); /* I2 */
	current->reclaims = true;
	if (!kswapd)
		trace(mm_vmscan_direct_reclaim_begin, target, nr_free_pages(), 0);
	reclaim_take_written(&r);
	while (r.freed < target && reclaim_possible() && parts_help()) {
		reclaim_round(&r);
		if (!r.priority)
			break;
		r.priority--;
	}
	if (!kswapd && !r.freed)
		reclaim_last(&r);
	current->reclaims = false;
	if (r.freed)
		kswapd_encourage(node);
	trace(mm_vmscan_reclaim, r.scanned, r.freed, r.priority);
	if (!kswapd)
		trace(mm_vmscan_direct_reclaim_end, r.freed, nr_free_pages(), 0);
	return r.freed;
}

void
reclaim_pageout(struct list *isolated)
{
	struct reclaim r = {.lru = &nodes[0].lru, .force = true, .advice = true};

	may_sleep();
	assert(!current->reclaims); /* I2 */
	current->reclaims = true;
	reclaim_evict(&r, isolated);
	current->reclaims = false;
}

void
reclaim_harvest(void)
{
	struct reclaim r = {.lru = &nodes[0].lru};

	reclaim_take_written(&r);
}

bool
reclaim_possible(void)
{
	return lru_lazy() || anon_possible();
}

static bool
anon_possible(void)
{
	return swap_writes_flying() || vmstat_sum(VM_NR_SWAPCACHE) > 0 || (swap_free_pages() && lru_pages(LRU_ANON));
}

/*
 * Is it worth while to look at a part of the pages first? Without a free slot only what is in the swap cache can leave.
 * Where that is next to nothing, part after part would be looked at for it, and all of it once more in the end.
 */
static bool
parts_help(void)
{
	return lru_lazy() || swap_free_pages() || swap_writes_flying() ||
	       vmstat_sum(VM_NR_SWAPCACHE) > (s64)lru_pages(LRU_ANON) / FEW_SHARE;
}

void
reclaim_settle(void)
{
	struct reclaim r = {.lru = &nodes[0].lru};

	may_sleep();
	while (swap_writes_flying())
		swap_written_wait(clock_ns() + WAIT_NS);
	reclaim_take_written(&r);
	swap_cache_settle();
}

/* One priority: what costs no transfer first, then so much of what may leave, of both kinds in their shares. */
static void
reclaim_round(struct reclaim *r)
{
	struct shares shares = shares_now(r);

	r->freed += shrink_caches(r->priority);
	reclaim_lazy(r);
	if (r->freed >= r->target || !anon_possible())
		return;
	reclaim_kind(r, LRU_ANON, shares.anon, shares.anon + shares.file);
	reclaim_kind(r, LRU_FILE, shares.file, shares.anon + shares.file);
	/* Nothing came of it yet, but the disk is at work: its answers are worth more than another look. */
	if (r->freed < r->target && swap_writes_flying()) {
		swap_written_wait(clock_ns() + WAIT_NS);
		reclaim_take_written(r);
	}
}

/* Pages that their programs have given up. They count as pages of files, as on Linux. */
static void
reclaim_lazy(struct reclaim *r)
{
	u64 most = (READ_ONCE(r->lru->lazy_count) >> r->priority) + BATCH;
	struct lazyfree_result lazy = lazyfree_reclaim(r->lru, most, r->priority <= PRIORITY_FORCE);

	r->scanned += lazy.scanned;
	r->freed += lazy.freed;
	count_events(r->kswapd ? VM_PGSCAN_KSWAPD : VM_PGSCAN_DIRECT, (s64)lazy.scanned);
	count_events(VM_PGSCAN_FILE, (s64)lazy.scanned);
	count_events(r->kswapd ? VM_PGSTEAL_KSWAPD : VM_PGSTEAL_DIRECT, (s64)lazy.freed);
	count_events(VM_PGSTEAL_FILE, (s64)lazy.freed);
}

/*
 * I3: before it is said that nothing can be freed, each page is tried, used or not, and the disk has answered. It does
 * so within the time that a request may take.
 */
static void
reclaim_last(struct reclaim *r)
{
	r->force = true;
	r->priority = 0;
	if (reclaim_possible())
		reclaim_round(r);
	for (u32 mends = 0; !r->freed && swap_writes_flying() && mends < MEND_WAITS;) {
		/* Race: pages whose slot is bad wait for a search, which may wait for a page lock that we are under. */
		mends += swap_writes_flying() <= swap_mend_waiting();
		swap_written_wait(clock_ns() + WAIT_NS);
		reclaim_take_written(r);
	}
}

static void
reclaim_kind(struct reclaim *r, enum lru_kind kind, u64 part, u64 whole)
{
	u64 left = ((lru_pages(kind) >> r->priority) + BATCH) * part / whole;
	bool force = r->force;

	while (left && r->freed < r->target) {
		u32 some = (u32)min_u64(left, BATCH);

		left -= some;
		r->force = force || is_stalled(r);
		if (!reclaim_batch(r, kind, some))
			left = 0;
		if (swap_writes_flying() > FLYING_MOST)
			swap_written_wait(clock_ns() + WAIT_NS);
		reclaim_take_written(r);
		/* Why: who works in the background lets nobody wait for the end of its slice. */
		if (r->kswapd)
			schedule();
		else
			cond_resched();
	}
	r->force = force;
}

/*
 * Has who waits for a frame looked at enough pages in vain? Most were used, then: when memory is full for the first
 * time, say, each still bears the bit of its first touch. One batch goes as it is, for a stall has a bound: it flies.
 */
static bool
is_stalled(const struct reclaim *r)
{
	return !r->kswapd && r->scanned > LOOKS_MOST && !r->freed && !swap_writes_flying();
}

static struct shares
shares_now(const struct reclaim *r)
{
	u64 free = 0;
	u64 high = 0;

	for (u32 z = 0; z < NR_ZONES; z++) {
		free += READ_ONCE(r->node->zones[z].free);
		high += READ_ONCE(r->node->zones[z].high);
	}
	return balance_decide(&(struct balance){
		.swap = anon_possible(),
		.files_tiny = free + lru_pages(LRU_FILE) <= high || !lru_pages(LRU_FILE),
		.desperate = !r->priority,
		.swappiness = READ_ONCE(sysctl_swappiness),
		.cost_anon = READ_ONCE(r->lru->cost[LRU_ANON]),
		.cost_file = READ_ONCE(r->lru->cost[LRU_FILE]),
	});
}
