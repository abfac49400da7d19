/* SPDX-License-Identifier: MIT */
/*
 * kernel/sched_count.c - who ran how long, and how often: for /proc and for times(2)
 *
 * Idea        Each queue counts for itself; whoever wants a sum reads them all, a moment old. Only a task's own time is
 *             exact: what it has run since it was last switched to is added.
 * Invariants  none
 * Locks       run_queue.lock of the task's CPU for its time; the rest is read racily
 * Follow      from cputime.c, loadavg.c, kernel/fs/procfs_cpu.c   to run_queue.h
 * Tests       tests/guest/proc_sys.c, tests/guest/cputime.c
 * See         sched.h
 */
#include <kernel/run_queue.h>
#include <kernel/sched.h>

u64
task_runtime_ns(const struct task *t)
{
	struct run_queue *rq;
	u64 flags;
	u64 sum;

	if (t == current)
		return t->runtime_ns + clock_ns() - t->started_ns;
	flags = irq_save();
	rq = run_queue_lock_of(t);
	sum = t->runtime_ns;
	if (rq->running == t)
		sum += clock_ns() - t->started_ns;
	spin_unlock(&rq->lock);
	irq_restore(flags);
	return sum;
}

u64
sched_idle_ns(u32 cpu)
{
	return task_runtime_ns(per_cpu(run_queue, cpu).idle);
}

u64
sched_cpu_started_ns(u32 cpu)
{
	return READ_ONCE(per_cpu(run_queue, cpu).online_ns);
}

/* A task that runs has been switched to once more than away. */
void
sched_switches_away(const struct task *t, u64 *asleep, u64 *preempted)
{
	u64 away = READ_ONCE(t->switches);

	away -= away && READ_ONCE(per_cpu(run_queue, READ_ONCE(t->cpu)).running) == t;
	*preempted = min_u64(READ_ONCE(t->preempted), away);
	*asleep = away - *preempted;
}

u64
sched_runnable_count(void)
{
	u64 sum = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		const struct run_queue *rq = &per_cpu(run_queue, cpu);

		sum += READ_ONCE(rq->waiting) + (READ_ONCE(rq->running) != rq->idle);
	}
	return sum;
}

u64
sched_switch_count(void)
{
	u64 sum = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		sum += READ_ONCE(per_cpu(run_queue, cpu).switches);
	return sum;
}
