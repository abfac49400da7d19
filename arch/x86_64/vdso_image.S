/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/vdso_image.S - the object of vdso/, built before, in the kernel's image
 *
 * Idea        kernel/vdso.c copies it once into pages that programs map
 * Invariants  none
 * Locks       none
 * Follow      from kernel/vdso.c
 * Tests       tests/guest/vdso.c
 */
	.section .rodata, "a"
	.balign	16
	.globl	vdso_image_start, vdso_image_end
vdso_image_start:
	.incbin	"build/vdso/vdso.so"
vdso_image_end:

	.section .note.GNU-stack, "", @progbits
