/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/futex.c - sleep until a word changes
 *
 * Idea        the system call itself, between threads and between processes that share memory
 * Invariants  see guest.h
 * Follow      to kernel/futex.c
 */
#include "guest.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_REQUEUE = 3,
	FUTEX_PRIVATE = 128,
	FUTEX_CLOCK_REALTIME = 256,
	ROUNDS = 500
};

static long
futex(volatile int *word, int operation, int value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

static void
wait_changed(void)
{
	volatile int word = 1;

	check_errno(futex(&word, FUTEX_WAIT, 0, NULL), EAGAIN);
	check_errno(futex(&word, FUTEX_WAIT | FUTEX_PRIVATE, 2, NULL), EAGAIN);
}

static void
wait_times_out(void)
{
	volatile int word = 1;
	struct timespec before, after;
	struct timespec short_time = {.tv_nsec = 5000000};

	check(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
	check_errno(futex(&word, FUTEX_WAIT, 1, &short_time), ETIMEDOUT);
	check_errno(futex(&word, FUTEX_WAIT | FUTEX_PRIVATE, 1, &short_time), ETIMEDOUT);
	check(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
	long ns = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
	check(ns >= 10000000);
}

static void
errors(void)
{
	volatile int word = 1;
	struct timespec bad = {.tv_nsec = 1000000000};
	struct timespec negative = {.tv_sec = -1};

	check_errno(futex((volatile int *)((char *)&word + 1), FUTEX_WAIT, 1, NULL), EINVAL);
	check_errno(futex((volatile int *)((char *)&word + 2), FUTEX_WAKE, 1, NULL), EINVAL);
	check_errno(futex(&word, FUTEX_WAIT, 1, &bad), EINVAL);
	check_errno(futex(&word, FUTEX_WAIT, 1, &negative), EINVAL);
	check_errno(futex((volatile int *)16, FUTEX_WAIT, 1, NULL), EFAULT);
	check_errno(futex((volatile int *)0xffff800000000000, FUTEX_WAIT, 1, NULL), EFAULT);
	check_errno(futex(&word, FUTEX_WAIT, 1, (void *)16), EFAULT);
	check_errno(futex(&word, 77, 1, NULL), ENOSYS);
	/* Only a wait for a moment may name its clock. */
	check_errno(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, NULL), ENOSYS);
	check(futex(&word, FUTEX_WAKE, 1, NULL) == 0);
}

static volatile int word;
static volatile int asleep;

static void *
sleeper(void *arg)
{
	announce(&asleep);
	while (word == 0)
		futex(&word, FUTEX_WAIT | FUTEX_PRIVATE, 0, NULL);
	return arg;
}

static void
wake_one_and_all(void)
{
	pthread_t thread[5];
	int woken = 0;

	for (int i = 0; i < 5; i++)
		check(pthread_create(&thread[i], NULL, sleeper, NULL) == 0);
	await(&asleep, 5);
	/* Each wake is for one; sleepers that find the word unchanged go back to sleep. */
	while (woken < 3) {
		long n = futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, 1, NULL);
		check(n == 0 || n == 1);
		woken += n;
		sched_yield();
	}
	word = 1;
	check(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE, INT_MAX, NULL) <= 5);
	for (int i = 0; i < 5; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

static volatile int *shared;

static void
pass(int parity)
{
	for (int i = 0; i < ROUNDS; i++) {
		int now;
		while (((now = __atomic_load_n(shared, __ATOMIC_SEQ_CST)) & 1) != parity)
			futex(shared, FUTEX_WAIT, now, NULL);
		__atomic_store_n(shared, now + 1, __ATOMIC_SEQ_CST);
		futex(shared, FUTEX_WAKE, 1, NULL);
	}
}

static void
child_passes(void *arg)
{
	(void)arg;
	pass(1);
}

static void
between_processes(void)
{
	shared = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(child_passes, NULL);
	pass(0);
	check(child_wait(pid) == 0);
	check(*shared == 2 * ROUNDS);
}

static void
waits_on_shared(void *arg)
{
	volatile int *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, (intptr_t)arg, 0);

	check(own != MAP_FAILED);
	announce(own + 1);
	while (*own == 0)
		futex(own, FUTEX_WAIT, 0, NULL);
}

/* The same word of one file, at different addresses in two processes. */
static void
at_different_addresses(void)
{
	int fd = file_make("/tmp/futex", 0);

	check(syscall(SYS_ftruncate, fd, PAGE) == 0);
	volatile int *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(own != MAP_FAILED);
	pid_t pid = child_start(waits_on_shared, (void *)(intptr_t)fd);
	await(own + 1, 1);
	for (int i = 0; i < 20; i++)
		sched_yield();
	*own = 1;
	futex(own, FUTEX_WAKE, 1, NULL);
	check(child_wait(pid) == 0);
	close(fd), unlink("/tmp/futex");
}

static void
forever(void *arg)
{
	announce(arg);
	for (;;)
		futex(shared, FUTEX_WAIT, 0, NULL);
}

static void
killed_asleep(void)
{
	shared = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(forever, (void *)(shared + 1));
	await(shared + 1, 1);
	sched_yield();
	check(kill(pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
	check(futex(shared, FUTEX_WAKE, INT_MAX, NULL) == 0);
}

static void
private_is_private(void)
{
	/* After fork the same address means another word: a wake must not reach across. */
	shared = (volatile int *)map_private(PAGE);
	volatile int *ready = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(forever, (void *)ready);
	await(ready, 1);
	for (int i = 0; i < 20; i++)
		sched_yield();
	check(futex(shared, FUTEX_WAKE, INT_MAX, NULL) == 0);
	check(kill(pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
}

const struct test_case futex_cases[] = {
	{"a futex that has changed already gives EAGAIN", wait_changed, 0, 0},
	{"a futex wait times out, and not too early", wait_times_out, 0, 0},
	{"futex gives Linux's errno for each misuse", errors, 0, 0},
	{"a wake wakes as many as asked", wake_one_and_all, 0, CASE_SMP},
	{"two processes pass a shared word to and fro", between_processes, 0, CASE_SMP},
	{"a word of a file is one futex at any address", at_different_addresses, 0, 0},
	{"a process asleep on a futex can be killed", killed_asleep, 0, 0},
	{"a futex in private memory is each process's own", private_is_private, 0, 0},
	{0},
};
