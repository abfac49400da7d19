/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/procvm.c - process_vm_readv and process_vm_writev: another process's memory, whole, in part, or not at
 * all
 *
 * Idea        a child lies still, or writes, while its parent reads and changes its memory
 * Invariants  see guest.h
 * Follow      to kernel/sys_procvm.c, mm/fault_page.c
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum {
	PAGES = 8,
	ROUNDS = 60
};

static const int rw = PROT_READ | PROT_WRITE;
static volatile unsigned char *memory; /* private: of parent and child each their own */
static volatile int *line;             /* shared */

static long
readv_from(pid_t pid, const struct iovec *local, unsigned long nl, const struct iovec *remote, unsigned long nr)
{
	return syscall(SYS_process_vm_readv, pid, local, nl, remote, nr, 0);
}

static long
writev_to(pid_t pid, const struct iovec *local, unsigned long nl, const struct iovec *remote, unsigned long nr)
{
	return syscall(SYS_process_vm_writev, pid, local, nl, remote, nr, 0);
}

static long
read_from(pid_t pid, void *to, volatile void *from, size_t bytes)
{
	struct iovec local = {to, bytes};
	struct iovec remote = {(void *)from, bytes};

	return readv_from(pid, &local, 1, &remote, 1);
}

static long
write_to(pid_t pid, const void *from, volatile void *to, size_t bytes)
{
	struct iovec local = {(void *)from, bytes};
	struct iovec remote = {(void *)to, bytes};

	return writev_to(pid, &local, 1, &remote, 1);
}

/* A child whose pages hold 10 and up, and that waits until line[0] is 1. */
static pid_t
child_that_waits(void)
{
	memory = map_private(PAGES * PAGE);
	line = (volatile int *)map_shared(PAGE);
	for (int i = 0; i < PAGES; i++)
		memory[i * PAGE] = 1;
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < PAGES; i++)
			memset((void *)(memory + i * PAGE), 10 + i, PAGE);
		announce(&line[1]);
		await(&line[0], 1);
		for (int i = 0; i < PAGES; i++)
			if (memory[i * PAGE] != line[2 + i])
				_exit(1);
		_exit(0);
	}
	check(pid > 0);
	await(&line[1], 1);
	for (int i = 0; i < PAGES; i++)
		line[2 + i] = 10 + i;
	return pid;
}

static void
child_ends(pid_t pid)
{
	announce(&line[0]);
	check(child_wait(pid) == 0);
}

static void
errors(void)
{
	pid_t pid = child_that_waits();
	char byte = 7;
	struct iovec local = {&byte, 1};
	struct iovec remote = {(void *)memory, 1};
	struct iovec negative = {&byte, -1UL};
	struct iovec kernel = {(void *)0xffff800000000000, 1};

	check_errno(syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 1), EINVAL);
	check_errno(syscall(SYS_process_vm_writev, pid, &local, 1, &remote, 1, 2), EINVAL);
	check_errno(readv_from(pid, &local, 1025, &remote, 1), EINVAL);
	check_errno(readv_from(pid, &local, 1, &remote, 1025), EINVAL);
	check_errno(readv_from(pid, &negative, 1, &remote, 1), EINVAL);
	check_errno(readv_from(pid, &local, 1, &negative, 1), EINVAL);
	check_errno(readv_from(pid, (void *)8, 1, &remote, 1), EFAULT);
	check_errno(readv_from(pid, &local, 1, (void *)8, 1), EFAULT);
	check_errno(readv_from(pid, &kernel, 1, &remote, 1), EFAULT);
	check_errno(readv_from(pid, &local, 1, &kernel, 1), EFAULT);
	check_errno(writev_to(pid, &local, 1, &kernel, 1), EFAULT);
	check_errno(readv_from(0x3fffffff, &local, 1, &remote, 1), ESRCH);
	check_errno(readv_from(0, &local, 1, &remote, 1), ESRCH);
	check_errno(readv_from(-1, &local, 1, &remote, 1), ESRCH);
	/* Nothing to do comes before nobody there. */
	check(readv_from(0x3fffffff, &local, 0, &remote, 1) == 0);
	check(readv_from(0x3fffffff, &local, 1, &remote, 0) == 0);
	check(byte == 7);
	child_ends(pid);
}

