/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_stop.h - a process stops and goes on
 *
 * Idea        A stop is a state of the whole process, begun by the thread that takes the stop signal and complete when
 *             the last of them has parked:
 *
 *                          a thread takes the signal              each thread parks                 the last one
 *                 running ---------------------------> stopping ---------------------> ... -------> stopped
 *                    ^      stop_signal set, all told                                     parent: CLD_STOPPED
 *                    `--------------------------------- SIGCONT is sent ---------------------------'
 *                                                        parent: CLD_CONTINUED
 *
 *             So a parent that learns of the stop finds no thread of the child in user mode.
 * Invariants  I1  stopped  =>  stop_signal, and every thread is parked or about to die.
 *             I2  While stop_signal is set, process->parked counts the threads that are parked.
 * Locks       process_lock
 * Follow      from signal.c, signal_return.c, exit.c   to wait_child.c
 * Tests       tests/guest/signal_stop.c
 * See         Linux do_signal_stop(); POSIX 2.4.3 on orphaned process groups
 */
#pragma once

#include <kernel/lib/types.h>

struct process;
struct task;

/* signal_stop_prepare - @sig is sent: stops and SIGCONT cancel each other. Context: holds process_lock. */
void signal_stop_prepare(struct process *process, int sig);

/*
 * signal_stop - the current thread took the stop signal @sig, whose action is the default
 *
 * Nothing happens when it came from a terminal and nobody could let the process go on: its group is orphaned.
 *
 * Context   holds process_lock
 */
void signal_stop(struct process *process, int sig);

/* signal_stop_waits - will @task take a stop signal before it enters user mode? Context: holds process_lock. */
bool signal_stop_waits(const struct task *task);

/* signal_park - the current thread waits until its process goes on, or dies. Context: may sleep; takes process_lock. */
void signal_park(void);

/* signal_stop_thread_left - a thread is leaving: perhaps the others were waited for. Context: holds process_lock. */
void signal_stop_thread_left(struct process *process, struct task *task);
