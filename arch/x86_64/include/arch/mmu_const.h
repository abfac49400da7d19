/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/mmu_const.h - the constants of the address layout that assembler needs too
 *
 * Idea        plain numbers without a type; mmu.h has the rest and checks that both agree
 * Invariants  none
 * Locks       none
 * Follow      from boot.S, entry.S, trampoline.S
 * Tests       none
 */
#pragma once

#define KERNEL_BASE 0xffffffff80000000
/* Entry of a level-4 table that leads to the direct map: bits 39..47 of DIRECT_BASE. */
#define DIRECT_INDEX 273
