/* SPDX-License-Identifier: MIT */
/*
 * kernel/balance.h - spreading work over the CPUs
 *
 * Idea        see balance.c
 * Invariants  see balance.c
 * Locks       run_queue.lock
 * Follow      from sched.c   to balance.c
 * Tests       selftest=threads
 */
#pragma once

struct run_queue;
struct task;

/*
 * balance_place - queue @t, which is RUNNING and on no queue, on the best CPU for it
 *
 * @rq  the queue of t->cpu
 *
 * Returns   nothing
 * Context   holds rq->lock, interrupts off; consumes the lock
 */
void balance_place(struct run_queue *rq, struct task *t);

/*
 * balance_pull - take a task from the longest queue of another CPU, if there is one and its lock is free
 *
 * Returns   nothing; @rq may have a task more
 * Context   holds rq->lock, which is this CPU's, interrupts off
 */
void balance_pull(struct run_queue *rq);

/* Has an idle CPU, if any, look for a task to pull. Context: any. */
void balance_nudge(void);

/* This CPU has nothing to do and may be given work; has found some, or will look for some. Context: the idle task. */
void balance_idle_begin(void);
void balance_idle_end(void);
