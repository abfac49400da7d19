/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/ids.c - users and groups: Linux's rules for changing them, and what they forbid
 *
 * Idea        Each case runs as root in a child of the runner and gives its rights away; nothing of it is left.
 * Invariants  see guest.h
 * Follow      to kernel/sys_cred.c, kernel/cred.c
 */
#include "guest.h"
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct three {
	unsigned real, effective, saved;
};

/* The system calls themselves: a C library's wrappers visit all threads. */
static long
raw(long nr, long a, long b, long c)
{
	return syscall(nr, a, b, c);
}

static struct three
users(void)
{
	struct three t;

	check(syscall(SYS_getresuid, &t.real, &t.effective, &t.saved) == 0);
	return t;
}

static struct three
groups_now(void)
{
	struct three t;

	check(syscall(SYS_getresgid, &t.real, &t.effective, &t.saved) == 0);
	return t;
}

static bool
is(struct three t, unsigned real, unsigned effective, unsigned saved)
{
	return t.real == real && t.effective == effective && t.saved == saved;
}

static void
root_by_default(void)
{
	check(is(users(), 0, 0, 0) && is(groups_now(), 0, 0, 0));
	check(getuid() == 0 && geteuid() == 0 && getgid() == 0 && getegid() == 0);
}

static void
root_drops_for_good(void)
{
	check(raw(SYS_setgid, 2000, 0, 0) == 0 && is(groups_now(), 2000, 2000, 2000));
	check(raw(SYS_setuid, 1000, 0, 0) == 0 && is(users(), 1000, 1000, 1000));
	check_errno(raw(SYS_setuid, 0, 0, 0), EPERM);
	check_errno(raw(SYS_setgid, 0, 0, 0), EPERM);
	check_errno(raw(SYS_setreuid, 0, -1, 0), EPERM);
	check_errno(raw(SYS_setreuid, -1, 0, 0), EPERM);
	check_errno(raw(SYS_setresuid, -1, -1, 0), EPERM);
	check_errno(raw(SYS_setresgid, 0, -1, -1), EPERM);
	check(raw(SYS_setuid, 1000, 0, 0) == 0);
	check_errno(raw(SYS_setuid, -1, 0, 0), EINVAL);
	check_errno(raw(SYS_setgid, -1, 0, 0), EINVAL);
}

static void
root_drops_for_a_while(void)
{
	check(raw(SYS_setresuid, -1, 1000, -1) == 0 && is(users(), 0, 1000, 0));
	check_errno(raw(SYS_setresuid, 5, -1, -1), EPERM);
	check_errno(raw(SYS_setgid, 5, 0, 0), EPERM);
	check(raw(SYS_setuid, 0, 0, 0) == 0 && is(users(), 0, 0, 0));
	check(raw(SYS_setresuid, 1, 2, 3) == 0 && is(users(), 1, 2, 3));
	check(raw(SYS_setresuid, 3, 1, 2) == 0 && is(users(), 3, 1, 2));
	check(raw(SYS_setresuid, -1, -1, -1) == 0 && is(users(), 3, 1, 2));
}

static void
setre_saves(void)
{
	check(raw(SYS_setreuid, -1, 1000, 0) == 0 && is(users(), 0, 1000, 1000));
	check(raw(SYS_setreuid, -1, 0, 0) == 0 && is(users(), 0, 0, 1000));
	check(raw(SYS_setreuid, 7, 8, 0) == 0 && is(users(), 7, 8, 8));
	check(raw(SYS_setreuid, 8, 7, 0) == 0 && is(users(), 8, 7, 7));
	check_errno(raw(SYS_setreuid, 9, -1, 0), EPERM);
	check_errno(raw(SYS_setreuid, -1, 9, 0), EPERM);
}

static void
groups_likewise(void)
{
	check(raw(SYS_setregid, 5, 6, 0) == 0 && is(groups_now(), 5, 6, 6));
	check(raw(SYS_setresgid, 1, 2, 3) == 0 && is(groups_now(), 1, 2, 3));
	/* Still root: any group will do. */
	check(raw(SYS_setgid, 9, 0, 0) == 0 && is(groups_now(), 9, 9, 9));
}

