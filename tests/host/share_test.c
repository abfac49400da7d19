/* SPDX-License-Identifier: MIT */
/*
 * tests/host/share_test.c - leaf tables shared by fork, and the races around parting them
 *
 * Idea        First what fork shares and a write parts, step by step. Then two CPUs at once, many times: both sides
 *             unshare; one unshares while the other exits; one unshares while a file behind the table is truncated; one
 *             unmaps a table while a sibling still reads through it and a truncation frees the pages.
 * Follow      from machine.h
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#include "machine_user.h"

#include <mm/page_alloc.h>
#include <mm/share.h>

#define ROUNDS 400
#define FILE_PAGES 8
#define ANON_PAGES 8

static struct mm *parent, *child;
static struct pagecache *object;
static const u64 anon = USER_AT;
static const u64 file = USER_AT + ANON_PAGES * PAGE_SIZE; /* last, so that it takes long until they are unmapped */

static struct page *
table_of(struct mm *mm, u64 va)
{
	return slot_table(pagetable_walk(mm, va).slot);
}

static bool
entry_writable(struct mm *mm, u64 va)
{
	return pte_has(*pagetable_walk(mm, va).entry2, PTE_WRITE);
}

static void
check_all(void)
{
	assert_int_equal(mm_check(), 0);
}

static void
fork_shares_and_a_write_parts(void **state)
{
	struct mm *a, *b;
	struct page *table;

	machine_start(200, host_random());
	a = user_create();
	user_anon(a, USER_AT, 10, RW);
	for (u32 i = 0; i < 10; i++)
		assert_int_equal(user_write(a, USER_AT + i * PAGE_SIZE, 100 + i), FAULT_OK);
	table = table_of(a, USER_AT);
	assert_true(entry_writable(a, USER_AT));
	b = user_fork(a);
	assert_ptr_equal(table_of(b, USER_AT), table);
	assert_true(table_is_shared(table) && !entry_writable(a, USER_AT) && !entry_writable(b, USER_AT));
	assert_int_equal(mm_rss(a), 10);
	assert_int_equal(mm_rss(b), 10);
	check_all();

	mm_activate(b);
	assert_int_equal(user_read(b, USER_AT), 100); /* reading parts nothing */
	assert_ptr_equal(table_of(b, USER_AT), table);
	assert_int_equal(user_write(b, USER_AT, 200), FAULT_OK);
	assert_ptr_not_equal(table_of(b, USER_AT), table);
	assert_ptr_equal(table_of(a, USER_AT), table);
	assert_true(!table_is_shared(table) && entry_writable(b, USER_AT));
	check_all();
	mm_activate(a);
	assert_int_equal(user_read(a, USER_AT), 100);
	assert_int_equal(user_write(a, USER_AT + PAGE_SIZE, 300), FAULT_OK); /* claims the old table */
	assert_ptr_equal(table_of(a, USER_AT), table);
	assert_true(entry_writable(a, USER_AT));
	mm_activate(b);
	assert_int_equal(user_read(b, USER_AT + PAGE_SIZE), 101);
	assert_int_equal(user_read(b, USER_AT), 200);
	check_all();
	user_destroy(a);
	user_destroy(b);
	machine_stop();
}

static void
the_last_owner_writes_without_a_copy(void **state)
{
	struct mm *a, *b;
	pte_t leaf;

	machine_start(200, host_random());
	a = user_create();
	user_anon(a, USER_AT, 1, RW);
	assert_int_equal(user_write(a, USER_AT, 1), FAULT_OK);
	leaf = user_leaf(a, USER_AT);
	b = user_fork(a);
	user_destroy(b);
	assert_int_equal(user_write(a, USER_AT, 2), FAULT_OK);
	assert_int_equal(pte_pfn(user_leaf(a, USER_AT)), pte_pfn(leaf));
	b = user_fork(a);
	mm_activate(b);
	assert_int_equal(user_write(b, USER_AT, 3), FAULT_OK);
	mm_activate(a);
	user_destroy(b);
	assert_int_equal(user_write(a, USER_AT, 4), FAULT_OK);
	assert_int_equal(pte_pfn(user_leaf(a, USER_AT)), pte_pfn(leaf));
	check_all();
	user_destroy(a);
	machine_stop();
}

