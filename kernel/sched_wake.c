/* SPDX-License-Identifier: MIT */
/*
 * kernel/sched_wake.c - tasks become runnable
 *
 * Idea        A sleeper's state becomes RUNNING under the lock of its queue; then balance.c says which CPU's queue it
 *             joins. It waits its turn there, but one whose time has come may go first.
 * Invariants  I1 to I3 of sched.c
 * Locks       run_queue.lock of the task's CPU, and of this one (RANK_RUNQUEUE, interrupts off), one at a time
 * Follow      from wait.c, lock_wait.c, task.c, signal.c, process.c, kthread.c, fork.c   to balance.c
 * Tests       selftest=threads
 * See         sched.h
 */
#include <kernel/balance.h>
#include <kernel/panic.h>
#include <kernel/run_queue.h>
#include <kernel/sched.h>

static bool state_wake(struct task *t);
static void prefer(struct run_queue *rq, struct task *t);

bool
sched_wake(struct task *t)
{
	u64 flags = irq_save();
	struct run_queue *rq = run_queue_lock_of(t);
	bool slept = state_wake(t);

	/* Race: the task may still be on its way to schedule(), which will then find it RUNNING and keep it. */
	if (slept && rq->running != t && t != rq->idle)
		balance_place(rq, t); /* consumes the lock */
	else
		spin_unlock(&rq->lock);
	irq_restore(flags);
	return slept;
}

void
sched_wake_timed(struct task *t)
{
	bool slept = sched_wake(t);
	struct run_queue *rq = this_cpu_ptr(run_queue);
	u64 flags = spin_lock_irqsave(&rq->lock);

	/* Race: on another CPU it may have run and gone meanwhile. At the end of our queue it is what it was. */
	if (slept && rq->waiting > 0 && list_last(&rq->queue, struct task, run_link) == t)
		prefer(rq, t);
	spin_unlock_irqrestore(&rq->lock, flags);
}

void
sched_add_new(struct task *t)
{
	u64 flags = irq_save();
	struct run_queue *rq = this_cpu_ptr(run_queue);

	assertf(t->state == TASK_RUNNING && !t->switches, "task %d (%s) is not new", t->tid, t->comm);
	spin_lock(&rq->lock);
	t->cpu = this_cpu_id();
	balance_place(rq, t); /* consumes the lock */
	irq_restore(flags);
}

/*
 * Makes a sleeping task RUNNING. False: it was awake.
 *
 * Race: a task that has not reached schedule() yet may change its own state meanwhile, even to DEAD. It is awake then,
 * and whatever it waits for next, it will look at that after this change.
 */
static bool
state_wake(struct task *t)
{
	u8 old = READ_ONCE(t->state);

	if (old == TASK_RUNNING || old == TASK_DEAD)
		return false;
	return __atomic_compare_exchange_n(&t->state, &old, TASK_RUNNING, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* @t, on the queue, is next, and soon. */
static void
prefer(struct run_queue *rq, struct task *t)
{
	struct task *running = rq->running;

	if (running == rq->idle || t->debt_ns || t->weight < running->weight ||
	    clock_ns() - running->started_ns < t->turn_ns)
		return;
	list_del(&t->run_link);
	list_add(&t->run_link, &rq->queue);
	running->need_resched = true;
}