static void
files_follow(void)
{
	check(raw(SYS_setfsuid, 1000, 0, 0) == 0);
	check(raw(SYS_setfsuid, -1, 0, 0) == 1000);
	check(raw(SYS_setresuid, -1, 500, -1) == 0);
	check(raw(SYS_setfsuid, 4711, 0, 0) == 500 && raw(SYS_setfsuid, -1, 0, 0) == 500);
	check(raw(SYS_setfsuid, 0, 0, 0) == 500 && raw(SYS_setfsuid, -1, 0, 0) == 0);
	check(raw(SYS_setfsgid, 77, 0, 0) == 0);
}

static void
supplementary(void)
{
	static gid_t many[65536];
	gid_t list[4] = {30, 10, 40, 20};
	gid_t got[8];

	check(raw(SYS_setgroups, 0, 0, 0) == 0 && raw(SYS_getgroups, 8, (long)got, 0) == 0);
	check(raw(SYS_setgroups, 4, (long)list, 0) == 0);
	check(raw(SYS_getgroups, 0, 0, 0) == 4 && raw(SYS_getgroups, 8, (long)got, 0) == 4);
	check(got[0] == 10 && got[1] == 20 && got[2] == 30 && got[3] == 40);
	check_errno(raw(SYS_getgroups, 3, (long)got, 0), EINVAL);
	check_errno(raw(SYS_getgroups, -1, (long)got, 0), EINVAL);
	check_errno(raw(SYS_getgroups, 8, 16, 0), EFAULT);
	check_errno(raw(SYS_setgroups, 65537, (long)many, 0), EINVAL);
	check_errno(raw(SYS_setgroups, 4, 16, 0), EFAULT);
	for (int i = 0; i < 65536; i++)
		many[i] = (unsigned)i * 40503u % 65536;
	check(raw(SYS_setgroups, 65536, (long)many, 0) == 0);
	check(raw(SYS_getgroups, 65536, (long)many, 0) == 65536);
	for (int i = 1; i < 65536; i++)
		check(many[i] > many[i - 1]);
	check(raw(SYS_setgroups, 4, (long)list, 0) == 0 && raw(SYS_setuid, 1000, 0, 0) == 0);
	check_errno(raw(SYS_setgroups, 0, 0, 0), EPERM);
	check(raw(SYS_getgroups, 8, (long)got, 0) == 4);
}

static void
is_user(void *arg)
{
	gid_t got[2];

	check(is(users(), (uintptr_t)arg, (uintptr_t)arg, (uintptr_t)arg));
	check(raw(SYS_getgroups, 2, (long)got, 0) == 1 && got[0] == 99);
}

static void
inherited(void)
{
	gid_t list[1] = {99};

	check(raw(SYS_setgroups, 1, (long)list, 0) == 0 && raw(SYS_setuid, 1234, 0, 0) == 0);
	child_must_live(is_user, (void *)1234);
}

static void
waits(void *ready)
{
	announce(ready);
	for (;;)
		pause();
}

static void
waits_as(void *arg)
{
	volatile int *ready = arg;

	check(raw(SYS_setresuid, ready[1], ready[2], ready[3]) == 0);
	waits(arg);
}

/* A target of user (1, 2, 3) by its real, effective and saved number. */
static pid_t
target_start(int real, int effective, int saved)
{
	volatile int *ready = (volatile int *)map_shared(PAGE);

	ready[1] = real, ready[2] = effective, ready[3] = saved;
	pid_t pid = child_start(waits_as, (void *)ready);
	await(ready, 1);
	return pid;
}

static void
signals_as(unsigned real, unsigned effective, pid_t pid, int error)
{
	pid_t child = fork();

	if (child == 0) {
		check(raw(SYS_setresuid, real, effective, -1) == 0);
		if (error) {
			check_errno(kill(pid, 0), error);
			check_errno(kill(pid, SIGTERM), error);
			check_errno(syscall(SYS_tkill, pid, SIGTERM), error);
			check_errno(syscall(SYS_tgkill, pid, pid, SIGTERM), error);
		} else {
			check(kill(pid, 0) == 0);
		}
		_exit(0);
	}
	check(child_wait(child) == 0);
}

