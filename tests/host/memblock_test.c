/* SPDX-License-Identifier: MIT */
/*
 * tests/host/memblock_test.c - boot memory: random ranges against a map with one byte for each page
 *
 * Idea        The model knows of each page of a small machine whether it is RAM and whether it is reserved. After each
 *             operation the lists must say the same, sorted and merged.
 */
/* sources: mm/memblock.c */
#include "arena.h"

#define PAGES 4096UL
#define STEPS 20000

static bool ram[PAGES];
static bool reserved[PAGES];
static bool given[PAGES];
static u64 reach_pages;

/* Stands for the page allocator. */
u64
node_give(u64 start_pfn, u64 end_pfn)
{
	for (u64 pfn = start_pfn; pfn < end_pfn; pfn++) {
		assert_true(pfn < PAGES && !given[pfn]);
		given[pfn] = true;
	}
	return end_pfn - start_pfn;
}

static void
machine_reset(void)
{
	arena_reset(PAGES << PAGE_SHIFT);
	memblock_ram.count = 0;
	memblock_reserved.count = 0;
	memset(ram, 0, sizeof(ram));
	memset(reserved, 0, sizeof(reserved));
	reach_pages = PAGES;
	memblock_reach_set(PAGES << PAGE_SHIFT);
}

static void
mark(bool *map, u64 base, u64 end)
{
	for (u64 pfn = base; pfn < end && pfn < PAGES; pfn++)
		map[pfn] = true;
}

/* The list says of each page what the model says, and its ranges are sorted, apart and not empty. */
static void
list_compare(const struct memblock_list *list, const bool *map)
{
	u64 at = 0;

	for (u32 i = 0; i < list->count; i++) {
		const struct memblock_range *r = &list->range[i];

		assert_true(r->base < r->end && (i == 0 || r->base > list->range[i - 1].end));
		for (; at < r->base >> PAGE_SHIFT && at < PAGES; at++)
			assert_false(map[at]);
		for (; at < r->end >> PAGE_SHIFT && at < PAGES; at++)
			assert_true(map[at]);
	}
	for (; at < PAGES; at++)
		assert_false(map[at]);
}

static void
machine_compare(void)
{
	struct memblock_range free = {0, 0};
	u64 at = 0;

	list_compare(&memblock_ram, ram);
	list_compare(&memblock_reserved, reserved);
	while (memblock_next_free(free.end, &free)) {
		for (; at < free.base >> PAGE_SHIFT; at++)
			assert_false(ram[at] && !reserved[at]);
		for (; at < free.end >> PAGE_SHIFT; at++)
			assert_true(ram[at] && !reserved[at]);
	}
	for (; at < PAGES; at++)
		assert_false(ram[at] && !reserved[at]);
}

static void
random_add(void)
{
	u64 base = host_below(PAGES << PAGE_SHIFT);
	u64 end = base + host_below((PAGES << PAGE_SHIFT) - base);

	memblock_add(base, end - base);
	mark(ram, (base + PAGE_SIZE - 1) >> PAGE_SHIFT, end >> PAGE_SHIFT);
	reserved[0] = true;
}

