/* SPDX-License-Identifier: MIT */
/*
 * mm/page_alloc.c - frames for everyone: per-CPU lists, watermarks, and the ladder that makes memory
 *
 * Idea        Three levels. Most calls end in the first, about 25 instructions without a lock.
 *
 *                 page_alloc -> this CPU's list --empty--> zones: watermark, buddy --too little--> alloc_slow
 *                 page_free  -> this CPU's list --full---> zones: buddy merges --someone waits--> wake
 *
 *             Only the refill of a list looks at a watermark: what lies on a list was paid for (page_list.c).
 *
 *             How deep an allocation may dip into a zone's last frames:
 *
 *                 free |=========|= min =|= min/2 =|0
 *                 ordinary ......|       .         .
 *                 ALLOC_ATOMIC ..........|         .      interrupt handlers; tasks with a fatal signal
 *                 ALLOC_RESERVE ...................|      those whose end frees memory: OOM victims
 *
 *             alloc_slow() is a ladder; each rung is climbed only when those below did not help:
 *               0  who cannot wait fails
 *               1  drain the per-CPU lists of all CPUs
 *               2  if nothing can be reclaimed: let all caches go (shrinker.h). Else rung 4 asks them for a part
 *               3  who is dying takes from the reserves, or fails and dies the sooner; who reclaims takes from them,
 *               too 4  reclaim some pages; if any were freed, start over
 *               5  large blocks (order > 3), and callers that would rather fail: fail
 *               6  kill the process whose end frees most. There is none: a program's page ends in panic, another
 *                  allocation fails
 *               7  sleep until frames come back, then start over
 *             Rung 6 kills nobody while an earlier victim is giving back. Rung 7 ends when any CPU returns frames to a
 *             zone, and in any case after WAIT_NS, because the frames may rest on some CPU's list; after IDLE_ROUNDS
 *             rounds without a single frame the allocation fails, so that a victim that cannot die stops nobody for
 *             ever. It may hold mm->lock for reading: a victim needs only its own, and whoever holds that one is dying
 *             too, hence served from the reserves (rung 3).
 *             Below low a refill wakes kswapd (kswapd.c), which is what makes these rungs rare.
 * Invariants  I1  Frames of allocated blocks have refs >= 1 and a kind from PAGE_KERNEL on; free ones refs 0.
 *             I2  managed = free + on per-CPU lists + allocated, over all zones.              (page_check.c)
 * Locks       zone->lock (interrupts off). Nothing sleeps but alloc_slow().
 * Follow      from fault.c, slab.c, everywhere   to page_list.c, buddy.c, slab.c, vmalloc.c, oom.c
 * Tests       tests/host/page_alloc_test.c, tests/guest/exhaust.c
 * See         docs/mm.md
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/task.h>
#include <kernel/trace.h>
#include <kernel/wait.h>
#include <mm/buddy.h>
#include <mm/fail_inject.h>
#include <mm/kswapd.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/page_list.h>
#include <mm/page_poison.h>
#include <mm/reclaim.h>
#include <mm/shrinker.h>
#include <mm/vmstat.h>

#define ORDER_COSTLY 3     /* the largest block for which a process is killed */
#define WAIT_NS 50000000UL /* rung 7 sleeps at most 50 ms */
#define IDLE_ROUNDS 200    /* 10 s in which nothing at all was freed */
#define ORDER_ROUNDS 20    /* frames come back, but no block of order 1 to 3: 1 s */
#define RETIRE_MOST 32     /* frames that page_free_batch takes with interrupts off */
#define RECLAIM_TARGET 32  /* pages that who waits frees for itself and others */
#define WARNINGS 10        /* failures that are worth a line in the log */

static atomic_t waiting;  /* tasks in alloc_slow(), rungs 1 to 7 */
static atomic_t returned; /* spills since boot that happened while someone was waiting */
static struct wait_queue returned_wait = WAIT_QUEUE_INIT(returned_wait);

