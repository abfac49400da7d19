/* SPDX-License-Identifier: MIT */
/*
 * tests/host/slab_test.c - caches, kmalloc and what debug builds catch
 *
 * Idea        Objects are filled with a value of their own while they are held, so that two that overlap give
 *             themselves away. After draining, not one frame may be missing.
 */
/* sources: mm/slab.c mm/slab_block.c mm/slab_shrink.c mm/slab_check.c mm/slab_guard.c mm/kmalloc.c */
/* sources: mm/page_alloc.c mm/page_ladder.c mm/page_list.c */
/* sources: mm/page_check.c mm/pageinit.c mm/node.c mm/watermark.c mm/shrinker.c mm/buddy.c mm/memblock.c mm/vmstat.c */
/* sources: mm/fail_inject.c */
#include "arena_slab.h"
#include "no_swap.h"

#define HELD 4000

struct held {
	u8 *p;
	u32 size;
	u8 fill;
};

static struct held held[HELD];

int
mmu_map_kernel(u64 va, u64 pa, u64 bits)
{
	return 0;
}

static void
held_fill(struct held *h, void *p, u32 size)
{
	assert_non_null(p);
	*h = (struct held){p, size, (u8)host_random()};
	memset(p, h->fill, size);
}

static void
held_verify(const struct held *h)
{
	for (u32 i = 0; i < h->size; i++)
		assert_int_equal(h->p[i], h->fill);
}

/* Nothing is held: draining must bring back what was there before. */
static void
drained(u64 frames)
{
	slab_drain_all();
	page_alloc_drain();
	assert_int_equal(slab_check(), 0);
	assert_int_equal(page_alloc_check(), 0);
	assert_int_equal(nr_free_pages(), frames);
}

static u64
frames_now(void)
{
	slab_drain_all();
	page_alloc_drain();
	return nr_free_pages();
}

static void
cache_random(struct kmem_cache *cache, u32 size, u32 align)
{
	u64 frames = frames_now();
	u64 objects = slab_objects_total();

	memset(held, 0, sizeof(held));
	for (u32 step = 0; step < 20000; step++) {
		struct held *h = &held[host_below(step % 4000 < 2000 ? HELD : HELD / 20)];

		if (h->p) {
			held_verify(h);
			kmem_cache_free(cache, h->p);
			h->p = NULL;
		} else {
			held_fill(h, kmem_cache_alloc(cache, ALLOC_KERNEL), size);
			assert_int_equal((u64)h->p % align, 0);
		}
		if (step % 1000 == 0)
			assert_int_equal(slab_check(), 0);
		if (step % 3001 == 0)
			slab_shrink();
	}
	for (u32 i = 0; i < HELD; i++)
		if (held[i].p)
			kmem_cache_free(cache, held[i].p);
	drained(frames);
	assert_int_equal(slab_objects_total(), objects);
}

static void
objects_never_overlap_and_nothing_is_lost(void **state)
{
	static const u32 sizes[] = {1, 8, 24, 32, 56, 64, 100, 256, 700, 1024};

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		cache_random(kmem_cache_create("test", sizes[i], 0), sizes[i], 8);
	cache_random(kmem_cache_create("aligned", 40, 64), 40, 64);
}

static void
kmalloc_serves_every_size(void **state)
{
	u64 frames = frames_now();

	for (u32 size = 1; size < 70000; size += size < 600 ? 1 : 1 + host_below(500)) {
		struct held h[4];

		for (u32 i = 0; i < 4; i++) {
			held_fill(&h[i], kmalloc(size, ALLOC_KERNEL), size);
			if (is_pow2(size) && size >= 8)
				assert_int_equal((u64)h[i].p % min_u64(size, 4096), 0);
		}
		for (u32 i = 0; i < 4; i++) {
			held_verify(&h[i]);
			kfree(h[i].p);
		}
	}
	kfree(NULL);
	drained(frames);
}

static void
kmalloc_random(void **state)
{
	u64 frames = frames_now();

	memset(held, 0, sizeof(held));
	for (u32 step = 0; step < 300000; step++) {
		struct held *h = &held[host_below(HELD)];
		u32 size = 1 + host_below(1UL << host_below(14));

		if (h->p) {
			held_verify(h);
			kfree(h->p);
			h->p = NULL;
		} else {
			held_fill(h, kmalloc(size, ALLOC_KERNEL), size);
		}
	}
	assert_int_equal(slab_check(), 0);
	for (u32 i = 0; i < HELD; i++)
		kfree(held[i].p);
	drained(frames);
}

