/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/clone.c - clone and clone3: what is shared, who is told, what is refused
 *
 * Idea        the system calls themselves. A child that shares memory gets a stack of its own and runs a function.
 * Invariants  see guest.h
 * Follow      to kernel/sys_clone.c, kernel/fork.c
 */
#include "guest.h"
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
	STACK = 64 << 10
};

struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size, cgroup;
	uint64_t unknown[2];
};

static volatile int value;
static volatile int ran;

static long
clone3(struct args *args, size_t size)
{
	return syscall(SYS_clone3, args, size);
}

/* clone without a stack: the child returns here like the parent. */
static long
clone_fork(unsigned long flags, volatile int *parent_tid, volatile int *child_tid)
{
	return syscall(SYS_clone, flags, 0, parent_tid, child_tid, 0);
}

static pid_t
clone_call(int (*fn)(void *), int flags, void *arg, volatile int *parent_tid, volatile int *child_tid)
{
	unsigned char *stack = (unsigned char *)map_private(STACK);
	pid_t pid = clone(fn, stack + STACK, flags, arg, parent_tid, NULL, child_tid);

	check(pid > 0);
	return pid;
}

static void
wait_zero(volatile int *word)
{
	int now;

	while ((now = __atomic_load_n(word, __ATOMIC_SEQ_CST)) != 0)
		syscall(SYS_futex, word, 0, now, NULL, NULL, 0);
}

static void
like_fork(void)
{
	struct args args = {.exit_signal = SIGCHLD};
	int status;

	value = 1;
	long pid = clone3(&args, 64);
	if (pid == 0) {
		value = 2;
		_exit(value + 40);
	}
	check(pid > 0 && waitpid(pid, &status, 0) == pid);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 42 && value == 1);
}

static void
ends_well(long pid)
{
	if (pid == 0)
		_exit(0);
	check(pid > 0 && child_wait(pid) == 0);
}

static void
sizes(void)
{
	struct args args = {.exit_signal = SIGCHLD};

	check_errno(clone3(&args, 0), EINVAL);
	check_errno(clone3(&args, 63), EINVAL);
	check_errno(clone3(&args, PAGE + 1), E2BIG);
	check_errno(clone3((void *)16, 64), EFAULT);
	ends_well(clone3(&args, 64));
	ends_well(clone3(&args, 80));
	ends_well(clone3(&args, 88));
	ends_well(clone3(&args, sizeof(args)));
	args.unknown[1] = 1;
	check_errno(clone3(&args, sizeof(args)), E2BIG);
}

static void
refused_by_clone3(void)
{
	static const struct args bad[] = {
		{.flags = SIGCHLD},
		{.flags = 0x00400000 /* CLONE_DETACHED */, .exit_signal = SIGCHLD},
		{.flags = 1UL << 40, .exit_signal = SIGCHLD},
		{.exit_signal = 65},
		{.exit_signal = 256 + SIGCHLD},
		{.exit_signal = ~0UL},
		{.flags = CLONE_PARENT, .exit_signal = SIGCHLD},
		{.flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, .exit_signal = SIGCHLD},
		{.exit_signal = SIGCHLD, .stack = 4096},
		{.exit_signal = SIGCHLD, .stack_size = 4096},
		{.exit_signal = SIGCHLD, .stack = ~0UL - 4095, .stack_size = 8192},
		{.exit_signal = SIGCHLD, .set_tid_size = 1},
		{.exit_signal = SIGCHLD, .set_tid = 4096},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct args args = bad[i];
		long pid = clone3(&args, 88);
		if (pid == 0)
			_exit(0);
		if (pid != -1 || errno != EINVAL)
			fail("line %zu gave %ld, errno %d", i, pid, errno);
	}
}

