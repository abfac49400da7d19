/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec_layout.h - where the parts of a new address space lie
 *
 * Idea        Linux's places for x86-64, and Linux's amounts of chance:
 *
 *               part              without chance                         with chance
 *               stack             ends 64 KiB below USER_TOP             up to 16 GiB lower, a page each (22 bits)
 *               stack pointer     below the strings                      up to 8 KiB lower, 16 bytes each
 *               mmap              128 MiB (or the stack's limit) below   2^28 pages, below the stack's chance
 *               program (PIE)     two thirds of user space               up to 2^28 pages higher
 *               brk               behind the program                     up to 32 MiB higher, only with setting 2
 *               vDSO              behind the stack                       between the stack's end and the next 2 MiB
 *
 * Invariants  none
 * Locks       none
 * Follow      from exec.c   to random.c, mm/mmap.c
 * Tests       tests/guest/aslr.c
 * See         proc(5), randomize_va_space; personality(2), ADDR_NO_RANDOMIZE
 */
#pragma once

#include <kernel/lib/types.h>

/* kernel.randomize_va_space: 0 none, 1 all but the heap, 2 all. `norandmaps` starts with 0. READ_ONCE, WRITE_ONCE. */
extern u32 sysctl_randomize_va_space;

#define ADDR_NO_RANDOMIZE 0x0040000u /* personality(2) */

/* Drawn once for each execve. */
struct exec_layout {
	u64 stack_top;   /* first byte behind the stack */
	u64 stack_skew;  /* bytes left out between strings and auxiliary data */
	u64 stack_room;  /* how far down chance can take stack_top, for the mmap base to keep clear of */
	u64 base_random; /* bytes by which mmap starts lower */
	u64 pie_random;  /* bytes by which a PIE lies higher */
	u64 brk_random;  /* bytes between the program and its heap */
};

/* exec_layout_init - `norandmaps`. Context: boot, after cmdline_init. */
void exec_layout_init(void);

/* exec_layout_choose - draw, or leave everything at 0 when @fixed or the setting say so. Context: may sleep. */
void exec_layout_choose(struct exec_layout *layout, bool fixed);

/*
 * exec_layout_vdso - where @bytes of code from the kernel belong
 *
 * Returns   a hint for mmap
 * Context   may sleep
 */
u64 exec_layout_vdso(const struct exec_layout *layout, u64 bytes);
