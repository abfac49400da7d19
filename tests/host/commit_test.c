/* SPDX-License-Identifier: MIT */
/*
 * tests/host/commit_test.c - what may be promised
 *
 * Idea        The decision is pure: the table at the head of mm/commit.c, case by case, at its borders. Then the books
 *             of the machine: whatever is mapped, cut, protected, moved, forked and refused, the count is the sum.
 * Follow      from machine.h   to mm/commit.c
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#include "machine_user.h"

#include <mm/commit.h>
#include <mm/pagecache.h>

#define AT 0x40000000UL
#define FRAMES 4000
#define ROUNDS 3000
#define WINDOW 64

static struct commit_facts
facts(enum commit_policy policy)
{
	return (struct commit_facts){
		.policy = policy,
		.pages = 10,
		.committed = 500,
		.machine = 1000,
		.limit = 800,
	};
}

static void
a_guess_is_held_against_the_machine(void **state)
{
	struct commit_facts f = facts(OVERCOMMIT_GUESS);

	f.committed = 1 << 30; /* what others were promised does not matter */
	f.limit = 0;
	f.pages = f.machine;
	assert_true(commit_allows(&f));
	f.pages++;
	assert_false(commit_allows(&f));
	f.pages = 0;
	f.machine = 0;
	assert_true(commit_allows(&f));
}

static void
always_is_always(void **state)
{
	struct commit_facts f = facts(OVERCOMMIT_ALWAYS);

	f.pages = 1UL << 50;
	f.committed = 1L << 60;
	f.limit = -1;
	assert_true(commit_allows(&f));
}

static void
never_means_less_than_the_limit(void **state)
{
	struct commit_facts f = facts(OVERCOMMIT_NEVER);

	f.pages = 1UL << 50; /* only the sum counts */
	f.committed = f.limit - 1;
	assert_true(commit_allows(&f));
	f.committed = f.limit;
	assert_false(commit_allows(&f));
}

static void
reserves_are_kept(void **state)
{
	struct commit_facts f = facts(OVERCOMMIT_NEVER);

	f.admin_reserve = 100;
	f.committed = f.limit - 101;
	assert_true(commit_allows(&f));
	f.committed++;
	assert_false(commit_allows(&f));

	f.user_reserve = 50;
	f.total_vm = 32 * 7 + 31; /* a small program leaves its 32nd part */
	f.committed = f.limit - 100 - 7 - 1;
	assert_true(commit_allows(&f));
	f.committed++;
	assert_false(commit_allows(&f));
	f.total_vm = 32 * 1000; /* a large one the reserve */
	f.committed = f.limit - 100 - 50 - 1;
	assert_true(commit_allows(&f));
	f.committed++;
	assert_false(commit_allows(&f));

	f.admin_reserve = f.limit + 1; /* more than there is: nothing is left, and nothing wraps */
	f.committed = 0;
	assert_false(commit_allows(&f));
}

static void
flags_say_what_counts(void **state)
{
	assert_int_equal(commit_flags(VM_READ | VM_WRITE), VM_ACCOUNT);
	assert_int_equal(commit_flags(VM_READ | VM_EXEC), 0);
	assert_int_equal(commit_flags(VM_WRITE | VM_SHARED), 0);
	assert_int_equal(commit_flags(VM_WRITE | VM_NORESERVE), 0);
}

static void
ratio_and_kbytes_replace_each_other(void **state)
{
	machine_start(FRAMES, host_random());
	commit_set_kbytes(4096);
	assert_int_equal(sysctl_overcommit_ratio, 0);
	assert_int_equal(commit_limit(), 1024);
	commit_set_ratio(25);
	assert_int_equal(sysctl_overcommit_kbytes, 0);
	assert_int_equal(commit_limit(), FRAMES / 4);
	commit_set_ratio(50);
	machine_stop();
}

/* What the vmas say, and what was counted. */
static void
expect_sum(struct mm *mm)
{
	u64 pages = 0;

	for (struct vma *vma = vma_first(&mm->vmas); vma; vma = vma_next(vma))
		if (vma->flags & VM_ACCOUNT)
			pages += vma_pages(vma);
	assert_int_equal(mm->account_vm, pages);
	assert_int_equal(commit_pages(), pages + pagecache_promised());
}

static void
one_change(struct mm *mm)
{
	u64 at = AT + host_below(WINDOW) * PAGE_SIZE;
	u64 pages = 1 + host_below(8);
	struct mmap_request request = {.addr = at, .len = pages * PAGE_SIZE, .prot = host_below(4)};
	struct mremap_request remap = {.addr = at, .old_len = pages * PAGE_SIZE, .flags = host_below(8)};

	switch (host_below(5)) {
	case 0:
		request.flags = MAP_ANONYMOUS | MAP_FIXED | (host_below(4) ? MAP_PRIVATE : MAP_SHARED) |
				(host_below(4) ? 0 : MAP_NORESERVE);
		do_mmap(mm, &request);
		break;
	case 1:
		do_munmap(mm, at, pages * PAGE_SIZE);
		break;
	case 2:
		do_mprotect(mm, at, pages * PAGE_SIZE, host_below(4));
		break;
	case 3:
		remap.new_len = (1 + host_below(8)) * PAGE_SIZE;
		remap.new_addr = AT + host_below(WINDOW) * PAGE_SIZE;
		do_mremap(mm, &remap);
		break;
	default:
		fault_handle(mm, at, host_below(2) ? FAULT_READ : FAULT_WRITE);
	}
}

/* Near the border, so that some are refused; every policy; with children, who leave sooner or later. */
static void
the_count_is_the_sum(void **state)
{
	struct mm *mm;
	struct mm *child = NULL;

	machine_start(FRAMES, host_random());
	mm = mm_create();
	commit_set_kbytes(160 * PAGE_SIZE >> 10);
	for (u32 round = 0; round < ROUNDS; round++) {
		if (host_below(16) == 0)
			sysctl_overcommit_memory = host_below(3);
		one_change(mm);
		if (child && host_below(8) == 0) {
			mm_put(child);
			child = NULL;
		} else if (!child && host_below(8) == 0 && mm_fork(mm, &child)) {
			child = NULL;
		}
		if (!child)
			expect_sum(mm);
		assert_false(mm_check());
	}
	if (child)
		mm_put(child);
	mm_put(mm);
	assert_int_equal(commit_pages(), 0);
	commit_set_ratio(50);
	machine_stop();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guess_is_held_against_the_machine),
		cmocka_unit_test(always_is_always),
		cmocka_unit_test(never_means_less_than_the_limit),
		cmocka_unit_test(reserves_are_kept),
		cmocka_unit_test(flags_say_what_counts),
		cmocka_unit_test(ratio_and_kbytes_replace_each_other),
		cmocka_unit_test(the_count_is_the_sum),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
