/* SPDX-License-Identifier: MIT */
/*
 * kernel/itimer.h - a process's interval timers, and its limit of CPU time
 *
 * Idea        Three timers belong to the process as a whole; fork does not copy them, execve keeps them.
 *
 *                 REAL     clock_ns()                SIGALRM     a struct timer of its own
 *                 VIRTUAL  user time of all threads  SIGVTALRM   looked at by a thread that runs, at each sample of
 *                 PROF     CPU time of all threads   SIGPROF     its CPU time (cputime.h): at most 4 ms late
 *
 *             RLIMIT_CPU is a fourth of the last kind: SIGXCPU each second from the soft limit on, SIGKILL at the hard
 *             one. A periodic REAL timer starts its next round when the process takes the signal: who blocks it costs
 *             nothing, however short the interval.
 *
 *             Race: a timer's function runs in an interrupt, where process_lock may be held by whoever was interrupted.
 *             It only tries the lock, and comes again some microseconds later.
 * Invariants  I1  real.timer is queued  =>  armed; not armed and an interval: its signal waits to be taken.
 *             I2  cpu_on  <=>  a deadline of VIRTUAL or PROF is not 0.
 * Locks       process_lock
 * Follow      from sys_itimer.c, cputime.c, signal_return.c, exit.c   to timer.h, signal.h
 * Tests       tests/guest/itimer.c
 * See         setitimer(2), setrlimit(2)
 */
#pragma once

#include <kernel/timer.h>

struct process;

enum itimer_kind {
	ITIMER_REAL,
	ITIMER_VIRTUAL,
	ITIMER_PROF,
	ITIMER_KINDS,
};

/* A deadline on the timer's own clock (0: off), and what is added to it each time (0: nothing, it ends). */
struct itimer {
	u64 deadline_ns;
	u64 interval_ns;
};

struct process_timers {
	struct itimer itimer[ITIMER_KINDS]; /* process_lock */
	struct timer real;                  /* process_lock for timer_set and timer_cancel */
	bool armed;                         /* REAL has not fired yet; process_lock */
	bool cpu_on;                        /* I2; process_lock, read racily */
};

/* Readies the timers of a new process. */
void itimer_init(struct process *process);

/* No timer of @process fires any more. Context: holds process_lock. */
void itimer_exit(struct process *process);

/* What is left until the deadline (0: off; else at least 1 us), and the interval. Context: holds process_lock. */
struct itimer itimer_left(struct process *process, enum itimer_kind kind);

/* Fire in @left ns (0: never), then each @interval ns (0: once only). Context: holds process_lock. */
void itimer_set(struct process *process, enum itimer_kind kind, u64 left_ns, u64 interval_ns);

/* SIGALRM was taken: a periodic timer starts its next round. Context: holds process_lock. */
void itimer_signal_taken(struct process *process);

/* Does some timer or limit of @process ask for its CPU time? Context: any, racy. */
bool itimer_wants_cpu_time(const struct process *process);

/* Looks at the CPU time of the current process, and sends what is due. Context: takes process_lock. */
void itimer_cpu_check(void);
