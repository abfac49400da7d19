/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/report.c - what a panic shows of the machine: registers, return addresses
 *
 * Idea        Every function keeps rbp as the head of a chain: rbp points at the caller's rbp, the return address
 *             above it. Reports must not fault: memory is read through uaccess_probe64.
 * Invariants  none
 * Locks       none
 * Follow      from kernel/panic.c, trap.c
 * Tests       selftest=panic, selftest=stack_overflow
 * See         System V ABI for x86-64, 3.2.2
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/x86.h>
#include <kernel/printk.h>

#define BACKTRACE_MAX 32

void
backtrace_walk(u64 rbp, void (*fn)(u64 rip, void *arg), void *arg)
{
	for (u32 i = 0; i < BACKTRACE_MAX; i++) {
		u64 up;
		u64 rip;

		if (rbp < DIRECT_BASE || rbp % 8 || uaccess_probe64(&up, rbp) || uaccess_probe64(&rip, rbp + 8))
			return;
		if (rip < KERNEL_BASE)
			return;
		fn(rip, arg);
		/* The chain leads up the stack, or from a private stack to another one. */
		if (up == rbp)
			return;
		rbp = up;
	}
}

void
frame_print(const struct trap_frame *f)
{
	pr_emerg("rip %016lx cs %02lx  rflags %08lx  rsp %016lx ss %02lx", f->rip, f->cs, f->rflags, f->rsp, f->ss);
	pr_emerg("rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
	pr_emerg("rsi %016lx rdi %016lx rbp %016lx r8  %016lx", f->rsi, f->rdi, f->rbp, f->r8);
	pr_emerg("r9  %016lx r10 %016lx r11 %016lx r12 %016lx", f->r9, f->r10, f->r11, f->r12);
	pr_emerg("r13 %016lx r14 %016lx r15 %016lx cr2 %016lx", f->r13, f->r14, f->r15, cr2_read());
	pr_emerg("cr0 %lx cr3 %lx cr4 %lx", cr0_read(), cr3_read(), cr4_read());
	if (frame_is_syscall(f))
		pr_emerg("system call %ld", f->orig_rax);
	else
		pr_emerg("vector %u, error code %#x", f->vector & ~TRAP_MARK, f->error);
}
