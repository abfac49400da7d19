/* SPDX-License-Identifier: MIT */
/*
 * tests/host/buddy_test.c - the buddy lists against a model that knows of each frame whether it is free
 *
 * Idea        Random blocks are taken and returned. Each must be aligned, inside the zone, and free until then.
 *             Small zones are checked in full after every operation, a large one now and then. When all is free
 *             again, the lists must be what they were at the start: then everything has merged.
 */
/* sources: mm/buddy.c */
#include "arena.h"

#include <mm/buddy.h>

#define LARGE 20000UL
#define HELD 8192

struct held {
	u64 pfn;
	u32 order;
};

static struct zone zone;
static bool is_free[1UL << 20];
static struct held held[HELD];
static u32 held_count;
static u64 free_count;

const char *
zone_name(const struct zone *z)
{
	return "test";
}

static void
zone_start(u64 start_pfn, u64 end_pfn)
{
	arena_reset(round_up(end_pfn, 1UL << MAX_ORDER) << PAGE_SHIFT);
	memset(is_free, 0, sizeof(is_free));
	memset(&zone, 0, sizeof(zone));
	spin_init(&zone.lock, RANK_ZONE);
	zone.start_pfn = start_pfn;
	zone.end_pfn = end_pfn;
	zone.present = end_pfn - start_pfn;
	buddy_init(&zone);
	spin_lock(&zone.lock);
	buddy_free_range(&zone, start_pfn, end_pfn);
	for (u64 pfn = start_pfn; pfn < end_pfn; pfn++)
		is_free[pfn] = true;
	free_count = end_pfn - start_pfn;
	held_count = 0;
}

static void
zone_compare(void)
{
	u64 count = 0;

	assert_int_equal(buddy_check(&zone), 0);
	assert_int_equal(zone.free, free_count);
	for (u64 pfn = zone.start_pfn; pfn < zone.end_pfn; pfn++) {
		assert_int_equal(pfn_to_page(pfn)->kind == PAGE_FREE, is_free[pfn]);
		count += is_free[pfn];
	}
	assert_int_equal(count, free_count);
}

static void
model_take(u64 pfn, u32 order)
{
	assert_int_equal(pfn & ((1UL << order) - 1), 0);
	assert_true(pfn >= zone.start_pfn && pfn + (1UL << order) <= zone.end_pfn);
	for (u64 i = pfn; i < pfn + (1UL << order); i++) {
		assert_true(is_free[i]);
		assert_int_equal(pfn_to_page(i)->kind, PAGE_PCP);
		is_free[i] = false;
	}
	free_count -= 1UL << order;
}

/* Is there an aligned free block of @order? */
static bool
model_has(u32 order)
{
	for (u64 pfn = round_up(zone.start_pfn, 1UL << order); pfn + (1UL << order) <= zone.end_pfn;
	     pfn += 1UL << order) {
		u64 n = 0;

		while (n < 1UL << order && is_free[pfn + n])
			n++;
		if (n == 1UL << order)
			return true;
	}
	return false;
}

static void
op_alloc(u32 order)
{
	struct page *page;

	if (held_count == HELD)
		return;
	page = buddy_alloc(&zone, order);
	if (!page) {
		assert_false(model_has(order));
		return;
	}
	model_take(page_to_pfn(page), order);
	held[held_count++] = (struct held){page_to_pfn(page), order};
}

static void
op_batch(u32 n)
{
	struct page *pages[128];
	u64 had = free_count;
	u32 got;

	if (held_count + n > HELD)
		return;
	got = buddy_alloc_batch(&zone, pages, n);
	assert_int_equal(got, min_u64(n, had));
	for (u32 i = 0; i < got; i++) {
		model_take(page_to_pfn(pages[i]), 0);
		held[held_count++] = (struct held){page_to_pfn(pages[i]), 0};
	}
}

static void
op_free(void)
{
	u32 i = held_count ? host_below(held_count) : 0;

	if (!held_count)
		return;
	buddy_free(&zone, pfn_to_page(held[i].pfn), held[i].order);
	for (u64 n = 0; n < 1UL << held[i].order; n++)
		is_free[held[i].pfn + n] = true;
	free_count += 1UL << held[i].order;
	held[i] = held[--held_count];
}

/* @pressure: of 16 operations, how many take. */
static void
op_random(u32 pressure)
{
	if (host_below(16) >= pressure)
		op_free();
	else if (host_below(8) == 0)
		op_batch(1 + host_below(127));
	else
		op_alloc(host_below(4) ? host_below(3) : host_below(NR_ORDERS));
}

