/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_latency.c - how long faults take
 *
 * Idea        see trace_latency.h. The kind is that of the first look: a fault that brings a page back from the disk
 *             and then copies it counts as SWAP.
 * Invariants  none
 * Locks       none
 * Follow      from mm/fault.c   to trace.c
 * Tests       tests/report/test_stream.py
 */
#include <kernel/trace_latency.h>

#include <arch/cpu.h>

DEFINE_PER_CPU(struct trace_latency, trace_latency);
DEFINE_PER_CPU(u32, trace_latency_turns) = LATENCY_TURNS;

static enum fault_result measured(struct mm *mm, u64 va, u32 access);

enum fault_result
trace_fault_watched(struct mm *mm, u64 va, u32 access)
{
	bool due = !this_cpu(trace_latency_turns);

	trace(fault_handle, va, access, 0);
	if (due)
		this_cpu(trace_latency_turns) = LATENCY_TURNS;
	return due && trace_on(sample_latency) ? measured(mm, va, access) : fault_serve(mm, va, access);
}

/* The task may go on on another CPU, which then counts it. */
static enum fault_result
measured(struct mm *mm, u64 va, u32 access)
{
	enum fault_kind kind = fault_foresee(mm, va, access);
	u64 start = clock_ns();
	enum fault_result result = fault_serve(mm, va, access);
	u64 ns = (clock_ns() - start) | 1;
	u64 bucket = min_u64(63 - (u64)__builtin_clzl(ns), LATENCY_BUCKETS - 1);

	this_cpu_ptr(trace_latency)->count[kind][bucket]++;
	return result;
}
