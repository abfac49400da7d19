/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap_move.c - pages go from one leaf of an address space to another
 *
 * Idea        The page stays what it is, and so do its references, its mapcount and every rss: one word on its chain
 *             changes. The chain needs no block for that, so nothing can fail.
 * Invariants  I1 to I3 of rmap.h
 * Locks       Both table locks, in any order: of two tables that one address space alone uses, nobody else takes both,
 *             and mm->lock keeps this address space from doing it twice at once. Map locks are tried, as in rmap_zap.
 * Follow      from move.c   to kernel/lib/chain.h, tlb.c
 * Tests       tests/host/mremap_test.c, tests/guest/mremap.c
 * See         docs/mm.md section 8
 */
#include <kernel/panic.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/rmap.h>
#include <mm/swap.h>

/* What is on its way: @count leaves of @from from @first on to @to from @target on. */
struct leaf_move {
	struct page *from;
	struct page *to;
	u32 first;
	u32 target;
	u32 count;
};

static u32 move_run(const struct leaf_move *m, u32 i);
static bool move_leaf(const struct leaf_move *m, pte_t *source, pte_t *target);

void
rmap_move(struct page *from, u32 first, struct page *to, u32 target, u32 count)
{
	const struct leaf_move m = {from, to, first, target, count};
	struct mm *mm = (struct mm *)from->mms.head;
	u32 done = 0;

	dassert(first + count <= TABLE_ENTRIES && target + count <= TABLE_ENTRIES);
	dassert(!table_is_shared(from) && from->mms.head == to->mms.head && mm_may_change(mm));
	while (done < count) {
		u64 start = from->base + (first + done) * PAGE_SIZE;

		spin_lock(&from->lock);
		if (to != from)
			spin_lock_nested(&to->lock);
		done = move_run(&m, done);
		/*
		 * Race: whoever unmaps one of these pages from its side flushes the new address only, and needs the
		 * table lock to do so. Until then no CPU may remember the old one.
		 */
		if (from->base + (first + done) * PAGE_SIZE > start)
			tlb_flush_range(mm, start, from->base + (first + done) * PAGE_SIZE);
		if (to != from)
			spin_unlock(&to->lock);
		spin_unlock(&from->lock);
	}
}

/* Moves from leaf @i of the move on, until the end or a busy map lock. Returns the leaf to go on with. */
static u32
move_run(const struct leaf_move *m, u32 i)
{
	pte_t *source = table_slots(m->from) + m->first;
	pte_t *target = table_slots(m->to) + m->target;

	must_hold(&m->from->lock);
	must_hold(&m->to->lock);
	for (; i < m->count; i++)
		if (!pte_none(pte_read(&source[i])) && !move_leaf(m, &source[i], &target[i]))
			break;
	return i;
}

/* False when the page's map lock was busy. */
static bool
move_leaf(const struct leaf_move *m, pte_t *source, pte_t *target)
{
	struct page *page = leaf_page(pte_read(source));

	if (leaf_is_swap(pte_read(source))) {
		m->from->counts[RSS_SWAP]--;
		m->to->counts[RSS_SWAP]++;
		pte_write(target, pte_xchg(source, (pte_t){0}));
		return true;
	}
	dassert(leaf_has_frame(pte_read(source)));
	assertf(pte_none(pte_read(target)), "mremap meets a leaf %lx at %lx", pte_read(target).value, slot_va(target));
	if (page == zero_frame) {
		m->from->other--;
		m->to->other++;
		pte_write(target, pte_xchg(source, (pte_t){0}));
		return true;
	}
	if (!spin_trylock(&page->lock))
		return false;
	chain_replace(&page->rmap, (u64)source, (u64)target);
	m->from->counts[page_rss_kind(page)]--;
	m->to->counts[page_rss_kind(page)]++;
	/* Why: in one step. The processor sets accessed and dirty in the old leaf until it is empty. */
	pte_write(target, pte_xchg(source, (pte_t){0}));
	spin_unlock(&page->lock);
	return true;
}
