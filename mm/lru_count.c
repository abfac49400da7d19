/* SPDX-License-Identifier: MIT */
/*
 * mm/lru_count.c - how many pages are on which lists, and what it cost to have them back
 *
 * Idea        Counts are kept with the lists; here they are added up over the nodes, for balance.h and for /proc.
 * Invariants  lru.h I2
 * Locks       lruvec->lock for the costs; counts are read without
 * Follow      from reclaim.c, workingset.c, meminfo.c, kernel/trace_sample.c   to zone.h
 * Tests       tests/guest/evict.c
 * See         lru.h; balance.h
 */
#include <kernel/panic.h>
#include <mm/lru.h>

u64
lru_pages(enum lru_kind kind)
{
	u64 sum = 0;

	for (u32 n = 0; n < node_count; n++)
		for (u32 l = 0; l < EVICT_LISTS; l++)
			sum += READ_ONCE(nodes[n].lru.set[kind].count[l]);
	return sum;
}

u64
lru_active(enum lru_kind kind)
{
	u64 sum = 0;

	for (u32 n = 0; n < node_count; n++)
		for (u32 l = 0; l < EVICT_LISTS; l++)
			if (evict_is_active(&nodes[n].lru.set[kind], l))
				sum += READ_ONCE(nodes[n].lru.set[kind].count[l]);
	return sum;
}

u64
lru_unevictable(void)
{
	u64 sum = 0;

	for (u32 n = 0; n < node_count; n++)
		sum += READ_ONCE(nodes[n].lru.unevictable_count);
	return sum;
}

u64
lru_lazy(void)
{
	u64 sum = 0;

	for (u32 n = 0; n < node_count; n++)
		sum += READ_ONCE(nodes[n].lru.lazy_count);
	return sum;
}

bool
lru_is_active(const struct page *page)
{
	u32 list = evict_list_of(page);

	return READ_ONCE(page->flags) & BIT(PG_LRU) && list < EVICT_LISTS &&
	       evict_is_active(&lru_of(page)->set[lru_kind_of(page)], list);
}

/* Halved when the costs outgrow a quarter of the pages, as Linux does. */
void
lru_note_cost(struct lruvec *lru, enum lru_kind kind, u64 n)
{
	u64 pages = lru_pages(LRU_ANON) + lru_pages(LRU_FILE);

	spin_lock(&lru->lock);
	lru->cost[kind] += n;
	while (lru->cost[LRU_ANON] + lru->cost[LRU_FILE] > pages / 4 + 1) {
		lru->cost[LRU_ANON] /= 2;
		lru->cost[LRU_FILE] /= 2;
	}
	spin_unlock(&lru->lock);
}
