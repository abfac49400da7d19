/* SPDX-License-Identifier: MIT */
/*
 * kernel/wait.h - sleep until a condition becomes true
 *
 * Idea        The sleeper puts itself on the queue, marks itself asleep, and only then looks at the condition; the
 *             waker makes the condition true and only then looks at the queue. Whatever the interleaving, one of them
 *             sees the other:
 *
 *                 sleeper                          waker
 *                 join queue, state = sleeping     condition = true
 *                 ---- full barrier ----           ---- full barrier ----
 *                 condition? then do not sleep     anyone on the queue? then wake him
 *                 schedule()
 *
 * Invariants  I1  An entry is queued only while its owner is inside a wait_event. It is taken off by whoever wakes it,
 *                 or by its owner.
 * Locks       wait_queue.lock (RANK_WAIT, interrupts off)
 * Follow      from everywhere   to wait.c, sched_wake.c
 * Tests       selftest=threads
 * See         docs/locking.md
 */
#pragma once

#include <kernel/lib/errno.h>
#include <kernel/lib/list.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

struct wait_queue {
	struct spinlock lock;
	struct list waiters; /* struct wait_entry, longest waiting first; lock */
};

/* One sleeping task, on its own stack. */
struct wait_entry {
	struct list link;
	struct task *task;
	bool queued; /* lock; read by the owner without it */
};

#define WAIT_QUEUE_INIT(name)                                                          \
	{                                                                              \
		.lock = SPINLOCK_INIT(RANK_WAIT), .waiters = LIST_INIT((name).waiters) \
	}

static inline void
wait_init(struct wait_queue *q)
{
	spin_init(&q->lock, RANK_WAIT);
	list_init(&q->waiters);
}

/*
 * wake_one, wake_all - let the longest waiting task, or all, look at their condition again
 *
 * Returns   the number of tasks taken off the queue
 * Context   any, interrupts too; takes the queue's lock only when somebody waits
 */
u32 wake_one(struct wait_queue *q);
u32 wake_all(struct wait_queue *q);

/* ---- What the macros below are made of; of use where a condition must be looked at under a lock. ---- */

/* Joins @q, if not on it, and marks the current task asleep in @state. Then look at the condition, then schedule(). */
void wait_prepare(struct wait_queue *q, struct wait_entry *entry, enum task_state state);

/* Joins @q, if not on it, for a task that is marked asleep already (task_state_set). Then look, then schedule(). */
void wait_join(struct wait_queue *q, struct wait_entry *entry);

/* Awake again, off the queue. For an entry that is zeroed or was given to wait_prepare. */
void wait_finish(struct wait_queue *q, struct wait_entry *entry);

/* Should a sleep in @state end early? 0; INTERRUPTIBLE: -ERESTARTSYS (restart.h); KILLABLE: -EINTR. */
int wait_interrupted(enum task_state state);

/* Arms the current task's own timer to wake it, and disarms it. With TIMER_NEVER both do nothing. */
void wait_timer_start(u64 deadline_ns);
void wait_timer_stop(u64 deadline_ns);

static inline bool
wait_timed_out(u64 deadline_ns)
{
	return deadline_ns != TIMER_NEVER && clock_ns() >= deadline_ns;
}

/*
 * The loop of every wait: evaluates to 0, what wait_interrupted() says, or -ETIMEDOUT. A macro, because the condition
 * is evaluated again and again. The condition also runs in a task marked asleep: it must not sleep itself.
 * Why twice: before joining the queue, because it is mostly true by then; behind it, because of the race drawn above.
 */
#define wait_loop(q, cond, state, deadline_ns)                            \
	({                                                                \
		struct wait_entry wait_entry_ = {0};                      \
		int wait_result_ = 0;                                     \
		may_sleep();                                              \
		while (!(cond)) {                                         \
			wait_prepare((q), &wait_entry_, (state));         \
			if (cond)                                         \
				break;                                    \
			wait_result_ = wait_interrupted(state);           \
			if (!wait_result_ && wait_timed_out(deadline_ns)) \
				wait_result_ = -ETIMEDOUT;                \
			if (wait_result_)                                 \
				break;                                    \
			schedule();                                       \
		}                                                         \
		wait_finish((q), &wait_entry_);                           \
		wait_result_;                                             \
	})

/*
 * wait_event - sleep until @cond is true; nothing else ends it
 * wait_event_interruptible - 0 when @cond is true; -ERESTARTSYS when a signal is pending first: hand it on (restart.h)
 * wait_event_killable - 0 when @cond is true; -EINTR when a fatal signal is pending first
 *
 * Context   may sleep; whoever makes @cond true calls wake_one or wake_all on @q afterwards
 */
#define wait_event(q, cond) ((void)wait_loop((q), (cond), TASK_UNINTERRUPTIBLE, TIMER_NEVER))
#define wait_event_interruptible(q, cond) wait_loop((q), (cond), TASK_INTERRUPTIBLE, TIMER_NEVER)
#define wait_event_killable(q, cond) wait_loop((q), (cond), TASK_KILLABLE, TIMER_NEVER)

/*
 * wait_event_timeout - 0, or -ETIMEDOUT when clock_ns() reaches @deadline_ns first
 * wait_event_timeout_interruptible - likewise, or -ERESTARTSYS
 */
#define wait_timed(q, cond, state, deadline_ns)                                       \
	({                                                                            \
		u64 wait_deadline_ = (deadline_ns);                                   \
		int wait_timed_result_;                                               \
		wait_timer_start(wait_deadline_);                                     \
		wait_timed_result_ = wait_loop((q), (cond), (state), wait_deadline_); \
		wait_timer_stop(wait_deadline_);                                      \
		wait_timed_result_;                                                   \
	})

#define wait_event_timeout(q, cond, deadline_ns) wait_timed((q), (cond), TASK_UNINTERRUPTIBLE, (deadline_ns))
#define wait_event_timeout_interruptible(q, cond, deadline_ns) \
	wait_timed((q), (cond), TASK_INTERRUPTIBLE, (deadline_ns))
