/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/basics.c - what everything else stands on
 *
 * Idea        a program runs, knows itself, and the calls it makes leave its registers alone
 * Invariants  see guest.h
 * Follow      to kernel/syscall.c, kernel/sys_info.c
 */
#include "guest.h"
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

enum {
	LAST_LINUX_CALL = 600
};

static void
ids_agree(void)
{
	check(getpid() > 1);
	check(getppid() == 1 || getppid() > 1);
	check(syscall(SYS_gettid) == getpid());
	check(getuid() == 0 && geteuid() == 0);
}

static void
unknown_call(void)
{
	check_errno(syscall(LAST_LINUX_CALL), ENOSYS);
	check_errno(syscall(LAST_LINUX_CALL), ENOSYS);
	check_errno(syscall(0x3fffffff), ENOSYS);
	check_errno(syscall(-1L), ENOSYS);
	check_errno(syscall(-4096L), ENOSYS);
	check_errno(syscall(0x7fffffffffffffff), ENOSYS);
}

/* Named in assembler, so the compiler must keep them. */
static uint64_t registers_before[12] __attribute__((used));
static uint64_t registers_after[12] __attribute__((used));
static uint64_t registers_return_address[2] __attribute__((used));

/* Every register but rax, rcx and r11 must come back; rcx holds the return address. */
static void
registers_return(void)
{
	for (int i = 0; i < 12; i++)
		registers_before[i] = 0x0123456789abcdefu * (i + 1);
	__asm__ volatile("push %%rbp\n\t lea registers_before(%%rip), %%rax\n\t"
			 "mov 0(%%rax), %%rbx\n\t mov 8(%%rax), %%rdx\n\t mov 16(%%rax), %%rsi\n\t"
			 "mov 24(%%rax), %%rdi\n\t mov 32(%%rax), %%rbp\n\t mov 40(%%rax), %%r8\n\t"
			 "mov 48(%%rax), %%r9\n\t mov 56(%%rax), %%r10\n\t mov 64(%%rax), %%r12\n\t"
			 "mov 72(%%rax), %%r13\n\t mov 80(%%rax), %%r14\n\t mov 88(%%rax), %%r15\n\t"
			 "mov $24, %%eax\n\t" /* sched_yield */
			 "syscall\n"
			 "1:\t lea registers_after(%%rip), %%rax\n\t"
			 "mov %%rbx, 0(%%rax)\n\t mov %%rdx, 8(%%rax)\n\t mov %%rsi, 16(%%rax)\n\t"
			 "mov %%rdi, 24(%%rax)\n\t mov %%rbp, 32(%%rax)\n\t mov %%r8, 40(%%rax)\n\t"
			 "mov %%r9, 48(%%rax)\n\t mov %%r10, 56(%%rax)\n\t mov %%r12, 64(%%rax)\n\t"
			 "mov %%r13, 72(%%rax)\n\t mov %%r14, 80(%%rax)\n\t mov %%r15, 88(%%rax)\n\t"
			 "lea 1b(%%rip), %%rbx\n\t lea registers_return_address(%%rip), %%rax\n\t"
			 "mov %%rbx, 0(%%rax)\n\t mov %%rcx, 8(%%rax)\n\t"
			 "pop %%rbp"
			 :
			 :
			 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
			   "r15", "memory", "cc");
	for (int i = 0; i < 12; i++)
		if (registers_before[i] != registers_after[i])
			fail("register %d of 12 came back as %lx, not %lx", i, registers_after[i], registers_before[i]);
	check(registers_return_address[0] == registers_return_address[1]);
}

/* The direction and carry flags are the program's own, in a system call as well. */
static void
flags_return(void)
{
	uint64_t flags;

	__asm__ volatile("mov $39, %%eax\n\t std\n\t stc\n\t syscall\n\t pushf\n\t pop %0\n\t cld"
			 : "=r"(flags)
			 :
			 : "rax", "rcx", "r11", "memory", "cc");
	check(flags & 1 << 10);
	check(flags & 1);
	check(flags & 1 << 9);
}

static void
sysinfo_sane(void)
{
	struct sysinfo info;

	check(sysinfo(&info) == 0);
	uint64_t total = info.totalram * info.mem_unit;
	check(total > 8 * MIB);
	check(info.freeram * info.mem_unit <= total);
	check(info.freeram > 0);
	check(info.procs > 0);
	check_errno(sysinfo((void *)-1L), EFAULT);
}

static void
uname_sane(void)
{
	struct utsname name;

	check(uname(&name) == 0);
	check(strcmp(name.machine, "x86_64") == 0);
	check(name.sysname[0] && name.release[0]);
	check_errno(uname((void *)8), EFAULT);
}

static void
random_differs(void)
{
	unsigned char a[32] = {0};
	unsigned char b[32] = {0};

	/* A kernel without it says so, and the C library goes on without. */
	if (syscall(SYS_getrandom, a, sizeof(a), 1) < 0 && errno == ENOSYS)
		return;
	check(syscall(SYS_getrandom, a, sizeof(a), 1) == sizeof(a));
	check(syscall(SYS_getrandom, b, sizeof(b), 1) == sizeof(b));
	check(memcmp(a, b, sizeof(a)) != 0);
	check_errno(syscall(SYS_getrandom, (void *)8, 8, 1), EFAULT);
	check_errno(syscall(SYS_getrandom, a, 8, 0x100), EINVAL);
}

static void
busybox_runs(void)
{
	char *argv[] = {"busybox", "true", NULL};
	char *envp[] = {NULL};

	if (access("/bin/busybox", F_OK) < 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		execve("/bin/busybox", argv, envp);
		_exit(1);
	}
	check(child_wait(pid) == 0);
	argv[1] = "false";
	pid = fork();
	if (pid == 0) {
		execve("/bin/busybox", argv, envp);
		_exit(0);
	}
	check(child_wait(pid) == 1 << 8);
}

const struct test_case basics_cases[] = {
	{"a program knows its own number, its parent's and its user's", ids_agree, 0, 0},
	{"an unknown system call gives ENOSYS, as often as one asks", unknown_call, 0, 0},
	{"a system call gives every register back but rax, rcx and r11", registers_return, 0, 0},
	{"a system call gives the flags back", flags_return, 0, 0},
	{"sysinfo tells how much memory there is", sysinfo_sane, 0, 0},
	{"uname tells x86_64", uname_sane, 0, 0},
	{"getrandom gives something else each time, or ENOSYS", random_differs, 0, 0},
	{"Debian's static busybox runs", busybox_runs, 0, 0},
	{0},
};
