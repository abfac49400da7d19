/* SPDX-License-Identifier: MIT */
/*
 * mm/page_alloc.c - frames for everyone: per-CPU lists, and zones with their watermarks
 *
 * Idea        Three levels. Most calls end in the first, about 25 instructions without a lock.
 *
 *                 page_alloc -> this CPU's list --empty--> zones: watermark, buddy --too little--> ladder
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
 *             Below low a refill wakes kswapd (kswapd.c), which is what makes the ladder (page_ladder.c) rare.
 * Invariants  I1  Frames of allocated blocks have refs >= 1 and a kind from PAGE_KERNEL on; free ones refs 0.
 *             I2  managed = free + on per-CPU lists + allocated, over all zones.              (page_check.c)
 * Locks       zone->lock (interrupts off). Nothing sleeps but the ladder.
 * Follow      from fault.c, slab.c, everywhere   to page_list.c, buddy.c, page_ladder.c
 * Tests       tests/host/page_alloc_test.c, tests/guest/exhaust.c
 * See         docs/mm.md
 */
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/trace.h>
#include <mm/buddy.h>
#include <mm/fail_inject.h>
#include <mm/kswapd.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/page_alloc.h>
#include <mm/page_ladder.h>
#include <mm/page_list.h>
#include <mm/page_poison.h>
#include <mm/vmstat.h>

#define RETIRE_MOST 32 /* frames that page_free_batch takes with interrupts off */

static bool alloc_flags_valid(u32 flags);
static void frame_claim(struct page *page, u32 flags);
static struct page *alloc_deep(u32 order, u32 flags);
static struct page *alloc_traced(struct page *page, u32 flags);
static void frame_retire(struct page *page);
static void frame_retire_failed(struct page *page) __noreturn;
static void block_free(struct page *page, u32 order);
static bool zone_allowed(const struct zone *zone, u32 flags);
static bool zone_has(const struct zone *zone, u32 order, u32 flags);
static struct page *zone_alloc(struct zone *zone, u32 order, u32 flags);
static u64 zone_mark(const struct zone *zone, u32 flags);
static u64 zone_reserve(const struct zone *zone, u32 flags);

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
	return trace_on(mm_page_alloc) ? alloc_traced(page, flags) : page;
}

void
page_free(struct page *page, u32 order)
{
	u64 irq;

	dassert(order <= MAX_ORDER);
	trace(mm_page_free, page_to_pfn(page), order, 0);
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
			trace(mm_page_free, page_to_pfn(pages[i]), 0, 0);
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

/* Simple: the first node's list serves every CPU. */
struct page *
page_zones_alloc(u32 order, u32 flags)
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
		page = page_zones_alloc(order, flags);
	if (!page)
		page = page_alloc_slow(order, flags);
	if (!page)
		return NULL;
	dassert(!(page_to_pfn(page) & (BIT(order) - 1)));
	dassert(!(flags & ALLOC_DMA) || page->zone == ZONE_DMA);
	for (u32 i = 0; i < 1U << order; i++)
		frame_claim(&page[i], flags);
	page->order = order;
	count_events(VM_PGALLOC_DMA + page->zone, 1L << order);
	trace(mm_page_alloc, order, flags, page_to_pfn(page));
	return page;
}

static __noinline struct page *
alloc_traced(struct page *page, u32 flags)
{
	trace(mm_page_alloc, 0, flags, page_to_pfn(page));
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
