/* SPDX-License-Identifier: MIT */
/*
 * tests/host/pagetable_test.c - the four levels: walk, extend, iterate, and give back
 *
 * Idea        Random addresses of the whole lower half, crowded around borders of all levels. The model is a sorted
 *             list of the 2 MiB ranges that have a table. Every frame that tables take is back at the end, also when
 *             memory runs out on the way.
 * Follow      from machine.h   to mm/pagetable.c
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#include "machine_user.h"

#define TABLES 40

static struct mm *mm;
static u64 bases[TABLES]; /* ascending */
static u32 count;

static int
setup(void **state)
{
	machine_start(600, host_random());
	mm = user_create();
	count = 0;
	return 0;
}

static int
teardown(void **state)
{
	user_destroy(mm);
	machine_stop();
	return 0;
}

/* An address near the border of some level. */
static u64
some_va(void)
{
	u64 va = host_below(4) << 39 | (host_below(2) ? 0 : 510 + host_below(2)) << 30 | host_below(4) << 21;

	if (!host_below(10))
		va = USER_TOP - (4 << 21) + host_below(3 << 21);
	return max_u64(va + host_below(TABLE_SPAN), MMAP_MIN_ADDR);
}

static void
model_add(u64 base)
{
	u32 at = 0;

	while (at < count && bases[at] < base)
		at++;
	if (at < count && bases[at] == base)
		return;
	memmove(&bases[at + 1], &bases[at], (count - at) * sizeof(bases[0]));
	bases[at] = base;
	count++;
}

/* A page of memory, so that something takes the tables back. */
static void
touch_some(void)
{
	u64 va = round_down(some_va(), PAGE_SIZE);

	user_anon(mm, va, 1, RW);
	assert_int_equal(user_write(mm, va, va), FAULT_OK);
	model_add(round_down(va, TABLE_SPAN));
}

static void
check_next(void)
{
	u64 from = host_below(2) ? 0 : some_va(), end = host_below(2) ? USER_TOP : some_va(), va = from;
	u32 at = 0;
	pte_t *entry;

	while (at < count && bases[at] + TABLE_SPAN <= from)
		at++;
	while ((entry = pagetable_next(mm, &va, end))) {
		assert_true(at < count);
		assert_int_equal(round_down(va, TABLE_SPAN), bases[at]);
		assert_int_equal(va, max_u64(from, bases[at]));
		assert_ptr_equal(entry, pagetable_walk(mm, va).entry2);
		assert_int_equal(leaf_page(*entry)->base, bases[at]);
		va = bases[at++] + TABLE_SPAN;
	}
	assert_true(at == count || bases[at] >= end || from >= end);
}

static void
tables_are_found_in_order(void **state)
{
	while (count < TABLES - 1) {
		struct table_cursor cursor;
		pte_t *entry;
		u32 at = 0;

		touch_some();
		for (u32 i = 0; i < 10; i++)
			check_next();
		table_cursor_start(mm, &cursor);
		while ((entry = table_cursor_next(mm, &cursor)))
			assert_int_equal(leaf_page(*entry)->base, bases[at++]);
		assert_int_equal(at, count);
	}
	assert_int_equal(mm_check(), 0);
}

static void
walk_stops_where_the_path_ends(void **state)
{
	assert_null(pagetable_walk(mm, USER_AT).entry2);
	assert_int_equal(pagetable_extend(mm, USER_AT, 2), 0);
	assert_non_null(pagetable_walk(mm, USER_AT).entry2);
	assert_null(pagetable_walk(mm, USER_AT).slot);
	assert_int_equal(pagetable_extend(mm, USER_AT, 1), 0);
	assert_non_null(pagetable_walk(mm, USER_AT).slot);
	assert_int_equal(slot_va(pagetable_walk(mm, USER_AT + 77 * PAGE_SIZE).slot), USER_AT + 77 * PAGE_SIZE);
	user_anon(mm, USER_AT, 1, RW); /* a vma, so that the tables have an owner at the end */
}

/* As munmap of everything leaves it: nothing but the root. */
static void
unmapping_gives_all_tables_back(void **state)
{
	u64 free = machine_free_frames();

	for (u32 n = 0; n < 5; n++) {
		for (count = 0; count < 20;)
			touch_some();
		assert_int_equal(do_munmap(mm, MMAP_MIN_ADDR, USER_TOP - MMAP_MIN_ADDR), 0);
		assert_int_equal(machine_free_frames(), free);
		assert_int_equal(mm->tables.value, 1);
		assert_int_equal(mm_check(), 0);
	}
}

/* A failed fault may leave tables above nothing. They must not be lost. */
static void
what_a_failed_fault_left_is_given_back(void **state)
{
	for (u32 n = 0; n < 40; n++) {
		u64 va = USER_AT + host_below(60) * (USER_AT << 3);

		user_anon(mm, va, 1, RW);
		machine_fail_every(2 + n % 3);
		(void)user_write(mm, va, 1);
		machine_fail_every(0);
		if (n % 4 == 0)
			assert_int_equal(do_munmap(mm, va, PAGE_SIZE), 0);
	}
	assert_int_equal(mm_check(), 0);
}

static void
fork_under_failure(void **state)
{
	for (count = 0; count < 20;)
		touch_some();
	for (u32 n = 1; n < 30; n++) {
		struct mm *child;
		u64 free = machine_free_frames();
		int err;

		machine_fail_every(n);
		err = mm_fork(mm, &child);
		machine_fail_every(0);
		if (!err)
			mm_put(child);
		assert_int_equal(machine_free_frames(), free);
		assert_int_equal(mm_check(), 0);
	}
}

static void
fault_anywhere(u32 cpu)
{
	mm_activate(mm);
	for (u64 i = 0; i < 20; i++)
		assert_int_equal(user_write(mm, USER_AT + (i << 21) + cpu * PAGE_SIZE, i), FAULT_OK);
}

/* Threads extend the same missing levels at once. */
static void
threads_extend_at_once(void **state)
{
	for (u32 n = 0; n < 60; n++) {
		user_anon(mm, USER_AT, 20 * 512, RW);
		machine_run(MACHINE_CPUS, fault_anywhere);
		assert_int_equal(mm_check(), 0);
		assert_int_equal(mm->tables.value, 1 + 1 + 1 + 20);
		assert_int_equal(do_munmap(mm, USER_AT, 20 << 21), 0);
		assert_int_equal(mm->tables.value, 1);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(walk_stops_where_the_path_ends),         CASE(tables_are_found_in_order),
		CASE(unmapping_gives_all_tables_back),        CASE(threads_extend_at_once),
		CASE(what_a_failed_fault_left_is_given_back), CASE(fork_under_failure),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
