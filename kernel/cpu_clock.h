/* SPDX-License-Identifier: MIT */
/*
 * kernel/cpu_clock.h - clocks that tell the CPU time of one process or thread
 *
 * Idea        A negative clock number names its owner: (~number << 3) | 4 for a thread | what is told: 0 user and
 *             system time as sampled, 1 user time, 2 all of it, exactly. Number 0 is the caller.
 * Invariants  none
 * Locks       process_lock
 * Follow      from sys_time.c   to process.c
 * Tests       tests/guest/clocks.c
 * See         clock_getcpuclockid(3), pthread_getcpuclockid(3)
 */
#pragma once

#include <kernel/lib/types.h>

static inline bool
cpu_clock_is(u32 id)
{
	return (s32)id < 0;
}

/* cpu_clock_read - what it tells now. Returns 0; -EINVAL no such owner, or not ours to ask. Context: any. */
int cpu_clock_read(u32 id, u64 *ns);

/* cpu_clock_resolution_ns - of the sampled kinds a tick. Context: any. */
u64 cpu_clock_resolution_ns(u32 id);
