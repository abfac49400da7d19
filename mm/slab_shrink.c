/* SPDX-License-Identifier: MIT */
/*
 * mm/slab_shrink.c - caches give back what nobody uses
 *
 * Idea        What is idle: empty slabs, which go at once, and objects in magazines, which have to go back to their
 *             slabs first. Each CPU empties its own magazines; nobody else may touch them.
 * Invariants  none
 * Locks       cache->lock of one cache after the other
 * Follow      from slab.c, which registers it, shrinker.c, kernel/fs/procfs_mm.c   to slab.c, slab_block.c
 * Tests       tests/host/slab_test.c, tests/guest/vmscan.c
 * See         shrinker.h
 */
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/slab_block.h>

static void shrinker_scan(struct shrink_control *sc);
static u64 empties_free(void);
static u64 empties_scan(u64 most, u64 *frames);

static struct shrinker slab_shrinker = {
	.name = "slab", .count = slab_idle_objects, .scan = shrinker_scan, .seeks = SHRINK_SEEKS};

void
slab_shrink_init(void)
{
	shrinker_register(&slab_shrinker);
}

u64
slab_shrink(void)
{
	slab_magazines_drain(NULL);
	return empties_free();
}

u64
slab_drain_all(void)
{
	dassert(irq_enabled());
	cpu_call_many(BIT(cpu_count()) - 1, slab_magazines_drain, NULL);
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
		slab_magazines_drain(NULL);
	else
		cpu_call_many(BIT(cpu_count()) - 1, slab_magazines_drain, NULL);
	empties_scan(~0UL, &sc->frames);
	sc->scanned = max_u64(sc->scanned, all - min_u64(all, slab_idle_objects()));
}

/* Gives back every empty slab of every cache; returns the number of frames. */
static u64
empties_free(void)
{
	u64 frames = 0;

	empties_scan(~0UL, &frames);
	return frames;
}

/* Gives back empty slabs, as many as have @most places. Returns these places; adds to @frames. */
static u64
empties_scan(u64 most, u64 *frames)
{
	u64 places = 0;

	for (struct kmem_cache *cache = slab_cache_next(NULL); cache && places < most; cache = slab_cache_next(cache))
		places += slab_block_free_empty(cache, most - places, frames);
	return places;
}
