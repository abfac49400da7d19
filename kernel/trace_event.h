/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_event.h - the trace events by number
 *
 * Idea        trace_events.def becomes an enum here, and a table of texts in trace_text.c
 * Invariants  none
 * Locks       none
 * Follow      from trace.h, trace_text.h   to trace_events.def
 * Tests       tests/host/trace_text_test.c
 */
#pragma once

/* TRACE_trap_page_fault and so on: the name in trace_events.def behind TRACE_. */
enum trace_event {
#define TRACE_EVENT(name, group, depth, format) TRACE_##name,
#include <kernel/trace_events.def>
#undef TRACE_EVENT
	TRACE_EVENTS,
};

_Static_assert(TRACE_EVENTS <= 64, "trace_mask has a bit for each event");
