/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_cache.h - pages that are in memory and have a slot
 *
 * Idea        see swap.h. A page enters the cache when it is to be written out, or to be read; it leaves when the disk
 *             holds it and nobody maps it (the slot stays), or when nobody but one program wants it (the slot goes).
 * Invariants  see swap.h
 * Locks       the page lock; then the cache object's lock, the page's map lock, area->lock
 * Follow      from reclaim_batch.c, fault.c, tlb.c   to pagecache.c, swap.c
 * Tests       tests/guest/swap.c
 * See         swap.h
 */
#pragma once

#include <mm/swap.h>

/* The entry of a page in the swap cache. Context: the page lock. */
swap_entry_t page_swap_entry(const struct page *page);

/* Is the private page in the swap cache? Context: the page lock; elsewhere a guess. */
static inline bool
page_is_cached(const struct page *page)
{
	return page->kind == PAGE_ANON && READ_ONCE(page->object);
}

/*
 * swap_cache_add - give @page a slot: it is in the cache afterwards, and dirty
 *
 * Returns   false: no slot is free, or no memory for the index
 * Context   the page lock, of a private page that is in no cache; takes no memory but reserves
 */
bool swap_cache_add(struct page *page);

/*
 * swap_cache_del - take @page out of the cache; its slot goes unless leaves name it
 *
 * Context   the page lock; the caller has a reference; not under PG_WRITEBACK
 */
void swap_cache_del(struct page *page);

/* swap_cache_leave - swap_cache_del, for a page that leaves memory: the slot keeps a shadow (workingset.h). */
void swap_cache_leave(struct page *page);

/*
 * swap_cache_disown - let go of the slot of a page that no leaf names any more: it is an ordinary private page then
 *
 * Returns   true: it is in no cache now; false: leaves name the slot, or it is being written
 * Context   the page lock
 */
bool swap_cache_disown(struct page *page);

/*
 * swap_cache_drop - nobody names the slot of @entry any more: free the page that stands for it
 *
 * Simple: a page that is busy just now stays until reclaim, or swap_cache_settle, finds it.
 *
 * Context   may not hold spinlocks above the cache's; does not sleep
 */
void swap_cache_drop(swap_entry_t entry);

/*
 * swap_cache_let_go - a mapping of @page has gone: if it was the last, and no leaf names the slot, the page leaves the
 * cache
 *
 * Simple: as swap_cache_drop.
 *
 * Context   the caller has a reference; does not sleep
 */
void swap_cache_let_go(struct page *page);

/*
 * swap_in - the page that @entry stands for, read from its slot if it is not in memory
 *
 * @alloc  flags of page_alloc
 * @major  set when the disk was read
 *
 * Returns   0 and the page, locked and in the cache; -EAGAIN: nobody names the slot any more; -ENOMEM; -EIO
 * Context   may sleep
 * Gives     *out: one reference and the page lock
 */
int swap_in(swap_entry_t entry, u32 alloc, bool *major, struct page **out);

/*
 * swap_cache_prepare - a fresh page in the cache for the slot of @entry, which has none; to be read next
 *
 * @flags  of page_alloc
 *
 * Returns   0 and the page, locked, on its LRU list; -ENOMEM; -EAGAIN: nobody names the slot, or it has a page by now
 * Context   may sleep if @flags say so
 * Gives     the page lock; the only reference is the cache's
 */
int swap_cache_prepare(swap_entry_t entry, u32 flags, struct page **out);

/* swap_cache_is_full - are more than half of all slots in use (Linux's vm_swap_full)? Context: any; a guess. */
bool swap_cache_is_full(void);

/*
 * swap_cache_relieve - @page was found in use, and stays: it lets go of its slot when slots are short, or it is locked
 * in memory
 *
 * Context   the page lock
 */
void swap_cache_relieve(struct page *page);

/* swap_cache_settle - free every page of the cache that nobody wants. For mm_check. Context: may sleep. */
void swap_cache_settle(void);
