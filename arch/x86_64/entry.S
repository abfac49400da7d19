/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/entry.S - into the kernel and out of it, and from one task's stack to another's
 *
 * Idea        All ways in build the same struct trap_frame at %rsp and call C with it. Hot are two: the page fault (48
 *             instructions around trap_page_fault) and the system call (about 60 around its function).
 *
 *               from user mode        from the kernel       NMI, machine check, double fault
 *               GS is the user's      GS is ours            who knows
 *               swapgs                nothing               save GS, load ours from the top of the private stack
 *
 *             The test for "user mode" is the privilege level in the saved CS. One instruction breaks the rule: the
 *             iretq that returns to user mode may itself fault, in kernel mode with the user's GS. trap_entry
 *             knows its address.
 *             Simple: user programs cannot set hardware breakpoints, so that #DB needs no private stack.
 * Invariants  I1  Interrupts are off from every entry until GS and stack are ours, and from the last look at
 *                 need_resched and signal_pending until user mode.
 *             I2  DF and AC are clear whenever C runs.
 *             I3  sysret is used only where it equals iretq: rip == rcx canonical, rflags == r11 without TF and RF.
 *             The stack is 8 bytes off a multiple of 16 when C is called: no kernel code uses vector registers.
 * Locks       none
 * Follow      from the CPU   to trap.c, kernel/syscall.h, kernel/signal.h (user_return_work), switch.c
 * Tests       tests/guest/basics.c, tests/guest/trap.c, tests/guest/wild.c
 * See         Intel SDM volume 3, 6.14; AMD APM volume 2, 6.1 (syscall and sysret)
 */
#include <arch/asm.h>
#include <kernel/percpu.h>

#define R11 48
#define RCX 88
#define RAX 80
#define RIP 128
#define CS 136
#define RFLAGS 144
#define FRAME_SIZE 168

/* The stub has pushed the error code; these complete the frame. */
.macro PUSH_REGS
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
.endm

.macro POP_REGS
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
.endm

/* GS is ours afterwards, whoever was interrupted. CS lies behind error code and rip. */
.macro ENTER
	testb	$3, 16(%rsp)
	jz	1f
	swapgs
1:	PUSH_REGS
	cld
	SMAP_CLAC
	movq	%rsp, %rdi
.endm

	.section .text.entry, "ax"

/* ---- One stub of 16 bytes a vector: error code (0 where the CPU pushes none), vector, and on. ---- */

	.balign	16
	.globl	trap_stubs
trap_stubs:
.set vector, 0
.rept 256
	.balign	16
	.set has_code, vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
	.if !(has_code || vector == 29 || vector == 30)
	pushq	$0
	.endif
	movl	$(0x80000000 | vector), 4(%rsp)
	.if vector == 14
	jmp	page_fault_entry
	.elseif vector == 2 || vector == 8 || vector == 18
	jmp	paranoid_entry
	.elseif vector < 32
	jmp	trap_entry
	.else
	jmp	interrupt_entry
	.endif
	.set vector, vector + 1
.endr

	.balign	16
page_fault_entry:
	ENTER
	call	trap_page_fault
	/* falls through */

trap_exit:
	testb	$3, CS(%rsp)
	jz	kernel_exit
user_exit:
	movq	%gs:percpu_header + PERCPU_CURRENT, %rax
	cmpw	$0, TASK_WORK(%rax)
	jne	user_work
	POP_REGS
	addq	$8, %rsp
	swapgs
	.globl	user_iretq
user_iretq:
	iretq

kernel_exit:
	POP_REGS
	addq	$8, %rsp
	iretq

user_work:
	sti
	movq	%rsp, %rdi
	call	user_return_work
	cli
	jmp	user_exit

interrupt_entry:
	ENTER
	call	trap_interrupt
	jmp	trap_exit

/* Exceptions but page faults. trap_exception returns the frame to continue with. */
trap_entry:
	testb	$3, 16(%rsp)
	jnz	1f
	cmpq	$user_iretq, 8(%rsp)
	jne	2f
1:	swapgs
2:	PUSH_REGS
	cld
	SMAP_CLAC
	movq	%rsp, %rdi
	call	trap_exception
	movq	%rax, %rsp
	jmp	trap_exit

/* On a private stack, whose topmost word is this CPU's per-CPU offset (desc.c, I1). r12 and r13 survive C. */
paranoid_entry:
	PUSH_REGS
	cld
	SMAP_CLAC
	movl	$0xc0000101, %ecx
	rdmsr
	movl	%eax, %r12d
	movl	%edx, %r13d
	movl	FRAME_SIZE(%rsp), %eax
	movl	FRAME_SIZE + 4(%rsp), %edx
	wrmsr
	movq	%rsp, %rdi
	call	trap_paranoid
	movl	%r12d, %eax
	movl	%r13d, %edx
	movl	$0xc0000101, %ecx
	wrmsr
	jmp	kernel_exit

/* ---- System calls: rax number; rdi rsi rdx r10 r8 r9 arguments; the CPU left rip in rcx, rflags in r11. ---- */

	.balign	16
	.globl	syscall_entry
syscall_entry:
	swapgs
	movq	%rsp, %gs:percpu_header + PERCPU_USER_SP
	movq	%gs:percpu_header + PERCPU_KERNEL_SP, %rsp
	pushq	$USER_DS_SELECTOR
	pushq	%gs:percpu_header + PERCPU_USER_SP
	pushq	%r11
	pushq	$USER_CS_SELECTOR
	pushq	%rcx
	movl	%eax, %eax /* the number has 32 bits, and orig_rax is never negative */
	pushq	%rax
	PUSH_REGS
	sti
	cmpl	$SYSCALL_LAST, %eax
	ja	syscall_unknown
1:	movq	%r10, %rcx
	call	*syscall_table(, %rax, 8)
	movq	%rax, RAX(%rsp)
	cli
	movq	%gs:percpu_header + PERCPU_CURRENT, %rax
	cmpw	$0, TASK_WORK(%rax)
	jne	user_work

	/* The call may have changed the frame (execve): then, and where sysret would go wrong, iretq. */
	movq	RCX(%rsp), %rcx
	cmpq	%rcx, RIP(%rsp)
	jne	user_exit
	shrq	$47, %rcx
	jnz	user_exit
	movq	R11(%rsp), %rcx
	cmpq	%rcx, RFLAGS(%rsp)
	jne	user_exit
	testl	$0x10100, %ecx /* RF, TF */
	jnz	user_exit
	POP_REGS
	movq	32(%rsp), %rsp
	swapgs
	sysretq

/* The table's last slot belongs to no call. */
syscall_unknown:
	movl	$SYSCALL_LAST, %eax
	jmp	1b

/* ---- Tasks ---- */

/* void switch_stacks(u64 *save_sp, u64 load_sp): what C expects to survive a call is kept on the old stack. */
	.balign	16
	.globl	switch_stacks
switch_stacks:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

/* A new task's first steps: rbx its function or 0, r12 the argument (task_stack_init in switch.c). */
	.globl	task_first_run
task_first_run:
	call	sched_tail
	sti
	testq	%rbx, %rbx
	jz	1f
	movq	%r12, %rdi
	call	*%rbx
	/* The function has called arch_exec(): the frame at the top of the stack is ready. */
1:	cli
	movq	%gs:percpu_header + PERCPU_KERNEL_SP, %rsp
	subq	$FRAME_SIZE, %rsp
	jmp	user_exit

	.section .note.GNU-stack, "", @progbits
