/* SPDX-License-Identifier: MIT */
/*
 * mm/evict_clock.c - the clock: one list, and a second chance for what was used
 *
 * Idea        The hand stands at the tail of the list. A page that was used since the hand came by goes round once
 *             more, as if just come; one that was not leaves. Once a round each page is looked at: LRU to within the
 *             length of a round, for a bit a page.
 * Invariants  none beyond evict.h
 * Locks       see evict.h
 * Follow      from evict.c   to nothing
 * Tests       tests/host/policy_test.c
 * See         docs/mm.md section 10; Corbato, A Paging Experiment with the Multics System, 1968
 */
#include <mm/evict.h>

enum {
	RING
};

void
evict_clock_start(struct evict_set *set)
{
	set->young = set->hot = set->cold = RING;
	set->lists_used = BIT(RING);
	set->asks = true;
}

u32
evict_clock_next(struct evict_set *set)
{
	return set->count[RING] ? RING : EVICT_NONE;
}

u32
evict_clock_judge(struct evict_set *set, struct page *page, u32 from, bool used)
{
	return used ? RING : EVICT_OUT;
}
