/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/clock.h - clock and local timer, beside what arch/cpu.h promises
 *
 * Idea        see clock.c
 * Invariants  none
 * Locks       none
 * Follow      from smp.c   to clock.c
 * Tests       every boot
 */
#pragma once

#include <kernel/lib/types.h>

/* The local timer of this CPU is ready for timer_arm(). Context: once per CPU, interrupts off. */
void clock_init_cpu(void);

/* Ticks of the TSC in a millisecond. Context: any, after clock_init. */
u64 clock_tsc_khz(void);
