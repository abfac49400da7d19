/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap_users.c - how many map a frame
 *
 * Idea        A slot is one leaf in one table, but after fork several address spaces use the table: each of them maps
 *             the page. So the users of the tables of all slots are added up, which is what Linux's mapcount says.
 *
 *                 page --chain--> slot a -> table a: parent, child       2
 *                            `--> slot b -> table b: child               1     rmap_users() = 3
 *
 * Invariants  rmap.h I1: while the map lock is held the slots on the chain stay, and so do their tables
 * Locks       map lock of the frame, then one table lock after the other
 * Follow      from kernel/fs/procfs_maps.c, kernel/fs/procfs_pagemap.c   to rmap.h
 * Tests       tests/guest/proc_smaps.c, tests/guest/proc_pagemap.c
 * See         docs/mm.md section 5
 */
#include <kernel/panic.h>
#include <mm/rmap.h>

/* Race: until its lock is held the frame may get another owner. Then it is not mapped, or mapped by others: as said. */
u32
rmap_users(struct page *page)
{
	struct chain_iter it;
	u32 users = 0;

	spin_lock(&page->lock);
	if (page->kind >= PAGE_ANON && page->kind < PAGE_KINDS)
		for (u64 word = chain_first(&page->rmap, &it); word; word = chain_next(&it))
			users += rmap_table_users(slot_table((const pte_t *)word));
	spin_unlock(&page->lock);
	return users;
}

u32
rmap_table_users(struct page *table)
{
	u32 users;

	assert(table->kind == PAGE_TABLE && table->level == 1);
	spin_lock(&table->lock);
	users = chain_count(&table->mms);
	spin_unlock(&table->lock);
	return users;
}
