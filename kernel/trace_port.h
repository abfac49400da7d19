/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_port.h - the stream of trace records to the host
 *
 * Idea        stream on the command line, or stream=WORDS (as trace= takes them), opens the second port. A thread
 *             samples every stream_ms= milliseconds of the machine's own clock (20), and sends what all CPUs have
 *             written, also in between when a ring fills. The host gets nothing but struct trace_record, one behind the
 *             other, those of each CPU in order of time; the first is stream_begin.
 * Invariants  none
 * Locks       trace_stream.h
 * Follow      from main.c, sys_reboot.c   to trace_stream.h, dev/virtio_console.h
 * Tests       tests/report/test_stream.py
 */
#pragma once

/* trace_port_start - obey stream=. Context: boot, may sleep, all CPUs run. */
void trace_port_start(void);

/* trace_port_settle - everything traced so far is with the host when this returns. Context: may sleep. */
void trace_port_settle(void);

/*
 * trace_port_panic - send what is left, because the machine goes no further
 *
 * Returns   in any case, and soon: what the host does not take at once is lost, and the log says so
 * Context   a panic: interrupts off, all other CPUs stopped, perhaps in the middle of sending
 */
void trace_port_panic(void);
