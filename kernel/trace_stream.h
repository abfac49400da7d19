/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_stream.h - trace events for readers: the port to the host, and programs that read /dev/trace
 *
 * Idea        While there is a reader, each CPU has a large ring, and trace_mask has what any reader wants. Readers
 *             sleep until there is something to read. A CPU that writes may hold any lock and cannot wake: it sends
 *             itself an interrupt, as printk does, and only when somebody waits for the first record, or a quarter of
 *             its ring was written since.
 * Invariants  I1  While a reader is on the list, every CPU has a ring of at least TRACE_RING_LARGE records.
 *             I2  Without a reader, rings and mask are what trace= made them: events cost nothing again.
 * Locks       stream_lock (mutex, RANK_TRACE): the list of readers, the rings' existence, trace_mask
 * Follow      from trace_port.c, trace_file.c   to trace_ring.h
 * Tests       tests/guest/trace.c, tests/report/test_stream.py
 */
#pragma once

#include <kernel/trace_ring.h>
#include <kernel/wait.h>

#define TRACE_RING_LARGE 4096 /* records: 160 KiB a CPU */

/* A reader on the list. */
struct trace_follower {
	struct list link; /* stream_lock */
	struct trace_reader reader;
};

/* What is not about single faults and pages: some hundred events a second under pressure. */
u64 trace_events_default(void);

/*
 * trace_follow - @f gets the events of @mask from now on
 *
 * Returns   0; -ENOMEM
 * Context   may sleep
 */
int trace_follow(struct trace_follower *f, u64 mask);

/* trace_unfollow - no more. trace_choose - those of @mask instead. Context: may sleep. */
void trace_unfollow(struct trace_follower *f);
void trace_choose(struct trace_follower *f, u64 mask);

/*
 * trace_take - up to @most records that @f has not seen, packed; in order of time for each CPU, CPU after CPU
 *
 * Returns   how many
 * Context   any; one caller at a time for each follower
 */
u32 trace_take(struct trace_follower *f, struct trace_record *out, u32 most);

/* Is there anything to take, of any event? Context: any; racy. */
bool trace_pending(const struct trace_follower *f);

/* Woken when a record was written after trace_wait_first(), or a good part of a ring. */
extern struct wait_queue trace_wait;
extern u32 trace_wakes; /* how often that was; READ_ONCE */

/* trace_wait_first - the next record is to wake trace_wait; look for one after the call. Context: any. */
void trace_wait_first(void);

/* ---- for trace.c and the interrupt ---- */

/* A record was written on this CPU, whose ring this is. Context: interrupts off. */
void trace_stream_wrote(const struct trace_ring *ring);

/* Wakes who waits. Context: the interrupt that trace_stream_wrote sends this CPU. */
void trace_wake(void);
