/* SPDX-License-Identifier: MIT */
/*
 * mm/buddy.c - free frames in blocks of 2^order: split to serve, merge on return
 *
 * Idea        A block of order n is 2^n frames that begin at a multiple of 2^n. Its buddy is the block beside it with
 *             which it forms a block of order n + 1: their frame numbers differ in bit n alone.
 *
 *             Serving order 0 from a block of order 2: halve, keep the left, free the right.
 *
 *                 free[2]  [ 8  9 10 11 ]
 *                                |  split
 *                 free[1]        |       [ 10 11 ]
 *                 free[0]        |  [ 9 ]
 *                 served        [ 8 ]
 *
 *             Freeing 8 again: while the buddy is free and whole, take it off its list and grow.
 *
 *                 8 ^ 1 = 9   free, order 0:  [ 8 9 ]
 *                 8 ^ 2 = 10  free, order 1:  [ 8 9 10 11 ]
 *                 8 ^ 4 = 12  in use:         stop; free[2] gets the block
 *
 *             No search: the buddy's page struct says kind and order. A frame whose number is a multiple of 2^n and
 *             that is free can only be the head of its block, as long as blocks of order n + 1 around it are not free,
 *             which holds since the frame beside it was in use until now. So the order of the frame is never stale.
 *             Simple: no lists per mobility of pages, as a kernel has that compacts memory.
 * Invariants  I1  A block on area[n].blocks begins at a multiple of 2^n, lies inside the zone, and its head has order
 *                 n.
 *             I2  All frames of a free block are PAGE_FREE with refs 0; frames of no free block are not PAGE_FREE.
 *             I3  Two buddies are never both free with the same order below MAX_ORDER.
 *             I4  area[n].count is the length of its list; zone->free is the sum of count << n.
 *             Page structs exist for all frames of each 2^MAX_ORDER aligned stretch that has RAM: pageinit.c
 * Locks       zone->lock, by the caller
 * Follow      from page_alloc.c, node.c   to nothing
 * Tests       tests/host/buddy_test.c
 * See         Knowlton, A Fast Storage Allocator, CACM 1965; docs/mm.md
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/buddy.h>
#include <mm/page.h>

static void block_add(struct zone *zone, struct page *page, u32 order);
static void block_del(struct zone *zone, struct page *page, u32 order);
static struct page *block_take(struct zone *zone, u32 from, u32 order);
static struct page *block_buddy(struct zone *zone, struct page *page, u32 order);
static u32 order_below(u64 frames);
static int area_check(struct zone *zone, u32 order);
static int block_check(struct zone *zone, struct page *page, u32 order);

void
buddy_init(struct zone *zone)
{
	for (u32 order = 0; order < NR_ORDERS; order++) {
		list_init(&zone->area[order].blocks);
		zone->area[order].count = 0;
	}
	zone->free = 0;
}

struct page *
buddy_alloc(struct zone *zone, u32 order)
{
	must_hold(&zone->lock);
	assert(order <= MAX_ORDER);
	for (u32 o = order; o <= MAX_ORDER; o++)
		if (zone->area[o].count)
			return block_take(zone, o, order);
	return NULL;
}

u32
buddy_alloc_batch(struct zone *zone, struct page **out, u32 n)
{
	u32 got = 0;
	u32 order = 0; /* of the smallest free block */

	must_hold(&zone->lock);
	while (got < n && order <= MAX_ORDER) {
		u32 want = order_below(n - got);
		struct page *page;

		if (!zone->area[order].count) {
			order++;
			continue;
		}
		want = want < order ? want : order;
		page = block_take(zone, order, want);
		order = want < order ? want : order;

		/* Frames leave a per-CPU list from its end: the lowest comes last. */
		for (u32 i = 1U << want; i > 0; i--)
			out[got++] = page + i - 1;
	}
	dassert(got <= n);
	dassert(got == n || !zone->free);
	return got;
}

void
buddy_free(struct zone *zone, struct page *page, u32 order)
{
	struct page *buddy;

	must_hold(&zone->lock);
	assert(order <= MAX_ORDER);
	dassert(!(page_to_pfn(page) & (BIT(order) - 1)));
	dassert(page_to_pfn(page) >= zone->start_pfn && page_to_pfn(page) + BIT(order) <= zone->end_pfn);
	for (u32 i = 0; i < 1U << order; i++) {
		assertf(page[i].kind != PAGE_FREE, "buddy: frame %lx is free already", page_to_pfn(&page[i]));
		dassert(!atomic_read(&page[i].refs)); /* I2 */
		page[i].kind = PAGE_FREE;
	}
	zone->free += BIT(order);
	dassert(zone->free <= zone->present);
	while (order < MAX_ORDER && (buddy = block_buddy(zone, page, order))) {
		block_del(zone, buddy, order);
		page = buddy < page ? buddy : page;
		order++;
	}
	block_add(zone, page, order);
}

