/* SPDX-License-Identifier: MIT */
/*
 * mm/evict_walk.h - which pages were used, of all programs, in one pass over their page tables
 *
 * Idea        see evict_walk.c
 * Invariants  see evict_walk.c
 * Locks       see evict_walk.c
 * Follow      from reclaim_batch.c   to evict.c
 * Tests       tests/guest/evict.c
 * See         docs/mm.md section 10
 */
#pragma once

#include <mm/lru.h>

/*
 * evict_walk - clear the accessed bit of every leaf of a page of @lru, and evict_mark the pages that had it
 *
 * Context   may sleep; takes table locks; any mm->lock may be held
 */
void evict_walk(struct lruvec *lru);
