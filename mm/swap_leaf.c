/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_leaf.c - a leaf with a swap entry gets its page back
 *
 * Idea        Memory for the chain first, while no page is locked. Then three beats: the page, from the cache or from
 *             the disk, and locked; the leaf, looked at again and filled under its locks; then the entry is let go of,
 *             and with it perhaps the slot.
 * Invariants  none
 * Locks       the page lock, from swap_in() to the end: the page stays in the cache until it is mapped
 * Follow      from fault.c, swapoff.c   to swap_cache.c, rmap.c
 * Tests       tests/guest/swap.c
 * See         docs/tour.md
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/task.h>
#include <mm/rmap.h>
#include <mm/swap_cache.h>
#include <mm/swap_leaf.h>
#include <mm/swap_same.h>

static int leaf_in(pte_t *slot, pte_t leaf, u64 bits, u32 alloc, bool own, bool *major);
static int leaf_fill(pte_t *slot, pte_t leaf, struct page *page, u64 bits, struct chain_pool *pool);

int
swap_leaf_in(pte_t *slot, pte_t leaf, u64 bits, u32 alloc, bool own, bool *major)
{
	bool within = current->swaps_in;
	int err;

	may_sleep();
	dassert(!(bits & PTE_WRITE));
	current->swaps_in = true;
	err = leaf_in(slot, leaf, bits, alloc, own, major);
	current->swaps_in = within;
	return err;
}

static int
leaf_in(pte_t *slot, pte_t leaf, u64 bits, u32 alloc, bool own, bool *major)
{
	swap_entry_t entry = leaf_to_swap(leaf);
	struct chain_pool pool = {NULL, 0};
	struct page *page;
	int err;

	if (swap_entry_is_same(entry))
		return swap_same_in(slot, leaf, bits, alloc);
	if (unlikely(swap_entry_is_lost(entry)))
		return -EIO;
	/* Before the page is locked: who waits for memory holds none. */
	err = rmap_reserve(&pool, CHAIN_ADD_MAX);
	if (!err)
		err = swap_in(entry, alloc, major, &page);
	if (!err) {
		err = leaf_fill(slot, leaf, page, bits, &pool);
		if (!err)
			swap_put(entry);
		if (!err && own)
			swap_cache_disown(page);
		page_unlock(page);
		page_put(page);
	}
	rmap_release(&pool);
	return err;
}

void
swap_leaf_lose(pte_t *slot, pte_t leaf)
{
	swap_entry_t entry = leaf_to_swap(leaf);

	if (rmap_swap_lose(slot, leaf) && swap_put(entry))
		swap_cache_drop(entry);
}

static int
leaf_fill(pte_t *slot, pte_t leaf, struct page *page, u64 bits, struct chain_pool *pool)
{
	page_get(page);
	if (rmap_swap_in(slot, leaf, page, bits, pool)) /* consumes the reference */
		return 0;
	page_put(page);
	return -EAGAIN;
}
