/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap_lazy.c - leaves of pages that a program has given up: made clean, and emptied while they are
 *
 * Idea        see lazyfree.h. Whether a page was written since, its leaves' dirty bits say. The processor sets the bit
 *             in the leaf itself, by an atomic access that finds the leaf present; so a leaf that was found clean and
 *             emptied in one step hides no write: a CPU that could still write without setting the bit would have had
 *             it set before.
 * Invariants  I1 to I3 of rmap.h; lazyfree.h I3
 * Locks       map lock, then table lock
 * Follow      from lazyfree.c   to rmap.c
 * Tests       tests/guest/lazyfree.c
 * See         Intel SDM volume 3, section 4.8
 */
#include <kernel/panic.h>
#include <mm/rmap_slot.h>

/* One page on its way out: on the stack. */
struct discard_walk {
	struct page *page;
	struct tlb_batch *batch;
	struct chain_pool pool;
	u32 pending; /* references of leaves that are empty by now; @batch holds them */
};

static enum discard discard_slots(struct discard_walk *w);
static enum discard discard_slot(struct discard_walk *w, pte_t *slot);
static enum discard discard_leaf(struct discard_walk *w, pte_t *slot);

bool
rmap_clean(pte_t *slot, const struct page *page, struct tlb_batch *batch)
{
	struct page *table = slot_table(slot);
	bool ours;
	pte_t e;

	spin_lock(&table->lock);
	do {
		e = pte_read(slot);
		ours = leaf_has_frame(e) && leaf_page(e) == page;
	} while (ours && !pte_cas(slot, e, pte_del(e, PTE_ACCESSED | PTE_DIRTY)));
	if (ours && (pte_has(e, PTE_ACCESSED) || pte_has(e, PTE_DIRTY)))
		tlb_batch_range(batch, tlb_cpus(table), slot_va(slot), slot_va(slot) + PAGE_SIZE);
	spin_unlock(&table->lock);
	return ours;
}

enum discard
rmap_discard(struct page *page, struct tlb_batch *batch)
{
	struct discard_walk w = {.page = page, .batch = batch};
	enum discard result;

	dassert(page->kind == PAGE_ANON && !page->object && READ_ONCE(page->flags) & BIT(PG_LOCKED));
	do {
		if (tlb_batch_full(batch)) {
			tlb_batch_flush(batch);
			w.pending = 0;
		}
		spin_lock(&page->lock);
		result =
			page->mapcount ? discard_slots(&w) : DISCARD_BUSY; /* whoever unmapped it is about to free it */
		spin_unlock(&page->lock);
		rmap_release(&w.pool);
	} while (result == DISCARD_AGAIN);
	return result;
}

/* As far as the batch has room. What was emptied stays so, even if a later leaf is found dirty: it was given up. */
static enum discard
discard_slots(struct discard_walk *w)
{
	struct chain_iter it;
	u64 word;

	must_hold(&w->page->lock);
	while ((word = chain_first(&w->page->rmap, &it))) {
		enum discard result;

		if (tlb_batch_full(w->batch))
			return DISCARD_AGAIN;
		result = discard_slot(w, (pte_t *)word);
		if (result != DISCARD_DONE)
			return result;
	}
	return DISCARD_DONE;
}

static enum discard
discard_slot(struct discard_walk *w, pte_t *slot)
{
	struct page *table = slot_table(slot);
	enum discard result;

	must_hold(&w->page->lock);
	spin_lock(&table->lock);
	result = discard_leaf(w, slot);
	if (result == DISCARD_DONE) {
		slot_del(w->page, table, slot, &w->pool);
		tlb_batch_range(w->batch, tlb_cpus(table), slot_va(slot), slot_va(slot) + PAGE_SIZE);
	}
	spin_unlock(&table->lock);
	if (result == DISCARD_DONE) {
		tlb_batch_free(w->batch, w->page);
		w->pending++;
	}
	return result;
}

/*
 * Empties the leaf if it may go; the table lock is held.
 *
 * Race: who holds a reference may write through it, and says so (PG_DIRTY) before it lets go. So the references are
 * looked at first: no new one comes through this leaf while its table is locked.
 */
static enum discard
discard_leaf(struct discard_walk *w, pte_t *slot)
{
	struct page *page = w->page;
	pte_t e;

	must_hold(&slot_table(slot)->lock);
	if (READ_ONCE(page->locks))
		return DISCARD_LOCKED;
	if (atomic_read(&page->refs) > (s32)(page->mapcount + w->pending + 1))
		return DISCARD_BUSY;
	do {
		e = pte_read(slot);
		if (READ_ONCE(page->flags) & BIT(PG_DIRTY) || pte_has(e, PTE_DIRTY))
			return DISCARD_DIRTY;
	} while (!pte_cas(slot, e, (pte_t){0}));
	return DISCARD_DONE;
}
