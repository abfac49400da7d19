/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/cpu.c - what a processor holds for a task is there when the task runs again
 *
 * Idea        load registers with a pattern of one's own, give the processor away or have it taken, and look again.
 *             Load, wait and store are one piece of assembler: no C code in between may use the registers.
 * Invariants  see guest.h
 * Follow      to arch/x86_64/fpu.c, arch/x86_64/switch.c
 */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

enum {
	YIELDS = 300,
	SPINS = 3000000,
	ARCH_SET_GS = 0x1001,
	ARCH_SET_FS = 0x1002,
	ARCH_GET_FS = 0x1003,
	ARCH_GET_GS = 0x1004
};

struct registers {
	unsigned char sse[16][32];
};

static void
sse_through_yields(struct registers *r, long yields)
{
	__asm__ volatile(
		"movdqu 0(%0), %%xmm0\n\t movdqu 32(%0), %%xmm1\n\t movdqu 64(%0), %%xmm2\n\t movdqu 96(%0), %%xmm3\n\t"
		"movdqu 128(%0), %%xmm4\n\t movdqu 160(%0), %%xmm5\n\t movdqu 192(%0), %%xmm6\n\t"
		"movdqu 224(%0), %%xmm7\n\t movdqu 256(%0), %%xmm8\n\t movdqu 288(%0), %%xmm9\n\t"
		"movdqu 320(%0), %%xmm10\n\t movdqu 352(%0), %%xmm11\n\t movdqu 384(%0), %%xmm12\n\t"
		"movdqu 416(%0), %%xmm13\n\t movdqu 448(%0), %%xmm14\n\t movdqu 480(%0), %%xmm15\n\t"
		"1: mov $24, %%eax\n\t syscall\n\t dec %1\n\t jnz 1b\n\t"
		"movdqu %%xmm0, 0(%0)\n\t movdqu %%xmm1, 32(%0)\n\t movdqu %%xmm2, 64(%0)\n\t movdqu %%xmm3, 96(%0)\n\t"
		"movdqu %%xmm4, 128(%0)\n\t movdqu %%xmm5, 160(%0)\n\t movdqu %%xmm6, 192(%0)\n\t"
		"movdqu %%xmm7, 224(%0)\n\t movdqu %%xmm8, 256(%0)\n\t movdqu %%xmm9, 288(%0)\n\t"
		"movdqu %%xmm10, 320(%0)\n\t movdqu %%xmm11, 352(%0)\n\t movdqu %%xmm12, 384(%0)\n\t"
		"movdqu %%xmm13, 416(%0)\n\t movdqu %%xmm14, 448(%0)\n\t movdqu %%xmm15, 480(%0)"
		: "+r"(r), "+r"(yields)
		:
		: "rax", "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
		  "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

/* The same without a system call: only the timer takes the processor away. */
static void
sse_through_spins(struct registers *r, long spins)
{
	__asm__ volatile("movdqu 0(%0), %%xmm0\n\t movdqu 32(%0), %%xmm1\n\t movdqu 224(%0), %%xmm7\n\t"
			 "movdqu 480(%0), %%xmm15\n\t"
			 "1: dec %1\n\t jnz 1b\n\t"
			 "movdqu %%xmm0, 0(%0)\n\t movdqu %%xmm1, 32(%0)\n\t movdqu %%xmm7, 224(%0)\n\t"
			 "movdqu %%xmm15, 480(%0)"
			 : "+r"(r), "+r"(spins)
			 :
			 : "memory", "cc", "xmm0", "xmm1", "xmm7", "xmm15");
}

/* The upper halves too, where the processor and the kernel have AVX. */
__attribute__((target("avx"))) static void
avx_through_yields(struct registers *r, long yields)
{
	__asm__ volatile("vmovdqu 0(%0), %%ymm0\n\t vmovdqu 32(%0), %%ymm1\n\t vmovdqu 64(%0), %%ymm2\n\t"
			 "vmovdqu 96(%0), %%ymm3\n\t vmovdqu 288(%0), %%ymm9\n\t vmovdqu 480(%0), %%ymm15\n\t"
			 "1: mov $24, %%eax\n\t syscall\n\t dec %1\n\t jnz 1b\n\t"
			 "vmovdqu %%ymm0, 0(%0)\n\t vmovdqu %%ymm1, 32(%0)\n\t vmovdqu %%ymm2, 64(%0)\n\t"
			 "vmovdqu %%ymm3, 96(%0)\n\t vmovdqu %%ymm9, 288(%0)\n\t vmovdqu %%ymm15, 480(%0)"
			 : "+r"(r), "+r"(yields)
			 :
			 : "rax", "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm9", "xmm15");
}

static bool
have_avx(void)
{
	unsigned int a = 1, b, c = 0, d, low, high;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(c & 1 << 27) || !(c & 1 << 28))
		return false;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6;
}

static void
pattern_through(void (*through)(struct registers *, long), long times, uint64_t who)
{
	struct registers want, have;
	unsigned char *bytes = (unsigned char *)&want;

	for (size_t i = 0; i < sizeof(want); i++)
		bytes[i] = (who * 131 + i * 7) % 255;
	have = want;
	through(&have, times);
	for (size_t i = 0; i < sizeof(want); i++)
		if (((unsigned char *)&have)[i] != bytes[i])
			fail("byte %zu of register %zu is %x, not %x", i % 32, i / 32, ((unsigned char *)&have)[i],
			     bytes[i]);
}

static void
sse_task(void *arg)
{
	for (int i = 0; i < 5; i++)
		pattern_through(sse_through_yields, YIELDS, (uintptr_t)arg + i);
}

static void
avx_task(void *arg)
{
	for (int i = 0; i < 5; i++)
		pattern_through(avx_through_yields, YIELDS, (uintptr_t)arg + i);
}

static void
spin_task(void *arg)
{
	for (int i = 0; i < 5; i++)
		pattern_through(sse_through_spins, SPINS, (uintptr_t)arg + i);
}

static void
many_tasks(void (*task)(void *))
{
	pid_t pid[6];

	for (uintptr_t i = 0; i < 6; i++)
		pid[i] = child_start(task, (void *)(i * 10 + 1));
	for (int i = 0; i < 6; i++)
		check(child_wait(pid[i]) == 0);
}

static void
sse_kept(void)
{
	many_tasks(sse_task);
}

static void
avx_kept(void)
{
	if (have_avx())
		many_tasks(avx_task);
	else
		note("no AVX here");
}

static void
preempted(void)
{
	many_tasks(spin_task);
}

static void *
sse_thread(void *arg)
{
	sse_task(arg);
	return NULL;
}

static void
threads(void)
{
	pthread_t thread[6];

	for (uintptr_t i = 0; i < 6; i++)
		check(pthread_create(&thread[i], NULL, sse_thread, (void *)(i * 10 + 1)) == 0);
	for (int i = 0; i < 6; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

/* fork by hand: the child must find the parent's registers. */
static void
over_fork(void)
{
	unsigned char in[16] = "fifteen letters", out[16];
	long pid;

	__asm__ volatile("movdqu %2, %%xmm6\n\t mov $57, %%eax\n\t syscall\n\t movdqu %%xmm6, %1"
			 : "=&a"(pid), "=m"(out)
			 : "m"(in)
			 : "rcx", "r11", "memory", "xmm6");
	check(memcmp(in, out, sizeof(in)) == 0);
	if (pid == 0)
		_exit(memcmp(in, out, sizeof(in)) == 0 ? 0 : 1);
	check(pid > 0 && child_wait(pid) == 0);
}

static void
control_words(void)
{
	unsigned short control = 0x27f, control_after;
	unsigned int mxcsr = 0x9fc0, mxcsr_after;

	__asm__ volatile("fldcw %0\n\t ldmxcsr %1" : : "m"(control), "m"(mxcsr));
	for (int i = 0; i < 20; i++)
		sched_yield();
	pid_t pid = fork();
	__asm__ volatile("fnstcw %0\n\t stmxcsr %1" : "=m"(control_after), "=m"(mxcsr_after));
	if (pid == 0)
		_exit(control_after == control && mxcsr_after == mxcsr ? 0 : 1);
	check(child_wait(pid) == 0);
	check(control_after == control && mxcsr_after == mxcsr);
}

static void
x87_stack(void)
{
	double result;
	long yields = YIELDS;

	__asm__ volatile("fld1\n\t fld1\n\t faddp\n\t fld1\n\t"
			 "1: mov $24, %%eax\n\t syscall\n\t dec %1\n\t jnz 1b\n\t"
			 "faddp\n\t fstpl %0"
			 : "=m"(result), "+r"(yields)
			 :
			 : "rax", "rcx", "r11", "memory", "cc");
	check(result == 3.0);
}

static void
x87_task(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		x87_stack();
}

static void
x87_kept(void)
{
	many_tasks(x87_task);
}

static void
bases(void)
{
	uint64_t fs, gs = 0, want = 0x123456789000;

	check(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs) == 0 && fs != 0);
	check(*(uint64_t *)fs == fs); /* the ABI's thread pointer points to itself */
	check(syscall(SYS_arch_prctl, ARCH_SET_GS, want) == 0);
	for (int i = 0; i < 50; i++)
		sched_yield();
	check(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs) == 0 && gs == want);
	check_errno(syscall(SYS_arch_prctl, ARCH_SET_FS, 0xffff800000000000), EPERM);
	check_errno(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x8000000000000000), EPERM);
	check_errno(syscall(SYS_arch_prctl, ARCH_GET_FS, 16), EFAULT);
	check_errno(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
}

/* General registers when the timer, not a call, takes the processor. */
static void
general_task(void *arg)
{
	for (int round = 0; round < 5; round++) {
		uint64_t a = (uintptr_t)arg * 0x9e3779b97f4a7c15u, b = ~a, c = a + 5, d = a ^ 77, e = a * 3, f = a - 9;
		uint64_t a0 = a, b0 = b, c0 = c, d0 = d, e0 = e, f0 = f;
		long spins = SPINS;
		__asm__ volatile("1: dec %6\n\t jnz 1b"
				 : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(spins)
				 :
				 : "cc");
		check(a == a0 && b == b0 && c == c0 && d == d0 && e == e0 && f == f0);
	}
}

static void
general_kept(void)
{
	many_tasks(general_task);
}

const struct test_case cpu_cases[] = {
	{"SSE registers survive switches between processes", sse_kept, 0, CASE_SMP},
	{"AVX registers survive switches between processes", avx_kept, 0, CASE_SMP},
	{"SSE registers survive preemption", preempted, 0, CASE_SMP},
	{"general registers survive preemption", general_kept, 0, CASE_SMP},
	{"SSE registers survive switches between threads", threads, 0, CASE_SMP},
	{"a child starts with its parent's SSE registers", over_fork, 0, 0},
	{"floating-point control words survive and are inherited", control_words, 0, 0},
	{"the x87 stack survives switches between processes", x87_kept, 0, 0},
	{"FS and GS bases are each task's own", bases, 0, 0},
	{0},
};
