/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/wait.c - wait4 and waitid in all their variants
 *
 * Idea        who is waited for, who is left, and the errno when there is nobody
 * Invariants  see guest.h
 * Follow      to kernel/exit.c
 */
#include "guest.h"
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static void
exits_with(void *arg)
{
	_exit((intptr_t)arg);
}

static void
sleeps_forever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void
nobody(void)
{
	int status;
	siginfo_t info;

	check_errno(wait(&status), ECHILD);
	check_errno(waitpid(-1, &status, WNOHANG), ECHILD);
	check_errno(waitpid(1, &status, 0), ECHILD);
	check_errno(waitpid(getpid(), &status, 0), ECHILD);
	check_errno(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	check_errno(waitid(P_PID, getpid(), &info, WEXITED), ECHILD);
}

static void
bad_options(void)
{
	int status;
	siginfo_t info;

	check_errno(syscall(SYS_wait4, -1, &status, 0x80, NULL), EINVAL);
	check_errno(waitid(P_ALL, 0, &info, 0), EINVAL);
	check_errno(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
	check_errno(waitid(99, 0, &info, WEXITED), EINVAL);
	check_errno(waitid(P_PID, 0, &info, WEXITED), EINVAL);
	check_errno(waitid(P_ALL, 0, &info, WEXITED | 0x100), EINVAL);
}

static void
no_hang(void)
{
	pid_t pid = child_start(sleeps_forever, NULL);
	int status = 1234;
	siginfo_t info = {0};

	check(waitpid(pid, &status, WNOHANG) == 0 && status == 1234);
	check(waitpid(-1, &status, WNOHANG) == 0);
	info.si_pid = 99;
	check(waitid(P_PID, pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
	check(kill(pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
	check_errno(waitpid(pid, &status, WNOHANG), ECHILD);
}

static void
no_wait(void)
{
	pid_t pid = child_start(exits_with, (void *)9);
	siginfo_t info;

	for (int i = 0; i < 3; i++) {
		memset(&info, 0, sizeof(info));
		check(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
		check(info.si_pid == pid && info.si_status == 9 && info.si_code == CLD_EXITED);
		check(info.si_signo == SIGCHLD);
	}
	check(child_wait(pid) == 9 << 8);
	check_errno(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), ECHILD);
}

static void
waitid_killed(void)
{
	pid_t pid = child_start(sleeps_forever, NULL);
	siginfo_t info;

	check(kill(pid, SIGTERM) == 0);
	check(waitid(P_PID, pid, &info, WEXITED) == 0);
	check(info.si_pid == pid && info.si_status == SIGTERM && info.si_code == CLD_KILLED && info.si_uid == 0);
}

static void
waitid_all(void)
{
	pid_t pid = child_start(exits_with, (void *)1);
	siginfo_t info;

	check(waitid(P_ALL, 0, &info, WEXITED) == 0);
	check(info.si_pid == pid);
	pid = child_start(exits_with, (void *)1);
	check(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED, NULL) == 0);
	check_errno(waitpid(pid, NULL, 0), ECHILD);
}

static void
one_of_many(void)
{
	pid_t pid[5];
	int status;

	for (intptr_t i = 0; i < 5; i++)
		pid[i] = child_start(exits_with, (void *)(i + 1));
	check(waitpid(pid[3], &status, 0) == pid[3] && status == 4 << 8);
	check(waitpid(pid[1], &status, 0) == pid[1] && status == 2 << 8);
	int sum = 0;
	for (int i = 0; i < 3; i++) {
		check(wait(&status) > 0);
		sum += WEXITSTATUS(status);
	}
	check(sum == 1 + 3 + 5);
	check_errno(wait(&status), ECHILD);
}

static void
not_a_grandchild(void *arg)
{
	volatile int *word = arg;

	word[0] = child_start(sleeps_forever, NULL);
	announce(word + 1);
	await(word + 2, 1);
	kill(word[0], SIGKILL);
	child_wait(word[0]);
}

static void
only_own_children(void)
{
	volatile int *word = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(not_a_grandchild, (void *)word);

	await(word + 1, 1);
	check_errno(waitpid(word[0], NULL, 0), ECHILD);
	announce(word + 2);
	check(child_wait(pid) == 0);
}

static void
no_status_wanted(void)
{
	pid_t pid = child_start(exits_with, (void *)1);

	check(waitpid(pid, NULL, 0) == pid);
}

/* Linux reaps first and fails afterwards. */
static void
bad_status_pointer(void)
{
	pid_t pid = child_start(exits_with, (void *)1);

	check_errno(syscall(SYS_wait4, pid, 16, 0, NULL), EFAULT);
	check_errno(waitpid(pid, NULL, 0), ECHILD);
}

static void
touches(void *arg)
{
	volatile unsigned char *p = map_private(100 * PAGE);

	(void)arg;
	for (int i = 0; i < 100; i++)
		p[i * PAGE] = 1;
}

static void
child_usage(void)
{
	struct rusage usage;
	int status;
	pid_t pid = child_start(touches, NULL);

	memset(&usage, 0, sizeof(usage));
	check(wait4(pid, &status, 0, &usage) == pid);
	check(usage.ru_minflt >= 100);
	check(getrusage(RUSAGE_CHILDREN, &usage) == 0);
	check(usage.ru_minflt >= 100);
}

static void
exits_later(void *arg)
{
	for (int i = 0; i < 10; i++)
		sched_yield();
	_exit((intptr_t)arg);
}

static void
sleeping_parent_wakes(void)
{
	for (intptr_t i = 0; i < 50; i++)
		check(child_run(exits_later, (void *)i) == i << 8);
}

static void
own_group(void)
{
	pid_t pid = child_start(exits_with, (void *)2);
	int status;

	check(waitpid(0, &status, 0) == pid && status == 2 << 8);
	pid = child_start(sleeps_forever, NULL);
	check(setpgid(pid, pid) == 0);
	check_errno(waitpid(0, &status, WNOHANG), ECHILD);
	check(kill(pid, SIGKILL) == 0);
	check(waitpid(-pid, &status, 0) == pid && status == SIGKILL);
}

const struct test_case wait_cases[] = {
	{"wait without children gives ECHILD", nobody, 0, 0},
	{"wait with options that do not exist gives EINVAL", bad_options, 0, 0},
	{"WNOHANG does not wait", no_hang, 0, 0},
	{"WNOWAIT leaves the zombie", no_wait, 0, 0},
	{"waitid tells the signal that killed", waitid_killed, 0, 0},
	{"waitid waits for any child", waitid_all, 0, 0},
	{"one of several children can be waited for", one_of_many, 0, 0},
	{"a grandchild cannot be waited for", only_own_children, 0, 0},
	{"wait needs no place for the status", no_status_wanted, 0, 0},
	{"wait with a bad pointer gives EFAULT and reaps", bad_status_pointer, 0, 0},
	{"wait4 tells what the child used", child_usage, 0, 0},
	{"a parent asleep in wait is woken by each exit", sleeping_parent_wakes, 0, CASE_SMP},
	{"wait for a process group finds its members only", own_group, 0, 0},
	{0},
};
