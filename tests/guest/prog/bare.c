/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/prog/bare.c - a program without a C library: what is in the registers when it starts?
 *
 * Idea        the entry stores every register before anything else. The exit status is the number of the first that is
 *             not what Linux promises; 0: none. On the way it writes its 16 random bytes (AT_RANDOM) to standard
 *             output.
 * Follow      from Makefile, tests/guest/isolation.c
 */
#include <elf.h>
#include <sys/syscall.h>

enum {
	GENERAL = 15, /* all but rsp */
	VECTORS = 16
};

unsigned long general[GENERAL];
unsigned long vectors[VECTORS][2] __attribute__((aligned(16)));
unsigned long flags;
unsigned int mxcsr;

void start(unsigned long *stack) __attribute__((noreturn, used));

__asm__(".globl _start\n"
	"_start:\n\t"
	"mov %rax, general(%rip)\n\t"
	"mov %rbx, general+8(%rip)\n\t"
	"mov %rcx, general+16(%rip)\n\t"
	"mov %rdx, general+24(%rip)\n\t"
	"mov %rsi, general+32(%rip)\n\t"
	"mov %rdi, general+40(%rip)\n\t"
	"mov %rbp, general+48(%rip)\n\t"
	"mov %r8, general+56(%rip)\n\t"
	"mov %r9, general+64(%rip)\n\t"
	"mov %r10, general+72(%rip)\n\t"
	"mov %r11, general+80(%rip)\n\t"
	"mov %r12, general+88(%rip)\n\t"
	"mov %r13, general+96(%rip)\n\t"
	"mov %r14, general+104(%rip)\n\t"
	"mov %r15, general+112(%rip)\n\t"
	"lea vectors(%rip), %rax\n\t"
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	"movdqa %xmm\\n, 16 * \\n(%rax)\n\t"
	".endr\n\t"
	"stmxcsr mxcsr(%rip)\n\t"
	"pushf\n\t"
	"pop flags(%rip)\n\t"
	"mov %rsp, %rdi\n\t"
	"and $-16, %rsp\n\t"
	"call start\n");

static long
call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

static int
first_dirty(void)
{
	for (int i = 0; i < GENERAL; i++)
		if (general[i])
			return 1 + i;
	for (int i = 0; i < VECTORS; i++)
		if (vectors[i][0] || vectors[i][1])
			return 20 + i;
	if (mxcsr != 0x1f80)
		return 40;
	return (flags & ~0x202ul) ? 41 : 0; /* interrupts on; bit 1 is always set */
}

void
start(unsigned long *stack)
{
	unsigned long *at = stack + 1 + stack[0] + 1;

	while (*at)
		at++;
	for (at++; at[0] != AT_NULL; at += 2)
		if (at[0] == AT_RANDOM)
			call(SYS_write, 1, at[1], 16);
	for (;;)
		call(SYS_exit_group, first_dirty(), 0, 0);
}
