/* SPDX-License-Identifier: MIT */
/*
 * mm/page_ladder.h - what an allocation does when the zones have too little
 *
 * Idea        see page_ladder.c
 * Invariants  none of its own
 * Locks       none
 * Follow      from page_alloc.c   to page_ladder.c
 * Tests       tests/guest/exhaust.c
 * See         docs/mm.md
 */
#pragma once

#include <mm/page.h>

/*
 * page_alloc_slow - climb the ladder for a block of 2^@order frames
 *
 * Returns   the block, as page_zones_alloc gives it; NULL: the allocation fails, and the log says so unless
 *           ALLOC_NOWARN
 * Context   sleeps if @flags have ALLOC_WAIT
 */
struct page *page_alloc_slow(u32 order, u32 flags);

/*
 * page_zones_alloc - ask the zones, best first, as deep as @flags may dip
 *
 * Returns   a block whose frames nobody has claimed yet, or NULL
 * Context   any; takes zone->lock
 */
struct page *page_zones_alloc(u32 order, u32 flags);
