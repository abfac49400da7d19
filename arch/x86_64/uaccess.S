/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/uaccess.S - the only instructions of the kernel that touch a program's memory
 *
 * Idea        All of them lie in .text.uaccess, so that trap.c knows an allowed access by its address. A fault is
 *             handled as if the program had made it; when that fails, the exception table continues at a fix-up,
 *             which counts what is left. Eight bytes an instruction; whole words and small constants take the short
 *             way.
 * Invariants  AC is set (SMAP open) only between stac and clac here; a fault clears it for its handler and iretq
 *             sets it again.
 * Locks       none; the caller holds none, for a fault may sleep
 * Follow      from kernel/uaccess.h   to trap.c (trap_kernel_fault)
 * Tests       tests/guest/wild.c
 */
#include <arch/asm.h>

#define EFAULT 14

	.section .text.uaccess, "ax"

/* u64 uaccess_copy(dst, src, n): bytes not copied */
	.balign	16
	.globl	uaccess_copy
uaccess_copy:
	SMAP_STAC
	cmpq	$8, %rdx
	jne	2f
1:	movq	(%rsi), %rax
11:	movq	%rax, (%rdi)
	SMAP_CLAC
	xorl	%eax, %eax
	ret
2:	movq	%rdx, %rcx
	shrq	$3, %rcx
	andl	$7, %edx
3:	rep movsq
	movl	%edx, %ecx
4:	rep movsb
	SMAP_CLAC
	movl	%ecx, %eax
	ret
/* rcx words and rdx bytes are left. The faulting word may be partly good: copy on byte by byte. */
5:	leaq	(%rdx, %rcx, 8), %rcx
	movq	%rcx, %rdx
6:	rep movsb
7:	SMAP_CLAC
	movq	%rcx, %rax
	ret
8:	movq	%rdx, %rcx
	jmp	6b
	EXTABLE	1b, 8b
	EXTABLE	11b, 8b
	EXTABLE	3b, 5b
	EXTABLE	4b, 7b
	EXTABLE	6b, 7b

/* u64 uaccess_clear(dst, n): bytes not cleared */
	.globl	uaccess_clear
uaccess_clear:
	SMAP_STAC
	xorl	%eax, %eax
	movq	%rsi, %rcx
	shrq	$3, %rcx
	andl	$7, %esi
1:	rep stosq
	movl	%esi, %ecx
2:	rep stosb
3:	SMAP_CLAC
	movq	%rcx, %rax
	ret
4:	leaq	(%rsi, %rcx, 8), %rcx
5:	rep stosb
	jmp	3b
	EXTABLE	1b, 4b
	EXTABLE	2b, 3b
	EXTABLE	5b, 3b

/* s64 uaccess_strncpy(dst, src, max): length without NUL, max when there is none, -EFAULT */
	.globl	uaccess_strncpy
uaccess_strncpy:
	SMAP_STAC
	xorl	%eax, %eax
1:	cmpq	%rdx, %rax
	je	3f
2:	movb	(%rsi, %rax), %cl
	movb	%cl, (%rdi, %rax)
	testb	%cl, %cl
	jz	3f
	incq	%rax
	jmp	1b
3:	SMAP_CLAC
	ret
4:	movq	$-EFAULT, %rax
	jmp	3b
	EXTABLE	2b, 4b

/* s64 uaccess_strnlen(src, max): likewise, without a copy */
	.globl	uaccess_strnlen
uaccess_strnlen:
	SMAP_STAC
	xorl	%eax, %eax
1:	cmpq	%rsi, %rax
	je	3f
2:	cmpb	$0, (%rdi, %rax)
	je	3f
	incq	%rax
	jmp	1b
3:	SMAP_CLAC
	ret
4:	movq	$-EFAULT, %rax
	jmp	3b
	EXTABLE	2b, 4b

uaccess_fault:
	SMAP_CLAC
	movl	$-EFAULT, %eax
	ret

/* int uaccess_getN(out, src), int uaccess_putN(dst, value): 0 or -EFAULT */
.macro GET bits, load, reg
	.globl	uaccess_get\bits
uaccess_get\bits:
	SMAP_STAC
1:	\load	(%rsi), %\reg
	SMAP_CLAC
	mov	%\reg, (%rdi)
	xorl	%eax, %eax
	ret
	EXTABLE	1b, uaccess_fault
.endm
.macro PUT bits, store, reg
	.globl	uaccess_put\bits
uaccess_put\bits:
	SMAP_STAC
1:	\store	%\reg, (%rdi)
	SMAP_CLAC
	xorl	%eax, %eax
	ret
	EXTABLE	1b, uaccess_fault
.endm
	GET	8, movb, al
	GET	16, movw, ax
	GET	32, movl, eax
	GET	64, movq, rax
	PUT	8, movb, sil
	PUT	16, movw, si
	PUT	32, movl, esi
	PUT	64, movq, rsi

/* int uaccess_cas32(dst, old, new, seen): 0 or -EFAULT; *seen is what was there */
	.globl	uaccess_cas32
uaccess_cas32:
	SMAP_STAC
	movl	%esi, %eax
1:	lock cmpxchgl %edx, (%rdi)
	SMAP_CLAC
	movl	%eax, (%rcx)
	xorl	%eax, %eax
	ret
	EXTABLE	1b, uaccess_fault

/*
 * int uaccess_xsave(dst), uaccess_fxsave(dst), uaccess_fxrstor(src): 0 or -EFAULT; also when the CPU refuses the image
 */
.macro FPU_MOVE name, insn
	.globl	uaccess_\name
uaccess_\name:
	SMAP_STAC
	movl	$-1, %eax
	movl	%eax, %edx
1:	\insn	(%rdi)
	SMAP_CLAC
	xorl	%eax, %eax
	ret
	EXTABLE	1b, uaccess_fault
.endm
	FPU_MOVE xsave, xsave64
	FPU_MOVE fxsave, fxsave64
	FPU_MOVE fxrstor, fxrstor64

/* int uaccess_xrstor(src, components): likewise */
	.globl	uaccess_xrstor
uaccess_xrstor:
	SMAP_STAC
	movl	%esi, %eax
	movq	%rsi, %rdx
	shrq	$32, %rdx
1:	xrstor64 (%rdi)
	SMAP_CLAC
	xorl	%eax, %eax
	ret
	EXTABLE	1b, uaccess_fault

/* int uaccess_probe64(out, any_address): for reports; the one access here that may meet any kernel address */
	.globl	uaccess_probe64, uaccess_probe_insn
uaccess_probe64:
uaccess_probe_insn:
	movq	(%rsi), %rax
	movq	%rax, (%rdi)
	xorl	%eax, %eax
	ret
	EXTABLE	uaccess_probe_insn, uaccess_fault

	.section .note.GNU-stack, "", @progbits
