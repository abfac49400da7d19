/* SPDX-License-Identifier: MIT */
/*
 * tests/host/mremap_test.c - moving mappings on the fake machine: tables, leaves, and memory that runs out
 *
 * Idea        Pages bear numbers; what moved bears them at the new address. Each allocation on the way fails once: then
 *             vmas and contents are what they were. (Random moves among processes: mm_test.c.)
 * Follow      from machine_one.h
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#define MACHINE_FRAMES 900
#include "machine_one.h"

#define SPAN 0x200000UL
#define FROM (USER_AT + 16 * SPAN)
#define TO (USER_AT + 64 * SPAN)
#define MOVE (MREMAP_MAYMOVE | MREMAP_FIXED)

static s64
remap(u64 addr, u64 old_pages, u64 new_pages, u32 flags, u64 to)
{
	const struct mremap_request r = {addr, old_pages << PAGE_SHIFT, new_pages << PAGE_SHIFT, flags, to};

	return do_mremap(mm, &r);
}

static void
number_pages(u64 at, u32 pages, u64 first)
{
	user_anon(mm, at, pages, RW);
	for (u32 i = 0; i < pages; i++)
		assert_int_equal(user_write(mm, at + i * PAGE_SIZE, first + i), FAULT_OK);
}

static void
expect_numbers(u64 at, u32 pages, u64 first)
{
	for (u32 i = 0; i < pages; i++)
		assert_int_equal(user_read(mm, at + i * PAGE_SIZE), first + i);
}

static void
arguments_are_looked_at_first(void **state)
{
	struct mremap_request r = {FROM, PAGE_SIZE, PAGE_SIZE - 1, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0};

	user_anon(mm, FROM, 4, RW);
	assert_int_equal(do_mremap(mm, &r), -EINVAL);
	assert_int_equal(remap(FROM, 1, 1UL << 50, MREMAP_MAYMOVE, 0), -ENOMEM);
	assert_int_equal(remap(FROM, 1, 0, MREMAP_MAYMOVE, 0), -EINVAL);
	assert_int_equal(remap(FROM, 2, 2, MOVE, FROM + PAGE_SIZE), -EINVAL);
	assert_int_equal(remap(FROM, 5, 6, MREMAP_MAYMOVE, 0), -EFAULT);
	assert_int_equal(remap(FROM - PAGE_SIZE, 1, 2, MREMAP_MAYMOVE, 0), -EFAULT);
	assert_int_equal(remap(FROM, 0, 2, MREMAP_MAYMOVE, 0), -EINVAL);
	assert_int_equal(mm->vmas.count, 1);
	assert_int_equal(mm->total_vm, 4);
}

/* The table keeps its frame, and its slots their addresses. */
static void
a_table_moves_as_it_is(void **state)
{
	pte_t *slot;

	number_pages(FROM - 3 * PAGE_SIZE, 6, 1);
	slot = pagetable_walk(mm, FROM).slot;
	assert_int_equal(remap(FROM - 3 * PAGE_SIZE, 6, 6, MOVE, TO - 3 * PAGE_SIZE), TO - 3 * PAGE_SIZE);
	assert_ptr_equal(pagetable_walk(mm, TO).slot, slot);
	assert_int_equal(slot_va(slot), TO);
	assert_null(pagetable_walk(mm, FROM).slot);
	expect_numbers(TO - 3 * PAGE_SIZE, 6, 1);
	assert_int_equal(mm_rss(mm), 6);
	assert_int_equal(mm->vmas.count, 1);
}

static void
a_table_with_neighbours_stays(void **state)
{
	number_pages(FROM, 3, 1);
	number_pages(FROM + 9 * PAGE_SIZE, 1, 9);
	assert_int_equal(remap(FROM, 3, 3, MOVE, TO), TO);
	assert_non_null(pagetable_walk(mm, FROM).slot);
	expect_numbers(TO, 3, 1);
	expect_numbers(FROM + 9 * PAGE_SIZE, 1, 9);
}

/* What mremap chooses lies alike, so that tables can move. */
static void
a_place_of_its_choice_lies_alike(void **state)
{
	s64 at;

	user_anon(mm, FROM + 5 * PAGE_SIZE, 1024, RW);
	user_anon(mm, FROM + 1029 * PAGE_SIZE, 1, PROT_READ);
	assert_int_equal(user_write(mm, FROM + 600 * PAGE_SIZE, 7), FAULT_OK);
	at = remap(FROM + 5 * PAGE_SIZE, 1024, 1025, MREMAP_MAYMOVE, 0);
	assert_true(at > 0 && at % SPAN == 5 * PAGE_SIZE);
	assert_int_equal(user_read(mm, at + 595 * PAGE_SIZE), 7);
}