static void
refused_by_clone(void)
{
	check_errno(clone_fork(CLONE_THREAD | SIGCHLD, NULL, NULL), EINVAL);
	check_errno(clone_fork(CLONE_THREAD | CLONE_VM, NULL, NULL), EINVAL);
	check_errno(clone_fork(CLONE_SIGHAND | SIGCHLD, NULL, NULL), EINVAL);
	check_errno(clone_fork(CLONE_SIGHAND | CLONE_THREAD, NULL, NULL), EINVAL);
	check_errno(clone_fork(CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL, NULL), EINVAL);
	check_errno(syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, 0, 0, 0, 1UL << 63), EPERM);
}

static void
odd_flags_accepted(void)
{
	ends_well(clone_fork(CLONE_SYSVSEM | CLONE_UNTRACED | CLONE_IO | SIGCHLD, NULL, NULL));
	ends_well(clone_fork(CLONE_DETACHED | SIGCHLD, NULL, NULL));
}

static volatile int parent_tid, child_tid;

static void
numbers_written(void)
{
	int status;

	parent_tid = child_tid = -1;
	long pid = clone_fork(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &parent_tid, &child_tid);
	if (pid == 0)
		_exit(child_tid == getpid() && parent_tid == -1 ? 7 : 8);
	check(pid > 0 && parent_tid == pid && child_tid == -1);
	check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
}

/* As Linux: who asked has a child by now, and an error would deny it. */
static void
bad_number_address(void)
{
	ends_well(clone_fork(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, (void *)16, (void *)16));
}

static int
sets_value(void *arg)
{
	value = (intptr_t)arg;
	return 5;
}

static void
bell_rings_at_exit(void)
{
	int status;

	child_tid = 77;
	pid_t pid = clone_call(sets_value, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, (void *)123, NULL, &child_tid);
	wait_zero(&child_tid);
	check(value == 123);
	check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
}

static void
vfork_waits(void)
{
	for (int i = 1; i <= 50; i++) {
		pid_t pid = clone_call(sets_value, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)(intptr_t)i, NULL, NULL);
		check(value == i);
		child_wait(pid);
	}
}

static void
childs_child_is_ours(void)
{
	volatile long *pid = (volatile long *)map_shared(PAGE);
	int status;

	pid_t first = fork();
	if (first == 0) {
		long sibling = clone_fork(CLONE_PARENT | SIGCHLD, NULL, NULL);
		if (sibling == 0)
			_exit(9);
		*pid = sibling;
		_exit(0);
	}
	check(child_wait(first) == 0 && *pid > 0);
	check(waitpid(*pid, &status, 0) == *pid && WEXITSTATUS(status) == 9);
}

static void
other_exit_signals(void)
{
	static const int number[] = {0, SIGUSR2, 200};
	int status;

	signal(SIGUSR2, SIG_IGN);
	for (int i = 0; i < 3; i++) {
		long pid = clone_fork(number[i], NULL, NULL);
		if (pid == 0)
			_exit(3);
		check_errno(waitpid(pid, &status, 0), ECHILD);
		check(waitpid(pid, &status, __WALL) == pid && WEXITSTATUS(status) == 3);
		pid = clone_fork(number[i], NULL, NULL);
		if (pid == 0)
			_exit(4);
		check(waitpid(-1, &status, __WCLONE) == pid && WEXITSTATUS(status) == 4);
	}
}

static void
files_shared_or_not(void)
{
	int fd[2];

	for (int shared = 0; shared < 2; shared++) {
		check(pipe(fd) == 0);
		long pid = clone_fork((shared ? CLONE_FILES : 0) | SIGCHLD, NULL, NULL);
		if (pid == 0) {
			close(fd[0]);
			_exit(0);
		}
		check(pid > 0 && child_wait(pid) == 0);
		if (shared)
			check_errno(close(fd[0]), EBADF);
		else
			check(close(fd[0]) == 0);
		check(close(fd[1]) == 0);
	}
}