static void
a_zombie(void)
{
	pid_t pid = child_that_waits();
	siginfo_t info;
	char byte;

	announce(&line[0]);
	check(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	check_errno(read_from(pid, &byte, memory, 1), ESRCH);
	check(child_wait(pid) == 0);
}

static void
reads_and_writes(void)
{
	pid_t pid = child_that_waits();
	static unsigned char buffer[PAGES * PAGE];

	check(read_from(pid, buffer, memory, sizeof(buffer)) == sizeof(buffer));
	for (int i = 0; i < PAGES * PAGE; i++)
		check(buffer[i] == 10 + i / PAGE);
	memset(buffer, 99, sizeof(buffer));
	check(write_to(pid, buffer, memory + PAGE - 1, 2 * PAGE) == 2 * PAGE);
	line[3] = line[4] = 99;
	check(read_from(pid, buffer, memory + PAGE - 2, 4) == 4);
	check(buffer[0] == 10 && buffer[1] == 99 && buffer[2] == 99);
	for (int i = 0; i < PAGES; i++)
		check(memory[i * PAGE] == 1); /* ours */
	child_ends(pid);
}

static void
pieces(void)
{
	pid_t pid = child_that_waits();
	unsigned char a[5], b[10] = {0}, c[3];
	struct iovec local[] = {{a, 5}, {NULL, 0}, {b, 10}, {c, 3}};
	struct iovec remote[] = {{(void *)(memory + PAGE - 4), 8}, {(void *)1, 0}, {(void *)(memory + 3 * PAGE), 6}};

	check(readv_from(pid, local, 4, remote, 3) == 14);
	check(memcmp(a, "\12\12\12\12\13", 5) == 0);
	check(memcmp(b, "\13\13\13\15\15\15\15\15\15\0", 10) == 0);
	/* The smaller sum counts. */
	check(readv_from(pid, local, 1, remote, 3) == 5);
	check(writev_to(pid, local, 1, remote, 1) == 5);
	child_ends(pid);
}

static void
in_part(void)
{
	pid_t pid = child_that_waits();
	static unsigned char buffer[4 * PAGE];
	volatile unsigned char *two = map_private(3 * PAGE);
	struct iovec remote[] = {{(void *)memory, PAGE}, {(void *)8, 1}, {(void *)memory, PAGE}};
	struct iovec local = {buffer, sizeof(buffer)};

	check(readv_from(pid, &local, 1, remote, 3) == PAGE);
	check(writev_to(pid, &local, 1, remote, 3) == PAGE);
	/* Behind the last page of the area there is nothing in the child: it has been born before `two`. */
	check_errno(read_from(pid, buffer, (void *)8, 1), EFAULT);
	/* A local buffer with a hole: what fits arrives. */
	check(munmap((void *)(two + PAGE), PAGE) == 0);
	local = (struct iovec){(void *)two, 3 * PAGE};
	remote[0].iov_len = 3 * PAGE;
	check(readv_from(pid, &local, 1, remote, 1) == PAGE);
	check(two[0] == 10 && two[PAGE - 1] == 10 && two[2 * PAGE] == 0);
	check(writev_to(pid, &local, 1, remote, 1) == PAGE);
	local.iov_base = (void *)(two + PAGE);
	check_errno(readv_from(pid, &local, 1, remote, 1), EFAULT);
	child_ends(pid);
}

static void
other_user_tries(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	char byte = 5;

	check(syscall(SYS_setresgid, 1000, 1000, 1000) == 0 && syscall(SYS_setresuid, 1000, 1000, 1000) == 0);
	check_errno(read_from(pid, &byte, memory, 1), EPERM);
	check_errno(write_to(pid, &byte, memory, 1), EPERM);
	/* One's own child, who has the same numbers. */
	volatile unsigned char *own = map_private(PAGE);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* which the change of numbers took away */
		announce(&line[20]);
		await(&line[0], 1);
		_exit(0);
	}
	await(&line[20], 1);
	check(write_to(child, &byte, own, 1) == 1);
	check(kill(child, SIGKILL) == 0);
	child_wait(child);
}

static void
rights(void)
{
	char byte = 5;

	memory = map_private(3 * PAGE);
	line = (volatile int *)map_shared(PAGE);
	memory[0] = memory[PAGE] = 1;
	pid_t pid = fork();
	if (pid == 0) {
		mprotect((void *)memory, PAGE, PROT_READ);
		mprotect((void *)(memory + PAGE), PAGE, PROT_NONE);
		announce(&line[1]);
		await(&line[0], 1);
		_exit(memory[0] == 1 && memory[2 * PAGE] == 5 ? 0 : 1);
	}
	await(&line[1], 1);
	check_errno(write_to(pid, &byte, memory, 1), EFAULT);
	check_errno(write_to(pid, &byte, memory + PAGE, 1), EFAULT);
	check_errno(read_from(pid, &byte, memory + PAGE, 1), EFAULT);
	check(write_to(pid, &byte, memory + 2 * PAGE, 1) == 1); /* nobody had touched it */
	check(read_from(pid, &byte, memory, 1) == 1 && byte == 1);
	child_ends(pid);
}

