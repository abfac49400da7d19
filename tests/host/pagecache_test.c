/* SPDX-License-Identifier: MIT */
/*
 * tests/host/pagecache_test.c - objects and their pages against a model; truncation of what is mapped
 *
 * Idea        Random get, find and set_size on a few sparse objects; the model is the first word of each page. Then
 *             truncation under programs: what lies past the end is gone from every address space, growing again shows
 *             zeroes, and a fault that meets the truncation half way brings nothing back. Then with a disk: pages leave
 *             while others read, write, truncate and end swap.
 * Follow      from machine.h   to mm/pagecache.c
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#include "machine_user.h"

#include <mm/page_alloc.h>
#include <mm/shmem.h>
#include <mm/swap.h>
#include <mm/vmstat.h>

#define OBJECTS 3
#define INDICES 24
#define ROUNDS 500

/* Neighbours, and places that need more levels of the tree. */
static const u64 indices[INDICES] = {0,         1,         2,         3,
				     4,         5,         62,        63,
				     64,        65,        127,       128,
				     500,       4095,      4096,      4097,
				     70000,     1UL << 18, 1UL << 24, (1UL << 24) + 1,
				     1UL << 30, 1UL << 36, 1UL << 40, (1UL << 40) + 63};
static struct mm *mm;
static struct pagecache *object;

static int
setup(void **state)
{
	machine_start(400, host_random());
	return 0;
}

static int
teardown(void **state)
{
	machine_stop();
	return 0;
}

/* The model: which pages an object has, and their first words. */
struct model {
	struct pagecache *object;
	u64 word[INDICES];
	bool has[INDICES];
};

static void
find_one(struct model *m, u32 i)
{
	struct page *page = pagecache_find(m->object, indices[i]);

	assert_int_equal(page != NULL, m->has[i]);
	if (!page)
		return;
	assert_int_equal(*(u64 *)page_to_va(page), m->word[i]);
	assert_int_equal(atomic_read(&page->refs), 2);
	page_put(page);
}

static void
get_one(struct model *m, u32 i)
{
	struct page *page;

	if (pagecache_get_page(m->object, indices[i], &page)) {
		assert_false(m->has[i]);
		return;
	}
	if (!m->has[i])
		m->word[i] = 0;
	m->has[i] = true;
	assert_int_equal(*(u64 *)page_to_va(page), m->word[i]);
	*(u64 *)page_to_va(page) = m->word[i] = host_random();
	page_put(page);
}

static void
resize(struct model *m, u32 i)
{
	u64 size = indices[i] << PAGE_SHIFT | (host_below(2) ? 100 : 0);
	u64 old = m->object->size;

	pagecache_set_size(m->object, size);
	assert_int_equal(m->object->size, size);
	for (u32 k = 0; k < INDICES && size < old; k++)
		if (indices[k] >= div_round_up(size, PAGE_SIZE))
			m->has[k] = false;
}

static void
counts_match(const struct model *models)
{
	u64 count = 0;

	for (u32 k = 0; k < OBJECTS * INDICES; k++)
		count += models[k / INDICES].has[k % INDICES];
	assert_int_equal(pagecache_total_pages(), count);
	assert_int_equal(pagecache_check(), 0);
}

static void
random_operations_match_the_model(void **state)
{
	static struct model models[OBJECTS];

	memset(models, 0, sizeof(models));
	for (u32 o = 0; o < OBJECTS; o++)
		models[o].object = pagecache_create(o ? PAGE_SHMEM : PAGE_FILE);
	for (u32 n = 0; n < 40000; n++) {
		struct model *m = &models[host_below(OBJECTS)];
		u32 i = host_below(INDICES), what = host_below(100);

		machine_fail_every(host_below(4) ? 0 : 2);
		if (what < 45)
			find_one(m, i);
		else if (what < 98)
			get_one(m, i);
		else
			resize(m, i);
		if (n % 500 == 0)
			counts_match(models);
	}
	machine_fail_every(0);
	for (u32 o = 0; o < OBJECTS; o++)
		pagecache_put(models[o].object);
	assert_int_equal(pagecache_total_pages(), 0);
	assert_int_equal(vmstat_sum(VM_NR_SHMEM), 0);
}

