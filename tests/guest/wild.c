/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/wild.c - wild pointers in every system call
 *
 * Idea        calls that follow a pointer must answer EFAULT to one that leads nowhere; every number there is must
 *             survive arguments that make no sense. The kernel alive is the verdict.
 * Invariants  see guest.h
 * Follow      to kernel/uaccess.c
 */
#include "guest.h"
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	LAST_NUMBER = 460,
	POINTERS = 10
};

static long pointers[POINTERS];

/* Addresses that no program may follow; the last three depend on what is mapped. */
static void
pointers_make(void)
{
	volatile unsigned char *p = map_aligned(2 * PAGE, PAGE);
	long fixed[] = {8, 0x7ffffffff000, 0x0000800000000000, 0x7fffffffffffffff, -0x800000000000, 0xffffffff80000000,
			-8};

	check(mprotect((void *)(p + PAGE), PAGE, PROT_NONE) == 0);
	memcpy(pointers, fixed, sizeof(fixed));
	pointers[7] = (long)(p + PAGE);     /* PROT_NONE */
	pointers[8] = (long)(p + 2 * PAGE); /* nothing is mapped there */
	pointers[9] = (long)(p + PAGE - 1); /* its first byte is good, the next is not */
}

struct call {
	long number;
	int where; /* which argument is the pointer */
	long arg[6];
};

/* The call must answer EFAULT to pointer @k, or ENOSYS; more than that only where the pointer is good for a byte. */
static void
must_refuse(struct call *call, int k)
{
	long *a = call->arg;

	a[call->where] = pointers[k];
	errno = 0;
	long result = syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (result == -1 && (errno == ENOSYS || errno == EFAULT))
		return;
	/* The one whose first byte is good: part may be done; an odd address is EINVAL to futex. */
	if (k == 9 && (result >= 0 || errno == ENOENT || errno == EINVAL))
		return;
	if (call->number == SYS_futex && errno == EINVAL)
		return;
	fail("system call %ld with pointer %lx gave %ld, errno %d", call->number, pointers[k], result, errno);
}

/* Each of them must give EFAULT for each pointer. */
static void
calls_that_follow(void)
{
	static struct iovec_like {
		void *base;
		size_t length;
	} vector;
	int fd = file_make("/tmp/wild", 2 * PAGE);
	int ends[2];
	struct call calls[] = {
		{SYS_pread64, 1, {fd, 0, 100, 0}},
		{SYS_pwrite64, 1, {fd, 0, 100, 0}},
		{SYS_writev, 1, {fd, 0, 1}},
		{SYS_open, 0, {0, O_RDONLY}},
		{SYS_fstat, 1, {fd, 0}},
		{SYS_pipe, 0, {0}},
		{SYS_nanosleep, 0, {0, 0}},
		{SYS_clock_gettime, 1, {CLOCK_MONOTONIC, 0}},
		{SYS_getrusage, 1, {RUSAGE_SELF, 0}},
		{SYS_sysinfo, 0, {0}},
		{SYS_uname, 0, {0}},
		{SYS_getrlimit, 1, {RLIMIT_STACK, 0}},
		{SYS_setrlimit, 1, {RLIMIT_CORE, 0}},
		{SYS_execve, 0, {0, 0, 0}},
		{SYS_unlink, 0, {0}},
		{SYS_mkdir, 0, {0, 0}},
		{SYS_rt_sigprocmask, 1, {SIG_BLOCK, 0, 0, 8}},
		{SYS_rt_sigaction, 1, {SIGUSR1, 0, 0, 8}},
		{SYS_getrandom, 0, {0, 64, 0}},
		{SYS_futex, 0, {0, 0, 0, 0}},
		{SYS_sched_getaffinity, 2, {0, 128, 0}},
	};

	pointers_make();
	check(pipe(ends) == 0 && write(ends[1], "abcdefgh", 8) == 8);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (int k = 0; k < POINTERS; k++)
			must_refuse(&calls[i], k);
	vector.base = (void *)8;
	vector.length = 10;
	check_errno(syscall(SYS_writev, fd, &vector, 1), EFAULT);
	check_errno(syscall(SYS_readv, ends[0], &vector, 1), EFAULT);
	close(fd), close(ends[0]), close(ends[1]), unlink("/tmp/wild");
}

/* One byte only, and it is there. */
static void
last_byte_counts(void)
{
	int fd = file_make("/tmp/wild", 10);

	pointers_make();
	check(pread(fd, (void *)pointers[9], 1, 0) == 1);
	check(*(unsigned char *)pointers[9] == 1);
	check(pwrite(fd, (void *)pointers[9], 1, 0) == 1);
	/* A path that ends on the last byte of mapped memory. */
	char *path = (char *)pointers[9] - 3;
	memcpy(path, "/xy", 4);
	check_errno(open(path, O_RDONLY), ENOENT);
	path[3] = 'z';
	check_errno(open(path, O_RDONLY), EFAULT);
	close(fd), unlink("/tmp/wild");
}

