/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_latency.c - how long faults take
 *
 * Idea        see trace_latency.h
 * Invariants  none
 * Locks       none
 * Follow      from mm/fault.c   to trace.c
 * Tests       tests/report/test_stream.py
 */
#include <kernel/trace_latency.h>

#include <arch/cpu.h>
#include <kernel/task.h>

DEFINE_PER_CPU(struct trace_latency, trace_latency);
DEFINE_PER_CPU(u32, trace_latency_turn);

void
trace_fault_begin(u64 va, u32 access)
{
	trace(fault_handle, va, access, 0);
	current->fault_start_ns = clock_ns();
}

void
trace_fault_kind(u64 entry, u32 access, u32 kind, const char *name)
{
	trace(fault_classify, entry, access, name);
	current->fault_kind = (u8)kind;
}

/* Race: latencies may have been turned on in the middle of the fault: it has no start then, or an old one. */
void
trace_fault_done(u64 va, u32 result, const char *name)
{
	u64 start = current->fault_start_ns;

	trace(fault_done, va, result, name);
	if (trace_on(sample_latency) && start) {
		u64 ns = (clock_ns() - start) | 1;
		u64 bucket = min_u64(63 - (u64)__builtin_clzl(ns), LATENCY_BUCKETS - 1);

		this_cpu_ptr(trace_latency)->count[current->fault_kind % LATENCY_KINDS][bucket]++;
	}
	current->fault_start_ns = 0;
}
