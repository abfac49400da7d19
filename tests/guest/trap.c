/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/trap.c - instructions that end a program, and how
 *
 * Idea        each exception that a program can raise becomes Linux's signal, whatever state the registers are in
 * Invariants  see guest.h
 * Follow      to arch/x86_64/trap.c, arch/x86_64/entry.S
 */
#include "guest.h"
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

static void
divide(void)
{
	__asm__ volatile("xor %%ecx, %%ecx\n\t mov $1, %%eax\n\t cltd\n\t idiv %%ecx" : : : "rax", "rcx", "rdx");
}

static void
divide_overflow(void)
{
	__asm__ volatile("mov $-1, %%ecx\n\t mov $0x80000000, %%eax\n\t cltd\n\t idiv %%ecx" : : : "rax", "rcx", "rdx");
}

static void
undefined(void)
{
	__asm__ volatile("ud2");
}

static void
breakpoint(void)
{
	__asm__ volatile("int3");
}

static void
single_step(void)
{
	__asm__ volatile("pushf\n\t orl $0x100, (%%rsp)\n\t popf\n\t nop\n\t nop" : : : "memory", "cc");
}

static void
x87(void)
{
	unsigned short control = 0x340; /* division by zero unmasked */

	__asm__ volatile("fninit\n\t fldcw %0\n\t fld1\n\t fldz\n\t fdivrp\n\t fwait" : : "m"(control));
	control = 0x300;
	__asm__ volatile("fldcw %0\n\t fldz\n\t fld1\n\t fdivp\n\t fwait" : : "m"(control));
}

/* ---- privileged instructions: each in a child of its own ---- */

static void
do_hlt(void *arg)
{
	(void)arg;
	__asm__ volatile("hlt");
}

static void
do_cli(void *arg)
{
	(void)arg;
	__asm__ volatile("cli");
}

static void
do_in(void *arg)
{
	(void)arg;
	__asm__ volatile("inb $0x60, %%al" : : : "rax");
}

static void
do_out(void *arg)
{
	(void)arg;
	__asm__ volatile("mov $0, %%al\n\t outb %%al, $0xf4" : : : "rax");
}

static void
do_wrmsr(void *arg)
{
	(void)arg;
	__asm__ volatile("wrmsr" : : "a"(0), "c"(0xc0000082), "d"(0));
}

static void
do_rdmsr(void *arg)
{
	(void)arg;
	__asm__ volatile("rdmsr" : : "c"(0xc0000080) : "rax", "rdx");
}

static void
do_cr3(void *arg)
{
	__asm__ volatile("mov %%cr3, %0" : "=r"(arg));
}

static void
do_lgdt(void *arg)
{
	static char table[16];

	(void)arg;
	__asm__ volatile("lgdt %0" : : "m"(table));
}

static void
do_invlpg(void *arg)
{
	__asm__ volatile("invlpg (%0)" : : "r"(arg));
}

static void
do_int_20(void *arg)
{
	(void)arg;
	__asm__ volatile("int $0x20");
}

static void
do_int_8(void *arg)
{
	(void)arg;
	__asm__ volatile("int $8");
}

static void
do_segment(void *arg)
{
	(void)arg;
	__asm__ volatile("mov %0, %%ds" : : "r"(0x1238));
}

static void
do_jump_non_canonical(void *arg)
{
	(void)arg;
	((void (*)(void))0x1234000000000000)();
}

static void
do_iret(void *arg)
{
	(void)arg;
	/* A frame that asks for the kernel's code segment. */
	__asm__ volatile("push $0\n\t push %rsp\n\t push $2\n\t push $8\n\t push $0\n\t iretq");
}

static void
do_sysret(void *arg)
{
	(void)arg;
	__asm__ volatile("sysretq");
}

static void
do_wbinvd(void *arg)
{
	(void)arg;
	__asm__ volatile("wbinvd");
}

static void
privileged(void)
{
	static void (*const each[])(void *) = {do_hlt,  do_cli,    do_in,     do_out,   do_wrmsr,  do_rdmsr, do_cr3,
					       do_lgdt, do_invlpg, do_int_20, do_int_8, do_wbinvd, do_sysret};

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		int status = child_run(each[i], NULL);
		if (status != SIGSEGV)
			fail("instruction %zu of the list ended with status 0x%x", i, status);
	}
}

