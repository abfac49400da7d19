/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/affinity.c - which CPUs a thread may use
 *
 * Idea        getcpu says where one runs. Whoever is told to leave a CPU must be elsewhere when the call returns.
 * Invariants  see guest.h
 * Follow      to kernel/sys_sched.c, kernel/sched_attr.c
 */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

static long
set_mask(pid_t tid, unsigned long mask)
{
	return syscall(SYS_sched_setaffinity, tid, sizeof(mask), &mask);
}

static unsigned long
get_mask(pid_t tid)
{
	unsigned long mask[16] = {0};

	check(syscall(SYS_sched_getaffinity, tid, sizeof(mask), mask) >= 8);
	return mask[0];
}

static unsigned
cpu_now(void)
{
	unsigned cpu = 99;

	check(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0);
	return cpu;
}

static void
mask_names_cpus(void)
{
	unsigned long all = get_mask(0);

	check(__builtin_popcountl(all) == cpus_online());
	check(all & 1UL << cpu_now());
	check(get_mask(getpid()) == all);
}

static void
moves_at_once(void)
{
	unsigned long all = get_mask(0);

	for (int round = 0; round < 50; round++) {
		for (int cpu = 0; cpu < 64; cpu++) {
			if (!(all & 1UL << cpu))
				continue;
			check(set_mask(0, 1UL << cpu) == 0);
			check(cpu_now() == (unsigned)cpu && get_mask(0) == 1UL << cpu);
			sched_yield();
			check(cpu_now() == (unsigned)cpu);
		}
	}
	/* CPUs that do not exist are left out. */
	check(set_mask(0, ~0UL) == 0 && get_mask(0) == all);
}

static void
errors(void)
{
	unsigned long mask[2] = {1, 0};

	check_errno(set_mask(0, 0), EINVAL);
	check_errno(set_mask(0, ~get_mask(0)), EINVAL);
	check_errno(syscall(SYS_sched_setaffinity, 0, 0, mask), EINVAL);
	check_errno(syscall(SYS_sched_setaffinity, 0, 8, 16), EFAULT);
	check_errno(syscall(SYS_sched_getaffinity, 0, 7, mask), EINVAL);
	check_errno(syscall(SYS_sched_getaffinity, 0, 12, mask), EINVAL);
	check_errno(syscall(SYS_sched_getaffinity, 0, 16, 16), EFAULT);
	check_errno(syscall(SYS_sched_getaffinity, -1, 16, mask), ESRCH);
	check_errno(syscall(SYS_sched_setaffinity, -1, 16, mask), ESRCH);
	pid_t gone = fork();
	if (gone == 0)
		_exit(0);
	child_wait(gone);
	check_errno(syscall(SYS_sched_getaffinity, gone, 16, mask), ESRCH);
	check_errno(syscall(SYS_sched_setaffinity, gone, 16, mask), ESRCH);
	/* One byte names the first eight. */
	check(syscall(SYS_sched_setaffinity, 0, 1, mask) == 0 && get_mask(0) == 1);
}

static void
is_bound_too(void *arg)
{
	check(get_mask(0) == (uintptr_t)arg);
}

static void
children_inherit(void)
{
	check(set_mask(0, 1) == 0);
	child_must_live(is_bound_too, (void *)1);
}

static volatile int *where; /* shared: the CPU of the child, written without end */

static void
tells_where(void *arg)
{
	(void)arg;
	for (;;)
		*where = (int)cpu_now();
}

/* From CPU to CPU while it runs and never sleeps; after the call it is seen on the new one only. */
static void
runner_is_moved(void)
{
	unsigned long all = get_mask(0);

	where = (volatile int *)map_shared(PAGE);
	*where = -1;
	pid_t pid = child_start(tells_where, NULL);
	for (int round = 0; round < 20; round++) {
		for (int cpu = 0; cpu < 64; cpu++) {
			if (!(all & 1UL << cpu))
				continue;
			check(set_mask(pid, 1UL << cpu) == 0);
			/* The first value seen may have been stored late: by a call that began before the move. */
			*where = -1;
			while (*where == -1)
				sched_yield();
			*where = -1;
			while (*where == -1)
				sched_yield();
			check(*where == cpu);
		}
	}
	kill(pid, SIGKILL);
	child_wait(pid);
}

static volatile int *go;

static void
sleeps_then_tells(void *arg)
{
	(void)arg;
	while (*go == 0)
		syscall(SYS_futex, go, 0, 0, NULL, NULL, 0);
	*where = (int)cpu_now();
}

static void
sleeper_is_moved(void)
{
	unsigned long all = get_mask(0);
	int last = 63 - __builtin_clzl(all);

	where = (volatile int *)map_shared(PAGE);
	go = where + 1;
	for (int round = 0; round < 20; round++) {
		*go = 0;
		pid_t pid = child_start(sleeps_then_tells, NULL);
		int cpu = round % 2 ? last : 0;
		check(set_mask(pid, 1UL << cpu) == 0);
		*go = 1;
		syscall(SYS_futex, go, 1, 1, NULL, NULL, 0);
		check(child_wait(pid) == 0 && *where == cpu);
	}
}

static volatile int stop;

static void *
stays_where_bound(void *arg)
{
	int cpu = (int)(intptr_t)arg;

	check(set_mask(0, 1UL << cpu) == 0);
	for (int i = 0; i < 500; i++) {
		check(cpu_now() == (unsigned)cpu);
		if (i % 50 == 0)
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
		else
			sched_yield();
	}
	return NULL;
}

/* More threads than CPUs, all bound to one or the other: whatever balances them may not move any. */
static void
crowd_stays(void)
{
	pthread_t thread[12];
	int n = cpus_online();

	for (intptr_t i = 0; i < 12; i++)
		check(pthread_create(&thread[i], NULL, stays_where_bound, (void *)(i % n)) == 0);
	for (int i = 0; i < 12; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

static void *
spins_until_stop(void *arg)
{
	while (!stop)
		if (arg)
			sched_yield();
	return arg;
}

/* Masks that change while their owners run, sleep and are moved about. */
static void
masks_under_fire(void)
{
	unsigned long all = get_mask(0);
	pthread_t thread[4];
	unsigned seed = 1;

	for (intptr_t i = 0; i < 4; i++)
		check(pthread_create(&thread[i], NULL, spins_until_stop, (void *)(i % 2)) == 0);
	pid_t first = getpid();
	for (int i = 0; i < 400; i++) {
		seed = seed * 1103515245 + 12345;
		unsigned long mask = (seed >> 8) & all;
		pid_t tid = first + (seed >> 20) % 5;
		if (mask && set_mask(tid, mask) == -1)
			check(errno == ESRCH || errno == EPERM);
	}
	stop = 1;
	for (int i = 0; i < 4; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

const struct test_case affinity_cases[] = {
	{"the mask names the CPUs there are, and the one that runs", mask_names_cpus, 0, CASE_SMP},
	{"a thread that binds itself is on that CPU at once", moves_at_once, 0, CASE_SMP},
	{"affinity calls give Linux's errno for each misuse", errors, 0, CASE_SMP},
	{"children inherit the mask", children_inherit, 0, CASE_SMP},
	{"a running process is moved before the call returns", runner_is_moved, 0, CASE_SMP},
	{"a sleeper wakes up on the CPU it was bound to meanwhile", sleeper_is_moved, 0, CASE_SMP},
	{"a crowd of bound threads stays where it is bound", crowd_stays, 0, CASE_SMP},
	{"masks that change all the time lose nobody", masks_under_fire, 0, CASE_SMP},
	{0},
};
