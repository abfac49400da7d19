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
#include <kernel/panic.h>
#include <kernel/run_queue.h>

#define PULL_TRIES 20 /* for the other queue's lock: two CPUs that pull from each other must both give up */

static u64 idle_mask; /* atomic: I1 */

static struct task *take_from(struct run_queue *from);
static u32 choose_cpu(const struct task *t);
static u32 claim_idle_cpu(const struct task *t, u64 idle);
static void notify(struct run_queue *rq, u32 cpu);
static u32 longest_queue(u64 but);
static u32 shortest_queue(u64 mask);
static bool try_for_a_while(struct spinlock *l);

/*
 * Race: between the two locks @t is on no queue, but RUNNING: a second waker leaves it alone. Somebody may take the CPU
 * from its mask meanwhile: look again.
 */
void
balance_place(struct run_queue *rq, struct task *t)
{
	u32 cpu;

	must_hold(&rq->lock);
	while ((cpu = choose_cpu(t)) != t->cpu) {
		list_init(&t->run_link); /* in no queue for the moment */
		WRITE_ONCE(t->cpu, cpu);
		spin_unlock(&rq->lock);
		rq = &per_cpu(run_queue, cpu);
		spin_lock(&rq->lock);
		if (likely(t->cpus_allowed & BIT(cpu)))
			break;
		cpu_kick(cpu); /* it may have been claimed: it says anew that it idles */
	}
	run_queue_add(rq, t);
	notify(rq, cpu);
	spin_unlock(&rq->lock);
}

void
balance_pull(struct run_queue *rq)
{
	u64 tried = BIT(this_cpu_id());
	struct task *t = NULL;

	while (!t) {
		u32 cpu = longest_queue(tried);

		if (cpu == MAX_CPUS)
			return;
		t = take_from(&per_cpu(run_queue, cpu));
		tried |= BIT(cpu);
	}
	run_queue_add(rq, t);
}

/* The first task of @from that may run here, taken off and made ours; NULL: none, or its lock stays taken. */
static struct task *
take_from(struct run_queue *from)
{
	u32 self = this_cpu_id();
	struct task *t;
	struct task *found = NULL;

	if (!try_for_a_while(&from->lock))
		return NULL;
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
	return found;
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

/* An idle CPU for @t, by preference its last one, struck off the mask; without one the last one, if it may use that. */
static u32
choose_cpu(const struct task *t)
{
	u64 idle = READ_ONCE(idle_mask) & t->cpus_allowed;
	u32 cpu = likely(!idle) ? t->cpu : claim_idle_cpu(t, idle);

	return likely(t->cpus_allowed >> cpu & 1) ? cpu : shortest_queue(t->cpus_allowed);
}

/* One of @idle; t->cpu when somebody else was faster. */
static u32
claim_idle_cpu(const struct task *t, u64 idle)
{
	u32 cpu = t->cpu;

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
			run_queue_compete(rq);
		else
			cpu_kick(cpu);
		rq->ticking = true;
	}
}

/* The CPU for which most tasks wait, none of @but; MAX_CPUS when none waits anywhere. */
static u32
longest_queue(u64 but)
{
	u32 longest = MAX_CPUS;
	u32 most = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		u32 waiting = READ_ONCE(per_cpu(run_queue, cpu).waiting);

		if (!(but & BIT(cpu)) && waiting > most) {
			most = waiting;
			longest = cpu;
		}
	}
	return longest;
}

/* The CPU of @mask for which fewest tasks wait. */
static u32
shortest_queue(u64 mask)
{
	u32 shortest = MAX_CPUS;
	u32 fewest = ~0U;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		u32 waiting = READ_ONCE(per_cpu(run_queue, cpu).waiting);

		if ((mask & BIT(cpu)) && waiting < fewest) {
			fewest = waiting;
			shortest = cpu;
		}
	}
	assertf(shortest < MAX_CPUS, "a task may use the CPUs %#lx only, and none of them runs", mask);
	return shortest;
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