static bool alloc_flags_valid(u32 flags);
static void frame_claim(struct page *page, u32 flags);
static struct page *alloc_deep(u32 order, u32 flags);
static struct page *alloc_traced(struct page *page, u32 flags);
static void frame_retire(struct page *page);
static void frame_retire_failed(struct page *page) __noreturn;
static void block_free(struct page *page, u32 order);
static struct page *zones_alloc(u32 order, u32 flags);
static bool zone_allowed(const struct zone *zone, u32 flags);
static bool zone_has(const struct zone *zone, u32 order, u32 flags);
static struct page *zone_alloc(struct zone *zone, u32 order, u32 flags);
static u64 zone_mark(const struct zone *zone, u32 flags);
static u64 zone_reserve(const struct zone *zone, u32 flags);
static struct page *alloc_slow(u32 order, u32 flags);
static struct page *ladder(u32 order, u32 flags);
static struct page *ladder_find(u32 order, u32 flags);
static bool task_is_dying(void);
static u32 dying_flags(void);
static struct page *ladder_end(u32 flags);
static bool returned_await(s32 seen);
static void alloc_failed(u32 order, u32 flags);

struct page *
page_alloc(u32 order, u32 flags)
{
	struct page *page = NULL;

	dassert(order <= MAX_ORDER);
	dassert(alloc_flags_valid(flags));
	if (flags & ALLOC_WAIT)
		may_sleep();
	if (likely(!order && !(flags & fail_inject_deep)))
		page = page_list_pop();
	if (unlikely(!page))
		return alloc_deep(order, flags);
	frame_claim(page, flags);
	count_event(VM_PGALLOC_DMA + page->zone);
	return trace_on(page_alloc) ? alloc_traced(page, flags) : page;
}

void
page_free(struct page *page, u32 order)
{
	u64 irq;

	dassert(order <= MAX_ORDER);
	trace(page_free, page_to_pfn(page), order, 0);
	if (unlikely(order)) {
		block_free(page, order);
		return;
	}
	irq = irq_save();
	frame_retire(page);
	dassert(page->order == 0);
	page_list_push(page);
	irq_restore(irq);
	count_event(VM_PGFREE);
}

void
page_free_batch(struct page **pages, u64 n)
{
	count_events(VM_PGFREE, (s64)n);
	while (n) {
		u64 some = min_u64(n, RETIRE_MOST);
		u64 irq = irq_save();

		for (u64 i = 0; i < some; i++) {
			trace(page_free, page_to_pfn(pages[i]), 0, 0);
			frame_retire(pages[i]);
			dassert(pages[i]->order == 0);
			page_list_push(pages[i]);
		}
		irq_restore(irq);
		pages += some;
		n -= some;
	}
}

void
page_free_final(struct page *page)
{
	dassert(!atomic_read(&page->refs));
	if (unlikely(page->flags & BIT(PG_LRU)))
		lru_del_dead(page);
	page_free(page, page->order);
}

void
page_alloc_drain(void)
{
	dassert(irq_enabled());
	cpu_call_many(page_list_cpus(), page_list_drain, NULL);
}

void
page_alloc_wake(void)
{
	if (likely(!atomic_read(&waiting)))
		return;
	atomic_inc(&returned);
	wake_all(&returned_wait);
}

bool
page_alloc_possible(u32 order, u32 flags)
{
	bool possible = false;

	dassert(order <= MAX_ORDER);
	page_alloc_drain();
	for (struct zone *zone = zone_next(NULL); zone && !possible; zone = zone_next(zone)) {
		u64 irq;

		if (!zone_allowed(zone, flags))
			continue;
		irq = spin_lock_irqsave(&zone->lock);
		possible = zone_has(zone, order, flags);
		spin_unlock_irqrestore(&zone->lock, irq);
	}
	return possible;
}

