/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/rlimits.c - resource limits: sixteen pairs, who may set them, and the one of CPU time
 *
 * Idea        see guest.h
 * Invariants  see guest.h
 * Follow      to kernel/sys_limit.c, kernel/itimer.c
 */
#include "guest.h"
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

static void
pairs_kept(void)
{
	for (int i = 0; i < 16; i++) {
		struct rlimit old, now;
		check(getrlimit(i, &old) == 0 && old.rlim_cur <= old.rlim_max);
		struct rlimit lower = {old.rlim_max / 2, old.rlim_max};
		/* Not those that would hit this very process. */
		if (i == RLIMIT_AS || i == RLIMIT_DATA || i == RLIMIT_STACK || i == RLIMIT_CPU)
			lower.rlim_cur = old.rlim_cur;
		check(setrlimit(i, &lower) == 0 && getrlimit(i, &now) == 0);
		check(now.rlim_cur == lower.rlim_cur && now.rlim_max == lower.rlim_max);
		check(setrlimit(i, &old) == 0);
	}
}

static void
errors(void)
{
	struct rlimit limit = {2, 1};

	check_errno(setrlimit(RLIMIT_FSIZE, &limit), EINVAL);
	check_errno(syscall(SYS_setrlimit, 16, &limit), EINVAL);
	check_errno(syscall(SYS_getrlimit, 16, &limit), EINVAL);
	check_errno(syscall(SYS_getrlimit, -1, &limit), EINVAL);
	check_errno(syscall(SYS_getrlimit, 0, 16), EFAULT);
	check_errno(syscall(SYS_setrlimit, 0, 16), EFAULT);
	check_errno(syscall(SYS_prlimit64, 0, 99, NULL, &limit), EINVAL);
	check_errno(syscall(SYS_prlimit64, 0, RLIMIT_CORE, 16, NULL), EFAULT);
	check_errno(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, 16), EFAULT);
	check(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL) == 0);
	pid_t gone = fork();
	if (gone == 0)
		_exit(0);
	child_wait(gone);
	check_errno(syscall(SYS_prlimit64, gone, RLIMIT_CORE, NULL, &limit), ESRCH);
}

static void
waits(void *ready)
{
	announce(ready);
	for (;;)
		pause();
}

static void
of_another(void)
{
	volatile int *ready = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(waits, (void *)ready);
	struct rlimit limit = {11, 12}, old, own;

	await(ready, 1);
	check(getrlimit(RLIMIT_NOFILE, &own) == 0);
	check(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &limit, &old) == 0);
	check(old.rlim_cur == own.rlim_cur && old.rlim_max == own.rlim_max);
	check(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &old) == 0);
	check(old.rlim_cur == 11 && old.rlim_max == 12);
	check(getrlimit(RLIMIT_NOFILE, &old) == 0 && old.rlim_cur == own.rlim_cur);
	kill(pid, SIGKILL), child_wait(pid);
}

static void
inherits(void *arg)
{
	struct rlimit limit;

	(void)arg;
	check(getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur == 12345);
}

static void
inherited(void)
{
	struct rlimit limit = {12345, RLIM_INFINITY};

	check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	child_must_live(inherits, NULL);
}

static void
spins(void *arg)
{
	struct rlimit limit = {1, (rlim_t)(uintptr_t)arg};

	check(setrlimit(RLIMIT_CPU, &limit) == 0);
	for (;;)
		;
}

static int64_t
children_ns(void)
{
	struct rusage u;

	check(getrusage(RUSAGE_CHILDREN, &u) == 0);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000L +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000L;
}

static void
cpu_time_ends(void)
{
	child_must_die(spins, (void *)5, SIGXCPU);
	check(children_ns() >= 900000000);
}

static void
spins_deaf(void *arg)
{
	signal(SIGXCPU, SIG_IGN);
	spins(arg);
}

static void
cpu_time_ends_hard(void)
{
	child_must_die(spins_deaf, (void *)2, SIGKILL);
	check(children_ns() >= 1800000000);
}

const struct test_case rlimits_cases[] = {
	{"all sixteen pairs are kept", pairs_kept, 0, 0},
	{"limit calls give Linux's errno for each misuse", errors, 0, 0},
	{"the limits of another process are told and set", of_another, 0, 0},
	{"children inherit limits", inherited, 0, 0},
	{"a second of CPU time ends in SIGXCPU", cpu_time_ends, 0, 0},
	{"and two in SIGKILL for who does not listen", cpu_time_ends_hard, 0, CASE_SMP},
	{0},
};
