/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_sample.h - how memory stands, as trace records
 *
 * Idea        A figure makes a record only when it differs from what was sent last, so that a quiet machine sends next
 *             to nothing, and a decoder keeps the last value of each. The map of frames looks at a few frames of each
 *             cell: its price does not grow with memory.
 * Invariants  I1  after trace_sample_all(true) the records so far say everything
 * Locks       none: one task samples; a zone is read under zone->lock, processes under
 *             process_lock, other figures racily
 * Follow      from trace_port.c   to trace.h, the headers of mm/
 * Tests       tests/report/test_stream.py
 */
#pragma once

#include <kernel/lib/types.h>

/* trace_sample_all - records of all figures that have changed, or of @all. Context: may sleep; one caller at a time. */
void trace_sample_all(bool all);

/* A checksum of the names of events and counters: who decodes with other lists than ours finds out. Context: pure. */
u32 trace_checksum(void);