static void
zeroed_memory_is_zero(void **state)
{
	for (u32 round = 0; round < 100; round++) {
		u32 size = 1 + host_below(3000);
		u8 *p = kmalloc(size, ALLOC_KERNEL);

		memset(p, 0xff, size);
		kfree(p);
		p = kzalloc(size, ALLOC_KERNEL);
		for (u32 i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		kfree(p);
	}
}

static void
without_memory_it_returns_null_and_recovers(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("exhaust", 512, 0);
	u64 frames = frames_now();
	void **head = NULL;
	void **p;

	while ((p = kmem_cache_alloc(cache, ALLOC_ATOMIC | ALLOC_NOWARN))) {
		*p = head;
		head = p;
	}
	assert_true(nr_free_pages() < frames / 50);
	assert_int_equal(slab_check(), 0);
	while (head) {
		p = head;
		head = *p;
		kmem_cache_free(cache, p);
	}
	drained(frames);
}

static void
figures_add_up(void **state)
{
	struct slab_info info;
	struct kmem_cache *cache = kmem_cache_create("figures", 128, 0);
	u64 objects = slab_objects_total();
	void *p[10];

	for (u32 i = 0; i < 10; i++)
		p[i] = kmem_cache_alloc(cache, ALLOC_KERNEL);
	assert_ptr_equal(slab_info_next(NULL, &info), cache);
	assert_int_equal(info.objects_used, 10);
	assert_true(info.objects_total >= 10 && info.slabs_total >= 1);

	/* The magazine that the cache now has is an object too. */
	assert_int_equal(slab_objects_total(), objects + 11);
	assert_int_equal(slab_pages_total() > 0, 1);
	for (u32 i = 0; i < 10; i++)
		kmem_cache_free(cache, p[i]);
	slab_drain_all();
	assert_ptr_equal(slab_info_next(NULL, &info), cache);
	assert_int_equal(info.slabs_total, 0);
}

static struct kmem_cache *victim_cache;
static u8 *victim;

static void
victim_free(void *arg)
{
	kmem_cache_free(victim_cache, victim);
}

static void
victim_free_to_other(void *arg)
{
	kmem_cache_free(arg, victim);
}

static void
victim_free_inside(void *arg)
{
	kmem_cache_free(victim_cache, victim + 8);
}

static void
victim_alloc(void *arg)
{
	for (u32 i = 0; i < 100; i++)
		kmem_cache_alloc(victim_cache, ALLOC_KERNEL);
}

static void
misuse_is_caught(void **state)
{
	victim_cache = kmem_cache_create("victim", 60, 0);
	victim = kmem_cache_alloc(victim_cache, ALLOC_KERNEL);
	assert_true(host_dies(victim_free_to_other, kmem_cache_create("other", 60, 0)));
	assert_true(host_dies(victim_free_inside, NULL));
	victim[60] ^= 1;
	assert_true(host_dies(victim_free, NULL));
	victim[60] ^= 1;
	victim[64] ^= 1;
	assert_true(host_dies(victim_free, NULL));
	victim[64] ^= 1;
	victim_free(NULL);
	assert_true(host_dies(victim_free, NULL));
	victim[59] ^= 1;
	assert_true(host_dies(victim_alloc, NULL));
	victim[59] ^= 1;
	victim_alloc(NULL);
}

static void
free_stranger(void *p)
{
	kfree(p);
}

static void
kfree_of_a_stranger_is_caught(void **state)
{
	u8 *p = kmalloc(20000, ALLOC_KERNEL);

	assert_true(host_dies(free_stranger, p + 8));
	kfree(p);
	assert_true(host_dies(free_stranger, p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_never_overlap_and_nothing_is_lost),
		cmocka_unit_test(kmalloc_serves_every_size),
		cmocka_unit_test(kmalloc_random),
		cmocka_unit_test(zeroed_memory_is_zero),
		cmocka_unit_test(without_memory_it_returns_null_and_recovers),
		cmocka_unit_test(figures_add_up),
		cmocka_unit_test(misuse_is_caught),
		cmocka_unit_test(kfree_of_a_stranger_is_caught),
	};

	host_start();
	arena_boot();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
