/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap_unmap.c - leaves become empty, or swap entries: those of a table, and those of a page
 *
 * Idea        Two ways to the same leaves. munmap and exit come along a table and meet pages (rmap_zap); reclaim and
 *             truncation come from a page and meet tables, by its chain. Either way a leaf's reference goes to a batch
 *             and is dropped only when no CPU remembers the translation any more (tlb.h).
 * Invariants  I1 to I3 of rmap.h
 * Locks       see rmap_slot.h
 * Follow      from unmap.c, reclaim_batch.c, shmem.c, truncate.c   to tlb.c
 * Tests       tests/host/rmap_test.c, tests/guest/swap.c
 * See         docs/mm.md section 5
 */
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/rmap_slot.h>
#include <mm/swap.h>

static u32 zap_run(struct page *table, u32 i, u32 last, struct tlb_batch *batch, struct chain_pool *pool);
static void unmap_slots(struct page *page, pte_t left, bool evict, struct tlb_batch *batch);
static void unmap_slot(struct page *page, pte_t *slot, pte_t left, struct tlb_batch *batch, struct chain_pool *pool);

void
rmap_zap(struct page *table, u32 first, u32 last, struct tlb_batch *batch)
{
	struct chain_pool pool = {NULL, 0};

	assert(last <= TABLE_ENTRIES);
	while (first < last) {
		spin_lock(&table->lock);
		dassert(chain_empty(&table->mms) || some_user_may_change(table));
		first = zap_run(table, first, last, batch, &pool);
		spin_unlock(&table->lock);
		/* Either the batch is full, or a map lock's owner may be waiting for this table, or it is done. */
		if (tlb_batch_full(batch))
			tlb_batch_flush(batch);
		rmap_release(&pool);
	}
}

void
rmap_unmap_all(struct page *page, struct tlb_batch *batch)
{
	unmap_slots(page, (pte_t){0}, false, batch);
}

bool
rmap_take_out(struct page *page, struct tlb_batch *batch)
{
	dassert(page->kind == PAGE_SHMEM && READ_ONCE(page->flags) & BIT(PG_LOCKED));
	unmap_slots(page, (pte_t){0}, true, batch);
	return !READ_ONCE(page->mapcount);
}

bool
rmap_swap_out(struct page *page, pte_t entry, struct tlb_batch *batch)
{
	dassert(page->kind == PAGE_ANON && READ_ONCE(page->flags) & BIT(PG_LOCKED));
	dassert(leaf_is_swap(entry));
	unmap_slots(page, entry, true, batch);
	return !READ_ONCE(page->mapcount);
}

/*
 * Empties leaves from @i on, until @last, a full batch or a busy map lock. Returns the leaf to go on with. The table's
 * users and the rss are told once, at the end: this loop is the cost of munmap and exit.
 */
static u32
zap_run(struct page *table, u32 i, u32 last, struct tlb_batch *batch, struct chain_pool *pool)
{
	u64 start = table->base + i * PAGE_SIZE;
	pte_t *slots = table_slots(table);
	s32 gone[RSS_KINDS] = {0};
	u32 left = table_leaves(table);

	must_hold(&table->lock);
	for (; i < last && left; i++) {
		pte_t *slot = &slots[i];
		pte_t e = pte_read(slot);
		struct page *page;

		if (pte_none(e)) {
			i = table_next_used(slots, i, last) - 1;
			continue;
		}
		if (unlikely(!leaf_has_frame(e))) {
			if (!swap_put_batched(leaf_to_swap(e), batch))
				break;
			pte_write(slot, (pte_t){0});
			gone[RSS_SWAP]++;
			left--;
			continue;
		}
		page = leaf_page(e);
		if (page == zero_frame) {
			dassert(table->other);
			pte_write(slot, (pte_t){0});
			table->other--;
			left--;
			continue;
		}
		if (tlb_batch_full(batch) || !spin_trylock(&page->lock))
			break;
		pte_write(slot, (pte_t){0});
		if (unlikely(pte_has(e, PTE_LOCKED)))
			rmap_count_lock(page, -1);
		gone[page_rss_kind(page)]++;
		page_leave_slot(page, slot, pool);
		spin_unlock(&page->lock);
		tlb_batch_free(batch, page);
		left--;
	}
	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		if (gone[kind])
			rmap_count(table, kind, -gone[kind]);
	tlb_batch_range(batch, tlb_cpus(table), start, table->base + i * PAGE_SIZE);
	return left ? i : last;
}

/* Each leaf of @page becomes @left; to @evict it only while the page is not locked in memory. */
static void
unmap_slots(struct page *page, pte_t left, bool evict, struct tlb_batch *batch)
{
	struct chain_pool pool = {NULL, 0};
	struct chain_iter it;
	u64 word;

	dassert(page_is_user(page) && atomic_read(&page->refs) > 0);
	do {
		if (tlb_batch_full(batch))
			tlb_batch_flush(batch);
		spin_lock(&page->lock);
		while ((word = chain_first(&page->rmap, &it)) && !tlb_batch_full(batch)) {
			if (evict && READ_ONCE(page->locks))
				break;
			unmap_slot(page, (pte_t *)word, left, batch, &pool);
		}
		dassert(word || !page->mapcount); /* I2 */
		if (evict && READ_ONCE(page->locks))
			word = 0;
		spin_unlock(&page->lock);
		rmap_release(&pool);
	} while (word);
}

/* Empties one leaf, met from the page: the map lock is held. */
static void
unmap_slot(struct page *page, pte_t *slot, pte_t left, struct tlb_batch *batch, struct chain_pool *pool)
{
	struct page *table = slot_table(slot);
	pte_t e;
	u64 va;

	must_hold(&page->lock);
	dassert(!tlb_batch_full(batch));
	spin_lock(&table->lock);
	va = slot_va(slot); /* Race: until the table was locked, mremap could move it. */
	assert(leaf_page(pte_read(slot)) == page);
	if (leaf_is_swap(left))
		swap_get(leaf_to_swap(left));
	e = pte_xchg(slot, left);
	if (pte_has(e, PTE_LOCKED))
		rmap_count_lock(page, -1);
	if (pte_has(e, PTE_DIRTY))
		page_flag_set(page, PG_DIRTY);
	slot_del(page, table, slot, pool);
	if (leaf_is_swap(left))
		rmap_count(table, RSS_SWAP, 1);
	tlb_batch_range(batch, tlb_cpus(table), va, va + PAGE_SIZE);
	spin_unlock(&table->lock);
	tlb_batch_free(batch, page);
}
