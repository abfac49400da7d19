/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap_slot.h - the two sides of a mapping, joined and parted: inside rmap*.c only
 *
 * Idea        A mapping is known to its page (a slot on the chain) and to its table (a leaf that is counted). slot_add
 *             and slot_del change both; what goes through many leaves of one table calls the page's half for each and
 *             tells the table once.
 * Invariants  I1 to I3 of rmap.h
 * Locks       page map lock, then table lock. Where a table is walked the order is met from the wrong side: the map
 *             lock is then only tried, and the walker lets its table lock go when that fails.
 * Follow      from rmap.c, rmap_unmap.c   to kernel/lib/chain.h
 * Tests       tests/host/rmap_test.c
 * See         docs/mm.md section 5
 */
#pragma once

#include <kernel/panic.h>
#include <kernel/trace.h>
#include <mm/mm.h>
#include <mm/rmap.h>
#include <mm/vmstat.h>

/* Adds @n leaves of @kind to a table and to the rss of its users, out of line. Context: the table lock. */
void rmap_count(struct page *table, enum rss_kind kind, s32 n);

/*
 * Whether the only user of @table has lost memory to the OOM reaper: then empty does not mean untouched. Race: the
 * reaper marks the address space before it takes the table lock, under which this is asked (oom.h I3).
 */
static inline bool
was_reaped(const struct page *table)
{
	return unlikely(READ_ONCE(((const struct mm *)table->mms.head)->oom_unstable));
}

/* For asserts: may the caller add to @table, as only its one user may (pagetable.h I2)? */
static inline bool
user_may_look(const struct page *table)
{
	return !table_is_shared(table) && mm_may_look((const struct mm *)table->mms.head);
}

/* For asserts: does the caller hold the mm->lock of the only user of @table for writing? */
static inline bool
user_may_change(const struct page *table)
{
	return !table_is_shared(table) && mm_may_change((const struct mm *)table->mms.head);
}

/* The same of any of its users: what it takes away it takes from all (pagetable.h I2). The table lock is held. */
static inline bool
some_user_may_change(const struct page *table)
{
	struct chain_iter it;

	for (u64 word = chain_first(&table->mms, &it); word; word = chain_next(&it))
		if (mm_may_change((const struct mm *)word) || READ_ONCE(((const struct mm *)word)->oom_unstable))
			return true;
	return false;
}

/* A page got its first mapping or lost its last: the gauges of /proc/meminfo. */
static inline void
count_mapped(struct page *page, s32 n)
{
	must_hold(&page->lock);
	count_events(page->kind == PAGE_ANON ? VM_NR_ANON_PAGES : VM_NR_MAPPED, n);
}

static inline __attribute__((always_inline)) void
count_leaves(struct page *table, enum rss_kind kind, s32 n)
{
	struct chain_iter it;

	must_hold(&table->lock);
	dassert(kind < RSS_KINDS);
	dassert((s32)table->counts[kind] + n >= 0);
	table->counts[kind] += n;
	dassert(table_leaves(table) <= TABLE_ENTRIES);
	for (u64 word = chain_first(&table->mms, &it); word; word = chain_next(&it))
		atomic64_add(&((struct mm *)word)->rss[kind], n);
}

/* The page's side of it: the map lock is held. */
static inline __attribute__((always_inline)) void
page_enter_slot(struct page *page, pte_t *slot, struct chain_pool *pool)
{
	must_hold(&page->lock);
	dassert(chain_empty(&page->rmap) == !page->mapcount); /* I2 */
	chain_add(&page->rmap, (u64)slot, pool);
	if (page->mapcount++ == 0)
		count_mapped(page, 1);
}

static inline void
page_leave_slot(struct page *page, pte_t *slot, struct chain_pool *pool)
{
	must_hold(&page->lock);
	dassert(page->mapcount > 0);
	dassert(atomic_read(&page->refs) > 0); /* the slot's own reference goes later, with the batch */
	chain_del(&page->rmap, (u64)slot, pool);
	if (--page->mapcount == 0)
		count_mapped(page, -1);
	dassert(chain_empty(&page->rmap) == !page->mapcount); /* I2 */
	trace(rmap_unmap, slot, page_to_pfn(page), page->mapcount);
}

/* Both sides of a mapping are joined here and parted in slot_del: map lock and table lock held. */
static inline __attribute__((always_inline)) void
slot_add(struct page *page, struct page *table, pte_t *slot, struct chain_pool *pool)
{
	must_hold(&table->lock);
	page_enter_slot(page, slot, pool);
	count_leaves(table, page_rss_kind(page), 1);
}

static inline void
slot_del(struct page *page, struct page *table, pte_t *slot, struct chain_pool *pool)
{
	must_hold(&table->lock);
	page_leave_slot(page, slot, pool);
	rmap_count(table, page_rss_kind(page), -1);
}
