/* SPDX-License-Identifier: MIT */
/*
 * kernel/loadavg.h - how busy the machine was over the last 1, 5, and 15 minutes
 *
 * Idea        Linux's three averages: every 5 s the number of runnable tasks is mixed in, and the past fades by
 *             e^(-5/60), e^(-5/300), e^(-5/900).
 *             No timer is set for that. While a CPU is busy it samples its own time (cputime.h), and the first sample
 *             after 5 s takes the number. A machine that idles has no samples: the intervals that passed meanwhile are
 *             made up for as intervals of 0, by the next sample or by whoever asks.
 *             Simple: tasks that wait for a disk do not count.
 * Invariants  I1  next_ns is a multiple of the interval; every interval that ended before it has been counted once.
 * Locks       a spinlock of its own, interrupts off, only tried by the sample
 * Follow      from timer.c, sys_info.c, fs/procfs_cpu.c   to sched.h
 * Tests       tests/guest/proc_sys.c
 * See         Linux kernel/sched/loadavg.c, for the constants
 */
#pragma once

#include <kernel/lib/types.h>

#define LOAD_SHIFT 11 /* binary places of an average */
#define LOAD_ONE (1UL << LOAD_SHIFT)
#define LOADS 3

/* loadavg_tick - a busy CPU's sample at @now_ns. Context: interrupt. */
void loadavg_tick(u64 now_ns);

/* loadavg_get - the averages of 1, 5, and 15 minutes, in 1 / LOAD_ONE. Context: any. */
void loadavg_get(u64 out[LOADS]);
