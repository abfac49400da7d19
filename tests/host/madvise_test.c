/* SPDX-License-Identifier: MIT */
/*
 * tests/host/madvise_test.c - advice and its ranges, and what is left when memory fails on the way
 *
 * Idea        What madvise(2) says of ranges and mappings, seen from inside: vmas, tables, frames. Random advice on
 *             many processes at once is in mm_test.c.
 * Follow      from machine_one.h   to mm/madvise.c, mm/fork.c, mm/pagecache.c
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#include <mm/lru.h>
#include <mm/madvise.h>
#include <mm/mlock.h>

#define MACHINE_FRAMES 800
#include "machine_one.h"

#define SPAN 0x200000UL

static void
numbers(u64 at, u32 pages)
{
	for (u32 i = 0; i < pages; i++)
		assert_int_equal(user_write(mm, at + i * PAGE_SIZE, i + 1), FAULT_OK);
}

static void
refuses_what_linux_refuses(void **state)
{
	user_anon(mm, USER_AT, 4, RW);
	assert_int_equal(do_madvise(mm, USER_AT, PAGE_SIZE, 5), -EINVAL);
	assert_int_equal(do_madvise(mm, USER_AT, PAGE_SIZE, 12), -EINVAL); /* MERGEABLE: nothing merges pages */
	assert_int_equal(do_madvise(mm, USER_AT, PAGE_SIZE, 25), -EINVAL);
	assert_int_equal(do_madvise(mm, USER_AT, PAGE_SIZE, 100), -EINVAL);
	assert_int_equal(do_madvise(mm, USER_AT, PAGE_SIZE, -1), -EINVAL);
	assert_int_equal(do_madvise(mm, USER_AT + 1, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	assert_int_equal(do_madvise(mm, USER_AT, ~0UL, MADV_DONTNEED), -EINVAL);
	assert_int_equal(do_madvise(mm, USER_AT, ~0UL - USER_AT, MADV_DONTNEED), -EINVAL);
	assert_int_equal(do_madvise(mm, USER_AT, 1UL << 62, MADV_DONTNEED), -ENOMEM);
	assert_int_equal(do_madvise(mm, USER_AT + 1, 0, MADV_DONTNEED), -EINVAL);
	assert_int_equal(do_madvise(mm, 0, 0, MADV_DONTNEED), 0);
}

static void
locked_memory_is_left_alone(void **state)
{
	static const s32 refused[] = {MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_COLD, MADV_PAGEOUT};

	user_anon(mm, USER_AT, 2, RW);
	numbers(USER_AT, 2);
	assert_int_equal(do_mlock(mm, USER_AT, 2 * PAGE_SIZE, false), 0);
	for (u32 i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(do_madvise(mm, USER_AT, PAGE_SIZE, refused[i]), -EINVAL);
	assert_int_equal(user_read(mm, USER_AT), 1);
	assert_int_equal(do_madvise(mm, USER_AT, PAGE_SIZE, MADV_DONTNEED_LOCKED), 0);
	assert_int_equal(user_read(mm, USER_AT), 0);
	assert_int_equal(do_munlock(mm, USER_AT, 2 * PAGE_SIZE), 0);
}

static void
dropping_gives_frames_back(void **state)
{
	u64 before;

	user_anon(mm, USER_AT, 1024, RW);
	before = machine_free_frames();
	numbers(USER_AT + SPAN - 8 * PAGE_SIZE, 16);
	assert_int_equal(do_madvise(mm, USER_AT, 1024 * PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(mm_rss(mm), 0);
	assert_int_equal(machine_free_frames(), before);
	assert_int_equal(mm->total_vm, 1024);
}

/* Two pages of sixteen are written after that; reclaim, without swap, takes the others. */
static void
what_is_given_up_goes_when_memory_is_short(void **state)
{
	user_anon(mm, USER_AT, 16, RW);
	numbers(USER_AT, 16);
	assert_int_equal(do_madvise(mm, USER_AT, 16 * PAGE_SIZE, MADV_FREE), 0);
	assert_int_equal(mm_rss(mm), 16);
	assert_int_equal(lru_lazy(), 16);
	numbers(USER_AT + 4 * PAGE_SIZE, 2);
	machine_reclaim(16);
	assert_int_equal(mm_rss(mm), 2);
	assert_int_equal(lru_lazy(), 0);
	assert_true(pte_none(user_leaf(mm, USER_AT)));
	assert_true(pte_has(user_leaf(mm, USER_AT + 4 * PAGE_SIZE), PTE_DIRTY));
}

static void
cold_pages_look_unused(void **state)
{
	struct mm *child;

	user_anon(mm, USER_AT, 4, RW);
	numbers(USER_AT, 4);
	assert_int_equal(do_madvise(mm, USER_AT, 2 * PAGE_SIZE, MADV_COLD), 0);
	assert_false(pte_has(user_leaf(mm, USER_AT), PTE_ACCESSED));
	assert_true(pte_has(user_leaf(mm, USER_AT + 2 * PAGE_SIZE), PTE_ACCESSED));
	assert_int_equal(user_read(mm, USER_AT), 1); /* the translation was forgotten, so the bit comes back */
	assert_true(pte_has(user_leaf(mm, USER_AT), PTE_ACCESSED));
	child = user_fork(mm);
	assert_int_equal(do_madvise(mm, USER_AT, 4 * PAGE_SIZE, MADV_COLD), 0); /* a child uses them, too */
	assert_true(pte_has(user_leaf(mm, USER_AT), PTE_ACCESSED));
	user_destroy(child);
}

/* Half of a table that a child shares must be parted first; without memory nothing has happened. */
static void
without_memory_nothing_is_dropped(void **state)
{
	struct mm *child;
	u32 failures = 0;

	user_anon(mm, USER_AT, 16, RW);
	numbers(USER_AT, 16);
	for (u32 n = 1; n < 6; n++) {
		int err;

		child = user_fork(mm);
		machine_fail_every(n);
		err = do_madvise(mm, USER_AT + 4 * PAGE_SIZE, 4 * PAGE_SIZE, MADV_DONTNEED);
		machine_fail_every(0);
		assert_true(!err || err == -EAGAIN);
		failures += err != 0;
		for (u32 i = 0; i < 16; i++)
			assert_int_equal(user_read(mm, USER_AT + i * PAGE_SIZE), !err && i / 4 == 1 ? 0 : i + 1);
		user_destroy(child);
		numbers(USER_AT, 16);
	}
	assert_true(failures);
}

static void
without_memory_advice_splits_nothing(void **state)
{
	user_anon(mm, USER_AT, 8, RW);
	machine_fail_every(1);
	assert_int_equal(do_madvise(mm, USER_AT + PAGE_SIZE, PAGE_SIZE, MADV_RANDOM), -EAGAIN);
	machine_fail_every(0);
	assert_int_equal(mm->vmas.count, 1);
	machine_fail_every(2);
	do_madvise(mm, USER_AT + PAGE_SIZE, PAGE_SIZE, MADV_RANDOM);
	machine_fail_every(0);
	assert_int_equal(do_madvise(mm, USER_AT, 8 * PAGE_SIZE, MADV_NORMAL), 0);
	assert_int_equal(mm->vmas.count, 1);
}

static void
child_sees_advice(struct mm *child)
{
	u64 last = USER_AT + SPAN - PAGE_SIZE;

	assert_int_equal(mm_check(), 0);
	mm_activate(child);
	assert_int_equal(user_touch(child, USER_AT + SPAN - 2 * PAGE_SIZE, FAULT_READ), FAULT_SEGV_MAP);
	assert_int_equal(user_touch(child, last, FAULT_READ), FAULT_SEGV_MAP);
	for (u32 i = 2; i < 6; i++)
		assert_int_equal(user_read(child, last + (i - 1) * PAGE_SIZE), i < 4 ? 0 : i + 1);
	assert_int_equal(child->total_vm, mm->total_vm - 2);
}

/* Two pages kept from children, two wiped, two ordinary, around a border of tables: with and without memory. */
static void
children_get_what_they_may(void **state)
{
	u64 at = USER_AT + SPAN - 2 * PAGE_SIZE;
	u32 failures = 0;

	user_anon(mm, at, 6, RW);
	numbers(at, 6);
	assert_int_equal(do_madvise(mm, at, 2 * PAGE_SIZE, MADV_DONTFORK), 0);
	assert_int_equal(do_madvise(mm, at + 2 * PAGE_SIZE, 2 * PAGE_SIZE, MADV_WIPEONFORK), 0);
	for (u32 n = 0; n < 24; n++) {
		struct mm *child;
		int err;

		machine_fail_every(n);
		err = mm_fork(mm, &child);
		machine_fail_every(0);
		assert_true(!err || (n && err == -ENOMEM));
		failures += err != 0;
		if (!err) {
			child_sees_advice(child);
			user_destroy(child);
			mm_activate(mm);
		}
		for (u32 i = 0; i < 6; i++)
			assert_int_equal(user_read(mm, at + i * PAGE_SIZE), i + 1);
		numbers(at, 6);
		assert_int_equal(mm_check(), 0);
	}
	assert_true(failures);
}

static void
a_hole_has_its_exact_bytes(void **state)
{
	struct pagecache *object = user_object(PAGE_SHMEM, 4, 1);

	assert_int_equal(user_map(mm, USER_AT, 4, RW, MAP_SHARED | MAP_FIXED, object, 0), USER_AT);
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(user_write(mm, USER_AT + i * PAGE_SIZE + 2048, 9), FAULT_OK);
	pagecache_punch(object, 8, 16); /* inside a page */
	assert_int_equal(user_read(mm, USER_AT), 1);
	pagecache_punch(object, 2048, 2 * PAGE_SIZE + 2048);
	assert_int_equal(user_read(mm, USER_AT), 1);
	assert_int_equal(user_read(mm, USER_AT + 2048), 0);
	assert_null(pagecache_find(object, 5));
	assert_int_equal(object->count, 3); /* the reads above and below brought none back so far */
	assert_int_equal(user_read(mm, USER_AT + PAGE_SIZE + 2048), 0);
	assert_int_equal(user_read(mm, USER_AT + 2 * PAGE_SIZE), 0);
	assert_int_equal(user_read(mm, USER_AT + 2 * PAGE_SIZE + 2048), 9);
	assert_int_equal(user_read(mm, USER_AT + 3 * PAGE_SIZE), 4);
	assert_int_equal(do_madvise(mm, USER_AT + 3 * PAGE_SIZE, PAGE_SIZE, MADV_REMOVE), 0);
	assert_int_equal(user_read(mm, USER_AT + 3 * PAGE_SIZE), 0);
	assert_int_equal(object->size, 4 * PAGE_SIZE);
	pagecache_put(object);
}

static void
populating(void **state)
{
	struct pagecache *object = user_object(PAGE_SHMEM, 2, 1);

	user_anon(mm, USER_AT, 8, RW);
	assert_int_equal(do_madvise(mm, USER_AT, 4 * PAGE_SIZE, MADV_POPULATE_WRITE), 0);
	assert_int_equal(mm_rss(mm), 4);
	assert_int_equal(do_madvise(mm, USER_AT, 8 * PAGE_SIZE, MADV_POPULATE_READ), 0);
	assert_int_equal(mm_rss(mm), 4);
	machine_fail_every(1);
	assert_int_equal(do_madvise(mm, USER_AT, 8 * PAGE_SIZE, MADV_POPULATE_WRITE), -ENOMEM);
	machine_fail_every(0);
	assert_int_equal(user_map(mm, USER_AT + SPAN, 4, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0), USER_AT + SPAN);
	assert_int_equal(do_madvise(mm, USER_AT + SPAN, 4 * PAGE_SIZE, MADV_POPULATE_READ), -EFAULT);
	assert_int_equal(do_madvise(mm, USER_AT + SPAN, PAGE_SIZE, MADV_POPULATE_WRITE), -EINVAL);
	assert_int_equal(do_madvise(mm, USER_AT + 2 * SPAN, PAGE_SIZE, MADV_POPULATE_WRITE), -ENOMEM);
	assert_int_equal(do_madvise(mm, USER_AT + SPAN - PAGE_SIZE, 2 * PAGE_SIZE, MADV_POPULATE_READ), -ENOMEM);
	pagecache_put(object);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(refuses_what_linux_refuses),
		CASE(locked_memory_is_left_alone),
		CASE(dropping_gives_frames_back),
		CASE(what_is_given_up_goes_when_memory_is_short),
		CASE(cold_pages_look_unused),
		CASE(without_memory_nothing_is_dropped),
		CASE(without_memory_advice_splits_nothing),
		CASE(children_get_what_they_may),
		CASE(a_hole_has_its_exact_bytes),
		CASE(populating),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
