/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace.h - one event for each arrow of the fault drawing
 *
 * Idea        trace(name, a, b, c) in the code; trace_events.def says what the three values mean. Switched off, an
 *             event is one test of a word in memory and a branch not taken, and its values are not computed.
 *             trace=fault on the command line draws the first fault of each kind, indented by depth, with the ticks
 *             since it began; trace=all or a list of groups or events (trace=alloc,fork) prints each event as it
 *             happens. The last events also stand in a panic's report. stream= sends them, as records, to the host
 *             (trace_stream.h), and programs read them from /dev/trace.
 * Invariants  see trace_ring.h
 * Locks       none: each CPU writes its own ring with interrupts off
 * Follow      from mm/fault.c, mm/page_alloc.c, ...   to trace.c
 * Tests       tests/host/trace_text_test.c
 * See         mm/README.md
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>
#include <kernel/trace_event.h>

/* Bit n: event n is recorded, because trace= or a reader (trace_stream.h) wants it. Its mutex; READ_ONCE. */
extern u64 trace_mask;

/* Of these, what trace= wants as text. Const after trace_init. */
extern u64 trace_text_mask;

void trace_record(enum trace_event event, u64 a, u64 b, u64 c);

/*
 * trace(name, a, b, c) - record the event @name of trace_events.def; values are any integers or pointers.
 * trace_on(name): would it be recorded?
 *
 * Returns   nothing
 * Context   any
 */
#define trace_on(name) unlikely(trace_mask &(1UL << TRACE_##name))
#define trace(name, a, b, c)                                                      \
	do {                                                                      \
		if (trace_on(name))                                               \
			trace_record(TRACE_##name, (u64)(a), (u64)(b), (u64)(c)); \
	} while (0)

/* Obeys trace=. Context: boot, after cmdline_init and percpu_init, while memblock has memory. */
void trace_init(void);

/* Prints the last @n events of all CPUs in order of time. Context: any; takes no lock. */
void trace_dump_last(u32 n);
