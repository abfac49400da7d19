/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap_age.c - leaves forget that they were used
 *
 * Idea        The processor sets the accessed bit; whoever wants to know whether a page is used clears it and looks
 *             again later. A page that others map as well is theirs to judge: it is left alone.
 * Invariants  none of its own
 * Locks       the table lock
 * Follow      from madvise.c (COLD)   to nothing
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
