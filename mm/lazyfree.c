/* SPDX-License-Identifier: MIT */
/*
 * mm/lazyfree.c - memory that a program has given up, and that it keeps until somebody needs it
 *
 * Idea        see lazyfree.h
 * Invariants  see lazyfree.h
 * Locks       see lazyfree.h
 * Follow      see lazyfree.h
 * Tests       tests/guest/lazyfree.c
 * See         lazyfree.h
 */
#include <kernel/panic.h>
#include <kernel/wait.h>
#include <mm/lazyfree.h>
#include <mm/lru.h>
#include <mm/mm.h>
#include <mm/rmap.h>
#include <mm/swap_cache.h>
#include <mm/vmstat.h>

#define BATCH 32

static void give_up_table(struct page *table, u64 start, u64 end, struct tlb_batch *batch);
static void give_up_leaf(pte_t *slot, struct tlb_batch *batch);
static void give_up_page(struct page *page, pte_t *slot, struct tlb_batch *batch);
static u64 drop_batch(struct list *isolated, bool force);
static bool drop_page(struct page *page, bool force, struct tlb_batch *batch);

u64
lazyfree_drop(struct list *isolated)
{
	struct list lazy = LIST_INIT(lazy);
	struct page *page, *next;

	may_sleep();
	list_for_each_safe (page, next, isolated, link)
		if (READ_ONCE(page->flags) & BIT(PG_LAZY)) {
			list_del(&page->link);
			list_add_tail(&page->link, &lazy);
		}
	return drop_batch(&lazy, true);
}

void
lazyfree_range(struct mm *mm, u64 start, u64 end)
{
	struct tlb_batch batch;
	pte_t *entry;

	dassert(mm_may_change(mm));
	tlb_batch_init(&batch);
	for (; (entry = pagetable_next(mm, &start, end)); start = round_down(start, TABLE_SPAN) + TABLE_SPAN) {
		struct page *table = leaf_page(pte_read(entry));

		if (!table_is_shared(table)) /* what others see is not ours to give up */
			give_up_table(table, start, min_u64(end, table->base + TABLE_SPAN), &batch);
		cond_resched();
	}
	tlb_batch_flush(&batch); /* from here on a write sets the dirty bit again */
}

struct lazyfree_result
lazyfree_reclaim(struct lruvec *lru, u64 most, bool force)
{
	struct lazyfree_result result = {0, 0};
	u64 left = min_u64(most, READ_ONCE(lru->lazy_count)); /* each page once */

	may_sleep();
	while (left) {
		struct list isolated = LIST_INIT(isolated);
		struct lru_batch b = {.most = (u32)min_u64(left, BATCH), .out = &isolated};

		lru_isolate_lazy(lru, &b);
		if (!b.scanned)
			break;
		result.scanned += b.scanned;
		result.freed += drop_batch(&isolated, force);
		left -= b.scanned;
		cond_resched();
	}
	return result;
}

static void
give_up_table(struct page *table, u64 start, u64 end, struct tlb_batch *batch)
{
	for (u64 va = start; va < end; va += PAGE_SIZE)
		give_up_leaf(table_slot(table, 1, va), batch);
}

static void
give_up_leaf(pte_t *slot, struct tlb_batch *batch)
{
	pte_t leaf = pte_read(slot);
	struct page *page;

	if (leaf_is_swap(leaf)) {
		u32 i = (u32)(slot - table_slots(slot_table(slot)));

		rmap_zap(slot_table(slot), i, i + 1, batch);
		return;
	}
	if (!leaf_has_frame(leaf) || leaf_page(leaf) == zero_frame)
		return;
	page = rmap_get(slot, leaf); /* NULL: reclaim was faster, which is as good */
	if (!page)
		return;
	if (page->kind == PAGE_ANON && READ_ONCE(page->mapcount) == 1 && page_trylock(page)) {
		if (swap_cache_disown(page))
			give_up_page(page, slot, batch);
		page_unlock(page);
	}
	page_put(page);
}

/* @page is locked, in no cache, and mapped by @slot alone, if it still is. */
static void
give_up_page(struct page *page, pte_t *slot, struct tlb_batch *batch)
{
	if (!rmap_clean(slot, page, batch))
		return;
	page_flag_clear(page, PG_DIRTY);
	if (lru_give_up(page))
		count_event(VM_PGLAZYFREE);
}

/* Returns how many frames became free. */
static u64
drop_batch(struct list *isolated, bool force)
{
	struct tlb_batch batch;
	u64 freed = 0;

	tlb_batch_init(&batch);
	while (!list_empty(isolated)) {
		struct page *page = list_first(isolated, struct page, link);

		list_del(&page->link);
		freed += drop_page(page, force, &batch);
	}
	tlb_batch_flush(&batch);
	return freed;
}

/* Takes the isolation's reference. True: the frame is free as soon as @batch is flushed. */
static bool
drop_page(struct page *page, bool force, struct tlb_batch *batch)
{
	enum discard result = DISCARD_BUSY;

	if (!page_trylock(page)) {
		lru_putback(page, LRU_LAZY);
		return false;
	}
	if (!rmap_test_and_clear_accessed(page) || force)
		result = rmap_discard(page, batch);
	if (result == DISCARD_DIRTY || result == DISCARD_LOCKED)
		lru_revive(page, result == DISCARD_DIRTY ? LRU_HOT : LRU_UNEVICTABLE);
	page_unlock(page);
	if (result == DISCARD_DONE)
		lru_isolation_ends(page);
	if (result == DISCARD_BUSY)
		lru_putback(page, LRU_LAZY);
	else
		page_put(page);
	if (result == DISCARD_DONE)
		count_event(VM_PGLAZYFREED);
	return result == DISCARD_DONE;
}
