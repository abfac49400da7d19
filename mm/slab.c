/* SPDX-License-Identifier: MIT */
/*
 * mm/slab.c - objects smaller than a page
 *
 * Idea        A cache hands out objects of one size. It cuts blocks of frames into them (slabs: slab_block.c), and puts
 *             a stack of free objects, a magazine, before the slabs on each CPU, so that nearly every call is a push or
 *             a pop without a lock.
 *
 *                 kmem_cache_alloc    CPU 0: magazine [o o o o . .]     CPU 1: magazine [o o . . . .]
 *                                            | half a magazine at a time, under cache->lock
 *                 slabs                partial [#.#.##..] [####.###]   full [########]   empty [........]
 *                                            | whole slabs
 *                 page_alloc
 *
 *             Magazines themselves come from a cache and go when they are drained (slab_shrink.c): a drained, idle
 *             system holds no free object.
 *             Simple: no constructors, no colouring; a magazine is refilled by half rather than exchanged whole.
 * Invariants  I1 to I3: see slab_block.h
 *             I4  A magazine's count is at most its capacity; only its own CPU touches it.        (slab_check.c)
 * Locks       Magazines: their CPU, interrupts off. Behind them cache->lock.
 * Follow      from kmalloc.c and all kmem_cache_create() calls   to slab_block.c, slab_guard.c
 * Tests       tests/host/slab_test.c
 * See         Bonwick, The Slab Allocator, USENIX 1994; Bonwick and Adams, Magazines and Vmem, USENIX 2001
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <mm/fail_inject.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/slab_block.h>
#include <mm/slab_guard.h>

#define MAGAZINE_BYTES 8192 /* what a magazine may hold back, */
#define MAGAZINE_LEAST 2    /* but at least two objects */

/* Stands where a CPU has no magazine: nothing to pop, no room to push. */
static struct magazine no_magazine;
static struct kmem_cache cache_cache;    /* of struct kmem_cache */
static struct kmem_cache magazine_cache; /* of struct magazine */
static struct kmem_cache *caches;        /* newest first; only ever grows, by caches_lock */
static struct spinlock caches_lock = SPINLOCK_INIT(RANK_SLAB_LIST);

static void cache_init(struct kmem_cache *cache, const char *name, u32 size, u32 align);
static void *alloc_end(struct kmem_cache *cache, void *object, u32 flags);
static void *alloc_deep(struct kmem_cache *cache, u32 flags, u64 caller);
static void *magazine_refill(struct kmem_cache *cache);
static struct magazine *magazine_of(struct kmem_cache *cache);
static void free_deep(struct kmem_cache *cache, void *object);
static void magazine_spill(struct kmem_cache *cache, struct magazine *magazine, u32 n);
static void magazine_drain(struct kmem_cache *cache);

void
slab_caches_init(void)
{
	cache_init(&cache_cache, "kmem_cache", sizeof(struct kmem_cache), 0);
	cache_init(&magazine_cache, "magazine", sizeof(struct magazine), 0);
	cache_cache.magazine_size = 0;
	magazine_cache.magazine_size = 0;
	slab_shrink_init();
}

struct kmem_cache *
kmem_cache_create(const char *name, u32 size, u32 align)
{
	struct kmem_cache *cache = kmem_cache_alloc(&cache_cache, ALLOC_KERNEL | ALLOC_NOINJECT | ALLOC_ZERO);

	may_sleep();
	assertf(cache, "no memory for the cache of %s", name);
	cache_init(cache, name, size, align);
	return cache;
}

void *
kmem_cache_alloc(struct kmem_cache *cache, u32 flags)
{
	u64 irq = irq_save();
	struct magazine *magazine = cache->magazine[this_cpu_id()];
	u32 count = magazine->count;
	void *object;

	dassert(!(flags & ~ALLOC_FLAGS));
	dassert(count <= magazine->capacity); /* I4 */
	if (unlikely(!count)) {
		irq_restore(irq);
		return alloc_deep(cache, flags, (u64)__builtin_return_address(0));
	}
	object = magazine->object[count - 1];
	magazine->count = count - 1;
	irq_restore(irq);
	if (flags & ALLOC_WAIT)
		may_sleep();
	dassert(slab_of(cache, object)->kind == PAGE_SLAB && slab_of(cache, object)->cache == cache);
	if (CONFIG_DEBUG)
		guard_take(cache, object, (u64)__builtin_return_address(0));
	return flags & fail_inject_last ? alloc_end(cache, object, flags) : object;
}

void
kmem_cache_free(struct kmem_cache *cache, void *object)
{
	struct magazine *magazine;
	u64 irq;

	if (CONFIG_DEBUG)
		guard_return(cache, object, (u64)__builtin_return_address(0));
	irq = irq_save();
	magazine = cache->magazine[this_cpu_id()];
	dassert(magazine->count <= magazine->capacity); /* I4 */
	if (likely(magazine->count < magazine->capacity))
		magazine->object[magazine->count++] = object;
	else
		free_deep(cache, object);
	irq_restore(irq);
}

struct kmem_cache *
slab_cache_next(const struct kmem_cache *cache)
{
	return cache ? cache->next : READ_ONCE(caches);
}

