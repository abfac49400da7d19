/* SPDX-License-Identifier: MIT */
/*
 * mm/slab_block.c - the blocks of frames behind a cache, cut into objects: slabs
 *
 * Idea        see slab_block.h
 * Invariants  see slab_block.h
 * Locks       cache->lock (interrupts off), then zone->lock
 * Follow      from slab.c, slab_shrink.c   to page_alloc.c, slab_guard.c
 * Tests       tests/host/slab_test.c
 * See         slab_block.h
 */
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/slab_block.h>
#include <mm/slab_guard.h>

#define SLAB_ORDER_MOST 3 /* 32 KiB */
#define WASTE_SHARE 8     /* less than 1/8 of a slab may lie idle */
#define EMPTIES_MOST 2    /* empty slabs that a cache keeps */

static void *slab_take(struct kmem_cache *cache, struct page *slab);
static void slab_put(struct kmem_cache *cache, void *object);
static struct page *slab_create(struct kmem_cache *cache, u32 flags);
static void slab_sort(struct kmem_cache *cache, struct page *slab);
static void slab_destroy(struct kmem_cache *cache, struct page *slab);

/* Returns the smallest order that wastes less than its share, or else the one that wastes the smallest part. */
u16
slab_block_order(u32 stride)
{
	u16 best = SLAB_ORDER_MOST;
	u64 best_waste = PAGE_SIZE << SLAB_ORDER_MOST; /* as if scaled to the largest slab */

	assert(stride && stride <= PAGE_SIZE << SLAB_ORDER_MOST);
	for (u16 order = 0; order <= SLAB_ORDER_MOST; order++) {
		u64 bytes = PAGE_SIZE << order;
		u64 waste = bytes < stride ? bytes : bytes % stride;

		if (waste * WASTE_SHARE < bytes)
			return order;
		if (waste << (SLAB_ORDER_MOST - order) < best_waste) {
			best_waste = waste << (SLAB_ORDER_MOST - order);
			best = order;
		}
	}
	dassert(PAGE_SIZE << best >= stride);
	return best;
}

/* Partial slabs first. */
u32
slab_block_take(struct kmem_cache *cache, void **out, u32 n)
{
	u32 got = 0;

	must_hold(&cache->lock);
	for (; got < n; got++) {
		struct list *from = list_empty(&cache->partial) ? &cache->empty : &cache->partial;

		if (list_empty(from))
			break;
		out[got] = slab_take(cache, list_first(from, struct page, link));
	}
	return got;
}

void
slab_block_put(struct kmem_cache *cache, void **objects, u32 n)
{
	for (u32 i = 0; i < n; i++)
		slab_put(cache, objects[i]);
}

void *
slab_block_grow(struct kmem_cache *cache, u32 flags)
{
	struct page *slab = slab_create(cache, flags & ~ALLOC_ZERO);
	void *object;
	u64 irq;

	if (!slab)
		return NULL;
	dassert(!slab->inuse && slab->freelist);
	irq = spin_lock_irqsave(&cache->lock);
	list_add(&slab->link, &cache->empty);
	cache->slabs++;
	cache->empties++;

	/* Why: the object must come from this slab; others may have come and gone while page_alloc slept. */
	object = slab_take(cache, slab);
	spin_unlock_irqrestore(&cache->lock, irq);
	return object;
}

u64
slab_block_free_empty(struct kmem_cache *cache, u64 most, u64 *frames)
{
	u64 irq = spin_lock_irqsave(&cache->lock);
	u64 places = 0;

	for (; cache->empties && places < most; cache->empties--) {
		assert(!list_empty(&cache->empty)); /* I3 */
		slab_destroy(cache, list_first(&cache->empty, struct page, link));
		*frames += 1UL << cache->order;
		places += cache->per_slab;
	}
	spin_unlock_irqrestore(&cache->lock, irq);
	return places;
}

/* Takes an object from @slab, which has a free one. Needs cache->lock. */
static void *
slab_take(struct kmem_cache *cache, struct page *slab)
{
	void *object = slab->freelist;

	must_hold(&cache->lock);
	dassert(slab->kind == PAGE_SLAB && slab->cache == cache);
	dassert(object && slab->inuse < cache->per_slab); /* I2 */
	dassert(slab->inuse || cache->empties);
	slab->freelist = *(void **)((char *)object + cache->link_offset);
	cache->empties -= !slab->inuse;
	slab->inuse++;
	cache->taken++;
	dassert(!slab->freelist == (slab->inuse == cache->per_slab)); /* I2 */
	if (slab->inuse == 1 || slab->inuse == cache->per_slab)
		slab_sort(cache, slab);
	return object;
}

/*
 * Returns @object to its slab, and the slab to the page allocator if it is empty and the cache keeps enough of them.
 * Needs cache->lock.
 */
static void
slab_put(struct kmem_cache *cache, void *object)
{
	struct page *slab = slab_of(cache, object);

	must_hold(&cache->lock);
	assertf(slab->kind == PAGE_SLAB && slab->cache == cache && slab->inuse, "%p is no object of cache %s", object,
		cache->name);
	dassert(((u64)object - (u64)page_to_va(slab)) % cache->stride == 0);
	dassert(object != slab->freelist && cache->taken);
	*(void **)((char *)object + cache->link_offset) = slab->freelist;
	slab->freelist = object;
	slab->inuse--;
	cache->taken--;
	if (!slab->inuse && cache->empties >= EMPTIES_MOST) {
		slab_destroy(cache, slab);
		return;
	}
	cache->empties += !slab->inuse;
	if (!slab->inuse || slab->inuse + 1 == cache->per_slab)
		slab_sort(cache, slab);
}

static struct page *
slab_create(struct kmem_cache *cache, u32 flags)
{
	struct page *slab = page_alloc(cache->order, flags);
	char *base;
	void *next = NULL;

	if (!slab)
		return NULL;
	dassert(slab_of(cache, page_to_va(slab)) == slab); /* a block is aligned to its size */
	for (u32 i = 0; i < 1U << cache->order; i++) {
		slab[i].kind = PAGE_SLAB;
		slab[i].cache = cache;
	}

	/* From the last to the first, so that objects are handed out from low to high. */
	base = page_to_va(slab);
	for (u32 i = cache->per_slab; i > 0; i--) {
		char *object = base + (i - 1) * cache->stride;

		if (CONFIG_DEBUG)
			guard_new(cache, object);
		*(void **)(object + cache->link_offset) = next;
		next = object;
	}
	slab->freelist = next;
	slab->inuse = 0;
	return slab;
}

/* Puts @slab on the list where its inuse belongs. Needs cache->lock. */
static void
slab_sort(struct kmem_cache *cache, struct page *slab)
{
	struct list *to = &cache->partial;

	must_hold(&cache->lock);
	dassert(slab->inuse <= cache->per_slab);
	if (!slab->inuse)
		to = &cache->empty;
	if (slab->inuse == cache->per_slab)
		to = &cache->full;
	list_del(&slab->link);
	list_add(&slab->link, to);
}

/* Needs cache->lock; @slab has no taken object and counts as empty no more. */
static void
slab_destroy(struct kmem_cache *cache, struct page *slab)
{
	must_hold(&cache->lock);
	dassert(slab->kind == PAGE_SLAB && slab->cache == cache && !slab->inuse);
	dassert(cache->slabs);
	list_del(&slab->link);
	cache->slabs--;
	page_free(slab, cache->order);
}
