/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/trampoline.S - where the other CPUs wake up: 16-bit mode, in a page below 640 KiB
 *
 * Idea        A copy of this lies at a page boundary, with struct trampoline_data (smp.c) filled in. From 16-bit mode
 *             straight to long mode, with page tables that map this one page executable and read-only, beside the
 *             kernel.
 * Invariants  position-independent but for what smp.c fills in; at most one page
 *             Whoever takes data_wanted from 1 to 0 has the rest of the data, and what it names: the CPU that comes, or
 *             smp.c when it gives up. A CPU that comes later sleeps here for ever, so this page stays,
 *             unless the next one is wanted: then it is the next one.
 * Locks       none: one CPU at a time
 * Follow      from smp.c   to smp_cpu_main
 * Tests       boots with CPUS=2 and more; who comes late: by hand, with both waits of smp.c 0
 * See         Intel SDM volume 3, 8.4.4 and 9.8.5.4
 */
	.section .rodata
	.balign	16
	.globl	trampoline_start, trampoline_long, trampoline_data, trampoline_end

	.code16
trampoline_start:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	lock btrl	$0, data_wanted - trampoline_start
	jnc	3f
	lgdtl	data_gdtr - trampoline_start
	movl	$0x20, %eax /* PAE */
	movl	%eax, %cr4
	movl	data_root - trampoline_start, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x900, %eax /* LME, NXE */
	wrmsr
	movl	%cr0, %eax
	andl	$0x9fffffff, %eax /* caches on */
	orl	$0x80010001, %eax /* PG, WP, PE */
	movl	%eax, %cr0
	ljmpl	*(data_far - trampoline_start)
3:	hlt /* too late: nobody waits any more */
	jmp	3b

	.code64
trampoline_long:
	movq	data_stack(%rip), %rsp
	movl	data_cpu(%rip), %edi
	movq	data_entry(%rip), %rax
	xorl	%ebp, %ebp
	movl	%ebp, %ds
	movl	%ebp, %es
	movl	%ebp, %ss
	pushq	$0
	jmp	*%rax

	/* struct trampoline_data */
	.balign	16
trampoline_data:
	.quad	0, 0x00209b0000000000 /* 8: code, accessed already: this page is read-only then */
data_gdtr:
	.short	15
	.long	0
	.short	0
data_far:
	.long	0
	.short	8, 0
data_root:
	.quad	0
data_stack:
	.quad	0
data_entry:
	.quad	0
data_cpu:
	.long	0
data_wanted:
	.long	0
trampoline_end:

	.section .note.GNU-stack, "", @progbits
