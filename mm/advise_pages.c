/* SPDX-License-Identifier: MIT */
/*
 * mm/advise_pages.c - advice about where the pages of a range should be: in memory, or soon not
 *
 * Idea        Table by table: pages are taken off their LRU list in batches and handed to reclaim, which does with them
 *             what it does with its own. A page that others map too is left alone, as on Linux: they have said nothing.
 *             An error changes nothing for the program: advice may be ignored.
 * Invariants  none
 * Locks       mm->lock, which keeps the tables; a leaf is looked at under its table lock (rmap_get)
 * Follow      from madvise.c   to lru_isolate.c, reclaim.c, swap_leaf.c
 * Tests       tests/guest/swap.c
 * See         madvise(2)
 */
#include <kernel/lib/list.h>
#include <kernel/wait.h>
#include <mm/advise_pages.h>
#include <mm/lazyfree.h>
#include <mm/lru.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/reclaim.h>
#include <mm/rmap.h>
#include <mm/shmem.h>
#include <mm/swap_leaf.h>

#define BATCH 32

static void for_each_batch(struct mm *mm, u64 start, u64 end, void (*act)(struct list *isolated));
static void pageout(struct list *isolated);
static bool isolate(pte_t *slot, struct list *isolated);

void
advise_cold(struct mm *mm, u64 start, u64 end)
{
	for_each_batch(mm, start, end, reclaim_cold);
}

void
advise_pageout(struct mm *mm, u64 start, u64 end)
{
	for_each_batch(mm, start, end, pageout);
}

void
advise_willneed(struct mm *mm, const struct vma *vma, u64 start, u64 end)
{
	bool major = false;

	if (vma->object)
		shmem_read_ahead(vma->object, vma->pgoff + ((start - vma->start) >> PAGE_SHIFT),
				 vma->pgoff + ((end - vma->start) >> PAGE_SHIFT));
	for (u64 va = start; va < end; va += PAGE_SIZE) {
		pte_t *slot = pagetable_walk(mm, va).slot;
		pte_t leaf = slot ? pte_read(slot) : (pte_t){0};

		if (leaf_is_swap(leaf))
			(void)swap_leaf_in(slot, leaf, leaf_bits(vma->flags) & ~PTE_WRITE, ALLOC_USER | ALLOC_NOOOM,
					   false, &major);
		cond_resched();
	}
}

static void
for_each_batch(struct mm *mm, u64 start, u64 end, void (*act)(struct list *isolated))
{
	struct list isolated = LIST_INIT(isolated);
	u32 count = 0;
	pte_t *entry;

	for (; (entry = pagetable_next(mm, &start, end)); start = round_down(start, TABLE_SPAN) + TABLE_SPAN) {
		struct page *table = leaf_page(pte_read(entry));
		u64 stop = min_u64(end, table->base + TABLE_SPAN);

		for (u64 va = start; va < stop; va += PAGE_SIZE) {
			count += isolate(table_slot(table, 1, va), &isolated);
			if (count < BATCH)
				continue;
			act(&isolated);
			count = 0;
			cond_resched();
		}
	}
	act(&isolated);
}

/* What was given up needs no place to go to. */
static void
pageout(struct list *isolated)
{
	lazyfree_drop(isolated);
	reclaim_pageout(isolated);
}

/* Takes the page of @slot off its list, if it is on one, and no other leaf has it. */
static bool
isolate(pte_t *slot, struct list *isolated)
{
	pte_t leaf = pte_read(slot);
	struct page *page;

	if (!leaf_has_frame(leaf) || leaf_page(leaf) == zero_frame || table_is_shared(slot_table(slot)))
		return false;
	page = rmap_get(slot, leaf);
	if (!page)
		return false;
	if (READ_ONCE(page->mapcount) == 1 && lru_isolate_page(page)) {
		list_add_tail(&page->link, isolated);
		return true;
	}
	page_put(page);
	return false;
}