static void
three_generations(void **state)
{
	struct mm *mm[3];

	machine_start(300, host_random());
	mm[0] = user_create();
	user_anon(mm[0], USER_AT, 4, RW);
	for (u32 i = 0; i < 4; i++)
		user_write(mm[0], USER_AT + i * PAGE_SIZE, i);
	mm[1] = user_fork(mm[0]);
	mm[2] = user_fork(mm[1]);
	assert_int_equal(chain_count(&table_of(mm[0], USER_AT)->mms), 3);
	for (u32 n = 0; n < 3; n++) {
		mm_activate(mm[n]);
		user_write(mm[n], USER_AT + n * PAGE_SIZE, 10 + n);
		check_all();
	}
	for (u32 n = 0; n < 3; n++) {
		mm_activate(mm[n]);
		for (u32 i = 0; i < 4; i++)
			assert_int_equal(user_read(mm[n], USER_AT + i * PAGE_SIZE), i == n ? 10 + n : i);
	}
	for (u32 n = 0; n < 3; n++)
		user_destroy(mm[n]);
	machine_stop();
}

/* A program's view of a shared table: munmap and mprotect of a part must not show in the other. */
static void
partial_changes_stay_private(void **state)
{
	struct mm *a, *b;

	machine_start(300, host_random());
	a = user_create();
	user_anon(a, USER_AT, 6, RW);
	for (u32 i = 0; i < 6; i++)
		user_write(a, USER_AT + i * PAGE_SIZE, i);
	b = user_fork(a);
	mm_activate(b);
	assert_int_equal(do_munmap(b, USER_AT + PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(do_mprotect(b, USER_AT + 2 * PAGE_SIZE, PAGE_SIZE, 0), 0);
	assert_int_equal(do_mprotect(b, USER_AT + 3 * PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(user_touch(b, USER_AT + PAGE_SIZE, FAULT_READ), FAULT_SEGV_MAP);
	assert_int_equal(user_touch(b, USER_AT + 2 * PAGE_SIZE, FAULT_READ), FAULT_SEGV_ACC);
	assert_int_equal(user_write(b, USER_AT + 3 * PAGE_SIZE, 9), FAULT_SEGV_ACC);
	check_all();
	mm_activate(a);
	for (u32 i = 0; i < 6; i++)
		assert_int_equal(user_read(a, USER_AT + i * PAGE_SIZE), i);
	mm_activate(b);
	assert_int_equal(do_mprotect(b, USER_AT + 2 * PAGE_SIZE, PAGE_SIZE, RW), 0);
	assert_int_equal(user_read(b, USER_AT + 2 * PAGE_SIZE), 2);
	assert_int_equal(user_write(b, USER_AT + 2 * PAGE_SIZE, 7), FAULT_OK);
	mm_activate(a);
	assert_int_equal(user_read(a, USER_AT + 2 * PAGE_SIZE), 2);
	user_destroy(b);
	assert_int_equal(user_write(a, USER_AT + 2 * PAGE_SIZE, 8), FAULT_OK);
	check_all();
	user_destroy(a);
	machine_stop();
}

static void
no_page_lock_held(void)
{
	for (u64 pfn = 1; pfn < 600; pfn++)
		assert_false(pfn_to_page(pfn)->flags & BIT(PG_LOCKED));
}

/* Who waits for memory with a table locked stops the victim that waits for the table. */
static void
nothing_is_allocated_under_a_page_lock(void **state)
{
	struct mm *a, *b;

	machine_start(600, host_random());
	a = user_create();
	user_anon(a, USER_AT, 6, RW);
	for (u32 i = 0; i < 6; i++)
		user_write(a, USER_AT + i * PAGE_SIZE, i);
	b = user_fork(a);
	machine_alloc_hook = no_page_lock_held;
	assert_int_equal(user_write(a, USER_AT, 1), FAULT_OK);
	machine_alloc_hook = NULL;
	user_destroy(b);
	user_destroy(a);
	machine_stop();
}

/* ---- races ---- */

/* Two address spaces share a table with pages of a file and private ones. */
static void
race_begin(void)
{
	parent = user_create();
	object = user_object(PAGE_SHMEM, FILE_PAGES, 1000);
	assert_int_equal(user_map(parent, file, FILE_PAGES, RW, MAP_SHARED | MAP_FIXED, object, 0), file);
	user_anon(parent, anon, ANON_PAGES, RW);
	for (u32 i = 0; i < FILE_PAGES; i++)
		assert_int_equal(user_read(parent, file + i * PAGE_SIZE), 1000 + i);
	for (u32 i = 0; i < ANON_PAGES; i++)
		assert_int_equal(user_write(parent, anon + i * PAGE_SIZE, 500 + i), FAULT_OK);
	child = user_fork(parent);
	machine_speculate(anon, file + FILE_PAGES * PAGE_SIZE);
}

static void
race_end(void)
{
	if (parent)
		user_destroy(parent);
	if (child)
		user_destroy(child);
	pagecache_put(object);
}

static void
check_anon(struct mm *mm, u64 first)
{
	mm_activate(mm);
	for (u32 i = 0; i < ANON_PAGES; i++)
		assert_int_equal(user_read(mm, anon + i * PAGE_SIZE), i ? 500 + i : first);
}

static void
unshare_cpu(u32 cpu)
{
	struct mm *mm = cpu ? child : parent;

	mm_activate(mm);
	assert_int_equal(user_write(mm, anon, 600 + cpu), FAULT_OK);
}

static void
both_sides_unshare_at_once(void **state)
{
	machine_start(300, host_random());
	for (u32 n = 0; n < ROUNDS; n++) {
		race_begin();
		machine_run(2, unshare_cpu);
		check_all();
		check_anon(parent, 600);
		check_anon(child, 601);
		race_end();
	}
	machine_stop();
}

static void
unshare_or_exit(u32 cpu)
{
	if (!cpu) {
		unshare_cpu(cpu);
		return;
	}
	mm_activate(child);
	user_read(child, anon);
	mm_activate(NULL);
	mm_put(child);
	child = NULL;
}

static void
one_side_exits_while_the_other_unshares(void **state)
{
	machine_start(300, host_random());
	for (u32 n = 0; n < ROUNDS; n++) {
		race_begin();
		machine_run(2, unshare_or_exit);
		check_all();
		check_anon(parent, 600);
		race_end();
	}
	machine_stop();
}

static void
unshare_or_truncate(u32 cpu)
{
	if (cpu < 2)
		unshare_cpu(cpu);
	else
		pagecache_set_size(object, 0);
}

static void
a_truncation_meets_an_unshare(void **state)
{
	machine_start(300, host_random());
	for (u32 n = 0; n < 4 * ROUNDS; n++) {
		race_begin();
		machine_run(3, unshare_or_truncate);
		check_all();
		check_anon(parent, 600);
		check_anon(child, 601);
		for (u32 i = 0; i < FILE_PAGES; i++)
			assert_int_equal(user_touch(child, file + i * PAGE_SIZE, FAULT_READ), FAULT_BUS);
		race_end();
	}
	machine_stop();
}

/* One thread unmaps the whole table, another reads and writes through it, a third truncates; frames are watched. */
static void
unmap_read_truncate(u32 cpu)
{
	u64 last = file + (FILE_PAGES - 1) * PAGE_SIZE;

	if (cpu == 2) {
		struct page *page;

		for (u32 i = host_below(200); i; i--)
			machine_point();
		pagecache_set_size(object, (FILE_PAGES - 1) << PAGE_SHIFT);
		page = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO); /* most likely the page that was truncated */
		machine_point();
		page_put(page);
		return;
	}
	mm_activate(parent);
	if (!cpu) {
		assert_int_equal(do_munmap(parent, USER_AT, (FILE_PAGES + ANON_PAGES) << PAGE_SHIFT), 0);
		return;
	}
	for (u32 i = 0; i < 60; i++)
		user_touch(parent, i % 8 ? last : USER_AT + host_below(FILE_PAGES + ANON_PAGES) * PAGE_SIZE,
			   i % 3 ? FAULT_READ : FAULT_WRITE);
}

static void
a_truncation_meets_an_unmap(void **state)
{
	machine_start(300, host_random());
	for (u32 n = 0; n < 4 * ROUNDS; n++) {
		race_begin();
		if (n % 2) { /* the table is the parent's own again */
			user_destroy(child);
			child = NULL;
		}
		machine_run(3, unmap_read_truncate);
		check_all();
		race_end();
	}
	machine_stop();
}

/* Every allocation of a fork and an unshare fails once. */
static void
without_memory_nothing_changes(void **state)
{
	machine_start(300, host_random());
	for (u32 n = 1; n < 40; n++) {
		struct mm *other = NULL;
		enum fault_result result;
		int err;

		race_begin();
		machine_fail_every(n);
		err = mm_fork(parent, &other);
		mm_activate(child);
		result = user_write(child, anon, 601);
		machine_fail_every(0);
		assert_true(!err || err == -ENOMEM);
		assert_true(result == FAULT_OK || result == FAULT_OOM);
		check_all();
		check_anon(child, result == FAULT_OK ? 601 : 500);
		check_anon(parent, 500);
		if (!err)
			user_destroy(other);
		race_end();
	}
	machine_stop();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_shares_and_a_write_parts),
		cmocka_unit_test(the_last_owner_writes_without_a_copy),
		cmocka_unit_test(three_generations),
		cmocka_unit_test(partial_changes_stay_private),
		cmocka_unit_test(nothing_is_allocated_under_a_page_lock),
		cmocka_unit_test(both_sides_unshare_at_once),
		cmocka_unit_test(one_side_exits_while_the_other_unshares),
		cmocka_unit_test(a_truncation_meets_an_unshare),
		cmocka_unit_test(a_truncation_meets_an_unmap),
		cmocka_unit_test(without_memory_nothing_changes),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