static void
growing_again_shows_zeroes(void **state)
{
	struct page *page;

	object = user_object(PAGE_SHMEM, 3, 50);
	assert_int_equal(pagecache_get_page(object, 1, &page), 0);
	memset(page_to_va(page), 0x77, PAGE_SIZE);
	page_put(page);
	pagecache_set_size(object, PAGE_SIZE + 10);
	pagecache_set_size(object, 3 * PAGE_SIZE);
	page = pagecache_find(object, 1);
	for (u32 i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(((u8 *)page_to_va(page))[i], i < 10 ? 0x77 : 0);
	page_put(page);
	assert_null(pagecache_find(object, 2));
	pagecache_put(object);
}

static void
truncation_reaches_every_address_space(void **state)
{
	struct mm *other;

	mm = user_create();
	object = user_object(PAGE_SHMEM, 200, 1000);
	user_map(mm, USER_AT, 200, RW, MAP_SHARED | MAP_FIXED, object, 0);
	user_map(mm, USER_AT + (1 << 30), 200, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0);
	for (u32 i = 0; i < 200; i++) {
		assert_int_equal(user_read(mm, USER_AT + i * PAGE_SIZE), 1000 + i);
		assert_int_equal(user_read(mm, USER_AT + (1 << 30) + i * PAGE_SIZE), 1000 + i);
	}
	other = user_fork(mm);
	mm_activate(other);
	user_write(other, USER_AT, 1); /* parts one table, shares the other */
	assert_int_equal(mm_check(), 0);
	pagecache_set_size(object, 50 * PAGE_SIZE);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(mm_rss(mm), 100);
	assert_int_equal(mm_rss(other), 100);
	for (u32 n = 0; n < 2; n++) {
		struct mm *m = n ? mm : other;

		mm_activate(m);
		assert_int_equal(user_read(m, USER_AT + 49 * PAGE_SIZE), 1049);
		assert_int_equal(user_touch(m, USER_AT + 50 * PAGE_SIZE, FAULT_READ), FAULT_BUS);
		assert_int_equal(user_touch(m, USER_AT + (1 << 30) + 199 * PAGE_SIZE, FAULT_READ), FAULT_BUS);
	}
	user_destroy(other);
	user_destroy(mm);
	pagecache_put(object);
}

static void
fault_or_truncate(u32 cpu)
{
	if (cpu == 2) {
		pagecache_set_size(object, PAGE_SIZE);
		return;
	}
	mm_activate(mm);
	for (u32 i = 1; i < 8; i++)
		user_touch(mm, USER_AT + i * PAGE_SIZE, cpu ? FAULT_READ : FAULT_WRITE);
}

/* Whatever the order: past the end there is no page afterwards, neither in the object nor in the address space. */
static void
a_fault_never_brings_back_what_was_truncated(void **state)
{
	for (u32 n = 0; n < ROUNDS; n++) {
		mm = user_create();
		object = pagecache_create(PAGE_SHMEM);
		pagecache_set_size(object, 8 * PAGE_SIZE);
		user_map(mm, USER_AT, 8, RW, MAP_SHARED | MAP_FIXED, object, 0);
		machine_run(3, fault_or_truncate);
		assert_int_equal(mm_check(), 0);
		for (u32 i = 1; i < 8; i++) {
			assert_null(pagecache_find(object, i));
			assert_int_equal(user_touch(mm, USER_AT + i * PAGE_SIZE, FAULT_READ), FAULT_BUS);
		}
		user_destroy(mm);
		pagecache_put(object);
	}
}

static struct mm *child;

/* One writes private copies, one truncates, one forks. */
static void
copy_truncate_or_fork(u32 cpu)
{
	if (cpu == 1) {
		pagecache_set_size(object, PAGE_SIZE);
		return;
	}
	if (cpu == 2) {
		child = user_fork(mm);
		return;
	}
	mm_activate(mm);
	for (u32 i = 0; i < 8; i++) {
		user_touch(mm, USER_AT + (i + 3) % 8 * PAGE_SIZE, FAULT_READ);
		user_write(mm, USER_AT + i * PAGE_SIZE, 7);
	}
	mm_activate(NULL);
}

static void
check_cut(struct mm *one)
{
	mm_activate(one);
	for (u32 i = 1; i < 8; i++)
		assert_int_equal(user_touch(one, USER_AT + i * PAGE_SIZE, FAULT_READ), FAULT_BUS);
	assert_int_equal(user_touch(one, USER_AT, FAULT_READ), FAULT_OK);
	mm_activate(NULL);
}

/* Whatever the order: neither the program nor its child keeps a private copy of what is gone. */
static void
no_copy_survives_truncation(void **state)
{
	for (u32 n = 0; n < ROUNDS; n++) {
		struct mm *others[3]; /* younger than mm, older than its child: truncation passes by them in between */

		mm = user_create();
		mm_activate(NULL);
		for (u32 i = 0; i < ARRAY_SIZE(others); i++)
			others[i] = mm_create();
		object = pagecache_create(PAGE_SHMEM);
		pagecache_set_size(object, 8 * PAGE_SIZE);
		user_map(mm, USER_AT, 8, RW, MAP_PRIVATE | MAP_FIXED, object, 0);
		for (u32 i = 0; i < n % 8; i++) {
			mm_activate(mm);
			user_write(mm, USER_AT + i * PAGE_SIZE, 5);
		}
		machine_run(3, copy_truncate_or_fork);
		assert_int_equal(mm_check(), 0);
		check_cut(mm);
		check_cut(child);
		for (u32 i = 0; i < ARRAY_SIZE(others); i++)
			mm_put(others[i]);
		user_destroy(child);
		user_destroy(mm);
		pagecache_put(object);
	}
}

static void
get_the_same(u32 cpu)
{
	for (u32 i = 0; i < 20; i++) {
		struct page *page;

		assert_int_equal(pagecache_get_page(object, i * 40, &page), 0);
		((u64 *)page_to_va(page))[cpu] = i + 1;
		machine_point();
		page_put(page);
	}
}

static void
two_who_create_a_page_get_the_same(void **state)
{
	for (u32 n = 0; n < 100; n++) {
		object = pagecache_create(PAGE_SHMEM);
		machine_run(MACHINE_CPUS, get_the_same);
		for (u32 i = 0; i < 20; i++) {
			struct page *page = pagecache_find(object, i * 40);

			for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++)
				assert_int_equal(((u64 *)page_to_va(page))[cpu], i + 1);
			page_put(page);
		}
		assert_int_equal(object->count, 20);
		pagecache_put(object);
	}
}

