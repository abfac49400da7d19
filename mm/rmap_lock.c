/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap_lock.c - leaves that hold their page in memory
 *
 * Idea        see mlock.c. A leaf has the bit from the moment it maps a page (rmap_map) or from rmap_lock; the page
 *             counts them.
 * Invariants  mlock.h I2
 * Locks       the table lock of the leaf. page->locks is atomic: slots of one page lie in several tables. Who has the
 *             map lock and sees locks == 0 may still meet a leaf that was locked since: the leaf says so under its
 *             table lock.
 * Follow      from mlock.c, rmap.c   to nothing
 * Tests       tests/host/mlock_test.c, tests/guest/mlock.c
 * See         docs/mm.md section 5
 */
#include <kernel/panic.h>
#include <mm/lru.h>
#include <mm/rmap.h>
#include <mm/vmstat.h>

void
rmap_lock(struct page *table, u32 first, u32 last, bool on)
{
	pte_t *slots = table_slots(table);

	dassert(first < last && last <= TABLE_ENTRIES);
	spin_lock(&table->lock);
	dassert(!table_is_shared(table));
	for (u32 i = first; i < last; i++) {
		pte_t e = pte_read(&slots[i]);

		if (!leaf_has_frame(e) || pte_has(e, PTE_LOCKED) == on)
			continue;
		/* Race: the processor may set accessed or dirty at any moment; they must not be lost. */
		do {
			e = pte_read(&slots[i]);
		} while (!pte_cas(&slots[i], e, on ? pte_add(e, PTE_LOCKED) : pte_del(e, PTE_LOCKED)));
		if (leaf_page(e) != zero_frame)
			rmap_count_lock(leaf_page(e), on ? 1 : -1);
	}
	spin_unlock(&table->lock);
}

void
rmap_count_lock(struct page *page, s32 n)
{
	u32 now = __atomic_add_fetch(&page->locks, n, __ATOMIC_RELAXED);

	dassert(page_is_user(page) && (n == 1 || n == -1));
	dassert((s32)now >= 0);
	if (n > 0 && now == 1) {
		count_event(VM_NR_MLOCK);
		count_event(VM_UNEVICTABLE_PGMLOCKED);
	} else if (n < 0 && now == 0) {
		count_events(VM_NR_MLOCK, -1);
		count_event(VM_UNEVICTABLE_PGMUNLOCKED);
		if (READ_ONCE(page->flags) & BIT(PG_UNEVICTABLE))
			lru_rescue(page);
	}
}
