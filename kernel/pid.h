/* SPDX-License-Identifier: MIT */
/*
 * kernel/pid.h - numbers of threads, processes, groups and sessions
 *
 * Idea        One number space, as in Linux, and one hash table of nodes (number, kind). A number is in use while any
 *             node carries it: the pid of a dead group leader is not given away while its group lives. No allocation
 *             happens here, so nothing can fail but "all numbers are taken".
 *
 *                 number 7:  [THREAD 7] [PROCESS 7] [GROUP 7, process 7] [GROUP 7, process 9] [SESSION 7 ...]
 *
 *             Process 1 is born into group and session 0, as on Linux; so it can make a session of its own.
 * Invariants  I1  A bit of the map is set if and only if a node carries the number, or it was just handed out.
 *             I2  At most one node of kind THREAD and one of kind PROCESS carries a number.
 * Locks       process_lock (kernel/process.h), held by every caller
 * Follow      from fork.c, exit.c, exec.c, signal.c   to kernel/lib/bitmap.h
 * Tests       tests/host/pid_test.c
 */
#pragma once

#include <kernel/signal_state.h>

#define PID_MAX 32768    /* numbers are 1 to PID_MAX - 1; Linux's default pid_max */
#define PID_RESERVED 300 /* after the first round the search starts here, as in Linux */

enum pid_kind {
	PID_THREAD,
	PID_PROCESS,
	PID_GROUP,
	PID_SESSION,
	PID_FOREGROUND, /* a terminal's: keeps the number of its foreground group from another use */
};

void pid_init(void);

/*
 * pid_alloc - hand out a free number: the one after the last, round and round
 *
 * Returns   the number; -EAGAIN when all are taken
 * Context   process_lock
 */
s32 pid_alloc(void);

/* The number that was handed out last; 0: none yet. Context: any, racy. */
s32 pid_last_given(void);

/* pid_free - give back a number that no node ever carried. Context: process_lock. */
void pid_free(s32 nr);

/* pid_attach - @node now carries @nr as @kind. Context: process_lock. */
void pid_attach(struct pid_node *node, enum pid_kind kind, s32 nr);

/* pid_detach - @node carries no number; the number is free when this was its last node. Context: process_lock. */
void pid_detach(struct pid_node *node);

/* pid_find - the first node that carries @nr as @kind, or NULL. Context: process_lock. */
struct pid_node *pid_find(enum pid_kind kind, s32 nr);

/* pid_next - the next such node after @node, or NULL. Context: process_lock. */
struct pid_node *pid_next(struct pid_node *node);

/* pid_next_used - the smallest number above @nr that is in use, or 0. Context: process_lock. */
s32 pid_next_used(s32 nr);