/* Kernel memory must neither be read nor written for a program. */
static void
kernel_memory_is_safe(void)
{
	static const long kernel[] = {-0x800000000000, 0xffff888000000000, 0xffffffff80000000, 0xffffffff81000000,
				      -PAGE};
	int null = open("/dev/zero", O_RDWR);
	int fd = file_make("/tmp/wild", PAGE);

	for (size_t i = 0; i < sizeof(kernel) / sizeof(kernel[0]); i++) {
		check_errno(syscall(SYS_read, null, kernel[i], 8), EFAULT);
		check_errno(syscall(SYS_pwrite64, fd, kernel[i], 8, 0), EFAULT);
		/* From user space on into the kernel's half: the sum wraps, or passes the end. */
		check_errno(syscall(SYS_pwrite64, fd, 0x7ffffffff000 - 8, 0x7ffffffffffff000, 0), EFAULT);
	}
	close(null), close(fd), unlink("/tmp/wild");
}

static bool
number_is_left_out(long number)
{
	switch (number) {
	case SYS_fork: /* their children would go on here */
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3:
	case SYS_kill: /* -1 is everybody */
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_msgsnd: /* they wait by design */
	case SYS_msgrcv:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_vhangup: /* they would take the console away */
	case SYS_syslog:
	case SYS_select:
	case SYS_pselect6:
		return true;
	default:
		return false;
	}
}

static void
number_with_everything(void *arg)
{
	long number = (long)arg;
	long values[POINTERS + 1];

	memcpy(values, pointers, sizeof(pointers));
	values[POINTERS] = -1;
	for (int i = 0; i <= POINTERS; i++) {
		long v = values[i];
		syscall(number, v, v, v, v, v, v);
	}
	/* The pointer in each place alone, among small numbers. */
	if (number == SYS_exit || number == SYS_exit_group)
		return;
	for (int place = 1; place < 3; place++)
		for (int i = 0; i < POINTERS; i++) {
			long a[6] = {-1, -1, 8, 8, 0, 0};
			a[place] = pointers[i];
			syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
		}
}

static void
every_number(void)
{
	pointers_make();
	for (long number = 0; number < LAST_NUMBER; number++)
		if (!number_is_left_out(number))
			child_run(number_with_everything, (void *)number);
}

static void
clone_wild_stack(void)
{
	pointers_make();
	for (int i = 0; i < POINTERS; i++) {
		long pid = syscall(SYS_clone, SIGCHLD, pointers[i], 0, 0, 0);
		if (pid == 0)
			_exit(0); /* never seen: the return address lies on the old stack */
		if (pid < 0)
			continue;
		int status = child_wait(pid);
		check(WIFSIGNALED(status) || status == 0);
	}
}

static void
clone_wild_tids(void *arg)
{
	long flags = (long)arg;

	for (int i = 0; i < POINTERS; i++) {
		long pid = syscall(SYS_clone, flags | SIGCHLD, 0, pointers[i], pointers[i], 0);
		if (pid == 0)
			_exit(0);
		if (pid > 0)
			child_wait(pid);
	}
}

static void
clone_wild_pointers(void)
{
	pointers_make();
	child_must_live(clone_wild_tids, (void *)(long)CLONE_PARENT_SETTID);
	child_must_live(clone_wild_tids, (void *)(long)CLONE_CHILD_SETTID);
	child_must_live(clone_wild_tids, (void *)(long)CLONE_CHILD_CLEARTID);
}

static void
set_tid_wild(void *arg)
{
	syscall(SYS_set_tid_address, arg);
}

static void
tid_address_at_exit(void)
{
	pointers_make();
	for (int i = 0; i < POINTERS; i++)
		child_must_live(set_tid_wild, (void *)pointers[i]);
}

static void
memory_calls(void *arg)
{
	uint64_t state = (uintptr_t)arg;

	/* Random ranges, sizes and flags; the program's own memory may go, and then it dies. */
	for (int i = 0; i < 300; i++) {
		state ^= state << 13, state ^= state >> 7, state ^= state << 17;
		uint64_t at = (state & 0xffffff) << 12, size = (state >> 24 & 0xff) << 12;
		if (state >> 60 == 1)
			at = pointers[state % POINTERS];
		if (state >> 60 == 2)
			size = -(state & 0xffff);
		switch (state >> 40 & 3) {
		case 0:
			syscall(SYS_mmap, at + 0x10000000000, size, state >> 32 & 7,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 1:
			syscall(SYS_munmap, at + 0x10000000000, size);
			break;
		case 2:
			syscall(SYS_mprotect, at + 0x10000000000, size, state >> 32 & 7);
			break;
		default:
			syscall(SYS_brk, at);
		}
	}
}

static void
random_memory_calls(void)
{
	pointers_make();
	for (uintptr_t i = 1; i < 20; i++)
		child_run(memory_calls, (void *)(i * 0x9e3779b97f4a7c15u));
}

const struct test_case wild_cases[] = {
	{"calls that follow a pointer answer EFAULT to ten wild ones", calls_that_follow, 0, 0},
	{"a buffer may end with the last byte that is mapped", last_byte_counts, 0, 0},
	{"no call reads or writes kernel memory for a program", kernel_memory_is_safe, 0, 0},
	{"every system call survives wild pointers in every place", every_number, 0, 0},
	{"clone with a wild stack harms the child alone", clone_wild_stack, 0, 0},
	{"clone with wild places for numbers harms nobody", clone_wild_pointers, 0, 0},
	{"a wild address to clear at exit harms nobody", tid_address_at_exit, 0, 0},
	{"random calls of the mmap family harm nobody", random_memory_calls, 0, 0},
	{0},
};
