/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/vga.h - the text screen, beside what arch/cpu.h promises
 *
 * Idea        see vga.c
 * Invariants  none
 * Locks       see vga.c
 * Follow      from cpu.c   to vga.c
 * Tests       make run GUI=1
 * See         IBM VGA Technical Reference
 */
#pragma once

/* Takes over an 80 x 25 text screen where its cursor stands. Context: boot. */
void vga_init(void);