u64
page_give(u64 pa, u64 len)
{
	u64 end = (pa + len) >> PAGE_SHIFT;
	u64 given = 0;

	assert(pa + len >= pa);
	for (u64 pfn = round_up(pa, PAGE_SIZE) >> PAGE_SHIFT; pfn < end; pfn++) {
		struct page *page = pfn_to_page(pfn);

		if (!memblock_is_ram(pfn << PAGE_SHIFT) || page->kind != PAGE_RESERVED)
			continue;
		given += node_give(pfn, pfn + 1);
	}
	dassert(given <= len >> PAGE_SHIFT);
	return given;
}

u64
nr_free_pages(void)
{
	u64 frames = page_list_total();

	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		frames += READ_ONCE(z->free);
	return frames;
}

u64
nr_cached_pages(void)
{
	return page_list_total();
}

u64
total_pages(void)
{
	u64 frames = 0;

	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		frames += READ_ONCE(z->managed);
	return frames;
}

/* Known flags only, and none that contradict: who waits needs no reserve for those who cannot. */
static bool
alloc_flags_valid(u32 flags)
{
	return !(flags & ~ALLOC_FLAGS) && (flags & (ALLOC_WAIT | ALLOC_ATOMIC)) != (ALLOC_WAIT | ALLOC_ATOMIC);
}

/* Turns a frame that left the free lists into what page_alloc() promises. */
static inline void
frame_claim(struct page *page, u32 flags)
{
	if (CONFIG_DEBUG)
		poison_check(page);
	dassert(page->kind == PAGE_PCP && !atomic_read(&page->refs));
	dassert(zone_of(page)->present);
	page->flags = 0;
	page->kind = PAGE_KERNEL;
	page->order = 0;
	atomic_set(&page->refs, 1);
	if (flags & ALLOC_ZERO)
		frame_zero(page_to_va(page));
}

/*
 * Where this CPU's list cannot serve: it is empty, or a block or a zone is asked for, or some allocations shall fail.
 */
static __noinline struct page *
alloc_deep(u32 order, u32 flags)
{
	struct page *page;

	if (fail_inject(FAIL_PAGE, flags))
		return NULL;
	page = order || flags & ALLOC_DMA ? NULL : page_list_pop();
	if (!page)
		page = zones_alloc(order, flags);
	if (!page)
		page = alloc_slow(order, flags);
	if (!page)
		return NULL;
	dassert(!(page_to_pfn(page) & (BIT(order) - 1)));
	dassert(!(flags & ALLOC_DMA) || page->zone == ZONE_DMA);
	for (u32 i = 0; i < 1U << order; i++)
		frame_claim(&page[i], flags);
	page->order = order;
	count_events(VM_PGALLOC_DMA + page->zone, 1L << order);
	trace(page_alloc, order, flags, page_to_pfn(page));
	return page;
}

static __noinline struct page *
alloc_traced(struct page *page, u32 flags)
{
	trace(page_alloc, 0, flags, page_to_pfn(page));
	return page;
}

/* Takes a frame from its last owner. It is PAGE_PCP afterwards, wherever it goes. */
static inline void
frame_retire(struct page *page)
{
	if (unlikely(page->kind < PAGE_KERNEL || atomic_read(&page->refs) > 1))
		frame_retire_failed(page);
	dassert(page != zero_frame);
	dassert(!(page->flags & (BIT(PG_LOCKED) | BIT(PG_LRU) | BIT(PG_WRITEBACK))));
	dassert(!page_is_user(page) || (!page->mapcount && chain_empty(&page->rmap) && !page->object));
	dassert(page->kind != PAGE_TABLE || !page->other);
	if (CONFIG_DEBUG)
		poison_fill(page);
	atomic_set(&page->refs, 0);
	page->kind = PAGE_PCP;
}

static void
frame_retire_failed(struct page *page)
{
	u64 pfn = page_to_pfn(page);

	if (page->kind == PAGE_FREE || page->kind == PAGE_PCP)
		panic("page_free: frame %lx is freed twice; its last owner had it as %s", pfn, poison_owner(page));
	if (page->kind == PAGE_RESERVED)
		panic("page_free: frame %lx is reserved and was never allocated", pfn);
	panic("page_free: frame %lx (%s) still has %d references", pfn, page_kind_name(page->kind),
	      atomic_read(&page->refs));
}

