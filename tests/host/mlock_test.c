/* SPDX-License-Identifier: MIT */
/*
 * tests/host/mlock_test.c - locked memory: counts in leaves and pages, the limit, fork, and what fails on the way
 *
 * Idea        Each case ends with mm_check, which proves that leaves, pages and vmas agree. Random locking in many
 *             processes at once is in mm_test.c.
 * Follow      from machine_one.h   to mm/mlock.c, mm/rmap_lock.c, mm/fork.c
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#include <mm/mlock.h>
#include <mm/vmstat.h>

#define MACHINE_FRAMES 800
#include "machine_one.h"

#define SPAN 0x200000UL

static u32
page_locks(u64 va)
{
	return leaf_page(user_leaf(mm, va))->locks;
}

static void
leaves_and_pages_know(void **state)
{
	user_anon(mm, USER_AT, 6, RW);
	user_write(mm, USER_AT, 1);
	assert_int_equal(do_mlock(mm, USER_AT, 2 * PAGE_SIZE, true), 0);
	assert_int_equal(mm_rss(mm), 1);
	assert_int_equal(page_locks(USER_AT), 1);
	user_write(mm, USER_AT + PAGE_SIZE, 1);
	assert_int_equal(page_locks(USER_AT + PAGE_SIZE), 1);
	assert_int_equal(do_mlock(mm, USER_AT, 4 * PAGE_SIZE, false), 0);
	assert_int_equal(mm_rss(mm), 4);
	assert_int_equal(mm->locked_vm, 4);
	assert_int_equal(vmstat_sum(VM_NR_MLOCK), 4);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(do_munlock(mm, USER_AT + PAGE_SIZE, 1), 0);
	assert_int_equal(page_locks(USER_AT + PAGE_SIZE), 0);
	assert_int_equal(vmstat_sum(VM_NR_MLOCK), 3);
	assert_int_equal(mm->vmas.count, 4);
	assert_int_equal(do_munlock(mm, USER_AT, 4 * PAGE_SIZE), 0);
	assert_int_equal(mm->vmas.count, 1);
	assert_int_equal(mm->locked_vm, 0);
}

static void
a_page_counts_its_locked_leaves(void **state)
{
	struct pagecache *object = user_object(PAGE_SHMEM, 2, 1);
	struct page *page;

	for (u32 i = 0; i < 3; i++)
		user_map(mm, USER_AT + i * SPAN, 2, RW, MAP_SHARED | MAP_FIXED, object, 0);
	assert_int_equal(user_read(mm, USER_AT + 2 * SPAN), 1);
	assert_int_equal(do_mlock(mm, USER_AT, 2 * PAGE_SIZE, false), 0);
	assert_int_equal(do_mlock(mm, USER_AT + SPAN, PAGE_SIZE, false), 0);
	page = pagecache_find(object, 0);
	assert_int_equal(page->mapcount, 3);
	assert_int_equal(page->locks, 2);
	assert_int_equal(vmstat_sum(VM_NR_MLOCK), 2);
	assert_int_equal(do_munmap(mm, USER_AT, PAGE_SIZE), 0);
	assert_int_equal(page->locks, 1);
	pagecache_set_size(object, 0); /* truncation unmaps locked pages like any other */
	assert_int_equal(page->locks, 0);
	assert_int_equal(vmstat_sum(VM_NR_MLOCK), 0);
	page_put(page);
	pagecache_put(object);
}

