/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_queue.h - signals that wait, and what they brought along
 *
 * Idea        A set says which signals wait; a list holds their siginfos in the order they came. A standard signal (1
 *             to 31) waits at most once; from the kernel, with nothing to tell, it needs no memory, so that an
 *             interrupt may send it. A real-time signal waits as often as it was sent, each with its own siginfo.
 *             Memory may be short, or the limit reached: a standard signal then waits without siginfo (the receiver
 *             sees SI_USER from process 0), a queued real-time one is refused.
 * Invariants  I1  Each siginfo on the list has its bit in the set; SIGKILL has none.
 *             I2  The siginfos that exist are counted; rlimit SIGPENDING bounds them (Simple: one user, one count).
 * Locks       process_lock
 * Follow      from signal.c, signal_return.c, sys_sigwait.c   to mm/slab.h
 * Tests       tests/guest/signal_rt.c
 */
#pragma once

#include <kernel/siginfo.h>

#define SIGRTMIN 32

void signal_queue_boot(void);

/*
 * signal_queue_add - @info joins; a standard signal that waits already stays as it is
 *
 * Returns   0; -EAGAIN a queued real-time signal beyond @limit, or no memory for it
 * Context   holds process_lock; allocates without sleeping
 */
int signal_queue_add(struct signal_queue *queue, const struct siginfo *info, u64 limit);

/*
 * signal_queue_next - which of @set is to be taken first: faults before others, the thread's before the process's, then
 *                     the lowest number
 * signal_queue_take_from - @sig, which waits in one of the two queues, leaves it; *info is what it brought along
 *
 * Returns   next: the number; 0: none of them waits
 * Context   holds process_lock
 */
int signal_queue_next(const struct signal_queue *thread, const struct signal_queue *process, u64 set);
void signal_queue_take_from(struct signal_queue *thread, struct signal_queue *process, int sig, struct siginfo *info);

/* Those of @set wait no longer. Context: holds process_lock. */
void signal_queue_forget(struct signal_queue *queue, u64 set);

/* How many siginfos wait in all: the first number of SigQ in /proc/<pid>/status. Context: any, racy. */
u64 signal_queue_count(void);
