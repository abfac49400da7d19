/* SPDX-License-Identifier: MIT */
/*
 * mm/slab.c - objects smaller than a page
 *
 * Idea        A cache hands out objects of one size. It cuts blocks of frames into them (slabs), and puts a stack of
 *             free objects, a magazine, before the slabs on each CPU, so that nearly every call is a push or a pop
 *             without a lock.
 *
 *                 kmem_cache_alloc    CPU 0: magazine [o o o o . .]     CPU 1: magazine [o o . . . .]
 *                                            | half a magazine at a time, under cache->lock
 *                 slabs                partial [#.#.##..] [####.###]   full [########]   empty [........]
 *                                            | whole slabs
 *                 page_alloc
 *
 *             A slab needs no header: page->freelist leads to its first free object, a free object holds the address of
 *             the next, and page->inuse counts. A block of order n is aligned to its size, so that an object's address
 *             gives its slab, and every frame of it names its cache.
 *             Empty slabs: each cache keeps up to EMPTIES_MOST for the next rush; draining returns all. Magazines
 *             themselves come from a cache and go when they are drained: a drained, idle system holds no free object.
 *             Simple: no constructors, no colouring; a magazine is refilled by half rather than exchanged whole.
 * Invariants  I1  A slab is on the list that its inuse says: 0 empty, per_slab full, else partial.
 *             I2  inuse + length of the free list = per_slab, for each slab.
 *             I3  taken is the sum of inuse; slabs and empties are lengths of lists.              (slab_check.c)
 *             I4  A magazine's count is at most its capacity; only its own CPU touches it.
 * Locks       cache->lock (interrupts off), then zone->lock. Magazines: their CPU, interrupts off.
 * Follow      from kmalloc.c and all kmem_cache_create() calls   to page_alloc.c, slab_guard.c
 * Tests       tests/host/slab_test.c
 * See         Bonwick, The Slab Allocator, USENIX 1994; Bonwick and Adams, Magazines and Vmem, USENIX 2001
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <mm/fail_inject.h>
#include <mm/page_alloc.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/slab_guard.h>
#include <mm/vmstat.h>

#define SLAB_ORDER_MOST 3   /* 32 KiB */
#define WASTE_SHARE 8       /* less than 1/8 of a slab may lie idle */
#define MAGAZINE_BYTES 8192 /* what a magazine may hold back, */
#define MAGAZINE_LEAST 2    /* but at least two objects */
#define EMPTIES_MOST 2      /* empty slabs that a cache keeps */

/* Stands where a CPU has no magazine: nothing to pop, no room to push. */
static struct magazine no_magazine;
static struct kmem_cache cache_cache;    /* of struct kmem_cache */
static struct kmem_cache magazine_cache; /* of struct magazine */
static struct kmem_cache *caches;        /* newest first; only ever grows, by caches_lock */
static struct spinlock caches_lock = SPINLOCK_INIT(RANK_SLAB_LIST);

static void cache_init(struct kmem_cache *cache, const char *name, u32 size, u32 align);
static u16 slab_order(u32 stride);
static void *alloc_end(struct kmem_cache *cache, void *object, u32 flags);
static void *alloc_deep(struct kmem_cache *cache, u32 flags, u64 caller);
static void *magazine_refill(struct kmem_cache *cache);
static struct magazine *magazine_of(struct kmem_cache *cache);
static void *slabs_take(struct kmem_cache *cache);
static void *slab_take(struct kmem_cache *cache, struct page *slab);
static void *slab_grow(struct kmem_cache *cache, u32 flags);
static struct page *slab_create(struct kmem_cache *cache, u32 flags);
static void slab_sort(struct kmem_cache *cache, struct page *slab);
static void free_deep(struct kmem_cache *cache, void *object);
static void magazine_spill(struct kmem_cache *cache, struct magazine *magazine, u32 n);
static void slabs_put(struct kmem_cache *cache, void *object);
static void slab_destroy(struct kmem_cache *cache, struct page *slab);
static void magazines_drain(void *unused);
static void magazine_drain(struct kmem_cache *cache);
static u64 empties_free(void);
static void shrinker_scan(struct shrink_control *sc);
static u64 empties_scan(u64 most, u64 *frames);

