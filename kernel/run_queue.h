/* SPDX-License-Identifier: MIT */
/*
 * kernel/run_queue.h - the tasks of one CPU: what the scheduler and balance.c share
 *
 * Idea        a list in the order of service, and beside it the task that runs
 * Invariants  I1 to I3 of sched.c
 * Locks       run_queue.lock (RANK_RUNQUEUE, interrupts off)
 * Follow      from sched.c, sched_wake.c, sched_count.c, sched_attr.c, balance.c; nobody else
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
	u64 load;             /* sum of the weights of its tasks; lock */
	struct list queue;    /* tasks that wait for this CPU; lock */
	struct task *running; /* the CPU's current task; lock */
	struct task *idle;    /* runs when nobody else wants to; const */
	struct task *gone;    /* ran before, has ended or may not use this CPU: its successor sees it off; lock */
	u64 switches;         /* lock, read racily */
	u64 online_ns;        /* when that was; const then */
	bool online;          /* sched_cpu_start has run; own CPU */
	bool ticking;         /* the end of running's slice will be noticed; lock */
	u64 tick_ns;          /* ticking: when that was to be, as far as this CPU itself asked for it; lock */
};

DECLARE_PER_CPU(struct run_queue, run_queue);

/*
 * run_queue_lock_of - take the lock of the queue that @t belongs to
 *
 * Race: while we wait for it, @t may be moved: look again.
 *
 * Returns   that queue
 * Context   interrupts off
 */
static inline struct run_queue *
run_queue_lock_of(const struct task *t)
{
	for (;;) {
		u32 cpu = READ_ONCE(t->cpu);
		struct run_queue *rq = &per_cpu(run_queue, cpu);

		spin_lock(&rq->lock);
		if (likely(t->cpu == cpu))
			return rq;
		spin_unlock(&rq->lock);
	}
}

/* Puts @t at the end, takes @t out. Context: holds rq->lock. */
static inline void
run_queue_add(struct run_queue *rq, struct task *t)
{
	list_add_tail(&t->run_link, &rq->queue);
	rq->load += t->weight;
	WRITE_ONCE(rq->waiting, rq->waiting + 1);
}

static inline void
run_queue_del(struct run_queue *rq, struct task *t)
{
	list_del(&t->run_link);
	rq->load -= t->weight;
	WRITE_ONCE(rq->waiting, rq->waiting - 1);
}

/* Has sched_tick() called at @when_ns. Context: holds the lock of @rq, which is this CPU's. */
static inline void
run_queue_tick(struct run_queue *rq, u64 when_ns)
{
	rq->ticking = true;
	rq->tick_ns = when_ns;
	timer_slice_set(when_ns);
}

/*
 * Somebody waits for this CPU, and nobody did before: the running task's slice counts from now on, at the latest. While
 * it was alone it owed nobody anything. Context: as above.
 */
static inline void
run_queue_compete(struct run_queue *rq)
{
	rq->running->slice_end_ns = max_u64(rq->running->slice_end_ns, clock_ns());
	run_queue_tick(rq, rq->running->slice_end_ns);
}
