/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_ring.h - where trace events go: a ring of records on each CPU, and readers that follow
 *
 * Idea        The writer never waits and never asks who reads: it overwrites the oldest record. A reader has a cursor
 *             on each CPU; what was overwritten before it came is counted, and said in a record of its own (`lost`).
 *             So nothing is lost without a trace, and nothing that is traced can be held up.
 *
 *                 CPU 0   | . . 7 8 9 | 2 3 4 5 6 |     next 10, size 10: record n lies at n modulo size
 *                               cursor ^    ^ next
 *
 * Invariants  I1  Records of one CPU are in order of time. Record n is whole while n < next and next - n < size: at
 *                 next - n == size it is being overwritten. A reader copies first and then looks at next again.
 *             I2  record is changed on its own CPU only, with interrupts off.
 * Locks       none for rings; the list of readers has a mutex (trace_stream.c)
 * Follow      from trace.c (writes), trace_stream.c, trace_file.c (read)   to trace_text.h
 * Tests       tests/host/trace_ring_test.c, tests/report/test_stream.py
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/types.h>
#include <kernel/trace_text.h>

struct trace_ring {
	u64 next;                    /* number of the next record; own CPU, read racily */
	u64 size;                    /* records, a power of two; as record */
	struct trace_record *record; /* NULL: nobody wants events; I2 */
};

/* Who follows the rings of all CPUs. Owner only. */
struct trace_reader {
	u64 mask;                /* events that it wants; the others are passed over */
	u64 cursor[MAX_CPUS];    /* number of the record that it takes next */
	u64 lost[MAX_CPUS];      /* overwritten before they were read, so far */
	u64 lost_told[MAX_CPUS]; /* of these, as many as a record was made for */
};

/* trace_ring_slot - the place of the next record of @ring. trace_ring_done - it is whole now. I1. */
static inline struct trace_record *
trace_ring_slot(struct trace_ring *ring)
{
	return &ring->record[ring->next & (ring->size - 1)];
}

static inline void
trace_ring_done(struct trace_ring *ring)
{
	__atomic_store_n(&ring->next, ring->next + 1, __ATOMIC_RELEASE);
}

/* The number of the oldest record that is whole for good. Context: own CPU, interrupts off; else a guess. */
static inline u64
trace_ring_oldest(const struct trace_ring *ring)
{
	u64 next = __atomic_load_n(&ring->next, __ATOMIC_ACQUIRE);

	return next >= ring->size ? next - ring->size + 1 : 0;
}

/*
 * trace_ring_read - the record @reader has not seen yet on @ring, that of @cpu
 *
 * @out  filled; strings are still addresses
 *
 * Returns   true; false: there is none
 * Context   any
 */
bool trace_ring_read(struct trace_reader *reader, u32 cpu, const struct trace_ring *ring, struct trace_record *out);

/*
 * trace_record_pack - make a record that means the same outside the kernel: a string becomes its first 8 characters
 *
 * Context   pure; the strings are followed
 */
void trace_record_pack(struct trace_record *r);