static void
who_may_signal(void)
{
	pid_t pid = target_start(1, 2, 3);

	signals_as(0, 0, pid, 0);
	signals_as(1, 50, pid, 0);
	signals_as(50, 1, pid, 0);
	signals_as(50, 3, pid, 0);
	signals_as(50, 2, pid, EPERM);
	signals_as(2, 50, pid, EPERM);
	signals_as(50, 50, pid, EPERM);
	kill(pid, SIGKILL), child_wait(pid);
}

/* Of a group, those are signalled that may be; it is an error only when there was none. */
static void
groups_and_continue(void)
{
	pid_t own = target_start(1000, 1000, 1000);
	pid_t other = target_start(2000, 2000, 2000);

	check(setpgid(own, own) == 0 && setpgid(other, own) == 0);
	pid_t child = fork();
	if (child == 0) {
		check(raw(SYS_setuid, 1000, 0, 0) == 0);
		check(kill(-own, SIGKILL) == 0);
		check_errno(kill(other, SIGKILL), EPERM);
		check(kill(other, SIGCONT) == 0);
		_exit(0);
	}
	check(child_wait(child) == 0 && child_wait(own) == SIGKILL);
	child = fork();
	if (child == 0) {
		check(raw(SYS_setuid, 1000, 0, 0) == 0);
		check_errno(kill(-own, SIGKILL), EPERM);
		_exit(0);
	}
	check(child_wait(child) == 0);
	kill(other, SIGKILL), child_wait(other);
}

static void
tries_what_root_may(void *arg)
{
	pid_t pid = (pid_t)(intptr_t)arg;
	struct rlimit limit;
	unsigned long mask = 1;

	check(raw(SYS_setuid, 1000, 0, 0) == 0);
	check_errno(setpriority(PRIO_PROCESS, pid, 5), EPERM);
	check_errno(setpriority(PRIO_PROCESS, 0, -5), EACCES);
	check(setpriority(PRIO_PROCESS, 0, 5) == 0);
	check_errno(syscall(SYS_sched_setaffinity, pid, 8, &mask), EPERM);
	check_errno(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &limit), EPERM);
	check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_max--, limit.rlim_cur = 10;
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_max++;
	check_errno(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
	check_errno(syscall(SYS_sethostname, "x", 1), EPERM);
	check_errno(syscall(SYS_setdomainname, "x", 1), EPERM);
	check_errno(syscall(SYS_reboot, 0, 0, 0, 0), EPERM);
	check_errno(kill(pid, SIGKILL), EPERM);
}

static void
forbidden_to_others(void)
{
	pid_t pid = target_start(2000, 2000, 2000);

	child_must_live(tries_what_root_may, (void *)(intptr_t)pid);
	kill(pid, SIGKILL), child_wait(pid);
}

static void
counts_processes(void *arg)
{
	struct rlimit limit = {3, 3};
	pid_t pid[2];
	volatile int *ready = (volatile int *)map_shared(PAGE);

	(void)arg;
	check(setrlimit(RLIMIT_NPROC, &limit) == 0);
	check(raw(SYS_setresuid, 31337, 31337, 31337) == 0);
	for (int i = 0; i < 2; i++)
		pid[i] = child_start(waits, (void *)ready);
	check_errno(fork(), EAGAIN);
	for (int i = 0; i < 2; i++)
		kill(pid[i], SIGKILL), child_wait(pid[i]);
}

static void
process_limit(void)
{
	child_must_live(counts_processes, NULL);
}

const struct test_case ids_cases[] = {
	{"the first process is root's", root_by_default, 0, 0},
	{"who gives root away with setuid does not get it back", root_drops_for_good, 0, 0},
	{"who lends it away does", root_drops_for_a_while, 0, 0},
	{"setreuid saves what it sets", setre_saves, 0, 0},
	{"groups follow the rules of users", groups_likewise, 0, 0},
	{"the user for files follows the effective one", files_follow, 0, 0},
	{"supplementary groups are set, sorted, told", supplementary, 0, 0},
	{"children inherit users and groups", inherited, 0, 0},
	{"a signal needs a user in common", who_may_signal, 0, 0},
	{"signals to a group reach those they may; SIGCONT reaches the session", groups_and_continue, 0, 0},
	{"what only root may do is refused to others", forbidden_to_others, 0, 0},
	{"a user has no more processes than allowed", process_limit, 0, 0},
	{0},
};
