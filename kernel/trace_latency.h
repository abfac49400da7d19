/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_latency.h - how long faults take
 *
 * Idea        While the event sample_latency is wanted, one fault of 64 looks at the clock twice and counts in a table
 *             by kind and by the power of two of its nanoseconds. Why not all: two looks and the count are a tenth of
 *             the cheapest fault. In mm/fault.c these stand in the place of trace(): one look at trace_mask decides on
 *             event and latency together, so that off they cost what one event does.
 * Invariants  none
 * Locks       none: each CPU counts for itself, with interrupts on; an interrupt counts no fault
 * Follow      from mm/fault.c   to trace_sample.c
 * Tests       tests/report/test_stream.py
 */
#pragma once

#include <kernel/percpu.h>
#include <kernel/trace.h>

#define LATENCY_KINDS 6    /* enum fault_kind */
#define LATENCY_BUCKETS 40 /* the last one, of 9 minutes, also has what took longer */

struct trace_latency {
	u64 count[LATENCY_KINDS][LATENCY_BUCKETS]; /* owner CPU only; read racily */
};

DECLARE_PER_CPU(struct trace_latency, trace_latency);

#define LATENCY_TURNS 64 /* one fault of so many is measured */

DECLARE_PER_CPU(u32, trace_latency_turn);

/* Is @event or the latency of faults recorded? If only the latter: @chosen says whether this fault's is. */
#define trace_latency_or(event, chosen) \
	(unlikely(trace_mask & (1UL << TRACE_##event | 1UL << TRACE_sample_latency)) && (trace_on(event) || (chosen)))

/* It is this fault's turn. */
#define trace_latency_is_due() (!(++this_cpu(trace_latency_turn) & (LATENCY_TURNS - 1)))

/* A fault of the current task begins, is of @kind, is done with @result. Context: any. */
void trace_fault_begin(u64 va, u32 access);
void trace_fault_kind(u64 entry, u32 access, u32 kind, const char *name);
void trace_fault_done(u64 va, u32 result, const char *name);