/* Memory that has private pages keeps its home: it merges with its old neighbours, and with no others. */
static void
moved_memory_merges_at_home_only(void **state)
{
	number_pages(FROM, 4, 1);
	user_anon(mm, TO, 1, RW);
	assert_int_equal(remap(FROM + 2 * PAGE_SIZE, 2, 2, MOVE, TO + PAGE_SIZE), TO + PAGE_SIZE);
	assert_int_equal(mm->vmas.count, 3);
	assert_int_equal(remap(TO + PAGE_SIZE, 2, 2, MOVE, FROM + 2 * PAGE_SIZE), FROM + 2 * PAGE_SIZE);
	assert_int_equal(mm->vmas.count, 2);
	expect_numbers(FROM, 4, 1);
	user_anon(mm, FROM + 64 * PAGE_SIZE, 1, RW); /* untouched memory is at home everywhere */
	assert_int_equal(remap(FROM + 64 * PAGE_SIZE, 1, 1, MOVE, TO + PAGE_SIZE), TO + PAGE_SIZE);
	assert_int_equal(mm->vmas.count, 2);
}

/* Right behind itself: the new vma must not melt with the old one, which goes. */
static void
untouched_memory_moves_next_to_itself(void **state)
{
	user_anon(mm, FROM, 4, RW);
	assert_int_equal(remap(FROM, 4, 4, MOVE, FROM + 4 * PAGE_SIZE), FROM + 4 * PAGE_SIZE);
	assert_int_equal(mm->vmas.count, 1);
	assert_int_equal(mm->total_vm, 4);
	assert_int_equal(user_touch(mm, FROM, FAULT_READ), FAULT_SEGV_MAP);
	assert_int_equal(remap(FROM + 4 * PAGE_SIZE, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, FROM),
			 FROM);
	assert_int_equal(mm->vmas.count, 1);
	assert_int_equal(mm->total_vm, 8);
}

static void
growing_is_bounded(void **state)
{
	user_anon(mm, FROM, 2, RW);
	mm->as_limit = 4 * PAGE_SIZE;
	assert_int_equal(remap(FROM, 2, 5, 0, 0), -ENOMEM);
	assert_int_equal(remap(FROM, 2, 4, 0, 0), FROM);
	assert_int_equal(mm->total_vm, 4);
	assert_int_equal(remap(FROM, 4, 4, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), -ENOMEM);
	assert_int_equal(remap(FROM, 4, 4, MOVE, TO), TO);
	assert_int_equal(remap(TO, 4, 1, MREMAP_MAYMOVE, 0), TO);
	assert_int_equal(mm->total_vm, 1);
}

/* An address space, its child, and a move over tables that both share, with an allocation that fails on the way. */
static u32
failing_move(u64 from, u64 to, u32 flags, u32 fail_every)
{
	struct mm *child;
	u32 count;
	s64 got;

	number_pages(from - 4 * PAGE_SIZE, 12, 100);
	number_pages(to - 4 * PAGE_SIZE, 12, 200);
	child = user_fork(mm);
	count = mm->vmas.count;
	machine_fail_every(fail_every);
	got = remap(from - 2 * PAGE_SIZE, 6, 6, flags, to - 2 * PAGE_SIZE);
	machine_fail_every(0);
	assert_true(got == -ENOMEM || got == (s64)(to - 2 * PAGE_SIZE));
	if (got < 0) {
		assert_int_equal(mm->vmas.count, count);
		expect_numbers(from - 4 * PAGE_SIZE, 12, 100);
		expect_numbers(to - 4 * PAGE_SIZE, 12, 200);
	} else {
		expect_numbers(to - 2 * PAGE_SIZE, 6, 102);
		expect_numbers(to - 4 * PAGE_SIZE, 2, 200);
		expect_numbers(to + 4 * PAGE_SIZE, 4, 208);
		expect_numbers(from + 4 * PAGE_SIZE, 4, 108);
	}
	assert_int_equal(mm_check(), 0);
	mm_activate(child);
	for (u32 i = 0; i < 12; i++)
		assert_int_equal(user_read(child, from + i * PAGE_SIZE - 4 * PAGE_SIZE), 100 + i);
	mm_activate(mm);
	user_destroy(child);
	mm_activate(mm);
	assert_int_equal(do_munmap(mm, USER_AT, 128 * SPAN), 0);
	return got < 0;
}

static void
without_memory_nothing_changes(void **state)
{
	u32 failures = 0;

	for (u32 n = 1; n < 60; n++) {
		failures += failing_move(FROM, TO, MOVE, n);
		failures += failing_move(FROM, TO + 9 * PAGE_SIZE, MOVE, n);
		failures += failing_move(FROM, TO + 9 * PAGE_SIZE, MOVE | MREMAP_DONTUNMAP, n);
	}
	assert_in_range(failures, 30, 3 * 59 - 5);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(arguments_are_looked_at_first),
		CASE(a_table_moves_as_it_is),
		CASE(a_table_with_neighbours_stays),
		CASE(a_place_of_its_choice_lies_alike),
		CASE(moved_memory_merges_at_home_only),
		CASE(untouched_memory_moves_next_to_itself),
		CASE(growing_is_bounded),
		CASE(without_memory_nothing_changes),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
