/* SPDX-License-Identifier: MIT */
/*
 * tests/host/mmap_test.c - the mmap family: addresses, errors, limits, heap and stack
 *
 * Idea        What mmap(2), munmap(2), mprotect(2) and brk(2) say, case by case; and that an error leaves things as
 *             they were. Random operations on many pages are in mm_test.c.
 * Follow      from machine_one.h   to mm/mmap.c, mm/mprotect.c, mm/brk.c
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#define MACHINE_FRAMES 600
#include "machine_one.h"

#define STACK_TOP (USER_TOP - 0x1000000)

static s64
map(u64 addr, u64 len, u32 prot, u32 flags)
{
	struct mmap_request r = {.addr = addr, .len = len, .prot = prot, .flags = flags};

	return do_mmap(mm, &r);
}

static struct vma *
vma_at(u64 va)
{
	struct vma *vma = vma_find(&mm->vmas, va);

	return vma && vma->start <= va ? vma : NULL;
}

static void
mmap_refuses_what_linux_refuses(void **state)
{
	struct mmap_request r = {.len = PAGE_SIZE, .flags = MAP_PRIVATE, .pgoff = ~0UL};

	assert_int_equal(map(0, 0, RW, MAP_PRIVATE), -EINVAL);
	assert_int_equal(map(0, PAGE_SIZE, RW, 0), -EINVAL);
	assert_int_equal(map(0, PAGE_SIZE, RW, MAP_SHARED_VALIDATE), -EINVAL);
	assert_int_equal(map(0, ~0UL, RW, MAP_PRIVATE), -ENOMEM);
	assert_int_equal(map(0, USER_TOP + 1, RW, MAP_PRIVATE), -ENOMEM);
	assert_int_equal(map(0, USER_TOP, RW, MAP_PRIVATE), -ENOMEM);
	assert_int_equal(map(USER_AT + 1, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED), -EINVAL);
	assert_int_equal(map(USER_TOP, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED), -ENOMEM);
	assert_int_equal(map(1UL << 63, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED), -ENOMEM);
	assert_int_equal(map(0, PAGE_SIZE, RW, MAP_SHARED | MAP_GROWSDOWN), -EINVAL);
	assert_int_equal(do_mmap(mm, &r), -EOVERFLOW);
	assert_int_equal(mm->vmas.count, 0);
	assert_int_equal(mm->total_vm, 0);
}

static void
addresses_are_chosen_from_the_top(void **state)
{
	s64 a = map(0, PAGE_SIZE, RW, MAP_PRIVATE), b = map(0, 1, PROT_READ, MAP_PRIVATE);

	assert_int_equal(a, mm->mmap_top - PAGE_SIZE);
	assert_int_equal(b, a - (s64)PAGE_SIZE);
	assert_int_equal(map(USER_AT, PAGE_SIZE, RW, MAP_PRIVATE), USER_AT); /* a hint that is free */
	assert_int_equal(map(USER_AT, PAGE_SIZE, RW, MAP_PRIVATE), b - (s64)PAGE_SIZE);
	assert_int_equal(map(5, PAGE_SIZE, RW, MAP_PRIVATE), MMAP_MIN_ADDR);
	assert_int_equal(do_munmap(mm, a, PAGE_SIZE), 0);
	assert_int_equal(map(0, PAGE_SIZE, RW, MAP_PRIVATE), a);
}

static void
noreplace_respects_what_is_there(void **state)
{
	user_anon(mm, USER_AT, 2, RW);
	assert_int_equal(map(USER_AT + PAGE_SIZE, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED_NOREPLACE), -EEXIST);
	assert_int_equal(map(USER_AT - PAGE_SIZE, 2 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED_NOREPLACE), -EEXIST);
	assert_int_equal(map(USER_AT + 2 * PAGE_SIZE, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED_NOREPLACE),
			 USER_AT + 2 * PAGE_SIZE);
}