static void
odd_selectors(void)
{
	child_must_die(do_segment, NULL, SIGSEGV);
	child_must_die(do_jump_non_canonical, NULL, SIGSEGV);
	/* Linux on QEMU answers this one with SIGKILL. */
	check(WIFSIGNALED(child_run(do_iret, NULL)));
}

/* ---- the stack pointer is anything ---- */

static const uint64_t odd_stacks[] = {
	0, 8, 0x7ffffffff000, 0x0001000000000000, 0xffff800000000000, 0xffffffff80000000, -1UL};

static void
fault_with_stack(void *arg)
{
	__asm__ volatile("mov %0, %%rsp\n\t ud2" : : "r"(*(uint64_t *)arg));
}

static void
push_to_stack(void *arg)
{
	__asm__ volatile("mov %0, %%rsp\n\t push %%rax" : : "r"(*(uint64_t *)arg));
}

static void
syscall_with_stack(void *arg)
{
	__asm__ volatile("mov %0, %%rsp\n\t mov $39, %%eax\n\t syscall\n\t mov $60, %%eax\n\t mov $5, %%edi\n\t syscall"
			 :
			 : "r"(*(uint64_t *)arg)
			 : "rax", "rdi", "rcx", "r11");
}

static void
odd_stack_pointers(void)
{
	for (size_t i = 0; i < sizeof(odd_stacks) / sizeof(odd_stacks[0]); i++) {
		uint64_t stack = odd_stacks[i];
		child_must_die(fault_with_stack, &stack, SIGILL);
		check(child_run(syscall_with_stack, &stack) == 5 << 8);
		int status = child_run(push_to_stack, &stack);
		/* A non-canonical stack is a stack fault, SIGBUS, where the machine tells it apart. */
		check(status == SIGSEGV || status == SIGBUS);
	}
}

/* ---- the last bytes of user space ---- */

static void *
call_from_the_edge(void *arg)
{
	unsigned char *last = (unsigned char *)0x7fffffffe000;

	/* Why: in a thread, because the first stack may lie in that very page. */
	if (mmap(last, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	    last)
		_exit(3);
	last[PAGE - 2] = 0x0f; /* syscall: returns to 0x7ffffffff000, where nothing can be */
	last[PAGE - 1] = 0x05;
	__asm__ volatile("jmp *%0" : : "r"(last + PAGE - 2), "a"(39L));
	return arg;
}

static void
edge(void)
{
	pthread_t thread;

	check(pthread_create(&thread, NULL, call_from_the_edge, NULL) == 0);
	pthread_join(thread, NULL);
}

static void
unaligned_with_ac(void)
{
	char bytes[16];

	memset(bytes, 0, sizeof(bytes));
	__asm__ volatile("pushf\n\t orl $0x40000, (%%rsp)\n\t popf\n\t"
			 "mov $39, %%eax\n\t syscall\n\t" /* the kernel itself must not trip over the flag */
			 "pushf\n\t andl $~0x40000, (%%rsp)\n\t popf"
			 :
			 : "r"(bytes)
			 : "rax", "rcx", "r11", "memory", "cc");
}

static void
trap_flag_in_syscall(void)
{
	/* The step ends behind the system call, not inside the kernel. */
	__asm__ volatile("mov $39, %%eax\n\t pushf\n\t orl $0x100, (%%rsp)\n\t popf\n\t syscall\n\t nop"
			 :
			 :
			 : "rax", "rcx", "r11", "memory", "cc");
}

const struct test_case trap_cases[] = {
	{"a division by zero is SIGFPE", divide, SIGFPE, 0},
	{"a quotient that does not fit is SIGFPE", divide_overflow, SIGFPE, 0},
	{"an undefined instruction is SIGILL", undefined, SIGILL, 0},
	{"int3 is SIGTRAP", breakpoint, SIGTRAP, 0},
	{"a single step is SIGTRAP", single_step, SIGTRAP, 0},
	{"a single step over a system call is SIGTRAP", trap_flag_in_syscall, SIGTRAP, 0},
	{"an unmasked x87 division by zero is SIGFPE", x87, SIGFPE, 0},
	{"privileged instructions are SIGSEGV", privileged, 0, 0},
	{"odd selectors, frames and jumps kill the program", odd_selectors, 0, 0},
	{"any stack pointer is survived, in faults and in system calls", odd_stack_pointers, 0, 0},
	{"a system call from the last bytes of user space returns into SIGSEGV", edge, SIGSEGV, 0},
	{"a system call with the alignment flag set returns", unaligned_with_ac, 0, 0},
	{0},
};