static void
directory_shared_or_not(void)
{
	char path[64];

	mkdir("/tmp", 0777);
	for (int shared = 0; shared < 2; shared++) {
		check(chdir("/") == 0);
		umask(022);
		long pid = clone_fork((shared ? CLONE_FS : 0) | SIGCHLD, NULL, NULL);
		if (pid == 0) {
			umask(077);
			_exit(chdir("/tmp") != 0);
		}
		check(pid > 0 && child_wait(pid) == 0);
		check(getcwd(path, sizeof(path)) && strcmp(path, shared ? "/tmp" : "/") == 0);
		check(umask(022) == (shared ? 077 : 022));
	}
	check(chdir("/") == 0);
}

/* clone3 with a stack: the child starts on it, with the function and its argument in registers. */
static long
clone3_thread(struct args *args, void (*fn)(void *), void *arg)
{
	long result;
	register void (*r12)(void *) __asm__("r12") = fn;
	register void *r13 __asm__("r13") = arg;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "movq %%r13, %%rdi\n\t"
			 "callq *%%r12\n\t"
			 "movl $60, %%eax\n\t"
			 "xorl %%edi, %%edi\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(result)
			 : "0"(SYS_clone3), "D"(args), "S"(88UL), "r"(r12), "r"(r13)
			 : "rcx", "r11", "memory");
	return result;
}

static uint64_t tls_block[8];
static volatile uint64_t tls_seen, stack_seen;
static volatile int tid_seen, pid_seen;

static void
looks_around(void *arg)
{
	uint64_t first;

	__asm__ volatile("movq %%fs:0, %0" : "=r"(first));
	tls_seen = first;
	stack_seen = (uint64_t)&first;
	__asm__ volatile("syscall" : "=a"(first) : "0"(SYS_gettid) : "rcx", "r11", "memory");
	tid_seen = (int)first;
	__asm__ volatile("syscall" : "=a"(first) : "0"(SYS_getpid) : "rcx", "r11", "memory");
	pid_seen = (int)first;
	*(volatile int *)arg = 1;
}

static void
thread_by_clone3(void)
{
	unsigned char *stack = (unsigned char *)map_private(STACK);
	struct args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
		.child_tid = (uint64_t)&child_tid,
		.parent_tid = (uint64_t)&parent_tid,
		.stack = (uint64_t)stack,
		.stack_size = STACK,
		.tls = (uint64_t)tls_block,
	};

	tls_block[0] = 0x1234567890;
	child_tid = 1;
	long tid = clone3_thread(&args, looks_around, (void *)&ran);
	check(tid > 0 && parent_tid == tid);
	wait_zero(&child_tid);
	check(ran == 1 && tid_seen == tid && pid_seen == getpid() && tls_seen == 0x1234567890);
	check(stack_seen > (uint64_t)stack && stack_seen < (uint64_t)stack + STACK);
}

const struct test_case clone_cases[] = {
	{"clone3 without flags is fork", like_fork, 0, 0},
	{"clone3 takes every size of its structure that ever was, and larger ones with zeroes", sizes, 0, 0},
	{"clone3 refuses what makes no sense", refused_by_clone3, 0, 0},
	{"clone refuses what makes no sense", refused_by_clone, 0, 0},
	{"clone accepts flags that ask for nothing here", odd_flags_accepted, 0, 0},
	{"the child's number is written to the parent's memory, and to the child's", numbers_written, 0, 0},
	{"a bad address for the number does not hinder the child", bad_number_address, 0, 0},
	{"the end of a process that shares memory rings the bell it was told", bell_rings_at_exit, 0, CASE_SMP},
	{"CLONE_VFORK waits until the child has ended", vfork_waits, 0, CASE_SMP},
	{"CLONE_PARENT makes a sibling", childs_child_is_ours, 0, 0},
	{"a child with another exit signal than SIGCHLD is waited for with __WALL or __WCLONE", other_exit_signals, 0,
	 0},
	{"descriptors are shared with CLONE_FILES alone", files_shared_or_not, 0, 0},
	{"directory and umask are shared with CLONE_FS alone", directory_shared_or_not, 0, 0},
	{"clone3 makes a thread with stack, TLS and bell", thread_by_clone3, 0, CASE_SMP},
	{0},
};
