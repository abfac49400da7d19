/* SPDX-License-Identifier: MIT */
/*
 * mm/evict_fifo.c - first in, first out
 *
 * Idea        What came first leaves first, used or not. Nobody looks at a leaf, and a page in use pays with a fault
 *             once in each round.
 * Invariants  none beyond evict.h
 * Locks       see evict.h
 * Follow      from evict.c   to nothing
 * Tests       tests/host/policy_test.c
 * See         docs/mm.md section 10; Belady's anomaly
 */
#include <mm/evict.h>

enum {
	QUEUE
};

void
evict_fifo_start(struct evict_set *set)
{
	set->young = set->hot = set->cold = QUEUE;
	set->lists_used = BIT(QUEUE);
}

u32
evict_fifo_next(struct evict_set *set)
{
	return set->count[QUEUE] ? QUEUE : EVICT_NONE;
}

u32
evict_fifo_judge(struct evict_set *set, struct page *page, u32 from, bool used)
{
	return EVICT_OUT;
}
