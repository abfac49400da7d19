/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap_age.c - leaves forget that they were used
 *
 * Idea        The processor sets the accessed bit; whoever wants to know whether a page is used clears it and looks
 *             again later. A page that others map as well is theirs to judge: it is left alone.
 * Invariants  none of its own
 * Locks       the table lock
 * Follow      from reclaim_batch.c, madvise.c (COLD)   to nothing
 * Tests       tests/host/madvise_test.c, tests/guest/madvise.c
 * See         docs/mm.md section 5
 */
#include <kernel/panic.h>
#include <mm/rmap.h>

bool
rmap_age(struct page *table, u32 first, u32 last)
{
	pte_t *slots = table_slots(table);
	bool aged = false;

	dassert(first < last && last <= TABLE_ENTRIES);
	spin_lock(&table->lock);
	for (u32 i = first; i < last && !table_is_shared(table); i++) {
		pte_t e = pte_read(&slots[i]);

		if (!pte_present(e) || !pte_has(e, PTE_ACCESSED) || READ_ONCE(leaf_page(e)->mapcount) != 1)
			continue;
		pte_clear_bits(&slots[i], PTE_ACCESSED);
		aged = true;
	}
	spin_unlock(&table->lock);
	return aged;
}

bool
rmap_test_and_clear_accessed(struct page *page)
{
	struct chain_iter it;
	bool accessed = false;

	spin_lock(&page->lock);
	for (u64 word = chain_first(&page->rmap, &it); word; word = chain_next(&it)) {
		pte_t *slot = (pte_t *)word;

		/* Why without the table lock: the slot cannot leave the chain, and only this one bit changes. */
		if (pte_has(pte_read(slot), PTE_ACCESSED)) {
			pte_clear_bits(slot, PTE_ACCESSED);
			accessed = true;
		}
	}
	spin_unlock(&page->lock);
	return accessed;
}

void
rmap_freeze(struct page *page, struct tlb_batch *batch)
{
	struct chain_iter it;

	dassert(page->kind == PAGE_ANON && atomic_read(&page->refs) > 0);
	spin_lock(&page->lock);
	for (u64 word = chain_first(&page->rmap, &it); word; word = chain_next(&it)) {
		pte_t *slot = (pte_t *)word;
		struct page *table = slot_table(slot);

		spin_lock(&table->lock);
		if (pte_has(pte_read(slot), PTE_WRITE)) {
			pte_clear_bits(slot, PTE_WRITE);
			tlb_batch_range(batch, tlb_cpus(table), slot_va(slot), slot_va(slot) + PAGE_SIZE);
		}
		spin_unlock(&table->lock);
	}
	spin_unlock(&page->lock);
}
