/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/clocks.c - clocks set, asked, and slept on
 *
 * Idea        The wall clock is set forth and back while others sleep by it. Whoever sets it puts it back by what the
 *             monotonic clock says has passed. Nothing waits longer than the clocks make it.
 * Invariants  see guest.h
 * Follow      to kernel/sys_time.c, kernel/wall_clock.c, kernel/cpu_clock.c
 */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define SECOND 1000000000L
#define HOUR (3600 * SECOND)

enum {
	MS = 1000000,
	ABSOLUTE = 1
};

static int64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	/* The system call, not the C library's short cut. */
	check(syscall(SYS_clock_gettime, clock, &t) == 0 && t.tv_nsec >= 0 && t.tv_nsec < SECOND);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static struct timespec
moment(int64_t ns)
{
	return (struct timespec){ns / SECOND, ns % SECOND};
}

static long
set_wall(int64_t ns)
{
	struct timespec t = moment(ns);

	return syscall(SYS_clock_settime, CLOCK_REALTIME, &t);
}

static int64_t ahead; /* of the wall clock when the case began */

static void
wall_keep(void)
{
	ahead = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
}

static void
wall_put_back(void)
{
	check(set_wall(now_ns(CLOCK_MONOTONIC) + ahead) == 0);
}

static void
set_moves_wall_alone(void)
{
	wall_keep();
	int64_t mono = now_ns(CLOCK_MONOTONIC), boot = now_ns(CLOCK_BOOTTIME);
	check(set_wall(now_ns(CLOCK_REALTIME) + 100 * HOUR) == 0);
	int64_t moved = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC) - ahead;
	int64_t mono2 = now_ns(CLOCK_MONOTONIC), boot2 = now_ns(CLOCK_BOOTTIME);
	time_t seconds = syscall(SYS_time, 0);
	struct timeval tv;
	check(syscall(SYS_gettimeofday, &tv, 0) == 0);
	int64_t coarse = now_ns(CLOCK_REALTIME_COARSE), wall = now_ns(CLOCK_REALTIME);
	wall_put_back();
	check(moved > 99 * HOUR && moved < 101 * HOUR);
	check(mono2 >= mono && mono2 - mono < HOUR && boot2 >= boot && boot2 - boot < HOUR);
	check(seconds * SECOND > wall - HOUR && seconds * SECOND <= wall);
	check(tv.tv_sec * SECOND > wall - HOUR && coarse > wall - HOUR && coarse <= wall);
}

static void
settimeofday_sets(void)
{
	struct timeval tv, bad = {0, 1000000};

	wall_keep();
	check(gettimeofday(&tv, NULL) == 0);
	tv.tv_sec += 7200;
	long result = syscall(SYS_settimeofday, &tv, NULL);
	int64_t moved = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC) - ahead;
	wall_put_back();
	check(result == 0 && moved > HOUR && moved < 3 * HOUR);
	check_errno(syscall(SYS_settimeofday, &bad, NULL), EINVAL);
	check_errno(syscall(SYS_settimeofday, 16, NULL), EFAULT);
	check_errno(syscall(SYS_gettimeofday, 16, NULL), EFAULT);
	check_errno(syscall(SYS_gettimeofday, NULL, 16), EFAULT);
}

static void
errors(void)
{
	struct timespec bad[] = {{-1, 0}, {0, -1}, {0, SECOND}}, t;

	for (int i = 0; i < 3; i++)
		check_errno(syscall(SYS_clock_settime, CLOCK_REALTIME, &bad[i]), EINVAL);
	/* Before the boot, by the monotonic clock. */
	t = moment(now_ns(CLOCK_MONOTONIC) / 2);
	check_errno(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EINVAL);
	check_errno(syscall(SYS_clock_settime, CLOCK_REALTIME, 16), EFAULT);
	check_errno(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &t), EINVAL);
	check_errno(syscall(SYS_clock_settime, CLOCK_BOOTTIME, &t), EINVAL);
	check_errno(syscall(SYS_clock_settime, CLOCK_PROCESS_CPUTIME_ID, &t), EINVAL);
	check_errno(syscall(SYS_clock_settime, 99, &t), EINVAL);
	check_errno(syscall(SYS_clock_getres, 99, &t), EINVAL);
	check_errno(syscall(SYS_clock_getres, CLOCK_MONOTONIC, 16), EFAULT);
	check(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL) == 0);
	check_errno(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &t, NULL), EOPNOTSUPP);
	check_errno(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &t, NULL), EOPNOTSUPP);
	check_errno(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL), EOPNOTSUPP);
	check_errno(syscall(SYS_clock_nanosleep, 99, 0, &t, NULL), EINVAL);
	check_errno(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, 16, NULL), EFAULT);
}

static void
not_for_users(void)
{
	struct timespec t = moment(now_ns(CLOCK_REALTIME));
	struct timeval tv = {t.tv_sec, 0};

	check(syscall(SYS_setresuid, 1000, 1000, 1000) == 0);
	check_errno(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EPERM);
	check_errno(syscall(SYS_settimeofday, &tv, NULL), EPERM);
}

static void
every_clock(void)
{
	static const clockid_t clock[] = {0, 1, 2, 3, 4, 5, 6, 7, 11};
	struct timespec res;

	for (int i = 0; i < 9; i++) {
		int64_t first = now_ns(clock[i]);
		check(now_ns(clock[i]) >= first);
		check(syscall(SYS_clock_getres, clock[i], &res) == 0 && res.tv_sec == 0 && res.tv_nsec > 0);
	}
}

