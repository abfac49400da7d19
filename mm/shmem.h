/* SPDX-License-Identifier: MIT */
/*
 * mm/shmem.h - pages of shared memory and of files in memory, on their way to a disk and back
 *
 *                 tree --page--->  page                       in memory; leaves map it
 *                 tree --entry-->  slot  --cache--> page      on its way, in either direction; no leaf maps it
 *                 tree --entry-->  slot                       on the disk only
 *
 * Idea        A private page is known to its leaves alone, so they hold the swap entry. A page of an object is known to
 *             the object: the entry stands in the object's tree, once, and leaves that mapped the page are empty. A
 *             fault, a read or a write that looks for the page finds the entry, brings the page back, and goes on as
 *             if it had always been there.
 *             A page has one (object, index). So it moves: out of the object into the swap cache when it leaves, and
 *             back, and there it is a private page like any other (PAGE_ANON). Whoever reads ahead need not know whose
 *             slot it is.
 * Invariants  see pagecache.h I1 and swap.h I1: an entry in a tree is one user of its slot
 *             I1  No leaf maps a page while an entry of a tree names its slot.
 * Locks       the page lock; the object's lock; the lock of the swap cache, nested; map lock; area->lock
 * Follow      from pagecache.c, reclaim_batch.c, swapoff.c   to swap_cache.c
 * Tests       tests/host/pagecache_test.c, tests/guest/tmpswap.c
 * See         docs/mm.md section 10
 */
#pragma once

#include <kernel/lib/types.h>

struct page;
struct pagecache;
struct swap_area;

/*
 * shmem_find - the page at @index, brought back if it has left memory
 *
 * @alloc  flags of page_alloc, for a page that is read
 * @major  set when the disk was read
 *
 * Returns   0 and the page in *out, NULL where the object has none; -ENOMEM; -EIO: it cannot be read
 * Context   may sleep; the caller keeps @object alive
 * Gives     a reference to the page
 */
int shmem_find(struct pagecache *object, u64 index, u32 alloc, bool *major, struct page **out);

/*
 * shmem_swap_out - @page leaves its object, where an entry takes its place, for the swap cache: dirty, to be written;
 *                  or, all of one word, for nowhere: clean, only the caller has it
 *
 * Returns   false: no slot, no memory for the index, or somebody uses the page or has taken it: nothing was changed
 * Context   the page lock; the caller has one reference, no leaf maps the page, and no CPU remembers one that did
 */
bool shmem_swap_out(struct page *page);

/*
 * shmem_read_ahead - bring back the pages in [first, end) that have left memory, as far as memory suffices
 *
 * Context   may sleep; the caller keeps @object alive
 */
void shmem_read_ahead(struct pagecache *object, u64 first, u64 end);

/*
 * shmem_bring_back - bring back every page whose slot is in @area, of all objects
 *
 * One that cannot be read is lost if the area is leaving: who looks for it from then on is told -EIO, as on Linux.
 *
 * Returns   0; -ENOMEM, -EINTR; -EIO: @area stays, and a page cannot be read
 * Context   may sleep; one caller at a time; holds no mm->lock
 */
int shmem_bring_back(const struct swap_area *area);

/* shmem_swapped - pages with numbers in [first, end) that have left memory. Context: takes object->lock. */
u64 shmem_swapped(struct pagecache *object, u64 first, u64 end);
