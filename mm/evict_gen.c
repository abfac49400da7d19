/* SPDX-License-Identifier: MIT */
/*
 * mm/evict_gen.c - generations: pages that were used in the same time are of the same age
 *
 *                 number     oldest       oldest + 1      newest
 *                 list       [ leaves ]   [          ]   [        ]  <- first touch, swap-in
 *                               `----- was used, by the mark --^
 *
 * Idea        Pages leave from the oldest generation. When it is empty, and no more than YOUNG_MOST are left, a new one
 *             begins, and one pass over the page tables notes on every page that was used that it belongs to the new
 *             one. Neighbours in a table are read together, which costs far less than to visit each page's leaves.
 *             The page changes its list when it comes to the tail of the one it is on. So a page that is not used
 *             outlives two new generations, and with each its rivals have shown whether they were.
 *             List n holds the generation whose number is n modulo EVICT_LISTS.
 * Invariants  I1  oldest + 1 <= newest < oldest + EVICT_LISTS
 *             I2  A mark is 1 + the list of a generation that is not older than the page's own.
 * Locks       see evict.h
 * Follow      from evict.c   to nothing
 * Tests       tests/host/policy_test.c
 * See         docs/mm.md section 10; Linux Documentation/mm/multigen_lru.rst
 */
#include <kernel/panic.h>
#include <mm/evict.h>

#define YOUNG_MOST 2 /* generations that nobody evicts from: one must be over before a page of it can be called old */

static u32 list_of_gen(u32 number);
static void name_lists(struct evict_set *set);
static u32 take_mark(struct page *page);

void
evict_gen_start(struct evict_set *set)
{
	set->oldest = 0;
	set->newest = YOUNG_MOST;
	set->lists_used = BIT(EVICT_LISTS) - 1;
	set->asks = true;
	name_lists(set);
}

u32
evict_gen_next(struct evict_set *set)
{
	u64 total = 0;

	for (u32 n = 0; n < EVICT_LISTS; n++)
		total += set->count[n];
	if (!total)
		return EVICT_NONE;
	while (set->newest - set->oldest >= YOUNG_MOST && !set->count[list_of_gen(set->oldest)])
		set->oldest++;
	if (set->newest - set->oldest < YOUNG_MOST) {
		set->newest++;
		name_lists(set);
		return EVICT_AGE;
	}
	set->cold = (u8)list_of_gen(set->oldest);
	assert(set->newest - set->oldest < EVICT_LISTS); /* I1 */
	return set->cold;
}

/* A page without a mark may have been used since the walk: one look at its leaves before it leaves. */
u32
evict_gen_judge(struct evict_set *set, struct page *page, u32 from, bool used)
{
	u32 mark = take_mark(page);

	if (used)
		return READ_ONCE(set->hot);
	return mark && mark - 1 != from ? mark - 1 : EVICT_OUT;
}

/* Race: two who walk at once mark with the same, or with neighbouring numbers: either is true. */
void
evict_mark(struct evict_set *set, struct page *page)
{
	u32 old = READ_ONCE(page->flags);
	u32 mark = (1U + READ_ONCE(set->hot)) << PAGE_MARK_SHIFT;

	while (!__atomic_compare_exchange_n(&page->flags, &old, (old & ~PAGE_MARK_MASK) | mark, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
}

static u32
list_of_gen(u32 number)
{
	return number % EVICT_LISTS;
}

static void
name_lists(struct evict_set *set)
{
	set->young = set->hot = (u8)list_of_gen(set->newest);
	set->cold = (u8)list_of_gen(set->oldest);
	set->active = (u8)(BIT(list_of_gen(set->newest)) | BIT(list_of_gen(set->newest - 1)));
}

static u32
take_mark(struct page *page)
{
	if (!(READ_ONCE(page->flags) & PAGE_MARK_MASK))
		return 0;
	return (__atomic_fetch_and(&page->flags, ~PAGE_MARK_MASK, __ATOMIC_SEQ_CST) & PAGE_MARK_MASK) >>
	       PAGE_MARK_SHIFT;
}
