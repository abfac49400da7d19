/* SPDX-License-Identifier: MIT */
/*
 * kernel/itimer.c - a process's interval timers, and its limit of CPU time
 *
 * Idea        see itimer.h
 * Invariants  see itimer.h
 * Locks       process_lock; in the interrupt it is only tried
 * Follow      from sys_itimer.c, cputime.c, signal_return.c   to timer.c, signal.c
 * Tests       tests/guest/itimer.c
 */
#include <kernel/itimer.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/rlimit.h>
#include <kernel/signal.h>

#define RETRY_NS (20 * NS_PER_US) /* longer than process_lock is held */

static void real_fired(void *arg);
static u64 round_after(const struct itimer *t, u64 now_ns);
static u64 clock_of(struct process *process, enum itimer_kind kind);
static void cpu_timer_check(struct process *process, enum itimer_kind kind, u64 now_ns, int sig);
static void cpu_limit_check(struct process *process, u64 now_ns);

void
itimer_init(struct process *process)
{
	timer_init(&process->timers.real, real_fired, process);
}

/* Why under the lock: the function, on another CPU, finds it taken and sets the timer again; the cancel sees that. */
void
itimer_exit(struct process *process)
{
	must_hold(&process_lock);
	process->timers.armed = false;
	process->timers.cpu_on = false;
	timer_cancel(&process->timers.real);
}

struct itimer
itimer_left(struct process *process, enum itimer_kind kind)
{
	const struct itimer *t = &process->timers.itimer[kind];
	bool on = kind == ITIMER_REAL ? process->timers.armed : t->deadline_ns != 0;
	u64 now;

	must_hold(&process_lock);
	if (!on)
		return (struct itimer){0, t->interval_ns};
	now = clock_of(process, kind);
	return (struct itimer){max_u64(t->deadline_ns > now ? t->deadline_ns - now : 0, NS_PER_US), t->interval_ns};
}

void
itimer_set(struct process *process, enum itimer_kind kind, u64 left_ns, u64 interval_ns)
{
	struct process_timers *timers = &process->timers;
	struct itimer *t = &timers->itimer[kind];
	u64 now = clock_of(process, kind);

	must_hold(&process_lock);
	*t = (struct itimer){0};
	if (left_ns)
		*t = (struct itimer){now + left_ns < now ? TIMER_NEVER - 1 : now + left_ns, interval_ns};
	if (kind == ITIMER_REAL) {
		timer_cancel(&timers->real);
		timers->armed = left_ns;
		if (left_ns)
			timer_set(&timers->real, t->deadline_ns);
	}
	timers->cpu_on = timers->itimer[ITIMER_VIRTUAL].deadline_ns || timers->itimer[ITIMER_PROF].deadline_ns;
}

static u64
clock_of(struct process *process, enum itimer_kind kind)
{
	struct usage usage;

	if (kind == ITIMER_REAL)
		return clock_ns();
	process_usage(process, &usage);
	return kind == ITIMER_VIRTUAL ? usage.utime_ns : usage.runtime_ns;
}

/* ---- REAL ---- */

/* In an interrupt. What the kernel sends of the standard signals is queued without memory (signal_queue.h). */
static void
real_fired(void *arg)
{
	struct process *process = arg;

	if (!spin_trylock(&process_lock)) {
		timer_set(&process->timers.real, clock_ns() + RETRY_NS);
		return;
	}
	if (process->timers.armed) {
		process->timers.armed = false;
		signal_send_process(process, SIGALRM);
	}
	spin_unlock(&process_lock);
}

void
itimer_signal_taken(struct process *process)
{
	struct process_timers *timers = &process->timers;
	struct itimer *t = &timers->itimer[ITIMER_REAL];

	must_hold(&process_lock);
	if (timers->armed || !t->interval_ns)
		return;
	t->deadline_ns = round_after(t, clock_ns());
	timers->armed = true;
	timer_set(&timers->real, t->deadline_ns);
}

/* The first deadline behind @now_ns: rounds that were missed are left out. */
static u64
round_after(const struct itimer *t, u64 now_ns)
{
	if (t->deadline_ns > now_ns)
		return t->deadline_ns;
	return t->deadline_ns + ((now_ns - t->deadline_ns) / t->interval_ns + 1) * t->interval_ns;
}

/* ---- CPU time ---- */

bool
itimer_wants_cpu_time(const struct process *process)
{
	return READ_ONCE(process->timers.cpu_on) || rlimit_get(process, RLIMIT_CPU) != RLIMIT_INFINITY;
}

void
itimer_cpu_check(void)
{
	struct process *process = current->process;
	struct usage usage;

	spin_lock(&process_lock);
	process_usage(process, &usage);
	cpu_timer_check(process, ITIMER_VIRTUAL, usage.utime_ns, SIGVTALRM);
	cpu_timer_check(process, ITIMER_PROF, usage.runtime_ns, SIGPROF);
	cpu_limit_check(process, usage.runtime_ns);
	spin_unlock(&process_lock);
}

static void
cpu_timer_check(struct process *process, enum itimer_kind kind, u64 now_ns, int sig)
{
	struct process_timers *timers = &process->timers;
	struct itimer *t = &timers->itimer[kind];

	if (!t->deadline_ns || now_ns < t->deadline_ns)
		return;
	t->deadline_ns = t->interval_ns ? round_after(t, now_ns) : 0;
	timers->cpu_on = timers->itimer[ITIMER_VIRTUAL].deadline_ns || timers->itimer[ITIMER_PROF].deadline_ns;
	signal_send_process(process, sig);
}

/* Linux's way to repeat SIGXCPU: the soft limit itself moves on by a second. */
static void
cpu_limit_check(struct process *process, u64 now_ns)
{
	struct rlimit *limit = &process->limits[RLIMIT_CPU];
	u64 seconds = now_ns / NS_PER_SEC;

	if (limit->soft == RLIMIT_INFINITY || seconds < limit->soft)
		return;
	if (seconds >= limit->hard) {
		signal_send_process(process, SIGKILL);
		return;
	}
	signal_send_process(process, SIGXCPU);
	WRITE_ONCE(limit->soft, limit->soft + 1);
}
