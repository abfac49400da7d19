/* SPDX-License-Identifier: MIT */
/*
 * kernel/balance.c - spreading work over the CPUs
 *
 * Idea        Work spreads in three ways: a task that wakes up goes to an idle CPU if there is one; a CPU that runs out
 *             of work pulls a task from the longest queue; at the end of a slice a CPU with a queue nudges an idle one
 *             to do so.
 *             Simple: all CPUs are equally near to each other. A bigger kernel prefers those that share a cache.
 * Invariants  I1  idle_mask has a CPU's bit only while that CPU has nothing to do and nobody has promised it work.
 * Locks       run_queue.lock. Two are never waited for at once: pulling only tries the second.
 * Follow      from sched.c   to arch cpu_kick
 * Tests       selftest=threads
 * See         docs/locking.md
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/balance.h>
#include <kernel/run_queue.h>

#define PULL_TRIES 20 /* for the other queue's lock: two CPUs that pull from each other must both give up */

static u64 idle_mask; /* atomic: I1 */

static u32 claim_idle_cpu(struct task *t);
static void notify(struct run_queue *rq, u32 cpu);
static struct run_queue *longest_queue(u32 self);
static bool try_for_a_while(struct spinlock *l);

/* Race: between the two locks @t is on no queue, but RUNNING: a second waker leaves it alone. */
void
balance_place(struct run_queue *rq, struct task *t)
{
	u32 cpu = claim_idle_cpu(t);

	must_hold(&rq->lock);
	if (cpu != t->cpu) {
		WRITE_ONCE(t->cpu, cpu);
		spin_unlock(&rq->lock);
		rq = &per_cpu(run_queue, cpu);
		spin_lock(&rq->lock);
	}
	run_queue_add(rq, t);
	notify(rq, cpu);
	spin_unlock(&rq->lock);
}

void
balance_pull(struct run_queue *rq)
{
	u32 self = this_cpu_id();
	struct run_queue *from = longest_queue(self);
	struct task *t;
	struct task *found = NULL;

	if (!from || !try_for_a_while(&from->lock))
		return;
	list_for_each (t, &from->queue, run_link) {
		found = t->cpus_allowed & BIT(self) ? t : NULL;
		if (found)
			break;
	}
	if (found) {
		run_queue_del(from, found);
		WRITE_ONCE(found->cpu, self);
	}
	spin_unlock(&from->lock);
	if (found)
		run_queue_add(rq, found);
}

void
balance_nudge(void)
{
	u64 idle = READ_ONCE(idle_mask) & ~BIT(this_cpu_id());

	if (idle)
		cpu_kick((u32)__builtin_ctzll(idle));
}

void
balance_idle_begin(void)
{
	__atomic_fetch_or(&idle_mask, BIT(this_cpu_id()), __ATOMIC_SEQ_CST);
}

void
balance_idle_end(void)
{
	__atomic_fetch_and(&idle_mask, ~BIT(this_cpu_id()), __ATOMIC_SEQ_CST);
}

/* An idle CPU for @t, by preference its last one, struck off the mask; t->cpu when there is none. */
static u32
claim_idle_cpu(struct task *t)
{
	u64 idle = READ_ONCE(idle_mask) & t->cpus_allowed;
	u32 cpu = t->cpu;

	if (likely(!idle))
		return cpu;
	if (!(idle & BIT(cpu)))
		cpu = (u32)__builtin_ctzll(idle);
	if (__atomic_fetch_and(&idle_mask, ~BIT(cpu), __ATOMIC_SEQ_CST) & BIT(cpu))
		return cpu;
	return t->cpu;
}

/* A task was queued on @cpu: end its idling, or have it watch the slice of the task that runs. */
static void
notify(struct run_queue *rq, u32 cpu)
{
	bool here = cpu == this_cpu_id();

	if (rq->running == rq->idle) {
		if (here)
			rq->idle->need_resched = rq->online;
		else
			cpu_kick(cpu);
	} else if (!rq->ticking) {
		if (here)
			run_queue_tick(rq);
		else
			cpu_kick(cpu);
		rq->ticking = true;
	}
}

/* The queue where most tasks wait, of the other CPUs; NULL when none waits anywhere. */
static struct run_queue *
longest_queue(u32 self)
{
	struct run_queue *longest = NULL;
	u32 most = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct run_queue *rq = &per_cpu(run_queue, cpu);

		if (cpu != self && READ_ONCE(rq->waiting) > most) {
			most = READ_ONCE(rq->waiting);
			longest = rq;
		}
	}
	return longest;
}

static bool
try_for_a_while(struct spinlock *l)
{
	for (u32 i = 0; i < PULL_TRIES; i++) {
		if (spin_trylock(l))
			return true;
		cpu_relax();
	}
	return false;
}