#define OUT_PAGES 12

/* The first word of page @i, which may be out; ~0: there is none. */
static u64
word_of(struct pagecache *o, u64 i)
{
	struct page *page;
	bool major;
	u64 word;

	assert_int_equal(shmem_find(o, i, ALLOC_USER, &major, &page), 0);
	if (!page)
		return ~0UL;
	word = *(u64 *)page_to_va(page);
	page_put(page);
	return word;
}

/* Whatever leaves comes back the same, at once, after truncation, and by swapoff. */
static void
what_leaves_comes_back(void **state)
{
	struct mm *one = user_create(); /* the lists begin with the first address space */
	u64 out = 0;

	machine_swap(64);
	for (u32 n = 0; n < ROUNDS; n++) {
		u64 cut = host_below(OUT_PAGES);

		object = user_object(PAGE_SHMEM, OUT_PAGES, 100);
		machine_reclaim(OUT_PAGES);
		out += object->swapped;
		assert_int_equal(object->count, OUT_PAGES);
		assert_int_equal(shmem_swapped(object, 0, OUT_PAGES), object->swapped);
		assert_int_equal(word_of(object, cut), 100 + cut);
		pagecache_set_size(object, cut << PAGE_SHIFT | 8);
		pagecache_set_size(object, OUT_PAGES << PAGE_SHIFT);
		assert_int_equal(object->count, cut + 1);
		if (n % 2) {
			machine_swap(0);
			assert_int_equal(object->swapped, 0);
			machine_swap(64);
		}
		for (u64 i = 0; i < OUT_PAGES; i++)
			assert_int_equal(word_of(object, i), i <= cut ? 100 + i : ~0UL);
		assert_int_equal(mm_check(), 0);
		pagecache_put(object);
	}
	assert_true(out > ROUNDS);
	assert_int_equal(swap_free_pages(), 63);
	machine_swap(0);
	user_destroy(one);
}

