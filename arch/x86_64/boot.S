/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/boot.S - from the boot loader's 32-bit world to C in the higher half
 *
 * Idea        Two doors, one corridor. GRUB enters at boot_multiboot2, QEMU's -kernel at boot_pvh; both leave the
 *             loader's magic in %edi and the physical address of its information in %esi. Then long mode with
 *             early tables of 2 MiB pages: the first 4 GiB appear at 0, at DIRECT_BASE, and the first GiB at
 *             KERNEL_BASE. mmu_init() replaces these tables, and with them the writable text.
 * Invariants  none before C runs
 * Locks       none
 * Follow      from GRUB or QEMU   to boot_info.c (boot_main)
 * Tests       every boot; BOOT=iso and BOOT=pvh
 * See         Multiboot2 specification 3.1; Xen's PVH boot protocol; Intel SDM volume 3, 9.8.5
 */
#include <arch/mmu_const.h>

#define MB2_MAGIC 0xe85250d6
#define PA(symbol) ((symbol) - KERNEL_BASE)

	.section .boot.header, "a"
	.balign 8
mb2_header:
	.long	MB2_MAGIC, 0, mb2_end - mb2_header, -(MB2_MAGIC + 0 + (mb2_end - mb2_header))
	.balign 8
	/* Information we must get: command line 1, modules 3, memory map 6. */
	.short	1, 0
	.long	20, 1, 3, 6
	.balign 8
	/* Physical entry address. */
	.short	3, 0
	.long	12, PA(boot_multiboot2)
	.balign 8
	/* Modules on page boundaries. */
	.short	6, 0
	.long	8
	.balign 8
	.short	0, 0
	.long	8
mb2_end:

	.section .note.Xen, "a", @note
	.balign 4
	.long	4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	PA(boot_pvh)

	.section .text.entry, "ax"
	.code32
	.globl	boot_multiboot2, boot_pvh
boot_pvh:
	movl	$0x336ec578, %edi
	jmp	1f
boot_multiboot2:
	movl	%eax, %edi
1:	movl	%ebx, %esi
	cld
	cli
	movl	$PA(boot_stack_top), %esp
	call	long_mode_require

	/* 2048 entries of 2 MiB: present, writable, huge. */
	movl	$PA(early_level2), %ebx
	movl	$0x83, %eax
	movl	$2048, %ecx
2:	movl	%eax, (%ebx)
	addl	$0x200000, %eax
	addl	$8, %ebx
	loop	2b
	movl	$PA(early_level2) + 3, %eax
	movl	%eax, PA(early_level3_image) + 510 * 8
	movl	$PA(early_level3), %ebx
	movl	$4, %ecx
3:	movl	%eax, (%ebx)
	addl	$4096, %eax
	addl	$8, %ebx
	loop	3b
	movl	$PA(early_level3) + 3, PA(early_level4)
	movl	$PA(early_level3) + 3, PA(early_level4) + DIRECT_INDEX * 8
	movl	$PA(early_level3_image) + 3, PA(early_level4) + 511 * 8

	movl	%cr4, %eax
	orl	$0x20, %eax /* PAE */
	movl	%eax, %cr4
	movl	$PA(early_level4), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx /* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	andl	$0x9fffffff, %eax /* caches on */
	orl	$0x80010000, %eax /* PG, WP */
	movl	%eax, %cr0
	lgdt	PA(early_gdt_pointer)
	ljmp	$0x10, $PA(boot_long_mode)

/* Without long mode nothing else works: say so on the serial line and the screen, and stop. */
long_mode_require:
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	1f
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	1f
	ret
1:	movl	$PA(long_mode_absent), %esi
	movl	$0xb8000, %edi
2:	lodsb
	testb	%al, %al
	jz	3f
	movw	$0x3f8, %dx
	outb	%al, %dx
	movb	$0x0f, %ah
	stosw
	jmp	2b
3:	hlt
	jmp	3b

	.code64
boot_long_mode:
	movq	$boot_high, %rax
	jmp	*%rax
boot_high:
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$boot_stack_top, %rsp
	xorl	%ebp, %ebp
	/* The GS base 0 makes per-CPU symbols mean the template itself. */
	movl	$0xc0000101, %ecx
	xorl	%edx, %edx
	wrmsr
	movl	%edi, %edi
	movl	%esi, %esi
	pushq	$0
	jmp	boot_main

	.section .rodata
long_mode_absent:
	.asciz	"Tidemark needs a 64-bit processor (long mode).\r\n"
	.balign 8
early_gdt:
	.quad	0, 0, 0x00209a0000000000
early_gdt_pointer:
	.short	. - early_gdt - 1
	.long	PA(early_gdt)

	.section .init.bss, "aw", @nobits
	.balign 4096
early_level4:
	.skip	4096
early_level3:
	.skip	4096
early_level3_image:
	.skip	4096
early_level2:
	.skip	4 * 4096

	/* mmu_init() leaves the guard page out. */
	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl	boot_stack_guard, boot_stack, boot_stack_top
boot_stack_guard:
	.skip	4096
boot_stack:
	.skip	16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
