/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/asm.h - for assembler files: constants, SMAP switches, the exception table
 *
 * Idea        stac and clac do not exist on older CPUs. Each place holds a 3-byte no-op and is listed in .smap_sites;
 *             cpu.c writes the real instruction there at boot, when the CPU has SMAP.
 *             EXTABLE(from, to): a fault at `from` that cannot be mended continues at `to`.
 *             TASK_WORK is the offset of need_resched and signal_pending in struct task (asserted in switch.c).
 * Invariants  none
 * Locks       none
 * Follow      from entry.S, uaccess.S   to cpu.c, trap.c
 * Tests       tests/guest/wild.c
 */
#pragma once

#define USER_DS_SELECTOR 0x2b
#define USER_CS_SELECTOR 0x33
#define SYSCALL_LAST 511
#define TASK_WORK 56

#ifdef __ASSEMBLER__
/* clang-format off */

.macro SMAP_SITE opcode
661:	.byte	0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a"
	.quad	661b
	.quad	\opcode
	.popsection
.endm

/* stac is 0f 01 cb, clac 0f 01 ca: as little-endian numbers. */
.macro SMAP_STAC
	SMAP_SITE 0xcb010f
.endm
.macro SMAP_CLAC
	SMAP_SITE 0xca010f
.endm

.macro EXTABLE from, to
	.pushsection .extable, "a"
	.quad	\from, \to
	.popsection
.endm

/* clang-format on */
#endif
