/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/prctl.c - small traits of a process
 *
 * Idea        set, ask, and see what the kernel makes of it
 * Invariants  see guest.h
 * Follow      to kernel/sys_prctl.c, kernel/exit.c
 */
#include "guest.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

static long
raw_prctl(unsigned long option, unsigned long a, unsigned long b)
{
	return syscall(SYS_prctl, option, a, b, 0, 0);
}

static void
names(void)
{
	char name[17] = "----------------";

	check(prctl(PR_SET_NAME, "a-rather-long-name-indeed") == 0);
	check(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "a-rather-long-n") == 0);
	check(prctl(PR_SET_NAME, "ab") == 0 && prctl(PR_GET_NAME, name) == 0);
	check(memcmp(name, "ab\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) == 0);
	check_errno(raw_prctl(PR_SET_NAME, 16, 0), EFAULT);
	check_errno(raw_prctl(PR_GET_NAME, 16, 0), EFAULT);
	FILE *f = fopen("/proc/self/stat", "r");
	check(f && fscanf(f, "%*d (%16[^)])", name) == 1 && strcmp(name, "ab") == 0);
	fclose(f);
}

static void *
names_itself(void *arg)
{
	char name[16];

	check(prctl(PR_SET_NAME, "second") == 0 && prctl(PR_GET_NAME, name) == 0 && strcmp(name, "second") == 0);
	return arg;
}

static void
names_of_threads(void)
{
	pthread_t thread;
	char name[16];

	check(prctl(PR_SET_NAME, "first") == 0);
	check(pthread_create(&thread, NULL, names_itself, NULL) == 0 && pthread_join(thread, NULL) == 0);
	check(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "first") == 0);
}

static volatile int *shared;

static void
grandchild(void)
{
	int sig = -1;

	check(prctl(PR_GET_PDEATHSIG, &sig) == 0 && sig == 0);
	check(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	check(prctl(PR_GET_PDEATHSIG, &sig) == 0 && sig == SIGKILL);
	shared[1] = getpid();
	announce(shared);
	for (;;)
		pause();
}

static void
death_signal(void)
{
	int status;

	shared = (volatile int *)map_shared(PAGE);
	check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	pid_t child = fork();
	if (child == 0) {
		if (fork() == 0)
			grandchild();
		await(shared, 1);
		_exit(0);
	}
	check(child_wait(child) == 0);
	/* As the nearest reaper we inherit the grandchild, and find it killed. */
	check(waitpid(shared[1], &status, 0) == shared[1] && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	check_errno(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	check_errno(prctl(PR_GET_PDEATHSIG, 16), EFAULT);
}

static void
leaves_an_orphan(void *arg)
{
	(void)arg;
	pid_t parent = getpid();
	if (fork() == 0) {
		announce(shared);
		while (getppid() == parent)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		shared[1] = getppid();
		_exit(33);
	}
	await(shared, 1);
}

static void
reaper(void)
{
	int status, is = -1;

	shared = (volatile int *)map_shared(PAGE);
	check(prctl(PR_GET_CHILD_SUBREAPER, &is) == 0 && is == 0);
	check(prctl(PR_SET_CHILD_SUBREAPER, 7) == 0);
	check(prctl(PR_GET_CHILD_SUBREAPER, &is) == 0 && is == 1);
	child_must_live(leaves_an_orphan, NULL);
	check(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 33 && shared[1] == getpid());
	/* It is not inherited. */
	pid_t pid = fork();
	if (pid == 0)
		_exit(prctl(PR_GET_CHILD_SUBREAPER, &is) != 0 || is != 0);
	check(child_wait(pid) == 0);
}

static void
no_new_privs(void)
{
	check(raw_prctl(PR_GET_NO_NEW_PRIVS, 0, 0) == 0);
	check_errno(raw_prctl(PR_SET_NO_NEW_PRIVS, 0, 0), EINVAL);
	check_errno(raw_prctl(PR_SET_NO_NEW_PRIVS, 1, 1), EINVAL);
	check_errno(raw_prctl(PR_GET_NO_NEW_PRIVS, 1, 0), EINVAL);
	check(raw_prctl(PR_SET_NO_NEW_PRIVS, 1, 0) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(raw_prctl(PR_GET_NO_NEW_PRIVS, 0, 0) != 1);
	check(child_wait(pid) == 0);
	check_errno(raw_prctl(PR_SET_NO_NEW_PRIVS, 0, 0), EINVAL);
}

static void
switches(void)
{
	int tsc = 0;

	check(raw_prctl(PR_GET_DUMPABLE, 0, 0) == 1);
	check(raw_prctl(PR_SET_DUMPABLE, 0, 0) == 0 && raw_prctl(PR_GET_DUMPABLE, 0, 0) == 0);
	check_errno(raw_prctl(PR_SET_DUMPABLE, 2, 0), EINVAL);
	check(raw_prctl(PR_SET_DUMPABLE, 1, 0) == 0);
	check(raw_prctl(PR_GET_TIMERSLACK, 0, 0) == 50000);
	check(raw_prctl(PR_SET_TIMERSLACK, 1234, 0) == 0 && raw_prctl(PR_GET_TIMERSLACK, 0, 0) == 1234);
	check(raw_prctl(PR_SET_TIMERSLACK, 0, 0) == 0 && raw_prctl(PR_GET_TIMERSLACK, 0, 0) == 50000);
	check(raw_prctl(PR_GET_TIMING, 0, 0) == 0 && raw_prctl(PR_SET_TIMING, 0, 0) == 0);
	check_errno(raw_prctl(PR_SET_TIMING, 1, 0), EINVAL);
	check(raw_prctl(PR_GET_TSC, (unsigned long)&tsc, 0) == 0 && tsc == 1);
	check(raw_prctl(PR_CAPBSET_READ, 0, 0) == 1);
	check_errno(raw_prctl(PR_CAPBSET_READ, 64, 0), EINVAL);
	check_errno(raw_prctl(9999, 0, 0), EINVAL);
	check_errno(raw_prctl(0, 0, 0), EINVAL);
}

static void
has_fixed_addresses(void *arg)
{
	(void)arg;
	check(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
}

static void
personalities(void)
{
	check(personality(0xffffffff) == 0);
	check(personality(ADDR_NO_RANDOMIZE) == 0);
	check(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
	child_must_live(has_fixed_addresses, NULL);
	check(personality(0) == ADDR_NO_RANDOMIZE);
}

const struct test_case prctl_cases[] = {
	{"a name is kept, cut to fit, and shown", names, 0, 0},
	{"each thread has a name of its own", names_of_threads, 0, 0},
	{"the death of the parent sends the signal that was asked for", death_signal, 0, 0},
	{"orphans go to the nearest ancestor that asked for them", reaper, 0, 0},
	{"no-new-privs is set for good, and inherited", no_new_privs, 0, 0},
	{"small switches are kept, and unknown ones refused", switches, 0, 0},
	{"the personality is told, and inherited", personalities, 0, 0},
	{0},
};
