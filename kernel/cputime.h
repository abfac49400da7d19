/* SPDX-License-Identifier: MIT */
/*
 * kernel/cputime.h - CPU time told apart: user and system, and what each CPU did with its own
 *
 * Idea        How long a task ran is exact: the scheduler adds it up at each switch. How much of that was spent in user
 *             mode is sampled: while a CPU is busy, its timer fires every 4 ms, and what the task ran since its last
 *             sample goes to the mode that the interrupt found. So entering and leaving the kernel costs nothing.
 *
 *                 exact    runtime  ==========================================|
 *                 samples  user+system  ====u===|==s==|=====u====|            what is left has no sample yet
 *                 told     runtime, divided as the samples are divided
 *
 *             A CPU that is idle is not woken for this. Error: of n samples about 1/sqrt(n) may be on the wrong side,
 *             and a task that ran between two ticks only counts as user time. (Linux: CONFIG_TICK_CPU_ACCOUNTING.)
 *             Simple: time in interrupts belongs to the task that was interrupted.
 * Invariants  I1  utime_ns + stime_ns of a task's samples never exceed its runtime.
 *             I2  What is told of a task or a process never goes back, neither part nor their sum.
 * Locks       samples: written by their own CPU with interrupts off, read racily. What was told: process_lock
 * Follow      from timer.c   to task.h, process.h; read by sys_info.c, sys_time.c, fs/procfs
 * Tests       tests/host/cputime_test.c, tests/guest/cputime.c
 */
#pragma once

#include <kernel/lib/types.h>

struct task;

/* How often a busy CPU looks what it is doing. */
#define CPUTIME_TICK_NS 4000000UL

/* A time, divided. */
struct cputime {
	u64 utime_ns;
	u64 stime_ns;
};

/* What one CPU did since it started; the sum may be a tick or so behind the clock. */
struct cpu_times {
	u64 user_ns;
	u64 nice_ns; /* user time of tasks with a nice value above 0 */
	u64 system_ns;
	u64 idle_ns;
};

/*
 * cputime_split - divide @runtime_ns as @samples are divided, but take nothing back that was told before (pure)
 *
 * @seen  what was told last; becomes what is told now
 *
 * Returns   nothing; without samples all is user time
 * Context   any; the caller guards @seen
 */
void cputime_split(u64 runtime_ns, const struct cputime *samples, struct cputime *seen);

/*
 * cputime_tick - the sampling interrupt
 *
 * Returns   true: the CPU is busy, sample again; false: it idles
 * Context   interrupt
 */
bool cputime_tick(u64 now_ns, bool user);

/* What @cpu did. Context: any, racy. */
void cputime_of_cpu(u32 cpu, struct cpu_times *out);