static void
the_limit_holds(void **state)
{
	user_anon(mm, USER_AT, 16, RW);
	mm->lock_limit = 0;
	assert_int_equal(do_mlock(mm, USER_AT, PAGE_SIZE, false), -EPERM);
	assert_int_equal(do_mlockall(mm, MCL_FUTURE), -EPERM);
	assert_int_equal(user_map(mm, USER_AT + SPAN, 1, RW, MAP_PRIVATE | MAP_LOCKED, NULL, 0), -EPERM);
	assert_int_equal(do_munlock(mm, USER_AT, PAGE_SIZE), 0);
	mm->lock_limit = 4 * PAGE_SIZE + 100;
	assert_int_equal(do_mlock(mm, USER_AT, 5 * PAGE_SIZE, false), -ENOMEM);
	assert_int_equal(do_mlock(mm, USER_AT, 4 * PAGE_SIZE, false), 0);
	assert_int_equal(do_mlock(mm, USER_AT + PAGE_SIZE, 3 * PAGE_SIZE, false), 0); /* nothing more */
	assert_int_equal(do_mlock(mm, USER_AT + PAGE_SIZE, 4 * PAGE_SIZE, false), -ENOMEM);
	assert_int_equal(user_map(mm, USER_AT + SPAN, 1, RW, MAP_PRIVATE | MAP_LOCKED, NULL, 0), -EAGAIN);
	assert_int_equal(do_mlockall(mm, MCL_CURRENT), -ENOMEM);
	assert_int_equal(do_mlockall(mm, MCL_FUTURE), 0);
	assert_int_equal(user_map(mm, USER_AT + SPAN, 1, RW, MAP_PRIVATE, NULL, 0), -EAGAIN);
	mm->start_brk = mm->brk = USER_AT + 4 * SPAN;
	assert_int_equal(do_brk(mm, mm->brk + PAGE_SIZE), mm->brk);
	assert_int_equal(do_munlock(mm, USER_AT, PAGE_SIZE), 0);
	assert_int_equal(do_brk(mm, mm->brk + PAGE_SIZE), USER_AT + 4 * SPAN + PAGE_SIZE);
	assert_int_equal(mm->locked_vm, 4);
}

static void
a_locked_stack_grows_within_the_limit(void **state)
{
	u64 top = USER_TOP - 0x1000000;

	assert_int_equal(mmap_stack(mm, top, 2 * PAGE_SIZE), 0);
	assert_int_equal(do_mlock(mm, top - PAGE_SIZE, PAGE_SIZE, false), 0);
	assert_int_equal(do_mlock(mm, top - 2 * PAGE_SIZE, 2 * PAGE_SIZE, false), 0);
	mm->lock_limit = 4 * PAGE_SIZE;
	assert_int_equal(user_write(mm, top - 4 * PAGE_SIZE, 1), FAULT_OK);
	assert_int_equal(mm->locked_vm, 4);
	assert_int_equal(page_locks(top - 4 * PAGE_SIZE), 1);
	assert_int_equal(user_write(mm, top - 5 * PAGE_SIZE, 1), FAULT_SEGV_MAP);
}

static void
fork_and_copy(void **state)
{
	struct mm *child;

	user_anon(mm, USER_AT, 4, RW);
	assert_int_equal(do_mlock(mm, USER_AT, 2 * PAGE_SIZE, false), 0);
	user_write(mm, USER_AT + 2 * PAGE_SIZE, 3);
	child = user_fork(mm);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(child->locked_vm, 0);
	assert_int_equal(page_locks(USER_AT), 1);
	mm_activate(child);
	assert_int_equal(user_write(child, USER_AT, 7), FAULT_OK);
	mm_activate(mm);
	assert_int_equal(user_write(mm, USER_AT + PAGE_SIZE, 8), FAULT_OK); /* a copy, and it is the locked one */
	assert_int_equal(page_locks(USER_AT + PAGE_SIZE), 1);
	assert_int_equal(vmstat_sum(VM_NR_MLOCK), 2);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(do_mprotect(mm, USER_AT, 4 * PAGE_SIZE, 0), 0);
	assert_int_equal(do_mprotect(mm, USER_AT, 4 * PAGE_SIZE, RW), 0);
	user_destroy(child);
}

/* Whatever fails, pages and vmas agree afterwards, and what was refused is not locked. */
static void
without_memory(void **state)
{
	u32 failures = 0;

	user_anon(mm, USER_AT + SPAN - 8 * PAGE_SIZE, 16, RW);
	for (u32 n = 1; n < 30; n++) {
		struct mm *child = user_fork(mm);
		struct mm *second = NULL;
		int err;

		machine_fail_every(n);
		err = do_mlock(mm, USER_AT + SPAN - 2 * PAGE_SIZE, 4 * PAGE_SIZE, n % 2);
		if (!err)
			err = mm_fork(mm, &second);
		machine_fail_every(0);
		assert_true(!err || err == -ENOMEM || err == -EAGAIN);
		failures += err != 0;
		assert_int_equal(mm_check(), 0);
		user_destroy(child);
		if (second)
			mm_put(second);
		assert_int_equal(do_munlockall(mm), 0);
		assert_int_equal(mm->locked_vm, 0);
	}
	assert_true(failures);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(leaves_and_pages_know), CASE(a_page_counts_its_locked_leaves),
		CASE(the_limit_holds),       CASE(a_locked_stack_grows_within_the_limit),
		CASE(fork_and_copy),         CASE(without_memory),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