static void
equal_neighbours_become_one(void **state)
{
	user_anon(mm, USER_AT, 1, RW);
	user_anon(mm, USER_AT + 2 * PAGE_SIZE, 1, RW);
	assert_int_equal(mm->vmas.count, 2);
	user_anon(mm, USER_AT + PAGE_SIZE, 1, RW);
	assert_int_equal(mm->vmas.count, 1);
	assert_int_equal(do_mprotect(mm, USER_AT + PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(mm->vmas.count, 3);
	assert_int_equal(do_mprotect(mm, USER_AT + PAGE_SIZE, PAGE_SIZE, RW), 0);
	assert_int_equal(mm->vmas.count, 1);
	assert_int_equal(mm->total_vm, 3);
}

static void
munmap_errors(void **state)
{
	assert_int_equal(do_munmap(mm, USER_AT, 0), -EINVAL);
	assert_int_equal(do_munmap(mm, USER_AT + 1, PAGE_SIZE), -EINVAL);
	assert_int_equal(do_munmap(mm, USER_AT, ~0UL), -EINVAL);
	assert_int_equal(do_munmap(mm, USER_TOP, PAGE_SIZE), -EINVAL);
	assert_int_equal(do_munmap(mm, USER_AT, PAGE_SIZE), 0); /* nothing there: no error */
}

static void
munmap_forgets_contents(void **state)
{
	user_anon(mm, USER_AT, 3, RW);
	for (u32 i = 0; i < 3; i++)
		user_write(mm, USER_AT + i * PAGE_SIZE, i + 1);
	assert_int_equal(do_munmap(mm, USER_AT + PAGE_SIZE, 1), 0); /* rounds up */
	assert_int_equal(user_touch(mm, USER_AT + PAGE_SIZE, FAULT_READ), FAULT_SEGV_MAP);
	user_anon(mm, USER_AT + PAGE_SIZE, 1, RW);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(user_read(mm, USER_AT + i * PAGE_SIZE), i == 1 ? 0 : i + 1);
}

static void
mprotect_errors(void **state)
{
	struct pagecache *object = user_object(PAGE_SHMEM, 1, 0);
	struct mmap_request r = {USER_AT, PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0, false};

	assert_int_equal(do_mmap(mm, &r), USER_AT);
	assert_int_equal(do_mprotect(mm, USER_AT, PAGE_SIZE, RW), -EACCES); /* opened for reading */
	assert_int_equal(do_mprotect(mm, USER_AT, PAGE_SIZE, 0x100), -EINVAL);
	assert_int_equal(do_mprotect(mm, USER_AT + 1, PAGE_SIZE, RW), -EINVAL);
	assert_int_equal(do_mprotect(mm, USER_AT, 0, RW), 0);
	assert_int_equal(do_mprotect(mm, USER_AT, ~0UL, RW), -ENOMEM);
	assert_int_equal(do_mprotect(mm, USER_AT + PAGE_SIZE, PAGE_SIZE, RW), -ENOMEM);
	assert_int_equal(do_mprotect(mm, USER_AT, PAGE_SIZE, PROT_READ | PROT_GROWSDOWN), -EINVAL);
	pagecache_put(object);
}

static void
mprotect_stops_at_a_hole(void **state)
{
	user_anon(mm, USER_AT, 1, RW);
	user_anon(mm, USER_AT + 2 * PAGE_SIZE, 1, RW);
	assert_int_equal(do_mprotect(mm, USER_AT, 3 * PAGE_SIZE, PROT_READ), -ENOMEM);
	assert_int_equal(user_write(mm, USER_AT, 1), FAULT_SEGV_ACC); /* as on Linux: what lies before it is done */
	assert_int_equal(user_write(mm, USER_AT + 2 * PAGE_SIZE, 1), FAULT_OK);
}

static void
address_space_limit(void **state)
{
	mm->as_limit = 10 * PAGE_SIZE;
	user_anon(mm, USER_AT, 8, RW);
	assert_int_equal(map(0, 3 * PAGE_SIZE, RW, MAP_PRIVATE), -ENOMEM);
	user_anon(mm, USER_AT, 8, PROT_READ); /* in place of what is there: no byte more */
	user_anon(mm, USER_AT + 8 * PAGE_SIZE, 2, RW);
	assert_int_equal(map(0, 1, RW, MAP_PRIVATE), -ENOMEM);
	assert_int_equal(do_munmap(mm, USER_AT, PAGE_SIZE), 0);
	assert_true(map(0, 1, RW, MAP_PRIVATE) > 0);
}

/* mmap.h: an error leaves the address space as it was. */
static void
without_memory_mmap_changes_nothing(void **state)
{
	u32 failures = 0;

	for (u32 n = 1; n < 12; n++) {
		u64 total;
		s64 got;

		user_anon(mm, USER_AT, 8, RW);
		for (u32 i = 0; i < 8; i++)
			user_write(mm, USER_AT + i * PAGE_SIZE, i);
		total = mm->total_vm;
		machine_fail_every(n);
		got = map(USER_AT + 2 * PAGE_SIZE, 3 * PAGE_SIZE, PROT_READ,
			  MAP_FIXED | (n % 2 ? MAP_SHARED : MAP_PRIVATE));
		machine_fail_every(0);
		assert_true(got == -ENOMEM || got == (s64)(USER_AT + 2 * PAGE_SIZE));
		failures += got < 0;
		for (u32 i = 0; i < 8 && got < 0; i++)
			assert_int_equal(user_read(mm, USER_AT + i * PAGE_SIZE), i);
		assert_int_equal(mm->total_vm, total);
	}
	assert_true(failures);
}

static void
brk_moves_the_end(void **state)
{
	mm->start_brk = mm->brk = USER_AT + 100;
	assert_int_equal(do_brk(mm, 0), USER_AT + 100);
	assert_int_equal(do_brk(mm, USER_AT + 5000), USER_AT + 5000);
	assert_int_equal(user_write(mm, USER_AT + PAGE_SIZE, 7), FAULT_OK);
	assert_int_equal(user_write(mm, USER_AT + 2 * PAGE_SIZE, 7), FAULT_SEGV_MAP);
	assert_int_equal(do_brk(mm, USER_AT + 8192), USER_AT + 8192);
	assert_int_equal(do_brk(mm, USER_AT + 10 * PAGE_SIZE), USER_AT + 10 * PAGE_SIZE);
	assert_int_equal(mm->vmas.count, 1);
	assert_int_equal(user_write(mm, USER_AT + 9 * PAGE_SIZE, 7), FAULT_OK);
	assert_int_equal(do_brk(mm, USER_AT + 200), USER_AT + 200);
	assert_int_equal(user_touch(mm, USER_AT + 9 * PAGE_SIZE, FAULT_READ), FAULT_SEGV_MAP);
	assert_int_equal(do_brk(mm, USER_AT + 10 * PAGE_SIZE), USER_AT + 10 * PAGE_SIZE);
	assert_int_equal(user_read(mm, USER_AT + 9 * PAGE_SIZE), 0);
	assert_int_equal(do_brk(mm, USER_AT + 99), USER_AT + 10 * PAGE_SIZE); /* below its start */
	assert_int_equal(do_brk(mm, USER_TOP), USER_AT + 10 * PAGE_SIZE);
	user_anon(mm, USER_AT + 20 * PAGE_SIZE, 1, RW);
	assert_int_equal(do_brk(mm, USER_AT + 21 * PAGE_SIZE), USER_AT + 10 * PAGE_SIZE);
	mm->as_limit = mm->total_vm << PAGE_SHIFT;
	assert_int_equal(do_brk(mm, USER_AT + 11 * PAGE_SIZE), USER_AT + 10 * PAGE_SIZE);
}

static void
a_stack_grows_to_its_limit(void **state)
{
	mm->stack_limit = 64 * PAGE_SIZE;
	assert_int_equal(mmap_stack(mm, STACK_TOP, 2 * PAGE_SIZE), 0);
	assert_int_equal(user_write(mm, STACK_TOP - 8, 1), FAULT_OK);
	assert_int_equal(user_write(mm, STACK_TOP - 10 * PAGE_SIZE, 2), FAULT_OK);
	assert_int_equal(vma_at(STACK_TOP - 8)->start, STACK_TOP - 10 * PAGE_SIZE);
	assert_int_equal(user_write(mm, STACK_TOP - 64 * PAGE_SIZE, 3), FAULT_OK);
	assert_int_equal(user_write(mm, STACK_TOP - 64 * PAGE_SIZE - 8, 3), FAULT_SEGV_MAP);
	assert_int_equal(mm->total_vm, 64);
	assert_int_equal(mm_rss(mm), 3);
}

static void
a_stack_keeps_away_from_its_neighbour(void **state)
{
	u64 low = STACK_TOP - 100 * PAGE_SIZE - STACK_GUARD_GAP;

	assert_int_equal(mmap_stack(mm, STACK_TOP, 2 * PAGE_SIZE), 0);
	user_anon(mm, low - PAGE_SIZE, 1, RW);
	assert_int_equal(user_write(mm, low + STACK_GUARD_GAP, 1), FAULT_OK);
	assert_int_equal(user_write(mm, low + STACK_GUARD_GAP - 8, 1), FAULT_SEGV_MAP);
	assert_int_equal(do_mprotect(mm, low - PAGE_SIZE, PAGE_SIZE, 0), 0); /* a guard itself */
	assert_int_equal(user_write(mm, low + STACK_GUARD_GAP - 8, 1), FAULT_OK);
	assert_int_equal(user_write(mm, low - 8, 1), FAULT_SEGV_ACC);
}

static void
the_guard_gap_is_given_to_nobody(void **state)
{
	mm->mmap_top = STACK_TOP;
	assert_int_equal(mmap_stack(mm, STACK_TOP, 2 * PAGE_SIZE), 0);
	mm->mmap_top = STACK_TOP;
	assert_int_equal(map(0, PAGE_SIZE, RW, MAP_PRIVATE), STACK_TOP - 3 * PAGE_SIZE - STACK_GUARD_GAP);
	assert_true(map(STACK_TOP - 3 * PAGE_SIZE, PAGE_SIZE, RW, MAP_PRIVATE) != (s64)(STACK_TOP - 3 * PAGE_SIZE));
}

static void
grow_at_once(u32 cpu)
{
	mm_activate(mm);
	for (u32 i = 1; i < 30; i++)
		assert_int_equal(user_write(mm, STACK_TOP - (i + cpu) * PAGE_SIZE + cpu * 8, i), FAULT_OK);
}

static void
threads_grow_a_stack_at_once(void **state)
{
	assert_int_equal(mmap_stack(mm, STACK_TOP, PAGE_SIZE), 0);
	machine_run(MACHINE_CPUS, grow_at_once);
	assert_int_equal(mm->total_vm, 29 + MACHINE_CPUS - 1);
	assert_int_equal(mm->vmas.count, 1);
}

static void
shared_memory_is_shared_with_children(void **state)
{
	s64 at = map(0, 3 * PAGE_SIZE, RW, MAP_SHARED);
	struct mm *child;

	assert_true(at > 0);
	assert_int_equal(user_write(mm, at, 1), FAULT_OK);
	child = user_fork(mm);
	mm_activate(child);
	assert_int_equal(user_read(child, at), 1);
	assert_int_equal(user_write(child, at + PAGE_SIZE, 2), FAULT_OK);
	assert_int_equal(user_write(child, at, 3), FAULT_OK);
	mm_activate(mm);
	assert_int_equal(user_read(mm, at + PAGE_SIZE), 2);
	assert_int_equal(user_read(mm, at), 3);
	user_destroy(child);
	assert_int_equal(user_read(mm, at), 3);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(mmap_refuses_what_linux_refuses),
		CASE(addresses_are_chosen_from_the_top),
		CASE(noreplace_respects_what_is_there),
		CASE(equal_neighbours_become_one),
		CASE(munmap_errors),
		CASE(munmap_forgets_contents),
		CASE(mprotect_errors),
		CASE(mprotect_stops_at_a_hole),
		CASE(address_space_limit),
		CASE(without_memory_mmap_changes_nothing),
		CASE(brk_moves_the_end),
		CASE(a_stack_grows_to_its_limit),
		CASE(a_stack_keeps_away_from_its_neighbour),
		CASE(the_guard_gap_is_given_to_nobody),
		CASE(threads_grow_a_stack_at_once),
		CASE(shared_memory_is_shared_with_children),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
