/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/vdso.h - what the kernel and the object in every program share
 *
 * Idea        see vdso/vdso.c
 * Invariants  none
 * Locks       none: the words are const after boot but wall_ahead_ns, which is atomic
 * Follow      from kernel/vdso.c, arch/x86_64/clock.c   to vdso/vdso.c
 * Tests       tests/guest/vdso.c
 */
#pragma once

#include <kernel/lib/types.h>

#define VDSO_DATA_SIZE 4096
#define VDSO_CPU_SELECTOR 0x4b /* its segment's limit is the CPU's number */

/* The page before the object. The formula is that of clock_ns() and wall_clock_ns(). */
struct vdso_data {
	u64 base_tsc;
	u64 ns_per_tsc; /* 32.32 */
	u64 wall_ahead_ns;
};

/* The constants of clock_ns(). Context: after clock_init. */
void clock_vdso_fill(struct vdso_data *data);
