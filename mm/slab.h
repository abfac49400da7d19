/* SPDX-License-Identifier: MIT */
/*
 * mm/slab.h - objects smaller than a page
 *
 * Idea        see slab.c
 * Invariants  see slab.c, slab_block.h
 * Locks       cache->lock (RANK_SLAB, interrupts off); magazines: their CPU, interrupts off
 * Follow      from everywhere   to slab.c, kmalloc.c, slab_shrink.c
 * Tests       tests/host/slab_test.c
 * See         Bonwick and Adams, Magazines and Vmem, USENIX 2001
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/list.h>
#include <kernel/lib/types.h>
#include <kernel/spinlock.h>

struct page;

#define KMALLOC_MAX_SLAB 8192 /* larger requests get whole pages */
#define MAGAZINE_MOST 30      /* a struct magazine is 248 bytes: 16 in a page */

/* A stack of free objects that one CPU uses alone. To their slab, objects in it are taken. */
struct magazine {
	u32 count;                   /* owner CPU, interrupts off; others read racily */
	u32 capacity;                /* const after init; 0: the placeholder of a CPU that has none */
	void *object[MAGAZINE_MOST]; /* owner CPU, interrupts off */
};

struct kmem_cache {
	struct magazine *magazine[MAX_CPUS]; /* owner CPU, interrupts off */
	const char *name;                    /* const after init */
	u32 size;                            /* const after init; bytes the user asked for */
	u32 stride;                          /* const after init; bytes from one object to the next */
	u32 per_slab;                        /* const after init; objects in a slab */
	u32 link_offset;                     /* const after init; where a free object keeps the next one's address */
	u16 order;                           /* const after init; of a slab's block of frames */
	u16 magazine_size;                   /* const after init; objects in a magazine; 0: no magazines */
	struct spinlock lock;                /* guards what follows, but next */
	u64 slabs;                           /* lock; all slabs */
	u64 empties;                         /* lock; slabs on empty */
	u64 taken;                           /* lock; objects out of slabs: in use or in magazines */
	struct list partial;                 /* lock; slabs with free and taken objects */
	struct list full;                    /* lock; slabs without a free object */
	struct list empty;                   /* lock; slabs without a taken object */
	struct kmem_cache *next;             /* const after init; all caches, newest first */
};

/*
 * kmem_cache_create - a cache of objects of @size bytes, aligned to @align (a power of two; 0: 8)
 *
 * Returns   the cache, for good; panics without memory. @name must live as long
 * Context   boot, or at least no spinlock held; works as soon as page_alloc does
 */
struct kmem_cache *kmem_cache_create(const char *name, u32 size, u32 align);

/*
 * kmem_cache_alloc - take an object
 *
 * Returns   the object, contents undefined unless ALLOC_ZERO is in @flags; NULL as page_alloc(order, @flags) would
 * Context   as page_alloc() with @flags
 * Gives     the object
 */
void *kmem_cache_alloc(struct kmem_cache *cache, u32 flags);

/*
 * kmem_cache_free - give @object back to the cache it came from
 *
 * Returns   nothing; debug builds panic on a double free, a wrong cache, a write past the end
 * Context   any, even with interrupts off
 * Takes     the object
 */
void kmem_cache_free(struct kmem_cache *cache, void *object);

/* kmalloc.c: memory by size. Each size is served by the smallest cache of kmalloc that holds it. */

/*
 * kmalloc, kzalloc - @size bytes (1 to 4 MiB), aligned to at least 8, and to @size when it is a power of two up to 4096
 *
 * Returns   the memory (kzalloc: zeroed); NULL as page_alloc() would
 * Context   as page_alloc() with @flags
 * Gives     the memory (kfree)
 */
void *kmalloc(size_t size, u32 flags);
void *kzalloc(size_t size, u32 flags);

/*
 * kfree - give back what kmalloc, kzalloc or kmem_cache_alloc returned; NULL does nothing
 *
 * Returns   nothing
 * Context   any
 * Takes     the memory
 */
void kfree(void *p);

/* The first step of slab_init(): the caches that caches are made of; and who asks caches for memory. */
void slab_caches_init(void);
void slab_shrink_init(void);

/*
 * slab_init - ready for kmem_cache_create() and kmalloc()
 *
 * Returns   nothing
 * Context   boot, once, after memblock_free_all()
 */
void slab_init(void);

/*
 * slab_shrink - empty this CPU's magazines and give back empty slabs
 *
 * Returns   the number of frames that went to the page allocator
 * Context   no lock of RANK_SLAB or above held
 */
u64 slab_shrink(void);

/*
 * slab_drain_all - empty the magazines of all CPUs and give back every empty slab
 *
 * Returns   the number of frames that went to the page allocator
 * Context   interrupts on, no irq-off lock held; interrupts other CPUs and waits for them
 */
u64 slab_drain_all(void);

/* slab_magazines_drain - the objects in this CPU's magazines, and these, go back to their slabs. Context: any. */
void slab_magazines_drain(void *unused);

/* What /proc/slabinfo prints of a cache. */
struct slab_info {
	const char *name;
	u64 objects_used;  /* handed out to users */
	u64 objects_total; /* places in all slabs */
	u32 size;          /* bytes of an object with what surrounds it */
	u32 per_slab;      /* objects */
	u32 pages_per_slab;
	u64 slabs_total;
	u64 slabs_empty;
};

/*
 * slab_cache_next - iterate over the caches, newest first: @cache NULL begins
 *
 * Returns   the next cache; NULL after the last
 * Context   any
 */
struct kmem_cache *slab_cache_next(const struct kmem_cache *cache);

/*
 * slab_info_next - iterate over the caches: @cache NULL begins
 *
 * Returns   the next cache, and its figures in @out; NULL after the last
 * Context   takes cache->lock; figures are a moment old
 */
struct kmem_cache *slab_info_next(struct kmem_cache *cache, struct slab_info *out);

/*
 * slab_objects_total, slab_pages_total, slab_empty_pages - objects handed out to users, frames that all slabs hold,
 * and of these the frames of empty slabs, which can be had back at any time
 *
 * Returns   objects, frames
 * Context   takes each cache->lock; a moment old
 */
u64 slab_objects_total(void);
u64 slab_pages_total(void);
u64 slab_empty_pages(void);

/*
 * slab_idle_objects - what can go although nobody frees an object: places in empty slabs, and objects in magazines
 *
 * Context   any, without a lock; a moment old
 */
u64 slab_idle_objects(void);

/*
 * slab_check - prove the invariants of every cache
 *
 * Returns   the number of violations; each is printed as a sentence
 * Context   takes each cache->lock; run it after slab_drain_all() on a quiet system
 */
int slab_check(void);
