/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_text.h - trace events as text, and the words of trace= as events
 *
 * Idea        the pure half of trace.c: no CPU, no ring
 * Invariants  none
 * Locks       none
 * Follow      from trace.c
 * Tests       tests/host/trace_text_test.c
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/trace_event.h>

/* One event as it was recorded, and as the stream has it. */
struct trace_record {
	u64 ns;    /* clock_ns() */
	u16 event; /* enum trace_event */
	u16 cpu;
	s32 tid; /* of the task that ran; 0 for a kernel thread */
	u64 value[3];
};

_Static_assert(sizeof(struct trace_record) == 40, "decoders outside the kernel know this layout");

/* Its name, without TRACE_. */
const char *trace_event_name(enum trace_event event);

/* Does the event's format have a string as value @i? */
bool trace_value_is_string(enum trace_event event, u32 i);

/*
 * trace_words_mask - the events that a list such as "alloc,fork" names: events, groups, or all
 *
 * @unknown  set to the first word that names nothing, else to NULL
 *
 * Returns   a bit for each event
 * Context   any
 */
u64 trace_words_mask(const char *words, const char **unknown);

/*
 * trace_format - a record as one line of text, without newline
 *
 * With @start_ns the line begins with the time since then and is indented as in the drawing of a fault; with
 * TRACE_ABSOLUTE it begins with CPU and task.
 *
 * Returns   @buf
 * Context   any; string values are followed
 */
const char *trace_format(const struct trace_record *r, u64 start_ns, char *buf, size_t size);
#define TRACE_ABSOLUTE (~0UL)
