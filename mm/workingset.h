/* SPDX-License-Identifier: MIT */
/*
 * mm/workingset.h - how long was the page away?
 *
 *                 age of the lists:   100            140            160
 *                                      | left         | 20 more      | came back: 60 have left or become active since
 *                                      `- shadow 100                 `- distance 60
 *
 * Idea        When a page leaves memory, its slot keeps a shadow: how many pages had left, or become active, until
 *             then. When the page comes back, the difference says how much longer the inactive list would have had to
 *             be for the page to stay. If the active pages are as many, the page competes with them: it becomes
 *             active at once, and they must prove themselves.
 *             Costs: a word of 32 bits a slot. Simple: Linux keeps shadows in the place of pages in its caches and
 *             must count and shrink those; here a shadow has the slot's life, and no memory of its own.
 * Invariants  I1  A slot that is free, or for which a page in memory stands, has no shadow.           (swap_check)
 * Locks       none: lruvec->age is atomic
 * Follow      from reclaim_batch.c, swap_cache.c   to lru_count.c
 * Tests       tests/host/policy_test.c, tests/guest/evict.c
 * See         docs/mm.md section 10; Linux mm/workingset.c
 */
#pragma once

#include <kernel/lib/types.h>

struct page;

#define SHADOW_AGE_BITS 30

/* What a refault means. */
enum refault {
	REFAULT_FAR,     /* it was away for longer than the active pages are many */
	REFAULT_NEAR,    /* it becomes active */
	REFAULT_RESTORE, /* it becomes active again */
};

/* A shadow: never 0. */
static inline u32
shadow_make(u64 age, bool workingset)
{
	return (u32)((age & (BIT(SHADOW_AGE_BITS) - 1)) << 2 | (u64)workingset << 1 | 1);
}

/* refault_decide - a page with @shadow comes back at @age while @rivals pages are active. Context: pure. */
static inline enum refault
refault_decide(u32 shadow, u64 age, u64 rivals)
{
	if (((age - (shadow >> 2)) & (BIT(SHADOW_AGE_BITS) - 1)) > rivals)
		return REFAULT_FAR;
	return shadow & 2 ? REFAULT_RESTORE : REFAULT_NEAR;
}

/* workingset_leave - @page leaves memory. Returns its shadow. Context: the page lock; it is on no list. */
u32 workingset_leave(struct page *page);

/* workingset_activate - @page becomes active. Context: any. */
void workingset_activate(struct page *page);

/* workingset_judge - refault_decide for the lists of @page, which is fresh. Context: any. */
enum refault workingset_judge(const struct page *page, u32 shadow);

/* workingset_refault - @page, with a shadow that was judged to mean @refault, has come back: count it. Context: any. */
void workingset_refault(struct page *page, enum refault refault);