static void
sleeps_until(void)
{
	static const clockid_t clock[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};

	for (int i = 0; i < 4; i++) {
		int64_t end = now_ns(clock[i]) + 5 * MS;
		struct timespec t = moment(end), past = moment(1);
		check(syscall(SYS_clock_nanosleep, clock[i], ABSOLUTE, &t, NULL) == 0 && now_ns(clock[i]) >= end);
		check(syscall(SYS_clock_nanosleep, clock[i], ABSOLUTE, &past, NULL) == 0);
		t = moment(3 * MS);
		end = now_ns(clock[i]) + 3 * MS;
		check(syscall(SYS_clock_nanosleep, clock[i], 0, &t, NULL) == 0 && now_ns(clock[i]) >= end);
	}
}

static volatile int asleep;
static volatile int woken;
static volatile int futex_word;
static int64_t wake_time;

static void *
sleeps_by_wall(void *arg)
{
	struct timespec t = moment(wake_time);

	announce(&asleep);
	if (arg)
		syscall(SYS_futex, &futex_word, 9 | 128 | 256, 0, &t, NULL, ~0u);
	else
		check(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, ABSOLUTE, &t, NULL) == 0);
	check(now_ns(CLOCK_REALTIME) >= wake_time);
	announce(&woken);
	return NULL;
}

/* They would sleep for a day; setting the clock beyond their moment is what wakes them. */
static void
sleepers_follow_the_clock(void)
{
	pthread_t thread[2];

	wall_keep();
	wake_time = now_ns(CLOCK_REALTIME) + 24 * HOUR;
	for (intptr_t i = 0; i < 2; i++)
		check(pthread_create(&thread[i], NULL, sleeps_by_wall, (void *)i) == 0);
	await(&asleep, 2);
	for (int i = 0; i < 20; i++)
		nanosleep(&(struct timespec){.tv_nsec = MS}, NULL);
	int early = woken;
	long half = set_wall(now_ns(CLOCK_REALTIME) + 12 * HOUR);
	for (int i = 0; i < 20; i++)
		nanosleep(&(struct timespec){.tv_nsec = MS}, NULL);
	early += woken;
	long whole = set_wall(now_ns(CLOCK_REALTIME) + 13 * HOUR);
	for (int i = 0; i < 2; i++)
		check(pthread_join(thread[i], NULL) == 0);
	wall_put_back();
	check(early == 0 && half == 0 && whole == 0 && woken == 2);
}

/* A sleep of so long, not until then, does not care. */
static void
relative_sleep_does_not(void)
{
	wall_keep();
	int64_t start = now_ns(CLOCK_MONOTONIC);
	pid_t pid = fork();
	if (pid == 0) {
		struct timespec t = moment(300 * MS);
		_exit(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &t, NULL) != 0);
	}
	check(set_wall(now_ns(CLOCK_REALTIME) + HOUR) == 0);
	int status = child_wait(pid);
	wall_put_back();
	check(status == 0 && now_ns(CLOCK_MONOTONIC) - start >= 300 * MS);
}

static volatile int *go;

static void
spins(void *arg)
{
	(void)arg;
	announce(go);
	for (;;)
		;
}

static void
clocks_of_others(void)
{
	clockid_t clock;
	struct timespec t;

	go = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(spins, NULL);
	await(go, 1);
	check(clock_getcpuclockid(pid, &clock) == 0);
	int64_t first = now_ns(clock);
	while (now_ns(clock) < first + 20 * MS)
		sched_yield();
	check(now_ns(CLOCK_PROCESS_CPUTIME_ID) <= now_ns(CLOCK_MONOTONIC));
	check_errno(syscall(SYS_clock_settime, clock, &t), EPERM);
	/* The clock of its thread is not ours to ask. */
	check_errno(syscall(SYS_clock_gettime, (~pid << 3) | 4 | 2, &t), EINVAL);
	kill(pid, SIGKILL), child_wait(pid);
	check_errno(syscall(SYS_clock_gettime, clock, &t), EINVAL);
	check_errno(syscall(SYS_clock_gettime, (~getpid() << 3) | 3, &t), EINVAL);
	check(syscall(SYS_clock_gettime, -8 | 2, &t) == 0 && syscall(SYS_clock_gettime, -8 | 6, &t) == 0);
	for (int kind = 0; kind < 2; kind++)
		check(syscall(SYS_clock_gettime, (~getpid() << 3) | kind, &t) == 0);
	check(syscall(SYS_clock_getres, (~getpid() << 3) | 2, &t) == 0 && t.tv_sec == 0 && t.tv_nsec == 1);
}

const struct test_case clocks_cases[] = {
	{"setting the clock moves real time and nothing else", set_moves_wall_alone, 0, 0},
	{"settimeofday sets it too", settimeofday_sets, 0, 0},
	{"clock calls give Linux's errno for each misuse", errors, 0, 0},
	{"only root sets the clock", not_for_users, 0, 0},
	{"every clock tells its time and resolution", every_clock, 0, 0},
	{"a sleep until a moment ends then, by each clock", sleeps_until, 0, 0},
	{"who sleeps until a moment of real time follows the clock", sleepers_follow_the_clock, 0, CASE_SMP},
	{"who sleeps for a time does not", relative_sleep_does_not, 0, 0},
	{"CPU time of other processes has clocks", clocks_of_others, 0, CASE_SMP},
	{0},
};