static void
all_free_and_merged(void)
{
	u64 count[NR_ORDERS];

	while (held_count)
		op_free();
	zone_compare();
	for (u32 order = 0; order < NR_ORDERS; order++)
		count[order] = zone.area[order].count;
	zone_start(zone.start_pfn, zone.end_pfn);
	for (u32 order = 0; order < NR_ORDERS; order++)
		assert_int_equal(count[order], zone.area[order].count);
}

static void
small_zones_hold_after_every_operation(void **state)
{
	for (u32 round = 0; round < 200; round++) {
		u64 start = host_below(3000);

		zone_start(start, start + 1 + host_below(3000));
		for (u32 step = 0; step < 250; step++) {
			op_random(4 + round % 10);
			zone_compare();
		}
		all_free_and_merged();
	}
}

static void
a_large_zone_holds_through_millions_of_operations(void **state)
{
	zone_start(1237, 1237 + LARGE);
	for (u32 step = 0; step < 4000000; step++) {
		op_random(5 + step / 400000 % 7);
		if (step % 20000 == 0)
			zone_compare();
	}
	all_free_and_merged();
}

static void
every_frame_can_be_had_singly_and_none_more(void **state)
{
	for (u64 edge = 0; edge < 5; edge++) {
		zone_start(1024 - edge, 3072 + 3 * edge);
		for (u64 n = 0; n < 2048 + 4 * edge; n++)
			op_alloc(0);
		assert_int_equal(held_count, 2048 + 4 * edge);
		assert_null(buddy_alloc(&zone, 0));
		assert_int_equal(buddy_alloc_batch(&zone, NULL, 0), 0);
		zone_compare();
		all_free_and_merged();
	}
}

static void
one_frame_in_use_prevents_the_large_block(void **state)
{
	struct page *page;

	zone_start(0, 1024);
	page = buddy_alloc(&zone, 0);
	assert_int_equal(page_to_pfn(page), 0);
	assert_null(buddy_alloc(&zone, MAX_ORDER));
	for (u32 order = 0; order < MAX_ORDER; order++)
		assert_int_equal(zone.area[order].count, 1);
	buddy_free(&zone, page, 0);
	assert_int_equal(zone.area[MAX_ORDER].count, 1);
}

static void
a_batch_takes_the_small_blocks_first(void **state)
{
	struct page *pages[64];
	u64 first;

	zone_start(0, 4096);
	first = page_to_pfn(buddy_alloc(&zone, 0));
	assert_int_equal(buddy_alloc_batch(&zone, pages, 63), 63);
	for (u32 i = 0; i < 63; i++)
		assert_true(page_to_pfn(pages[i]) - first < 64);
	assert_int_equal(zone.area[MAX_ORDER].count, 3);
}

static void
free_again(void *page)
{
	buddy_free(&zone, page, 0);
}

static void
a_free_frame_cannot_be_freed(void **state)
{
	struct page *page;

	zone_start(0, 64);
	page = buddy_alloc(&zone, 0);
	buddy_free(&zone, page, 0);
	assert_true(host_dies(free_again, page));
	assert_true(host_dies(free_again, page + 17));
}

static void
the_check_finds_what_is_wrong(void **state)
{
	int log = dup(STDERR_FILENO);

	assert_non_null(freopen("/dev/null", "w", stderr));
	zone_start(0, 64);
	zone.free++;
	assert_int_equal(buddy_check(&zone), 1);
	zone_start(0, 64);
	zone.area[3].count = 7;
	assert_true(buddy_check(&zone) >= 1);
	zone_start(0, 64);
	pfn_to_page(5)->kind = PAGE_KERNEL;
	assert_int_equal(buddy_check(&zone), 1);
	zone_start(0, 64);
	atomic_set(&pfn_to_page(9)->refs, 1);
	assert_int_equal(buddy_check(&zone), 1);
	fflush(stderr);
	dup2(log, STDERR_FILENO);
	close(log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_zones_hold_after_every_operation),
		cmocka_unit_test(a_large_zone_holds_through_millions_of_operations),
		cmocka_unit_test(every_frame_can_be_had_singly_and_none_more),
		cmocka_unit_test(one_frame_in_use_prevents_the_large_block),
		cmocka_unit_test(a_batch_takes_the_small_blocks_first),
		cmocka_unit_test(a_free_frame_cannot_be_freed),
		cmocka_unit_test(the_check_finds_what_is_wrong),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
