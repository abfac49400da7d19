/* SPDX-License-Identifier: MIT */
/*
 * mm/slab_block.h - the blocks of frames behind a cache, cut into objects: slabs
 *
 * Idea        A slab needs no header: page->freelist leads to its first free object, a free object holds the address of
 *             the next, and page->inuse counts. A block of order n is aligned to its size, so that an object's address
 *             gives its slab, and every frame of it names its cache.
 *             Empty slabs: each cache keeps up to EMPTIES_MOST for the next rush; slab_shrink.c returns all.
 * Invariants  I1  A slab is on the list that its inuse says: 0 empty, per_slab full, else partial.
 *             I2  inuse + length of the free list = per_slab, for each slab.
 *             I3  taken is the sum of inuse; slabs and empties are lengths of lists.              (slab_check.c)
 * Locks       cache->lock (interrupts off), then zone->lock
 * Follow      from slab.c, slab_shrink.c; nobody else   to page_alloc.c
 * Tests       tests/host/slab_test.c
 * See         Bonwick, The Slab Allocator, USENIX 1994
 */
#pragma once

#include <mm/slab.h>

/* slab_block_order - of the smallest block that wastes little when it is cut into pieces of @stride bytes. */
u16 slab_block_order(u32 stride);

/*
 * slab_block_take - up to @n objects out of slabs that have some, into @out
 * slab_block_put - @n objects go back to their slabs; a slab that is empty then may go to the page allocator
 *
 * Returns   (take) how many there were
 * Context   holds cache->lock, interrupts off
 */
u32 slab_block_take(struct kmem_cache *cache, void **out, u32 n);
void slab_block_put(struct kmem_cache *cache, void **objects, u32 n);

/*
 * slab_block_grow - make a slab
 *
 * Returns   one of its objects, taken; NULL as page_alloc(order, @flags)
 * Context   as page_alloc() with @flags; takes cache->lock
 */
void *slab_block_grow(struct kmem_cache *cache, u32 flags);

/*
 * slab_block_free_empty - give back empty slabs, until @most places have gone with them
 *
 * Returns   these places; adds to *frames
 * Context   takes cache->lock
 */
u64 slab_block_free_empty(struct kmem_cache *cache, u64 most, u64 *frames);