static struct shrinker slab_shrinker = {
	.name = "slab", .count = slab_idle_objects, .scan = shrinker_scan, .seeks = SHRINK_SEEKS};

void
slab_caches_init(void)
{
	cache_init(&cache_cache, "kmem_cache", sizeof(struct kmem_cache), 0);
	cache_init(&magazine_cache, "magazine", sizeof(struct magazine), 0);
	cache_cache.magazine_size = 0;
	magazine_cache.magazine_size = 0;
	shrinker_register(&slab_shrinker);
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

u64
slab_shrink(void)
{
	magazines_drain(NULL);
	return empties_free();
}

u64
slab_drain_all(void)
{
	dassert(irq_enabled());
	cpu_call_many(BIT(cpu_count()) - 1, magazines_drain, NULL);
	return empties_free();
}

/* Empty slabs first: they are no loss. Then what this CPU has at hand, or, when all is asked for, what all have. */
static void
shrinker_scan(struct shrink_control *sc)
{
	u64 all = slab_idle_objects();

	sc->scanned = empties_scan(sc->want, &sc->frames);
	if (sc->scanned >= sc->want || sc->scanned >= all)
		return;
	if (sc->want < all)
		magazines_drain(NULL);
	else
		cpu_call_many(BIT(cpu_count()) - 1, magazines_drain, NULL);
	empties_scan(~0UL, &sc->frames);
	sc->scanned = max_u64(sc->scanned, all - min_u64(all, slab_idle_objects()));
}

/* Gives back empty slabs, as many as have @most places. Returns these places; adds to @frames. */
static u64
empties_scan(u64 most, u64 *frames)
{
	u64 places = 0;

	for (struct kmem_cache *cache = READ_ONCE(caches); cache && places < most; cache = cache->next) {
		u64 irq = spin_lock_irqsave(&cache->lock);

		for (; cache->empties && places < most; cache->empties--) {
			assert(!list_empty(&cache->empty)); /* I3 */
			slab_destroy(cache, list_first(&cache->empty, struct page, link));
			*frames += 1UL << cache->order;
			places += cache->per_slab;
		}
		spin_unlock_irqrestore(&cache->lock, irq);
	}
	return places;
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
	cache->order = slab_order(cache->stride);
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

/* Returns the smallest order that wastes less than its share, or else the one that wastes the smallest part. */
static u16
slab_order(u32 stride)
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
		object = slab_grow(cache, flags);
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
	void *object;

	dassert(!irq_enabled());
	spin_lock(&cache->lock);
	while (magazine->count < magazine->capacity / 2) {
		object = slabs_take(cache);
		if (!object)
			break;
		magazine->object[magazine->count++] = object;
	}
	object = slabs_take(cache);
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

/* Takes an object from a slab that has one, partial slabs first; NULL when all are full. Needs cache->lock. */
static void *
slabs_take(struct kmem_cache *cache)
{
	struct list *from = list_empty(&cache->partial) ? &cache->empty : &cache->partial;

	must_hold(&cache->lock);
	return list_empty(from) ? NULL : slab_take(cache, list_first(from, struct page, link));
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

/* Makes a slab. Returns one of its objects, or NULL as page_alloc() does. */
static void *
slab_grow(struct kmem_cache *cache, u32 flags)
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

/* The magazine is full, or there is none. Interrupts are off. */
static __noinline void
free_deep(struct kmem_cache *cache, void *object)
{
	struct magazine *magazine = magazine_of(cache);

	dassert(!irq_enabled());
	if (!magazine->capacity) {
		spin_lock(&cache->lock);
		slabs_put(cache, object);
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
	for (u32 i = 0; i < n; i++)
		slabs_put(cache, magazine->object[i]);
	spin_unlock(&cache->lock);
	magazine->count -= n;
	memmove(magazine->object, magazine->object + n, magazine->count * sizeof(magazine->object[0]));
}

/*
 * Returns @object to its slab, and the slab to the page allocator if it is empty and not the first such. Needs
 * cache->lock.
 */
static void
slabs_put(struct kmem_cache *cache, void *object)
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

/* Empties and gives back all magazines of this CPU. */
static void
magazines_drain(void *unused)
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

/* Gives back every empty slab of every cache; returns the number of frames. */
static u64
empties_free(void)
{
	u64 frames = 0;

	empties_scan(~0UL, &frames);
	return frames;
}