/* Puts a block straight into its zone. */
static __noinline void
block_free(struct page *page, u32 order)
{
	struct zone *zone = zone_of(page);
	u64 irq;

	assert(order <= MAX_ORDER && page->order == order);
	dassert(!(page_to_pfn(page) & (BIT(order) - 1)));
	for (u32 i = 0; i < 1U << order; i++)
		frame_retire(&page[i]);
	count_events(VM_PGFREE, 1L << order);
	irq = spin_lock_irqsave(&zone->lock);
	buddy_free(zone, page, order);
	spin_unlock_irqrestore(&zone->lock, irq);
	page_alloc_wake();
}

/* Asks the zones, best first. Simple: the first node's list serves every CPU. */
static struct page *
zones_alloc(u32 order, u32 flags)
{
	struct page *page = NULL;

	assert(order <= MAX_ORDER);
	for (u32 i = 0; i < NR_ZONES && !page; i++) {
		struct zone *zone = nodes[0].zonelist[i];
		u64 irq;

		if (!zone_allowed(zone, flags))
			continue;
		irq = spin_lock_irqsave(&zone->lock);
		page = zone_alloc(zone, order, flags);
		spin_unlock_irqrestore(&zone->lock, irq);
	}
	return page;
}

static bool
zone_allowed(const struct zone *zone, u32 flags)
{
	return zone->present && (zone->kind == ZONE_DMA || !(flags & ALLOC_DMA));
}

/* Has @zone a block of @order, and does it keep what @flags must leave without it? Needs zone->lock. */
static bool
zone_has(const struct zone *zone, u32 order, u32 flags)
{
	u32 o = order;

	must_hold(&zone->lock);
	while (o <= MAX_ORDER && !zone->area[o].count)
		o++;
	return o <= MAX_ORDER && zone->free >= zone_mark(zone, flags) + BIT(order);
}

/* Takes a block from @zone if it may, or NULL. Needs zone->lock. */
static struct page *
zone_alloc(struct zone *zone, u32 order, u32 flags)
{
	must_hold(&zone->lock);
	dassert(zone_allowed(zone, flags));
	if (zone->free < zone->low + zone_reserve(zone, flags))
		kswapd_wake(&nodes[zone->node]);
	if (!zone_has(zone, order, flags))
		return NULL;
	if (!order && !(flags & ALLOC_DMA))
		return page_list_refill(zone, zone->min + zone_reserve(zone, flags));
	return buddy_alloc(zone, order);
}

/* Frames that an allocation with @flags leaves in @zone. */
static u64
zone_mark(const struct zone *zone, u32 flags)
{
	must_hold(&zone->lock);
	if (flags & ALLOC_RESERVE)
		return 0;
	return (flags & ALLOC_ATOMIC ? zone->min / 2 : zone->min) + zone_reserve(zone, flags);
}

/* Frames of @zone that are kept for those who can use no other. */
static u64
zone_reserve(const struct zone *zone, u32 flags)
{
	must_hold(&zone->lock);
	return zone->reserve[flags & ALLOC_DMA ? ZONE_DMA : ZONE_NORMAL];
}

/* The ladder, and what surrounds it. */
static __noinline struct page *
alloc_slow(u32 order, u32 flags)
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
			return zones_alloc(order, flags | dying_flags());
		if (current->reclaims)
			return zones_alloc(order, flags | ALLOC_RESERVE);
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
	struct page *page = zones_alloc(order, flags);

	may_sleep(); /* draining waits for the other CPUs */
	if (!page) {
		trace(alloc_slow, order, flags, 1);
		page_alloc_drain();
		page = zones_alloc(order, flags);
	}
	if (!page && !reclaim_possible()) {
		trace(alloc_slow, order, flags, 2);
		shrink_caches(0);
		page_alloc_drain();
		page = zones_alloc(order, flags);
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
