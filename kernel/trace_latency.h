/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_latency.h - how long faults take
 *
 * Idea        While the event sample_latency is wanted, one fault of 64 looks at the clock twice and counts in a table
 *             by kind and by the power of two of its nanoseconds. Why not all: two looks and the count are a third of
 *             the cheapest fault. The other 63 count down, four instructions each. One look at trace_mask, at the
 *             entrance of mm/fault.c, decides on event and latency together, so that off they cost what one event does.
 * Invariants  none
 * Locks       none: each CPU counts for itself, with interrupts on; an interrupt counts no fault
 * Follow      from mm/fault.c   to trace_sample.c
 * Tests       tests/report/test_stream.py
 */
#pragma once

#include <kernel/percpu.h>
#include <kernel/trace.h>
#include <mm/fault.h>

#define LATENCY_BUCKETS 40 /* the last one, of 9 minutes, also has what took longer */

struct trace_latency {
	u64 count[FAULT_KINDS][LATENCY_BUCKETS]; /* owner CPU only; read racily */
};

DECLARE_PER_CPU(struct trace_latency, trace_latency);

#define LATENCY_TURNS 64 /* one fault of so many is measured */

/* Faults until the next that is measured; 0: this one is. Owner CPU only. */
DECLARE_PER_CPU(u32, trace_latency_turns);

/* Is @event recorded, or is it the turn of this fault to be measured? Once a fault. */
#define trace_latency_or(event)                                                         \
	(unlikely(trace_mask & (1UL << TRACE_##event | 1UL << TRACE_sample_latency)) && \
	 (!--this_cpu(trace_latency_turns) || trace_on(event)))

/*
 * trace_fault_watched - fault_serve(), with the event fault_handle before it and the clock read around it
 *
 * Returns, Context   as fault_handle
 */
enum fault_result trace_fault_watched(struct mm *mm, u64 va, u32 access);
