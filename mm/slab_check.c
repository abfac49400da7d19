/* SPDX-License-Identifier: MIT */
/*
 * mm/slab_check.c - the figures of all caches, and the proof that they are right
 *
 * Idea        Walks the caches with one lock at a time. Figures are a moment old, the proof is exact on a quiet system.
 * Invariants  those of slab.c and slab_block.h
 * Locks       cache->lock, interrupts off
 * Follow      from check.c, kernel/fs/procfs_mm.c   to slab.c
 * Tests       tests/host/slab_test.c
 * See         docs/mm.md
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/slab_guard.h>

static u64 magazines_count(const struct kmem_cache *cache);
static int cache_check(struct kmem_cache *cache);
static int list_check(struct kmem_cache *cache, struct list *slabs, u64 *count, u64 *taken);
static int slab_free_check(struct kmem_cache *cache, struct page *slab);

struct kmem_cache *
slab_info_next(struct kmem_cache *cache, struct slab_info *out)
{
	u64 irq;

	cache = slab_cache_next(cache);
	if (!cache)
		return NULL;
	irq = spin_lock_irqsave(&cache->lock);
	dassert(cache->empties <= cache->slabs && cache->taken <= cache->slabs * cache->per_slab); /* I3 */
	*out = (struct slab_info){
		.name = cache->name,
		.objects_used = cache->taken - min_u64(cache->taken, magazines_count(cache)),
		.objects_total = cache->slabs * cache->per_slab,
		.size = cache->stride,
		.per_slab = cache->per_slab,
		.pages_per_slab = 1U << cache->order,
		.slabs_total = cache->slabs,
		.slabs_empty = cache->empties,
	};
	spin_unlock_irqrestore(&cache->lock, irq);
	return cache;
}

u64
slab_objects_total(void)
{
	struct slab_info info;
	u64 objects = 0;

	for (struct kmem_cache *c = slab_info_next(NULL, &info); c; c = slab_info_next(c, &info))
		objects += info.objects_used;
	return objects;
}

u64
slab_pages_total(void)
{
	struct slab_info info;
	u64 frames = 0;

	for (struct kmem_cache *c = slab_info_next(NULL, &info); c; c = slab_info_next(c, &info))
		frames += info.slabs_total * info.pages_per_slab;
	return frames;
}

u64
slab_idle_objects(void)
{
	u64 objects = 0;

	for (struct kmem_cache *c = slab_cache_next(NULL); c; c = slab_cache_next(c))
		objects += magazines_count(c) + READ_ONCE(c->empties) * c->per_slab;
	return objects;
}

u64
slab_empty_pages(void)
{
	struct slab_info info;
	u64 frames = 0;

	for (struct kmem_cache *c = slab_info_next(NULL, &info); c; c = slab_info_next(c, &info))
		frames += info.slabs_empty * info.pages_per_slab;
	return frames;
}

int
slab_check(void)
{
	int bad = 0;

	for (struct kmem_cache *cache = slab_cache_next(NULL); cache; cache = slab_cache_next(cache)) {
		u64 irq = spin_lock_irqsave(&cache->lock);

		bad += cache_check(cache);
		spin_unlock_irqrestore(&cache->lock, irq);
	}
	return bad;
}

/* Objects in the magazines of all CPUs: a moment old. */
static u64
magazines_count(const struct kmem_cache *cache)
{
	u64 objects = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		objects += READ_ONCE(READ_ONCE(cache->magazine[cpu])->count);
	return objects;
}

static int
cache_check(struct kmem_cache *cache)
{
	u64 partial = 0;
	u64 full = 0;
	u64 empty = 0;
	u64 taken = 0;
	int bad = 0;

	must_hold(&cache->lock);
	bad += list_check(cache, &cache->partial, &partial, &taken);
	bad += list_check(cache, &cache->full, &full, &taken);
	bad += list_check(cache, &cache->empty, &empty, &taken);
	if (partial + full + empty != cache->slabs || empty != cache->empties || taken != cache->taken) {
		pr_err("slab: cache %s says %lu slabs, %lu empty, %lu objects taken; its lists hold %lu, %lu, %lu\n",
		       cache->name, cache->slabs, cache->empties, cache->taken, partial + full + empty, empty, taken);
		bad++;
	}
	return bad;
}

/* Adds the length of the list @slabs to *@count, and the objects taken from them to *@taken. */
static int
list_check(struct kmem_cache *cache, struct list *slabs, u64 *count, u64 *taken)
{
	struct page *slab;
	int bad = 0;

	list_for_each (slab, slabs, link) {
		struct list *right = &cache->partial;

		if (slab->kind != PAGE_SLAB || slab->cache != cache || ++*count > cache->slabs) {
			pr_err("slab: cache %s: frame %lx is on a list, but no slab of it\n", cache->name,
			       page_to_pfn(slab));
			return bad + 1;
		}
		if (slab->inuse == 0 || slab->inuse == cache->per_slab)
			right = slab->inuse ? &cache->full : &cache->empty;
		if (right != slabs) {
			pr_err("slab: cache %s: the slab at frame %lx with %lu of %u objects taken is on a wrong "
			       "list\n",
			       cache->name, page_to_pfn(slab), slab->inuse, cache->per_slab);
			bad++;
		}
		*taken += slab->inuse;
		bad += slab_free_check(cache, slab);
	}
	return bad;
}

/* The free list of @slab: objects of this slab, as many as are not taken. */
static int
slab_free_check(struct kmem_cache *cache, struct page *slab)
{
	char *base = page_to_va(slab);
	u64 free = 0;

	must_hold(&cache->lock);
	for (char *o = slab->freelist; o; o = *(void **)(o + cache->link_offset)) {
		if (slab_of(cache, o) != slab || (u64)(o - base) % cache->stride || ++free > cache->per_slab) {
			pr_err("slab: cache %s: the free list of the slab at frame %lx leads to %p\n", cache->name,
			       page_to_pfn(slab), o);
			return 1;
		}
	}
	if (free + slab->inuse == cache->per_slab)
		return 0;
	pr_err("slab: cache %s: the slab at frame %lx has %lu objects free and %lu taken, of %u\n", cache->name,
	       page_to_pfn(slab), free, slab->inuse, cache->per_slab);
	return 1;
}