static void
random_reserve(void)
{
	u64 base = host_below(PAGES << PAGE_SHIFT);
	u64 len = host_below(20 * PAGE_SIZE);

	memblock_reserve(base, len);
	if (len)
		mark(reserved, base >> PAGE_SHIFT, (base + len + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

/* Where would @pages aligned pages fit highest? 0: nowhere. */
static u64
model_place(u64 pages, u64 align)
{
	for (u64 base = (reach_pages - pages) / align * align; base > 0; base -= align) {
		u64 n = 0;

		while (n < pages && ram[base + n] && !reserved[base + n])
			n++;
		if (n == pages)
			return base;
	}
	return 0;
}

static void
random_alloc(void)
{
	u64 pages = 1 + host_below(8);
	u64 align = 1UL << host_below(5);
	u64 place = model_place(pages, align);
	u64 pa;

	if (!place)
		return;
	memset(pa_to_va(place << PAGE_SHIFT), 0x55, pages << PAGE_SHIFT);
	pa = memblock_alloc((pages << PAGE_SHIFT) - host_below(PAGE_SIZE), align << PAGE_SHIFT);
	assert_int_equal(pa >> PAGE_SHIFT, place);
	for (u64 i = 0; i < pages << PAGE_SHIFT; i++)
		assert_int_equal(((u8 *)pa_to_va(pa))[i], 0);
	mark(reserved, place, place + pages);
}

static void
random_ranges_follow_the_model(void **state)
{
	for (u32 round = 0; round < 40; round++) {
		machine_reset();
		for (u32 i = 0; i < 3; i++)
			random_add();
		for (u32 step = 0; step < STEPS / 40 && memblock_reserved.count < MEMBLOCK_RANGES - 2; step++) {
			if (host_below(3))
				random_alloc();
			else
				random_reserve();
			if (step % 16 == 0)
				machine_compare();
		}
		machine_compare();
	}
}

static void
partial_pages_are_left_out_of_ram_and_into_reserved(void **state)
{
	machine_reset();
	memblock_add(PAGE_SIZE + 1, 2 * PAGE_SIZE);
	assert_int_equal(memblock_ram_bytes(), PAGE_SIZE);
	memblock_add(64 * PAGE_SIZE + 1, PAGE_SIZE);
	assert_int_equal(memblock_ram_bytes(), PAGE_SIZE);
	memblock_reserve(2 * PAGE_SIZE + 5, 1);
	assert_true(memblock_is_ram(2 * PAGE_SIZE + 5) && !memblock_is_ram(3 * PAGE_SIZE));
	assert_int_equal(memblock_reserved.range[1].end, 3 * PAGE_SIZE);
}

static void
a_cap_forgets_what_is_above(void **state)
{
	machine_reset();
	memblock_add(0, 100 * PAGE_SIZE);
	memblock_add(200 * PAGE_SIZE, 100 * PAGE_SIZE);
	memblock_cap(250 * PAGE_SIZE + 7);
	assert_int_equal(memblock_ram_bytes(), 150 * PAGE_SIZE);
	memblock_cap(200 * PAGE_SIZE);
	assert_int_equal(memblock_ram_end(), 100 * PAGE_SIZE);
}

static void
the_reach_bounds_allocations(void **state)
{
	machine_reset();
	memblock_add(0, PAGES << PAGE_SHIFT);
	memblock_reach_set(100 * PAGE_SIZE);
	assert_int_equal(memblock_alloc(1, 1), 99 * PAGE_SIZE);
}

static void
alloc_too_much(void *arg)
{
	memblock_alloc(PAGES << PAGE_SHIFT, 1);
}

static void
cap_all(void *arg)
{
	memblock_cap(PAGE_SIZE);
}

static void
without_memory_it_panics(void **state)
{
	machine_reset();
	memblock_add(PAGE_SIZE, 100 * PAGE_SIZE);
	assert_true(host_dies(alloc_too_much, NULL));
	assert_true(host_dies(cap_all, NULL));
}

/* Last: memblock closes. */
static void
all_that_is_free_is_given_once(void **state)
{
	u64 frames = 0;

	machine_reset();
	random_add();
	random_add();
	for (u32 i = 0; i < 50; i++)
		random_reserve();
	for (u64 pfn = 0; pfn < PAGES; pfn++)
		frames += ram[pfn] && !reserved[pfn];
	assert_int_equal(memblock_free_all(), frames);
	for (u64 pfn = 0; pfn < PAGES; pfn++)
		assert_int_equal(given[pfn], ram[pfn] && !reserved[pfn]);
	assert_true(host_dies(alloc_too_much, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ranges_follow_the_model),
		cmocka_unit_test(partial_pages_are_left_out_of_ram_and_into_reserved),
		cmocka_unit_test(a_cap_forgets_what_is_above),
		cmocka_unit_test(the_reach_bounds_allocations),
		cmocka_unit_test(without_memory_it_panics),
		cmocka_unit_test(all_that_is_free_is_given_once),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
