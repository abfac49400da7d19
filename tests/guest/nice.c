/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/nice.c - how much of a CPU one gets
 *
 * Idea        Two children spin on one CPU, and their own clocks of CPU time tell how it was divided. The time of day
 *             plays no part: they run until both together have used enough.
 * Invariants  see guest.h
 * Follow      to kernel/sys_sched.c, kernel/sched_attr.c
 */
#include "guest.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	MS = 1000000,
	IDLE_POLICY = 5,
	BATCH_POLICY = 3,
	RESET = 0x40000000
};

struct contest {
	volatile int64_t used[2]; /* ns of CPU time */
	volatile int ready;
	volatile int over;
};

static struct contest *contest;

static int64_t
cpu_ns(void)
{
	struct timespec t;

	check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void
competes(void *arg)
{
	int me = (int)(intptr_t)arg;

	announce(&contest->ready);
	await(&contest->ready, 3);
	int64_t start = cpu_ns();
	while (!contest->over) {
		for (volatile int i = 0; i < 20000; i++)
			;
		contest->used[me] = cpu_ns() - start;
	}
}

/* In hundredths: how much more the first gets. The second may have got nothing at all. */
static int64_t
share(int nice0, int nice1, int policy1)
{
	unsigned long one = 1;
	struct sched_param none = {0};
	pid_t pid[2];

	contest = (struct contest *)map_shared(PAGE);
	check(syscall(SYS_sched_setaffinity, 0, 8, &one) == 0);
	for (intptr_t i = 0; i < 2; i++) {
		pid[i] = child_start(competes, (void *)i);
		check(setpriority(PRIO_PROCESS, pid[i], i ? nice1 : nice0) == 0);
	}
	if (policy1)
		check(syscall(SYS_sched_setscheduler, pid[1], policy1, &none) == 0);
	await(&contest->ready, 2);
	announce(&contest->ready);
	while (contest->used[0] + contest->used[1] < 1000 * MS)
		nanosleep(&(struct timespec){.tv_nsec = 20 * MS}, NULL);
	int64_t ratio = contest->used[0] * 100 / (contest->used[1] + 1);
	contest->over = 1;
	child_wait(pid[0]), child_wait(pid[1]);
	return ratio;
}

static void
equals_share_alike(void)
{
	int64_t ratio = share(0, 0, 0);

	if (ratio < 60 || ratio > 170)
		fail("two equals share as %ld to 100", ratio);
}

/* 1.25 to the fifth power is 3.05. */
static void
nicer_gets_less(void)
{
	int64_t ratio = share(0, 5, 0);

	if (ratio < 180 || ratio > 520)
		fail("nice 0 and nice 5 share as %ld to 100", ratio);
}

static void
nasty_gets_more(void)
{
	int64_t ratio = share(-5, 5, 0);

	if (ratio < 450)
		fail("nice -5 and nice 5 share as %ld to 100", ratio);
}

static void
idle_policy_gets_crumbs(void)
{
	int64_t ratio = share(0, 0, IDLE_POLICY);

	if (ratio < 1000)
		fail("an ordinary and an idle process share as %ld to 100", ratio);
}

static void
values_kept(void)
{
	check(getpriority(PRIO_PROCESS, 0) == 0);
	for (int nice = -20; nice < 20; nice++) {
		check(setpriority(PRIO_PROCESS, 0, nice) == 0);
		errno = 0;
		check(getpriority(PRIO_PROCESS, getpid()) == nice && errno == 0);
		check(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 20 - nice);
	}
	check(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
	check(setpriority(PRIO_PROCESS, 0, -100) == 0 && getpriority(PRIO_PROCESS, 0) == -20);
}

static void
has_nice_seven(void *arg)
{
	(void)arg;
	check(getpriority(PRIO_PROCESS, 0) == 7);
}

static void
inherited(void)
{
	check(setpriority(PRIO_PROCESS, 0, 7) == 0);
	child_must_live(has_nice_seven, NULL);
}

static void
waits_for_kill(void *arg)
{
	announce(arg);
	for (;;)
		pause();
}

static void
groups(void)
{
	volatile int *ready = (volatile int *)map_shared(PAGE);
	pid_t pid[2];

	for (int i = 0; i < 2; i++) {
		pid[i] = child_start(waits_for_kill, (void *)ready);
		check(setpgid(pid[i], pid[0]) == 0);
	}
	await(ready, 2);
	check(setpriority(PRIO_PGRP, pid[0], 3) == 0);
	check(getpriority(PRIO_PROCESS, pid[0]) == 3 && getpriority(PRIO_PROCESS, pid[1]) == 3);
	check(setpriority(PRIO_PROCESS, pid[1], 9) == 0);
	check(getpriority(PRIO_PGRP, pid[0]) == 3);
	check(getpriority(PRIO_PROCESS, 0) == 0);
	for (int i = 0; i < 2; i++)
		kill(pid[i], SIGKILL), child_wait(pid[i]);
	check_errno(getpriority(PRIO_PGRP, pid[0]), ESRCH);
	check_errno(setpriority(PRIO_PROCESS, pid[0], 1), ESRCH);
	check_errno(getpriority(3, 0), EINVAL);
	check_errno(setpriority(-1, 0, 1), EINVAL);
	check_errno(getpriority(PRIO_USER, 54321), ESRCH);
}

static long
set_policy(pid_t pid, int policy, int priority)
{
	struct sched_param param = {.sched_priority = priority};

	return syscall(SYS_sched_setscheduler, pid, policy, &param);
}

static void
policies(void)
{
	struct sched_param param = {.sched_priority = 77};
	struct timespec t = {-1, -1};

	check(syscall(SYS_sched_getscheduler, 0) == 0);
	check(set_policy(0, BATCH_POLICY, 0) == 0 && syscall(SYS_sched_getscheduler, 0) == BATCH_POLICY);
	check(set_policy(0, IDLE_POLICY, 0) == 0 && syscall(SYS_sched_getscheduler, getpid()) == IDLE_POLICY);
	check(syscall(SYS_sched_getparam, 0, &param) == 0 && param.sched_priority == 0);
	check(syscall(SYS_sched_setparam, 0, &param) == 0);
	check(set_policy(0, 0, 0) == 0 && syscall(SYS_sched_getscheduler, 0) == 0);
	check(syscall(SYS_sched_rr_get_interval, 0, &t) == 0 && t.tv_sec >= 0 && t.tv_nsec >= 0);
	check(syscall(SYS_sched_get_priority_max, 1) == 99 && syscall(SYS_sched_get_priority_min, 2) == 1);
	check(syscall(SYS_sched_get_priority_max, 0) == 0 && syscall(SYS_sched_get_priority_min, 5) == 0);
}

static void
policy_errors(void)
{
	struct sched_param param = {.sched_priority = 1};

	check_errno(set_policy(0, 0, 1), EINVAL);
	check_errno(set_policy(0, 1, 0), EINVAL);
	check_errno(set_policy(0, 2, 100), EINVAL);
	check_errno(set_policy(0, 4, 0), EINVAL);
	check_errno(set_policy(0, -1, 0), EINVAL);
	check_errno(set_policy(-1, 0, 0), EINVAL);
	check_errno(syscall(SYS_sched_setscheduler, 0, 0, 0), EINVAL);
	check_errno(syscall(SYS_sched_setscheduler, 0, 0, 16), EFAULT);
	check_errno(syscall(SYS_sched_setparam, 0, &param), EINVAL);
	check_errno(syscall(SYS_sched_setparam, 0, 0), EINVAL);
	check_errno(syscall(SYS_sched_getparam, 0, 0), EINVAL);
	check_errno(syscall(SYS_sched_getparam, 0, 16), EFAULT);
	check_errno(syscall(SYS_sched_getscheduler, -1), EINVAL);
	check_errno(syscall(SYS_sched_rr_get_interval, -1, &param), EINVAL);
	check_errno(syscall(SYS_sched_rr_get_interval, 0, 16), EFAULT);
	check_errno(syscall(SYS_sched_get_priority_max, 4), EINVAL);
	check_errno(syscall(SYS_sched_get_priority_min, -1), EINVAL);
	pid_t gone = fork();
	if (gone == 0)
		_exit(0);
	child_wait(gone);
	check_errno(syscall(SYS_sched_getscheduler, gone), ESRCH);
	check_errno(set_policy(gone, 0, 0), ESRCH);
}

static void
is_ordinary(void *arg)
{
	(void)arg;
	check(syscall(SYS_sched_getscheduler, 0) == 0 && getpriority(PRIO_PROCESS, 0) == 0);
}

static void
reset_on_fork(void)
{
	check(set_policy(0, RESET | BATCH_POLICY, 0) == 0);
	check(syscall(SYS_sched_getscheduler, 0) == (RESET | BATCH_POLICY));
	check(setpriority(PRIO_PROCESS, 0, -3) == 0);
	/* Linux resets the policy of real-time processes only; so ours is an ordinary one here. */
	check(set_policy(0, RESET, 0) == 0);
	child_must_live(is_ordinary, NULL);
}

const struct test_case nice_cases[] = {
	{"two equals share a CPU alike", equals_share_alike, 0, 0},
	{"a nicer process gets less", nicer_gets_less, 0, CASE_SMP},
	{"a less nice process gets more", nasty_gets_more, 0, 0},
	{"a process of the idle policy gets crumbs", idle_policy_gets_crumbs, 0, 0},
	{"each nice value is kept, what lies beyond is cut", values_kept, 0, 0},
	{"children inherit the nice value", inherited, 0, 0},
	{"nice values of groups, and Linux's errno", groups, 0, 0},
	{"policies without priorities are kept", policies, 0, 0},
	{"scheduling calls give Linux's errno for each misuse", policy_errors, 0, 0},
	{"a process may have its children begin with the defaults", reset_on_fork, 0, 0},
	{0},
};
