/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_file.h - /dev/trace: trace events for programs
 *
 * Idea        Reading gives whole records (struct trace_record, strings packed) of what happened since the file was
 *             opened, and waits for the first. Writing words as trace= takes them chooses events; before that it is
 *             trace_events_default() without the samples, which exist only while the port is open.
 * Invariants  none
 * Locks       a mutex for each open file (RANK_PIPE): it copies to programs
 * Follow      from devfs.c   to trace_stream.h
 * Tests       tests/guest/trace.c
 */
#pragma once

struct file_ops;

extern const struct file_ops trace_file_ops;