static void
cache_init(struct kmem_cache *cache, const char *name, u32 size, u32 align)
{
	align = align ? align : sizeof(void *);
	assert(name && size && size <= KMALLOC_MAX_SLAB);
	assert(is_pow2(align) && align <= PAGE_SIZE);
	cache->name = name;
	cache->size = size;
	cache->link_offset = guard_link_offset(size);
	cache->stride = round_up(guard_end(size), max_u64(align, sizeof(void *)));
	cache->order = slab_block_order(cache->stride);
	cache->per_slab = (PAGE_SIZE << cache->order) / cache->stride;
	cache->magazine_size = min_u64(max_u64(MAGAZINE_BYTES / cache->stride, MAGAZINE_LEAST), MAGAZINE_MOST);
	assert(cache->per_slab && cache->link_offset + sizeof(void *) <= cache->stride);
	assert(cache->magazine_size && cache->magazine_size <= MAGAZINE_MOST);
	spin_init(&cache->lock, RANK_SLAB);
	list_init(&cache->partial);
	list_init(&cache->full);
	list_init(&cache->empty);
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		cache->magazine[cpu] = &no_magazine;
	spin_lock(&caches_lock);
	cache->next = caches;
	__atomic_store_n(&caches, cache, __ATOMIC_RELEASE);
	spin_unlock(&caches_lock);
}

/* An object was at hand. Shall it be zeroed, or withheld? Returns it, or NULL. */
static __noinline void *
alloc_end(struct kmem_cache *cache, void *object, u32 flags)
{
	if (fail_inject(FAIL_SLAB, flags)) {
		kmem_cache_free(cache, object);
		return NULL;
	}
	return flags & ALLOC_ZERO ? memset(object, 0, cache->size) : object;
}

/* The magazine is empty, or there is none. Returns an object, or NULL as page_alloc() does. */
static __noinline void *
alloc_deep(struct kmem_cache *cache, u32 flags, u64 caller)
{
	void *object;
	u64 irq;

	if (flags & ALLOC_WAIT)
		may_sleep();
	if (fail_inject(FAIL_SLAB, flags))
		return NULL;
	irq = irq_save();
	object = magazine_refill(cache);
	irq_restore(irq);
	if (!object)
		object = slab_block_grow(cache, flags);
	if (!object)
		return NULL;
	if (CONFIG_DEBUG)
		guard_take(cache, object, caller);
	return flags & ALLOC_ZERO ? memset(object, 0, cache->size) : object;
}

/* Takes half a magazine and one more object from the slabs. Returns the one, or NULL. Interrupts are off. */
static void *
magazine_refill(struct kmem_cache *cache)
{
	struct magazine *magazine = magazine_of(cache);
	u32 half = magazine->capacity / 2;
	void *object = NULL;

	dassert(!irq_enabled());
	spin_lock(&cache->lock);
	if (magazine->count < half)
		magazine->count += slab_block_take(cache, magazine->object + magazine->count, half - magazine->count);
	slab_block_take(cache, &object, 1);
	spin_unlock(&cache->lock);
	dassert(magazine->count <= magazine->capacity); /* I4 */
	if (!object && magazine->count)
		object = magazine->object[--magazine->count];
	return object;
}

/* This CPU's magazine of @cache, made now if it has none and memory allows. Interrupts are off. */
static struct magazine *
magazine_of(struct kmem_cache *cache)
{
	struct magazine **slot = &cache->magazine[this_cpu_id()];
	struct magazine *fresh;

	dassert(!irq_enabled());
	if ((*slot)->capacity || !cache->magazine_size)
		return *slot;
	fresh = kmem_cache_alloc(&magazine_cache, ALLOC_ATOMIC | ALLOC_NOWARN);
	if (!fresh)
		return *slot;
	assert(cache->magazine_size <= MAGAZINE_MOST);
	fresh->count = 0;
	fresh->capacity = cache->magazine_size;
	*slot = fresh;
	return fresh;
}

/* The magazine is full, or there is none. Interrupts are off. */
static __noinline void
free_deep(struct kmem_cache *cache, void *object)
{
	struct magazine *magazine = magazine_of(cache);

	dassert(!irq_enabled());
	if (!magazine->capacity) {
		spin_lock(&cache->lock);
		slab_block_put(cache, &object, 1);
		spin_unlock(&cache->lock);
		return;
	}
	if (magazine->count == magazine->capacity)
		magazine_spill(cache, magazine, (magazine->capacity + 1) / 2);
	dassert(magazine->count < magazine->capacity);
	magazine->object[magazine->count++] = object;
}

/* Returns the @n objects that lie longest in @magazine to their slabs. Interrupts are off. */
static void
magazine_spill(struct kmem_cache *cache, struct magazine *magazine, u32 n)
{
	dassert(!irq_enabled());
	dassert(n && n <= magazine->count);
	spin_lock(&cache->lock);
	slab_block_put(cache, magazine->object, n);
	spin_unlock(&cache->lock);
	magazine->count -= n;
	memmove(magazine->object, magazine->object + n, magazine->count * sizeof(magazine->object[0]));
}

void
slab_magazines_drain(void *unused)
{
	for (struct kmem_cache *cache = READ_ONCE(caches); cache; cache = cache->next)
		magazine_drain(cache);
}

static void
magazine_drain(struct kmem_cache *cache)
{
	u64 irq = irq_save();
	struct magazine **slot = &cache->magazine[this_cpu_id()];
	struct magazine *magazine = *slot;

	if (magazine->count)
		magazine_spill(cache, magazine, magazine->count);
	dassert(!magazine->count);
	*slot = &no_magazine;
	if (magazine->capacity)
		kmem_cache_free(&magazine_cache, magazine);
	irq_restore(irq);
}