/* One writes and reads through its leaves, one finds pages, one evicts, one truncates or ends swap. */
static void
leave_and_meet(u32 cpu)
{
	for (u32 i = 0; i < OUT_PAGES; i++) {
		u64 word;

		if (cpu == 0) {
			mm_activate(mm);
			user_write(mm, USER_AT + i * PAGE_SIZE, 100 + i);
			if (i < OUT_PAGES / 2)
				assert_int_equal(user_read(mm, USER_AT + i * PAGE_SIZE), 100 + i);
		} else if (cpu == 1) {
			word = word_of(object, i);
			assert_true(word == 100 + i || word == ~0UL || !word);
		} else if (cpu == 2) {
			machine_reclaim(4);
		} else if (i == OUT_PAGES / 2) {
			pagecache_set_size(object, OUT_PAGES / 2 << PAGE_SHIFT);
		} else if (i == OUT_PAGES - 1) {
			shmem_read_ahead(object, 0, OUT_PAGES);
		}
	}
}

static void
eviction_meets_everything(void **state)
{
	struct mm *one = user_create();

	machine_swap(64);
	for (u32 n = 0; n < ROUNDS; n++) {
		mm = user_create();
		object = user_object(PAGE_SHMEM, OUT_PAGES, 100);
		user_map(mm, USER_AT, OUT_PAGES, RW, MAP_SHARED | MAP_FIXED, object, 0);
		machine_run(4, leave_and_meet);
		assert_int_equal(mm_check(), 0);
		for (u64 i = 0; i < OUT_PAGES; i++)
			assert_int_equal(word_of(object, i), i < OUT_PAGES / 2 ? 100 + i : ~0UL);
		user_destroy(mm);
		pagecache_put(object);
		assert_int_equal(mm_check(), 0);
		assert_int_equal(swap_free_pages(), 63);
	}
	machine_swap(0);
	user_destroy(one);
}

static void
leave_while_swap_ends(u32 cpu)
{
	if (cpu == 0) {
		assert_int_equal(swap_area_remove(&swap_areas[0]), 0);
		return;
	}
	for (u32 i = 0; i < OUT_PAGES; i++) {
		if (cpu == 1)
			assert_int_equal(word_of(object, i), 100 + i);
		else
			machine_reclaim(4);
	}
}

static void
swapoff_meets_eviction(void **state)
{
	struct mm *one = user_create();

	for (u32 n = 0; n < ROUNDS; n++) {
		machine_swap(64);
		object = user_object(PAGE_SHMEM, OUT_PAGES, 100);
		machine_reclaim(OUT_PAGES);
		machine_run(3, leave_while_swap_ends);
		assert_int_equal(object->swapped, 0);
		for (u64 i = 0; i < OUT_PAGES; i++)
			assert_int_equal(word_of(object, i), 100 + i);
		assert_int_equal(mm_check(), 0);
		pagecache_put(object);
	}
	user_destroy(one);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(random_operations_match_the_model),
		CASE(growing_again_shows_zeroes),
		CASE(truncation_reaches_every_address_space),
		CASE(two_who_create_a_page_get_the_same),
		CASE(a_fault_never_brings_back_what_was_truncated),
		CASE(no_copy_survives_truncation),
		CASE(what_leaves_comes_back),
		CASE(eviction_meets_everything),
		CASE(swapoff_meets_eviction),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