void
buddy_free_range(struct zone *zone, u64 start_pfn, u64 end_pfn)
{
	must_hold(&zone->lock);
	dassert(start_pfn < end_pfn);
	while (start_pfn < end_pfn) {
		u32 order = order_below(end_pfn - start_pfn);

		while (start_pfn & (BIT(order) - 1))
			order--;
		buddy_free(zone, pfn_to_page(start_pfn), order);
		start_pfn += BIT(order);
	}
}

int
buddy_check(struct zone *zone)
{
	int bad = 0;
	u64 free = 0;

	must_hold(&zone->lock);
	for (u32 order = 0; order < NR_ORDERS; order++) {
		bad += area_check(zone, order);
		free += zone->area[order].count << order;
	}
	if (free != zone->free) {
		pr_err("buddy: zone %s says %lu free frames, its lists hold %lu\n", zone_name(zone), zone->free, free);
		bad++;
	}
	return bad;
}

static void
block_add(struct zone *zone, struct page *page, u32 order)
{
	must_hold(&zone->lock);
	dassert(page->kind == PAGE_FREE);
	dassert(order <= MAX_ORDER && !(page_to_pfn(page) & (BIT(order) - 1))); /* I1 */
	dassert(order == MAX_ORDER || !block_buddy(zone, page, order));         /* I3 */
	page->order = order;
	list_add(&page->link, &zone->area[order].blocks);
	zone->area[order].count++;
}

static void
block_del(struct zone *zone, struct page *page, u32 order)
{
	must_hold(&zone->lock);
	dassert(page->kind == PAGE_FREE && page->order == order);
	dassert(zone->area[order].count);
	list_del(&page->link);
	zone->area[order].count--;
}

/* Takes a block of order @from and splits it down to @order. */
static struct page *
block_take(struct zone *zone, u32 from, u32 order)
{
	struct page *page = list_first(&zone->area[from].blocks, struct page, link);

	dassert(from >= order && from <= MAX_ORDER);
	dassert(zone->free >= BIT(from));
	block_del(zone, page, from);
	while (from > order) {
		from--;
		block_add(zone, page + BIT(from), from);
	}
	for (u32 i = 0; i < 1U << order; i++) {
		dassert(page[i].kind == PAGE_FREE && atomic_read(&page[i].refs) == 0);
		page[i].kind = PAGE_PCP;
	}
	zone->free -= BIT(order);
	dassert(!(page_to_pfn(page) & (BIT(order) - 1)));
	return page;
}

/* Returns the free block of @order with which the block at @page forms one of the next order, or NULL. */
static struct page *
block_buddy(struct zone *zone, struct page *page, u32 order)
{
	u64 pfn = page_to_pfn(page) ^ BIT(order);
	struct page *buddy = pfn_to_page(pfn);

	dassert(order < MAX_ORDER);
	if (pfn < zone->start_pfn || pfn + BIT(order) > zone->end_pfn)
		return NULL;
	return buddy->kind == PAGE_FREE && buddy->order == order ? buddy : NULL;
}

/* Returns the largest order whose blocks are not larger than @frames. */
static u32
order_below(u64 frames)
{
	u32 order = 63 - __builtin_clzl(frames);

	dassert(frames);
	return order < MAX_ORDER ? order : MAX_ORDER;
}

static int
area_check(struct zone *zone, u32 order)
{
	struct free_area *area = &zone->area[order];
	struct page *page;
	u64 count = 0;
	int bad = 0;

	must_hold(&zone->lock);
	list_for_each (page, &area->blocks, link) {
		if (count++ > area->count)
			break;
		bad += block_check(zone, page, order);
	}
	if (count != area->count) {
		pr_err("buddy: zone %s order %u says %lu blocks, its list holds %lu\n", zone_name(zone), order,
		       area->count, count);
		bad++;
	}
	return bad;
}

static int
block_check(struct zone *zone, struct page *page, u32 order)
{
	u64 pfn = page_to_pfn(page);
	bool whole = true;

	for (u32 i = 0; i < 1U << order; i++)
		whole &= page[i].kind == PAGE_FREE && atomic_read(&page[i].refs) == 0;
	if (pfn & (BIT(order) - 1) || pfn < zone->start_pfn || pfn + BIT(order) > zone->end_pfn)
		pr_err("buddy: the block at frame %lx, order %u, is not aligned or not inside its zone\n", pfn, order);
	else if (page->order != order || !whole)
		pr_err("buddy: frame %lx is on the list of order %u, but not a free block of it (order %u)\n", pfn,
		       order, page->order);
	else if (order < MAX_ORDER && block_buddy(zone, page, order))
		pr_err("buddy: frame %lx, order %u, and its buddy are both free and not merged\n", pfn, order);
	else
		return 0;
	return 1;
}
