/* SPDX-License-Identifier: MIT */
/*
 * mm/buddy.h - free frames in blocks of 2^order: split to serve, merge on return
 *
 * Idea        see buddy.c
 * Invariants  see buddy.c
 * Locks       the caller holds zone->lock
 * Follow      from page_alloc.c
 * Tests       tests/host/buddy_test.c
 * See         docs/mm.md
 */
#pragma once

#include <mm/zone.h>

struct page;

/*
 * buddy_init - give @zone empty free lists
 *
 * Returns   nothing
 * Context   boot, pure
 */
void buddy_init(struct zone *zone);

/*
 * buddy_alloc - take a block of 2^@order frames off the free lists of @zone
 *
 * Returns   its first page, aligned to 2^@order; NULL when no block is large enough. The pages are no longer free
 *           (kind PAGE_PCP, refs 0); the caller says what they become
 * Context   needs zone->lock; pure
 */
struct page *buddy_alloc(struct zone *zone, u32 order);

/*
 * buddy_alloc_batch - take up to @n single frames, from the smallest free blocks first
 *
 * Returns   how many are in @out
 * Context   needs zone->lock; pure
 */
u32 buddy_alloc_batch(struct zone *zone, struct page **out, u32 n);

/*
 * buddy_free - put the block of 2^@order frames at @page back, merged with every free buddy
 *
 * Returns   nothing; panics when a frame of it is on a free list already
 * Context   needs zone->lock; pure
 */
void buddy_free(struct zone *zone, struct page *page, u32 order);

/*
 * buddy_free_range - put the frames [@start_pfn, @end_pfn) on the free lists, in the largest aligned blocks
 *
 * Returns   nothing
 * Context   needs zone->lock; pure
 */
void buddy_free_range(struct zone *zone, u64 start_pfn, u64 end_pfn);

/*
 * buddy_check - prove every invariant of the free lists of @zone
 *
 * Returns   the number of violations; each is printed as a sentence
 * Context   needs zone->lock
 */
int buddy_check(struct zone *zone);
