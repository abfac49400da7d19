/* SPDX-License-Identifier: MIT */
/*
 * mm/evict_two.c - two lists with a second chance
 *
 *                       first touch, swap-in                 used twice while inactive; used again soon after it left
 *              .-------------> inactive -------------------------------> active
 *              |                  |     <-------------------------------   |
 *           out <------- not used-' tail        not used               tail
 *
 * Idea        A page begins inactive. At the tail of the inactive list it leaves memory unless it was used; used once,
 *             it goes round again; used once more, it becomes active. The active list gives its tail back when it
 *             outgrows its share.
 *             Why twice: the first touch set the accessed bit itself. It proves no use yet.
 *             The larger memory is, the smaller the part of it that must prove itself: Linux's sqrt(10 * GiB), at
 *             least 1.
 * Invariants  none beyond evict.h
 * Locks       see evict.h
 * Follow      from evict.c   to nothing
 * Tests       tests/host/policy_test.c
 * See         docs/mm.md section 10; Linux mm/vmscan.c, inactive_is_low
 */
#include <mm/evict.h>

enum {
	INACTIVE,
	ACTIVE
};

static bool active_is_long(const struct evict_set *set);

void
evict_two_start(struct evict_set *set)
{
	set->young = set->cold = INACTIVE;
	set->hot = ACTIVE;
	set->lists_used = BIT(INACTIVE) | BIT(ACTIVE);
	set->active = BIT(ACTIVE);
	set->asks = true;
}

/* While the active list is too long, the two take turns. */
u32
evict_two_next(struct evict_set *set)
{
	set->turn = !set->turn && active_is_long(set);
	if (set->turn)
		return ACTIVE;
	if (set->count[INACTIVE])
		return INACTIVE;
	return set->count[ACTIVE] ? ACTIVE : EVICT_NONE;
}

u32
evict_two_judge(struct evict_set *set, struct page *page, u32 from, bool used)
{
	if (from == ACTIVE)
		return used ? ACTIVE : INACTIVE;
	if (!used) {
		page_flag_clear(page, PG_REFERENCED);
		return EVICT_OUT;
	}
	if (page_flag_take(page, PG_REFERENCED))
		return ACTIVE;
	page_flag_set(page, PG_REFERENCED);
	return INACTIVE;
}

static bool
active_is_long(const struct evict_set *set)
{
	u64 inactive = set->count[INACTIVE];
	u64 active = set->count[ACTIVE];
	u64 gib = (inactive + active) >> (30 - PAGE_SHIFT);
	u64 ratio = 1;

	while ((ratio + 1) * (ratio + 1) <= 10 * gib)
		ratio++;
	return inactive * ratio < active;
}
