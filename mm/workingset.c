/* SPDX-License-Identifier: MIT */
/*
 * mm/workingset.c - how long was the page away?
 *
 * Idea        see workingset.h
 * Invariants  see workingset.h
 * Locks       see workingset.h
 * Follow      from reclaim_batch.c, swap_cache.c   to lru_count.c
 * Tests       tests/host/policy_test.c, tests/guest/evict.c
 * See         workingset.h
 */
#include <mm/lru.h>
#include <mm/vmstat.h>
#include <mm/workingset.h>

u32
workingset_leave(struct page *page)
{
	u64 age = (u64)atomic64_add_return(&lru_of(page)->age, 1) - 1;

	return shadow_make(age, READ_ONCE(page->flags) & BIT(PG_WORKINGSET));
}

void
workingset_activate(struct page *page)
{
	count_event(VM_PGACTIVATE);
	atomic64_add(&lru_of(page)->age, 1);
}

/* Simple: pages of files have no shadows yet, and their lists do not count as rivals. */
enum refault
workingset_judge(const struct page *page, u32 shadow)
{
	return refault_decide(shadow, (u64)atomic64_read(&lru_of(page)->age), lru_active(LRU_ANON));
}

void
workingset_refault(struct page *page, enum refault refault)
{
	count_event(VM_WORKINGSET_REFAULT_ANON);
	if (refault == REFAULT_FAR)
		return;
	count_event(VM_WORKINGSET_ACTIVATE_ANON);
	atomic64_add(&lru_of(page)->age, 1);
	if (refault == REFAULT_RESTORE) {
		page_flag_set(page, PG_WORKINGSET);
		lru_note_cost(lru_of(page), LRU_ANON, 1);
		count_event(VM_WORKINGSET_RESTORE_ANON);
	}
}
