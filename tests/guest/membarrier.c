/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/membarrier.c - the barrier that others pass
 *
 * Idea        The proof is Dekker's: two threads each store to their own word and then load the other's. With a barrier
 *             between, at least one sees the other. Here one thread has none but a promise of the compiler's, and the
 *             other calls membarrier.
 * Invariants  see guest.h
 * Follow      to kernel/membarrier.c
 */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

enum {
	QUERY = 0,
	GLOBAL = 1,
	GLOBAL_EXPEDITED = 2,
	REGISTER_GLOBAL = 4,
	PRIVATE = 8,
	REGISTER_PRIVATE = 16,
	SYNC_CORE = 32,
	REGISTER_SYNC_CORE = 64,
	ROUNDS = 3000
};

static long
barrier(int command, unsigned flags)
{
	return syscall(SYS_membarrier, command, flags, 0);
}

static void
query(void)
{
	long all = barrier(QUERY, 0);

	check(all > 0);
	for (int bit = 1; bit <= REGISTER_PRIVATE; bit <<= 1)
		check(all & bit);
	check_errno(barrier(QUERY, 1), EINVAL);
	check_errno(barrier(GLOBAL, 1), EINVAL);
	check_errno(barrier(1 << 20, 0), EINVAL);
	check_errno(barrier(3, 0), EINVAL);
}

static void
registered_first(void)
{
	check_errno(barrier(PRIVATE, 0), EPERM);
	check_errno(barrier(SYNC_CORE, 0), EPERM);
	check(barrier(REGISTER_PRIVATE, 0) == 0);
	check(barrier(PRIVATE, 0) == 0);
	check_errno(barrier(SYNC_CORE, 0), EPERM);
	check(barrier(REGISTER_SYNC_CORE, 0) == 0);
	check(barrier(SYNC_CORE, 0) == 0);
	check(barrier(GLOBAL, 0) == 0);
	check(barrier(REGISTER_GLOBAL, 0) == 0);
	check(barrier(GLOBAL_EXPEDITED, 0) == 0);
}

static void
child_is_registered(void *arg)
{
	(void)arg;
	check(barrier(PRIVATE, 0) == 0);
}

static void
inherited(void)
{
	check(barrier(REGISTER_PRIVATE, 0) == 0);
	child_must_live(child_is_registered, NULL);
}

static struct {
	volatile int round __attribute__((aligned(128)));
	volatile int x __attribute__((aligned(128)));
	volatile int y __attribute__((aligned(128)));
	volatile int seen_y __attribute__((aligned(128)));
	volatile int done __attribute__((aligned(128)));
} d;

static void *
fast_side(void *arg)
{
	bool alone = cpus_online() == 1;

	for (int i = 1; i <= ROUNDS; i++) {
		while (d.round < i)
			if (alone)
				sched_yield();
		d.x = i;
		__asm__ volatile("" : : : "memory");
		d.seen_y = d.y;
		__atomic_store_n(&d.done, i, __ATOMIC_SEQ_CST);
	}
	return arg;
}

static void
dekker(int command)
{
	pthread_t thread;

	d.round = d.x = d.y = d.done = 0;
	check(pthread_create(&thread, NULL, fast_side, NULL) == 0);
	for (int i = 1; i <= ROUNDS; i++) {
		__atomic_store_n(&d.round, i, __ATOMIC_SEQ_CST);
		d.y = i;
		check(barrier(command, 0) == 0);
		int seen_x = d.x;
		await(&d.done, i);
		if (seen_x != i && d.seen_y != i)
			fail("in round %d neither saw the other", i);
	}
	check(pthread_join(thread, NULL) == 0);
}

static void
orders_private(void)
{
	check(barrier(REGISTER_PRIVATE, 0) == 0);
	dekker(PRIVATE);
}

static void
orders_global(void)
{
	check(barrier(REGISTER_GLOBAL, 0) == 0);
	dekker(GLOBAL_EXPEDITED);
}

const struct test_case membarrier_cases[] = {
	{"membarrier tells what it can, and refuses the rest", query, 0, 0},
	{"the expedited barrier wants to be registered first", registered_first, 0, 0},
	{"a child inherits the registration", inherited, 0, 0},
	{"a private barrier orders the memory of a thread that has none", orders_private, 0, CASE_SMP},
	{"a global barrier does so too", orders_global, 0, CASE_SMP},
	{0},
};