static void
other_users(void)
{
	pid_t pid = child_that_waits();
	char byte = 5;

	child_must_live(other_user_tries, &pid);
	check(read_from(pid, &byte, memory, 1) == 1 && byte == 10);
	child_ends(pid);
}

static void
own_memory(void)
{
	volatile unsigned char *p = map_private(4 * PAGE);

	memset((void *)p, 3, PAGE);
	check(write_to(getpid(), (void *)p, p + 2 * PAGE - 5, PAGE) == PAGE);
	check(p[2 * PAGE - 6] == 0 && p[2 * PAGE - 5] == 3 && p[3 * PAGE - 6] == 3 && p[3 * PAGE - 5] == 0);
	check(read_from(getpid(), (void *)(p + 100), p + 2 * PAGE, 10) == 10);
	check(p[100] == 3);
}

static void
shared_and_files(void)
{
	int fd = file_make("/tmp/procvm", PAGE);
	volatile unsigned char *past = mmap(NULL, 2 * PAGE, rw, MAP_SHARED, fd, 0);
	pid_t pid = child_that_waits();
	char byte = 77;

	check(write_to(pid, &byte, past, 1) == 1 && past[0] == 77);
	check_errno(read_from(pid, &byte, past + PAGE, 1), EFAULT);
	check_errno(write_to(pid, &byte, past + PAGE, 1), EFAULT);
	child_ends(pid);
	close(fd), unlink("/tmp/procvm");
}

/* By the number of any of its threads. */
static void *
waits(void *arg)
{
	line[5] = syscall(SYS_gettid);
	await(&line[0], 1);
	return arg;
}

static void
by_thread(void)
{
	char byte = 0;

	line = (volatile int *)map_shared(PAGE);
	memory = map_private(PAGE);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;
		memory[0] = 44;
		check(pthread_create(&thread, NULL, waits, NULL) == 0);
		check(pthread_join(thread, NULL) == 0);
		_exit(0);
	}
	await(&line[5], 1);
	check(line[5] != pid && read_from(line[5], &byte, memory, 1) == 1 && byte == 44);
	child_ends(pid);
}

/* What the parent writes must reach the child, and no child of the child, however often that forks. */
static void
against_fork(void)
{
	line = (volatile int *)map_shared(PAGE);
	memory = map_aligned(PAGE, TABLE);
	pid_t pid = fork();
	if (pid == 0) {
		volatile int *word = (volatile int *)memory;
		announce(&line[1]);
		while (line[0] == 0) {
			int before = *word;
			pid_t grandchild = fork();
			if (grandchild == 0) {
				int first = *word;
				for (int i = 0; i < 50; i++) {
					check(*word == first);
					sched_yield();
				}
				*word = -1;
				_exit(0);
			}
			check(child_wait(grandchild) == 0);
			check(*word >= before);
		}
		_exit(*word == line[2] ? 0 : 1);
	}
	await(&line[1], 1);
	int got = 0;
	for (int n = 1; n <= 20 * ROUNDS; n++) {
		check(write_to(pid, &n, memory, sizeof(n)) == sizeof(n));
		check(read_from(pid, &got, memory, sizeof(n)) == sizeof(n) && got == n);
		line[2] = n;
	}
	child_ends(pid);
}

/* A process that ends under the reader's hands: a count, ESRCH or EFAULT, and never anything else. */
static void
against_exit(void)
{
	static unsigned char buffer[PAGES * PAGE];

	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid = child_that_waits();
		announce(&line[0]);
		for (;;) {
			long n = read_from(pid, buffer, memory, sizeof(buffer));
			check(n > 0 || (n == -1 && (errno == ESRCH || errno == EFAULT)));
			if (n < 0)
				break;
		}
		check(child_wait(pid) == 0);
		munmap((void *)memory, PAGES * PAGE);
		munmap((void *)line, PAGE);
	}
}

const struct test_case procvm_cases[] = {
	{"process_vm_readv and writev give Linux's errno for each misuse", errors, 0, 0},
	{"a zombie has no memory: ESRCH", a_zombie, 0, 0},
	{"a parent reads and writes its child's memory, and its own stays", reads_and_writes, 0, 0},
	{"segments of both sides need not fit one another", pieces, 0, 0},
	{"a transfer that meets a bad address counts what came before", in_part, 0, 0},
	{"the other's rights hold: EFAULT", rights, 0, 0},
	{"another user's memory is EPERM, but root's hand reaches it", other_users, 0, 0},
	{"a process may name itself", own_memory, 0, 0},
	{"shared memory is written for all, and past the end of a file is EFAULT", shared_and_files, 0, 0},
	{"any thread's number names the process", by_thread, 0, 0},
	{"what is written into a process that forks reaches it alone", against_fork, 0, CASE_SMP},
	{"reading a process that ends gives bytes or an error", against_exit, 0, CASE_SMP},
	{0},
};
