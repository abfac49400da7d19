/* SPDX-License-Identifier: MIT */
/*
 * user/trace_record.h - what a read of /dev/trace gives: records of this shape, in the order of each CPU
 *
 * Idea        struct trace_record of kernel/trace_text.h, for programs. A string is its first eight characters.
 * Invariants  none
 * Locks       none
 * Follow      from trace.c, tide/events.c, tests/guest/tracedev.h   to kernel/trace_file.c
 * Tests       tests/guest/trace.c
 */
#pragma once

#include <stdint.h>

struct record {
	uint64_t ns;
	uint16_t event; /* a line of kernel/trace_events.def */
	uint16_t cpu;
	int32_t tid;
	uint64_t value[3];
};
_Static_assert(sizeof(struct record) == 40, "as the kernel writes it");
