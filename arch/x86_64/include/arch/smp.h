/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/smp.h - starting and stopping CPUs, beside what arch/cpu.h promises
 *
 * Idea        see smp.c
 * Invariants  none
 * Locks       none
 * Follow      from mmu.c   to smp.c
 * Tests       boots with CPUS=1, 2 and 4
 * See         Intel SDM volume 3, 8.4
 */
#pragma once

struct boot_info;

/*
 * smp_trampoline_reserve - choose the page below 640 KiB where the other CPUs begin, and keep it from the allocator
 *
 * Returns   nothing; without such a page the other CPUs stay off
 * Context   boot, memblock open
 */
void smp_trampoline_reserve(const struct boot_info *info);
