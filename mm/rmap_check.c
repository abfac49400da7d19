/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap_check.c - prove the reverse map, from the table's side and from the page's
 *
 * Idea        A leaf names a frame, and the frame's chain names the leaf's slot. Each side is walked and held against
 *             the other, and the counts against both.
 * Invariants  I1 to I3 of rmap.h are what is proved
 * Locks       every mm->lock for writing, held by mm_for_all_locked()
 * Follow      from mm.c, check.c   to rmap.h
 * Tests       tests/host/rmap_test.c; runs after each guest case
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/rmap.h>
#include <mm/swap.h>

static int check_leaf(struct page *table, pte_t *slot, u32 *seen);

int
rmap_check_table(struct page *table)
{
	u32 seen[RSS_KINDS + 1] = {0};
	int bad = 0;

	assert(table->kind == PAGE_TABLE && table->level == 1);
	for (u32 i = 0; i < TABLE_ENTRIES; i++)
		bad += check_leaf(table, &table_slots(table)[i], seen);
	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		if (seen[kind] != table->counts[kind]) {
			pr_err("mm_check: the table at %lx counts %u leaves of kind %u and has %u\n", table->base,
			       table->counts[kind], kind, seen[kind]);
			bad++;
		}
	if (seen[RSS_KINDS] != table->other) {
		pr_err("mm_check: the table at %lx counts %u zero-frame leaves and has %u\n", table->base, table->other,
		       seen[RSS_KINDS]);
		bad++;
	}
	return bad;
}

int
rmap_check_page(struct page *page)
{
	struct chain_iter it;
	u32 slots = 0;
	u32 locks = 0;
	int bad = 0;

	assert(page_is_user(page));
	for (u64 word = chain_first(&page->rmap, &it); word; word = chain_next(&it), slots++) {
		const pte_t *slot = (const pte_t *)word;

		if (!leaf_has_frame(pte_read(slot)) || leaf_page(pte_read(slot)) != page) {
			pr_err("mm_check: frame %lx has slot %p on its chain, which holds %lx\n", page_to_pfn(page),
			       (const void *)slot, pte_read(slot).value);
			bad++;
		}
		locks += pte_has(pte_read(slot), PTE_LOCKED);
	}
	if (locks != page->locks) {
		pr_err("mm_check: frame %lx counts %u locked leaves and has %u\n", page_to_pfn(page), page->locks,
		       locks);
		bad++;
	}
	if (slots != page->mapcount) {
		pr_err("mm_check: frame %lx has mapcount %u and %u slots\n", page_to_pfn(page), page->mapcount, slots);
		bad++;
	}
	return bad;
}

static int
check_leaf(struct page *table, pte_t *slot, u32 *seen)
{
	pte_t e = pte_read(slot);
	struct page *page = leaf_page(e);

	if (pte_none(e))
		return 0;
	if (leaf_is_swap(e)) {
		seen[RSS_SWAP]++;
		return 0;
	}
	if (leaf_has_frame(e) && page == zero_frame) {
		seen[RSS_KINDS]++;
		if (!pte_has(e, PTE_WRITE))
			return 0;
		pr_err("mm_check: the leaf of %lx lets a program write the zero frame\n", slot_va(slot));
		return 1;
	}
	if (!leaf_has_frame(e) || !page_is_user(page) || !chain_has(&page->rmap, (u64)slot)) {
		pr_err("mm_check: the leaf of %lx holds %lx, but frame %lx (%s) does not know it\n", slot_va(slot),
		       e.value, page_to_pfn(page), page_kind_name(page->kind));
		return 1;
	}
	seen[page_rss_kind(page)]++;
	if (page->kind == PAGE_ANON && pte_has(e, PTE_WRITE) && page->mapcount > 1) {
		pr_err("mm_check: private frame %lx has %u mappings, and the leaf of %lx may write it\n",
		       page_to_pfn(page), page->mapcount, slot_va(slot));
		return 1;
	}
	return 0;
}
