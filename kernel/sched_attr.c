/* SPDX-License-Identifier: MIT */
/*
 * kernel/sched_attr.c - how much of a CPU a task gets, and of which
 *
 * Idea        see sched_attr.h
 * Invariants  see sched_attr.h
 * Locks       the run queue lock of the task's CPU
 * Follow      from sys_sched.c, sched.c   to balance.c
 * Tests       tests/guest/nice.c, tests/guest/affinity.c
 */
#include <kernel/balance.h>
#include <kernel/panic.h>
#include <kernel/run_queue.h>
#include <kernel/sched.h>
#include <kernel/sched_attr.h>

#define SLICE_MIN_NS (100 * NS_PER_US)
#define SLICE_MAX_NS (200 * NS_PER_MS)
#define WEIGHT_SHIFT 20 /* more digits while multiplying */

static void weight_change(struct task *t, s32 nice, enum sched_policy policy, bool reset_on_fork);
static bool is_queued(const struct run_queue *rq, const struct task *t);

u32
sched_weight(s32 nice)
{
	u64 weight = (u64)SCHED_WEIGHT_DEFAULT << WEIGHT_SHIFT;

	assertf(nice >= NICE_MIN && nice <= NICE_MAX, "nice value %d", nice);
	for (; nice > 0; nice--)
		weight = weight * 4 / 5;
	for (; nice < 0; nice++)
		weight = weight * 5 / 4;
	return (u32)(weight >> WEIGHT_SHIFT);
}

u64
sched_slice(const struct run_queue *rq, const struct task *t)
{
	u64 tasks = rq->waiting + 1;
	u64 load = rq->load + t->weight;

	if (likely(load == tasks * t->weight))
		return SCHED_SLICE_NS;
	return min_u64(max_u64(SCHED_SLICE_NS * tasks * t->weight / load, SLICE_MIN_NS), SLICE_MAX_NS);
}

/* Of a task that waits itself, the others are one less. */
u64
sched_slice_now(struct task *t)
{
	u64 flags = irq_save();
	struct run_queue *rq = run_queue_lock_of(t);
	bool queued = is_queued(rq, t);
	u64 slice;

	if (queued)
		run_queue_del(rq, t);
	slice = sched_slice(rq, t);
	if (queued)
		run_queue_add(rq, t);
	spin_unlock(&rq->lock);
	irq_restore(flags);
	return slice;
}

void
sched_set_nice(struct task *t, s32 nice)
{
	weight_change(t, nice, t->policy, t->reset_on_fork);
}

void
sched_set_policy(struct task *t, enum sched_policy policy, bool reset_on_fork)
{
	weight_change(t, t->nice, policy, reset_on_fork);
}

static void
weight_change(struct task *t, s32 nice, enum sched_policy policy, bool reset_on_fork)
{
	u32 weight = policy == SCHED_IDLE ? SCHED_WEIGHT_IDLE : sched_weight(nice);
	u64 flags = irq_save();
	struct run_queue *rq = run_queue_lock_of(t);

	if (is_queued(rq, t))
		rq->load += (u64)weight - t->weight;
	t->nice = nice;
	t->policy = policy;
	t->reset_on_fork = reset_on_fork;
	t->weight = weight;
	spin_unlock(&rq->lock);
	irq_restore(flags);
}

/* Race: between the two locks of balance_place() a task is in no queue; it is counted when it gets into one. */
static bool
is_queued(const struct run_queue *rq, const struct task *t)
{
	return t->state == TASK_RUNNING && rq->running != t && !list_empty(&t->run_link);
}

void
sched_attr_fork(struct task *child, const struct task *parent)
{
	child->cpus_allowed = READ_ONCE(parent->cpus_allowed);
	child->nice = READ_ONCE(parent->nice);
	child->policy = READ_ONCE(parent->policy);
	child->weight = READ_ONCE(parent->weight);
	if (likely(!parent->reset_on_fork))
		return;
	child->policy = SCHED_OTHER;
	child->nice = child->nice < 0 ? 0 : child->nice;
	child->weight = sched_weight(child->nice);
}

/*
 * Race: the task is on its way from one queue to another: balance_place() looks at cpus_allowed again under the lock
 * that is taken here.
 */
void
sched_set_affinity(struct task *t, u64 mask)
{
	u64 flags = irq_save();
	struct run_queue *rq = run_queue_lock_of(t);
	bool here = mask & BIT(t->cpu);

	t->cpus_allowed = mask;
	if (!here && is_queued(rq, t)) {
		run_queue_del(rq, t);
		balance_place(rq, t); /* consumes the lock */
	} else {
		if (!here && rq->running == t && t != current)
			cpu_kick(t->cpu);
		spin_unlock(&rq->lock);
	}
	irq_restore(flags);
	if (t == current && !here)
		schedule();
}

bool
sched_misplaced(struct task *t)
{
	u64 flags = irq_save();
	struct run_queue *rq = run_queue_lock_of(t);
	bool misplaced = rq->running == t && !(t->cpus_allowed & BIT(t->cpu));

	spin_unlock(&rq->lock);
	irq_restore(flags);
	return misplaced;
}
