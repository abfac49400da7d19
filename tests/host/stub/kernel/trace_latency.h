/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/trace_latency.h - latencies of faults, for host tests: switched off
 *
 * Idea        The arguments are not even computed.
 * Follow      in place of <kernel/trace_latency.h>
 */
#pragma once

#define trace_latency_or(event) false
#define trace_fault_watched(mm, va, access) fault_serve(mm, va, access)
