/* SPDX-License-Identifier: MIT */
/*
 * mm/evict_walk.c - which pages were used, of all programs, in one pass over their page tables
 *
 * Idea        A policy that ages in bulk (evict.h, EVICT_AGE) is told of each page whose accessed bit is set; the bit
 *             is cleared. Leaf tables are found by their frames, so that no mm->lock is needed, which the caller may
 *             hold, and none is walked twice although several address spaces share it.
 * Invariants  I1  A table with a user stays a table while its lock is held: the last user leaves under it.
 * Locks       the table lock
 * Follow      from reclaim_batch.c   to evict.c
 * Tests       tests/guest/evict.c
 * See         docs/mm.md section 10
 */
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <mm/evict_walk.h>
#include <mm/memblock.h>
#include <mm/pagetable.h>
#include <mm/rmap.h>

static void walk_range(struct lruvec *lru, u64 first, u64 end);
static void walk_table(struct lruvec *lru, struct page *table);
static void look_at(struct lruvec *lru, pte_t *slot);

void
evict_walk(struct lruvec *lru)
{
	may_sleep();
	for (u32 i = 0; i < memblock_ram.count; i++)
		walk_range(lru, memblock_ram.range[i].base >> PAGE_SHIFT, memblock_ram.range[i].end >> PAGE_SHIFT);
}

static void
walk_range(struct lruvec *lru, u64 first, u64 end)
{
	for (u64 pfn = first; pfn < end; pfn++) {
		struct page *page = pfn_to_page(pfn);

		if (READ_ONCE(page->kind) == PAGE_TABLE && READ_ONCE(page->level) == 1)
			walk_table(lru, page);
		if (pfn % 4096 == 0)
			cond_resched();
	}
}

/* Race: until its lock is held the frame may get another owner (page.h I4). I1 holds once a user is seen. */
static void
walk_table(struct lruvec *lru, struct page *table)
{
	pte_t *slots = page_to_va(table);

	spin_lock(&table->lock);
	if (table->kind == PAGE_TABLE && table->level == 1 && !chain_empty(&table->mms) &&
	    table->counts[RSS_ANON] + table->counts[RSS_SHMEM])
		for (u32 i = 0; i < TABLE_ENTRIES; i++)
			look_at(lru, &slots[i]);
	spin_unlock(&table->lock);
}

static void
look_at(struct lruvec *lru, pte_t *slot)
{
	pte_t leaf = pte_read(slot);
	struct page *page;

	if (!pte_present(leaf) || !pte_has(leaf, PTE_ACCESSED))
		return;
	page = leaf_page(leaf);
	if (page == zero_frame || !page_is_user(page) || lru_of(page) != lru)
		return;
	pte_clear_bits(slot, PTE_ACCESSED);
	evict_mark(&lru->set[lru_kind_of(page)], page);
}
