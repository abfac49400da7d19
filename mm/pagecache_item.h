/* SPDX-License-Identifier: MIT */
/*
 * mm/pagecache_item.h - what stands in the tree of an object: inside pagecache*.c and shmem.c only
 *
 * Idea        A page in memory is the address of its struct page. A page that has left memory is the swap entry of its
 *             slot, as a small number: no page struct lies that low, so that one comparison tells them apart, and it
 *             tells a hole (0) from a page as well.
 * Invariants  none of its own
 * Locks       object->lock: an item is what it is only as long as that is held
 * Follow      from pagecache.c, shmem.c   to swap.h
 * Tests       tests/host/pagecache_test.c
 * See         docs/mm.md section 6
 */
#pragma once

#include <mm/pagecache.h>
#include <mm/swap.h>

#define ITEM_ENTRY_BITS (32 + SWAP_AREA_BITS) /* slot and area */

static inline bool
item_is_page(const void *item)
{
	return (u64)item >> ITEM_ENTRY_BITS;
}

static inline bool
item_is_entry(const void *item)
{
	return item && !item_is_page(item);
}

static inline void *
item_of_entry(swap_entry_t entry)
{
	dassert(entry.value && !(entry.value >> ITEM_ENTRY_BITS));
	return (void *)entry.value;
}

static inline swap_entry_t
item_to_entry(const void *item)
{
	dassert(item_is_entry(item));
	return (swap_entry_t){(u64)item};
}

/* pagecache_drop - take every item in [first, last) from @object, and pages from every address space. May sleep. */
void pagecache_drop(struct pagecache *object, u64 first, u64 last);

/*
 * pagecache_count_item - @n items more in the tree: what quota and file know of, whether it is in memory or not
 *
 * Context   object->lock
 */
void pagecache_count_item(struct pagecache *object, s32 n);

/* pagecache_uncharge - one page less is promised, where pages are charged one by one. */
void pagecache_uncharge(const struct pagecache *object);

/* pagecache_count_cached - @n pages of @object came into memory, or left it: the gauges. Context: object->lock. */
void pagecache_count_cached(const struct pagecache *object, s32 n);

/* pagecache_pool_grow, pagecache_pool_release - nodes of trees. grow: one more; false: no memory. As @flags say. */
bool pagecache_pool_grow(struct radix_pool *pool, u32 flags);
void pagecache_pool_release(struct radix_pool *pool);

void pagecache_object_init(void);
