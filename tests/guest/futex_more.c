/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/futex_more.c - bit sets, moments, requeue and wake-op
 *
 * Idea        As futex.c. That a sleeper sleeps is seen by trying to wake it: a wake that counts it is the proof.
 * Invariants  see guest.h
 * Follow      to kernel/sys_futex.c, kernel/futex.c, kernel/futex_two.c
 */
#include "guest.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	WAIT = 0,
	WAKE = 1,
	REQUEUE = 3,
	CMP_REQUEUE = 4,
	WAKE_OP = 5,
	WAIT_BITSET = 9,
	WAKE_BITSET = 10,
	PRIVATE = 128,
	REALTIME = 256,
	SLEEPERS = 4
};

static volatile int word_a, word_b;
static volatile int woken;
static pthread_t thread[SLEEPERS];

static long
futex(volatile int *word, int op, unsigned value, const void *timeout, volatile int *word2, unsigned value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static long
futex_count(volatile int *word, int op, unsigned value, unsigned long count, volatile int *word2, unsigned value3)
{
	return futex(word, op, value, (void *)count, word2, value3);
}

static int64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	check(clock_gettime(clock, &t) == 0);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static struct timespec
moment(int64_t ns)
{
	return (struct timespec){ns / 1000000000, ns % 1000000000};
}

static void *
sleeps(void *bits)
{
	long result;

	do
		result = futex(&word_a, WAIT_BITSET | PRIVATE, 0, NULL, NULL, (unsigned)(uintptr_t)bits);
	while (result == -1 && errno == EINTR);
	announce(&woken);
	return (void *)result;
}

/* Sleeper i with the bits 1 << i, all on word_a. Those that sleep can be moved within their queue: that counts them. */
static void
sleepers_start(void)
{
	for (uintptr_t i = 0; i < SLEEPERS; i++)
		check(pthread_create(&thread[i], NULL, sleeps, (void *)(1UL << i)) == 0);
	while (futex_count(&word_a, CMP_REQUEUE | PRIVATE, 0, INT_MAX, &word_a, 0) != SLEEPERS)
		sched_yield();
}

static void
sleepers_join(void)
{
	for (int i = 0; i < SLEEPERS; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

static void
bits_choose(void)
{
	sleepers_start();
	check(futex(&word_a, WAKE_BITSET | PRIVATE, INT_MAX, NULL, NULL, 1 << SLEEPERS) == 0);
	check(futex(&word_a, WAKE_BITSET | PRIVATE, INT_MAX, NULL, NULL, 1 << 2) == 1);
	check(pthread_join(thread[2], NULL) == 0);
	check(woken == 1);
	check(futex(&word_a, WAKE_BITSET | PRIVATE, 1, NULL, NULL, 3) == 1);
	check(futex(&word_a, WAKE | PRIVATE, INT_MAX, NULL, NULL, 0) == 2);
	for (int i = 0; i < SLEEPERS; i++)
		check(i == 2 || pthread_join(thread[i], NULL) == 0);
}

static void
no_bits(void)
{
	check_errno(futex(&word_a, WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
	check_errno(futex(&word_a, WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
}

static void
times_out_at(clockid_t clock, int flag)
{
	int64_t end = now_ns(clock) + 5000000;
	struct timespec at = moment(end);

	check_errno(futex(&word_a, WAIT_BITSET | flag, 0, &at, NULL, ~0u), ETIMEDOUT);
	check(now_ns(clock) >= end);
	at = moment(1);
	check_errno(futex(&word_a, WAIT_BITSET | flag, 0, &at, NULL, ~0u), ETIMEDOUT);
	/* The word is looked at first. */
	check_errno(futex(&word_a, WAIT_BITSET | flag, 1, &at, NULL, ~0u), EAGAIN);
}

static void
moments(void)
{
	times_out_at(CLOCK_MONOTONIC, 0);
	times_out_at(CLOCK_MONOTONIC, PRIVATE);
	times_out_at(CLOCK_REALTIME, REALTIME);
	times_out_at(CLOCK_REALTIME, REALTIME | PRIVATE);
}

/* A time before 1970 or with too many nanoseconds is no time; far away is allowed. */
static void
odd_times(void)
{
	struct timespec bad[] = {{-1, 0}, {0, -1}, {0, 1000000000}};
	struct timespec far = {INT64_MAX, 999999999};

	for (int i = 0; i < 3; i++) {
		check_errno(futex(&word_a, WAIT_BITSET, 0, &bad[i], NULL, ~0u), EINVAL);
		check_errno(futex(&word_a, WAIT_BITSET | REALTIME, 1, &bad[i], NULL, ~0u), EINVAL);
	}
	check_errno(futex(&word_a, WAIT_BITSET, 1, &far, NULL, ~0u), EAGAIN);
	check_errno(futex(&word_a, WAIT_BITSET | REALTIME, 1, &far, NULL, ~0u), EAGAIN);
	check_errno(futex(&word_a, WAIT, 1, &far, NULL, ~0u), EAGAIN);
	/* A wake does not look at its time. */
	check(futex(&word_a, WAKE, 1, (void *)16, NULL, 0) == 0);
}

/* Why the word stays as it is: who is in the queue may be about to compare it. */
static void
requeue_moves(void)
{
	sleepers_start();
	check_errno(futex_count(&word_a, CMP_REQUEUE | PRIVATE, 1, 9, &word_b, 4), EAGAIN);
	check(futex_count(&word_a, CMP_REQUEUE | PRIVATE, 1, 2, &word_b, 0) == 3);
	check(futex(&word_b, WAKE | PRIVATE, INT_MAX, NULL, NULL, 0) == 2);
	check(futex(&word_a, WAKE | PRIVATE, INT_MAX, NULL, NULL, 0) == 1);
	sleepers_join();
	check(woken == SLEEPERS);
}

static void
requeue_counts(void)
{
	sleepers_start();
	check(futex_count(&word_a, REQUEUE | PRIVATE, 1, 1, &word_b, 77) == 2);
	check(futex_count(&word_a, REQUEUE | PRIVATE, 0, INT_MAX, &word_b, 77) == 2);
	check(futex_count(&word_a, REQUEUE | PRIVATE, 0, INT_MAX, &word_b, 77) == 0);
	check(futex(&word_b, WAKE | PRIVATE, INT_MAX, NULL, NULL, 0) == 3);
	sleepers_join();
}

static void
requeue_errors(void)
{
	check_errno(futex_count(&word_a, REQUEUE, (unsigned)-1, 1, &word_b, 0), EINVAL);
	check_errno(futex_count(&word_a, CMP_REQUEUE, 1, (unsigned)-1, &word_b, 0), EINVAL);
	check_errno(futex_count(&word_a, CMP_REQUEUE, 1, 1, (void *)16, 0), EFAULT);
	check_errno(futex_count(&word_a, CMP_REQUEUE, 1, 1, (void *)((char *)&word_b + 1), 0), EINVAL);
	check_errno(futex_count((void *)16, CMP_REQUEUE, 1, 1, &word_b, 0), EFAULT);
	check_errno(futex_count(&word_a, CMP_REQUEUE | REALTIME, 1, 1, &word_b, 0), ENOSYS);
	check_errno(futex(&word_a, WAKE | REALTIME, 1, NULL, NULL, 0), ENOSYS);
}

static void
wake_of_none_wakes_one(void)
{
	sleepers_start();
	check(futex(&word_a, WAKE | PRIVATE, 0, NULL, NULL, 0) == 1);
	check(futex(&word_a, WAKE | PRIVATE, (unsigned)-5, NULL, NULL, 0) == 1);
	check(futex(&word_a, WAKE | PRIVATE, 9, NULL, NULL, 0) == 2);
	sleepers_join();
}

static unsigned
code(unsigned op, unsigned cmp, unsigned operand, unsigned compared)
{
	return op << 28 | cmp << 24 | (operand & 0xfff) << 12 | (compared & 0xfff);
}

static void
word_operations(void)
{
	static const struct {
		unsigned op, operand;
		int before, after;
	} line[] = {
		{0, 7, 100, 7},        {0, -1, 100, -1},       {1, 7, 100, 107},      {1, -1, 0, -1},
		{2, 0x0f, 0x30, 0x3f}, {3, 0x0f, 0x3f, 0x30},  {4, 0x0f, 0x33, 0x3c}, {8 | 0, 31, 5, INT_MIN},
		{8 | 2, 4, 1, 17},     {8 | 3, 4, 0x1f, 0x0f}, {8 | 1, 0, 41, 42},    {1, 1, INT_MAX, INT_MIN},
	};

	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		word_b = line[i].before;
		check(futex_count(&word_a, WAKE_OP, 1, 1, &word_b, code(line[i].op, 0, line[i].operand, 0)) == 0);
		if (word_b != line[i].after)
			fail("line %zu left %#x", i, word_b);
	}
	word_b = 3;
	check_errno(futex_count(&word_a, WAKE_OP, 1, 1, &word_b, code(5, 0, 1, 0)), ENOSYS);
	check_errno(futex_count(&word_a, WAKE_OP, 1, 1, (void *)16, code(0, 0, 1, 0)), EFAULT);
	void *constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check_errno(futex_count(&word_a, WAKE_OP, 1, 1, constant, code(0, 0, 1, 0)), EFAULT);
	check(word_b == 3);
}

static volatile int sleeping_value;

static void *
sleeps_on_b(void *arg)
{
	while (futex(&word_b, WAIT | PRIVATE, sleeping_value, NULL, NULL, 0) == -1 && errno == EINTR)
		;
	return arg;
}

/* One sleeper on word_b; the comparison with its old value says whether it is woken. */
static void
comparisons(void)
{
	static const struct {
		unsigned cmp, compared;
		int old;
		int wakes;
	} line[] = {
		{0, 5, 5, 1}, {0, 5, 6, 0}, {1, 5, 5, 0}, {1, 5, 6, 1}, {2, 5, 4, 1}, {2, 5, 5, 0},   {3, 5, 5, 1},
		{3, 5, 6, 0}, {4, 5, 6, 1}, {4, 5, 5, 0}, {5, 5, 5, 1}, {5, 5, 4, 0}, {2, -1, -2, 1}, {4, -3, 0, 1},
	};

	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		pthread_t one;

		word_b = sleeping_value = line[i].old;
		check(pthread_create(&one, NULL, sleeps_on_b, NULL) == 0);
		while (futex_count(&word_b, REQUEUE | PRIVATE, 0, 1, &word_b, 0) != 1)
			sched_yield();
		long n = futex_count(&word_a, WAKE_OP | PRIVATE, 1, 1, &word_b,
				     code(1, line[i].cmp, 0, line[i].compared));
		if (n != line[i].wakes)
			fail("line %zu woke %ld", i, n);
		check(futex(&word_b, WAKE | PRIVATE, 1, NULL, NULL, 0) == !line[i].wakes);
		check(pthread_join(one, NULL) == 0);
	}
}

const struct test_case futex_more_cases[] = {
	{"a wake with bits reaches the sleepers that share one", bits_choose, 0, CASE_SMP},
	{"a wait or a wake without bits is refused", no_bits, 0, 0},
	{"a wait until a moment of either clock ends then", moments, 0, 0},
	{"odd times get Linux's errno", odd_times, 0, 0},
	{"requeue wakes some, moves some, and only if the word is right", requeue_moves, 0, CASE_SMP},
	{"requeue without comparison tells how many it woke and moved", requeue_counts, 0, CASE_SMP},
	{"requeue gives Linux's errno for each misuse", requeue_errors, 0, 0},
	{"a wake of none or less wakes one", wake_of_none_wakes_one, 0, CASE_SMP},
	{"wake-op changes the second word in each of its ways", word_operations, 0, 0},
	{"wake-op compares the old value in each of its ways", comparisons, 0, CASE_SMP},
	{0},
};
