/* SPDX-License-Identifier: MIT */
/*
 * mm/evict_random.c - a page drawn by lot
 *
 * Idea        A list cannot be entered in the middle, so the lot is cast for each page that comes to the tail: one in
 *             ONE_IN leaves, the others go round. A page's life is a number of rounds without memory, and
 *             ONE_IN rounds take as long as FIFO's one. Whether it was used does not matter.
 *             The measure of all others: what does no better is not worth a look at the leaves.
 * Invariants  none beyond evict.h
 * Locks       see evict.h. Race: two who cast at once may draw the same number.
 * Follow      from evict.c   to nothing
 * Tests       tests/host/policy_test.c
 * See         docs/mm.md section 10; Marsaglia, Xorshift RNGs, 2003
 */
#include <mm/evict.h>

#define ONE_IN 8

enum {
	RING
};

void
evict_random_start(struct evict_set *set)
{
	set->young = set->hot = set->cold = RING;
	set->lists_used = BIT(RING);
}

u32
evict_random_next(struct evict_set *set)
{
	return set->count[RING] ? RING : EVICT_NONE;
}

u32
evict_random_judge(struct evict_set *set, struct page *page, u32 from, bool used)
{
	u32 lot = READ_ONCE(set->chance);

	lot ^= lot << 13;
	lot ^= lot >> 17;
	lot ^= lot << 5;
	WRITE_ONCE(set->chance, lot);
	return (lot >> 8) % ONE_IN ? RING : EVICT_OUT;
}
