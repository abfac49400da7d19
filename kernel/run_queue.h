/* SPDX-License-Identifier: MIT */
/*
 * kernel/run_queue.h - the tasks of one CPU: what sched.c and balance.c share
 *
 * Idea        a list in the order of service, and beside it the task that runs
 * Invariants  I1 to I3 of sched.c
 * Locks       run_queue.lock (RANK_RUNQUEUE, interrupts off)
 * Follow      from sched.c, balance.c; nobody else
 * Tests       selftest=threads
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <kernel/timer.h>

struct run_queue {
	struct spinlock lock;
	u32 waiting;          /* length of queue; lock, read racily */
	struct list queue;    /* tasks that wait for this CPU; lock */
	struct task *running; /* the CPU's current task; lock */
	struct task *idle;    /* runs when nobody else wants to; const */
	struct task *dead;    /* ended just now, to be freed by its successor; lock */
	u64 switches;         /* lock, read racily */
	u64 online_ns;        /* when that was; const then */
	bool online;          /* sched_cpu_start has run; own CPU */
	bool ticking;         /* the end of running's slice will be noticed; lock */
};

DECLARE_PER_CPU(struct run_queue, run_queue);

/* Puts @t at the end, takes @t out. Context: holds rq->lock. */
static inline void
run_queue_add(struct run_queue *rq, struct task *t)
{
	list_add_tail(&t->run_link, &rq->queue);
	WRITE_ONCE(rq->waiting, rq->waiting + 1);
}

static inline void
run_queue_del(struct run_queue *rq, struct task *t)
{
	list_del(&t->run_link);
	WRITE_ONCE(rq->waiting, rq->waiting - 1);
}

/* Has sched_tick() called when the running task's slice ends. Context: holds the lock of @rq, which is this CPU's. */
static inline void
run_queue_tick(struct run_queue *rq)
{
	rq->ticking = true;
	timer_slice_set(rq->running->slice_end_ns);
}
