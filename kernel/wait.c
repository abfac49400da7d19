/* SPDX-License-Identifier: MIT */
/*
 * kernel/wait.c - wait queues
 *
 * Idea        see wait.h
 * Invariants  see wait.h; and
 *             I2  A waker touches an entry and its task for the last time when it clears entry->queued. So an owner
 *                 that finds it cleared may go away, stack and all, without taking the lock.
 * Locks       see wait.h
 * Follow      from wait.h   to sched_wake.c, timer.c
 * Tests       selftest=threads
 */
#include <kernel/panic.h>
#include <kernel/wait.h>

static u32 wake_up_to(struct wait_queue *q, u32 max);

u32
wake_one(struct wait_queue *q)
{
	return wake_up_to(q, 1);
}

u32
wake_all(struct wait_queue *q)
{
	return wake_up_to(q, ~0U);
}

void
wait_prepare(struct wait_queue *q, struct wait_entry *entry, enum task_state state)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	if (!entry->queued) {
		entry->task = current;
		entry->queued = true;
		list_add_tail(&entry->link, &q->waiters);
	}
	/* Why under the lock: a waker takes us off the queue, so it must find us asleep. */
	task_state_set(state);
	spin_unlock_irqrestore(&q->lock, flags);
}

void
wait_join(struct wait_queue *q, struct wait_entry *entry)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	if (!entry->queued) {
		entry->task = current;
		entry->queued = true;
		list_add_tail(&entry->link, &q->waiters);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	/* Race: the waker makes the condition true, then looks at the queue; we join the queue, then look. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void
wait_finish(struct wait_queue *q, struct wait_entry *entry)
{
	u64 flags;

	WRITE_ONCE(current->state, TASK_RUNNING);
	if (!__atomic_load_n(&entry->queued, __ATOMIC_ACQUIRE))
		return;
	flags = spin_lock_irqsave(&q->lock);
	if (entry->queued)
		list_del(&entry->link);
	spin_unlock_irqrestore(&q->lock, flags);
}

int
wait_interrupted(enum task_state state)
{
	if (state == TASK_INTERRUPTIBLE)
		return READ_ONCE(current->signal_pending) ? -ERESTARTSYS : 0;
	if (state == TASK_KILLABLE)
		return signal_state_fatal(&current->signal) ? -EINTR : 0;
	return 0;
}

void
wait_timer_start(u64 deadline_ns)
{
	if (deadline_ns != TIMER_NEVER)
		timer_set(&current->sleep_timer, deadline_ns);
}

void
wait_timer_stop(u64 deadline_ns)
{
	if (deadline_ns != TIMER_NEVER)
		timer_cancel(&current->sleep_timer);
}

/* Wakes the first @max waiters and takes them off the queue. */
static u32
wake_up_to(struct wait_queue *q, u32 max)
{
	u32 woken = 0;
	u64 flags;

	/* The caller's condition, then the queue: see the drawing in wait.h. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (list_empty(&q->waiters))
		return 0;
	flags = spin_lock_irqsave(&q->lock);
	while (woken < max && !list_empty(&q->waiters)) {
		struct wait_entry *entry = list_first(&q->waiters, struct wait_entry, link);

		sched_wake(entry->task);
		list_del(&entry->link);
		__atomic_store_n(&entry->queued, false, __ATOMIC_RELEASE);
		woken++;
	}
	spin_unlock_irqrestore(&q->lock, flags);
	return woken;
}
