/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/time.c - clocks go forward, sleeps last at least as long as asked
 *
 * Idea        nothing here depends on how fast the machine is: there are lower bounds only
 * Invariants  see guest.h
 * Follow      to kernel/sys_time.c, kernel/timer.c
 */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

static int64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	check(clock_gettime(clock, &t) == 0);
	check(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
monotonic(void)
{
	int64_t last = now_ns(CLOCK_MONOTONIC);
	int64_t first = last;

	for (int i = 0; i < 2000; i++) {
		int64_t now = now_ns(CLOCK_MONOTONIC);
		check(now >= last);
		last = now;
		if (i % 100 == 0)
			sched_yield();
	}
	check(last > first);
}

static volatile int64_t latest;

static void *
looks_at_clock(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		int64_t seen = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
		int64_t now = now_ns(CLOCK_MONOTONIC);
		if (now < seen)
			fail("a processor's clock is %ld ns behind another's", seen - now);
		while (now > seen &&
		       !__atomic_compare_exchange_n(&latest, &seen, now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
	}
	return arg;
}

static void
monotonic_across_cpus(void)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		check(pthread_create(&thread[i], NULL, looks_at_clock, NULL) == 0);
	for (int i = 0; i < 4; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

static void
sleep_long_enough(void)
{
	static const long ns[] = {1, 1000, 1000000, 7000000, 20000000};

	for (int i = 0; i < 5; i++) {
		struct timespec t = {.tv_nsec = ns[i]};
		int64_t before = now_ns(CLOCK_MONOTONIC);
		check(nanosleep(&t, NULL) == 0);
		check(now_ns(CLOCK_MONOTONIC) - before >= ns[i]);
	}
}

static void
sleep_errors(void)
{
	struct timespec bad = {.tv_nsec = 1000000000};
	struct timespec negative = {.tv_sec = -1};
	struct timespec t;

	check_errno(nanosleep(&bad, NULL), EINVAL);
	check_errno(nanosleep(&negative, NULL), EINVAL);
	check_errno(syscall(SYS_nanosleep, 16, 0), EFAULT);
	check_errno(syscall(SYS_clock_gettime, 99, &t), EINVAL);
	check_errno(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 16), EFAULT);
	check(nanosleep(&(struct timespec){0}, NULL) == 0);
}

static void
sleeps_a_day(void *arg)
{
	(void)arg;
	nanosleep(&(struct timespec){.tv_sec = 86400}, NULL);
}

static void
killed_asleep(void)
{
	pid_t pid = child_start(sleeps_a_day, NULL);

	for (int i = 0; i < 10; i++)
		sched_yield();
	check(kill(pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
}

static void
sleeps_some(void *arg)
{
	long ms = (intptr_t)arg;
	int64_t before = now_ns(CLOCK_MONOTONIC);

	check(nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL) == 0);
	check(now_ns(CLOCK_MONOTONIC) - before >= ms * 1000000);
}

static void
many_sleepers(void)
{
	pid_t pid[30];

	for (intptr_t i = 0; i < 30; i++)
		pid[i] = child_start(sleeps_some, (void *)((i * 7) % 30 + 1));
	for (int i = 0; i < 30; i++)
		check(child_wait(pid[i]) == 0);
}

static void
realtime_and_resolution(void)
{
	struct timespec t;

	check(now_ns(CLOCK_REALTIME) > 0);
	check(clock_getres(CLOCK_MONOTONIC, &t) == 0 && t.tv_sec == 0 && t.tv_nsec > 0);
}

const struct test_case time_cases[] = {
	{"the monotonic clock never goes back", monotonic, 0, 0},
	{"the monotonic clock agrees on all processors", monotonic_across_cpus, 0, CASE_SMP},
	{"nanosleep sleeps at least as long as asked", sleep_long_enough, 0, 0},
	{"sleeps and clocks give Linux's errno for each misuse", sleep_errors, 0, 0},
	{"a process asleep for a day can be killed", killed_asleep, 0, 0},
	{"thirty sleepers wake, none too early", many_sleepers, 0, CASE_SMP},
	{"there is a clock of real time, and a resolution", realtime_and_resolution, 0, 0},
	{0},
};
