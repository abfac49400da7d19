/* SPDX-License-Identifier: MIT */
/*
 * kernel/timer.h - call a function at a time
 *
 * Idea        Each CPU keeps its timers in a tree by deadline and programs its one-shot hardware timer for the first of
 *             them, or for the end of the running task's slice, or while it has work for the next sample of what it
 *             does (cputime.h), whichever comes first. Nothing due, no interrupt.
 * Invariants  I1  A timer is in at most one tree, the one of timer->cpu.
 *             I2  The hardware of a CPU is armed no later than its first timer and its slice end.
 * Locks       a CPU's timer lock (RANK_TIMER) guards its tree; callbacks run without it, interrupts off
 * Follow      from wait.h, sched.c, futex   to timer.c, arch timer_arm
 * Tests       selftest=timers
 * See         docs/locking.md
 */
#pragma once

#include <kernel/lib/rbtree.h>
#include <kernel/lib/types.h>

#define NS_PER_SEC 1000000000UL
#define NS_PER_MS 1000000UL
#define NS_PER_US 1000UL
/* A deadline that never comes. */
#define TIMER_NEVER (~0UL)

/* A zeroed struct timer with fn and arg set is ready for timer_set; in a tree only while it is queued. */
struct timer {
	struct rb_node node;
	u64 deadline_ns;       /* clock_ns(); the tree's lock */
	void (*fn)(void *arg); /* owner only, while not queued */
	void *arg;             /* likewise */
	u32 cpu;               /* whose tree; changed only while not queued */
	bool queued;           /* in that tree; its lock, read racily */
};

static inline void
timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
	*t = (struct timer){.fn = fn, .arg = arg};
}

/*
 * timer_set - let @t->fn(@t->arg) be called once at @deadline_ns, or as soon after as interrupts allow, never before
 *
 * The function runs in interrupt context on this CPU and may set its own timer again. A timer that is queued already
 * is moved. Calls for one timer come from one task, or from its function.
 *
 * Returns   nothing
 * Context   any; takes a timer lock
 */
void timer_set(struct timer *t, u64 deadline_ns);

/*
 * timer_cancel - see that @t does not fire; when this returns, its function is not running either
 *
 * Returns   true: it was queued and will not fire; false: it had fired or was never set
 * Context   any but the timer's own function; holds no lock that the function takes
 */
bool timer_cancel(struct timer *t);

/*
 * sleep_until - sleep to @deadline_ns on the clock of clock_ns()
 *
 * Returns   0; -ERESTARTSYS when a signal came first (restart.h)
 * Context   may sleep
 */
int sleep_until(u64 deadline_ns);

/* ---- for arch and the scheduler ---- */

/* The local timer fired, @user: in user mode. Run what is due, arm for what comes next. Context: interrupt. */
void timer_interrupt(bool user);

/* This CPU has work: have cputime_tick() called, again and again until that says no. Context: interrupts off. */
void timer_tick_start(void);

/*
 * timer_slice_set - have sched_tick() called on this CPU at @deadline_ns (TIMER_NEVER: not at all)
 *
 * Returns   nothing
 * Context   interrupts off; takes no lock
 */
void timer_slice_set(u64 deadline_ns);

/*
 * timer_nap - halt this CPU until an interrupt comes, for @ns at most: for who waits for another CPU
 *
 * In a virtual machine this gives the host's CPU to the one that we wait for.
 *
 * Returns   nothing; interrupts are on
 * Context   interrupts off, so that none comes between the caller's look and the halt; takes no lock
 */
void timer_nap(u64 ns);

/* Trees and locks of all CPUs. Context: boot, once, after percpu_init. */
void timers_init(void);
