/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/trace_latency.h - latencies of faults, for host tests: switched off
 *
 * Idea        The arguments are not even computed.
 * Follow      in place of <kernel/trace_latency.h>
 */
#pragma once

#define trace_latency_or(event, chosen) false
#define trace_fault_begin(va, access) \
	do {                          \
	} while (0)
#define trace_fault_kind(entry, access, kind, name) \
	do {                                        \
	} while (0)
#define trace_fault_done(va, result, name) \
	do {                               \
	} while (0)
