/* SPDX-License-Identifier: MIT */
/*
 * kernel/cputime.c - CPU time told apart: user and system
 *
 * Idea        see cputime.h
 * Invariants  see cputime.h
 * Locks       see cputime.h
 * Follow      from timer.c   to sched_count.c
 * Tests       tests/guest/cputime.c
 */
#include <kernel/cputime.h>
#include <kernel/itimer.h>
#include <kernel/percpu.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/task.h>

/* Samples of one CPU. Own CPU, interrupts off; read racily. */
static DEFINE_PER_CPU(struct cpu_times, cpu_samples);

static void sample_task(struct task *t, bool user);
static void sample_cpu(const struct task *t, u64 now_ns, bool user);

bool
cputime_tick(u64 now_ns, bool user)
{
	struct task *t = current;

	if (sched_is_idle(t))
		return false;
	sample_task(t, user);
	/* Why need_resched: it ends no sleep, and makes the task pass through user_return_work(). */
	if (t->process && itimer_wants_cpu_time(t->process)) {
		t->signal.cpu_check = true;
		t->need_resched = true;
	}
	sample_cpu(t, now_ns, user);
	return true;
}

static void
sample_task(struct task *t, bool user)
{
	u64 *part = user ? &t->samples.utime_ns : &t->samples.stime_ns;

	WRITE_ONCE(*part, *part + task_runtime_ns(t) - t->samples.utime_ns - t->samples.stime_ns);
}

/* The time since the CPU's last sample that it was not idle goes to what it does now. */
static void
sample_cpu(const struct task *t, u64 now_ns, bool user)
{
	struct cpu_times *s = this_cpu_ptr(cpu_samples);
	u64 busy = now_ns - sched_cpu_started_ns(this_cpu_id()) - sched_idle_ns(this_cpu_id());
	u64 known = s->user_ns + s->nice_ns + s->system_ns;
	u64 *part = &s->system_ns;

	if (user)
		part = t->nice > 0 ? &s->nice_ns : &s->user_ns;
	if (busy > known)
		WRITE_ONCE(*part, *part + busy - known);
}

void
cputime_of_cpu(u32 cpu, struct cpu_times *out)
{
	const struct cpu_times *s = &per_cpu(cpu_samples, cpu);

	out->user_ns = READ_ONCE(s->user_ns);
	out->nice_ns = READ_ONCE(s->nice_ns);
	out->system_ns = READ_ONCE(s->system_ns);
	out->idle_ns = sched_idle_ns(cpu);
}
