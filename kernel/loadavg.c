/* SPDX-License-Identifier: MIT */
/*
 * kernel/loadavg.c - how busy the machine was over the last 1, 5, and 15 minutes
 *
 * Idea        see loadavg.h
 * Invariants  see loadavg.h
 * Locks       load_lock
 * Follow      from timer.c   to sched_count.c
 * Tests       tests/guest/proc_sys.c
 */
#include <kernel/loadavg.h>

#include <arch/cpu.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>

#define INTERVAL_NS (5 * NS_PER_SEC)
#define FADED 1024 /* intervals after which nothing is left of what was */

static struct spinlock load_lock = SPINLOCK_INIT(RANK_NONE);
static u64 loads[LOADS];          /* load_lock */
static u64 next_ns = INTERVAL_NS; /* load_lock to change, READ_ONCE: end of the interval that runs */

static void catch_up(u64 now_ns, u64 active);
static u64 mix(u64 load, u64 keep, u64 active);

void
loadavg_tick(u64 now_ns)
{
	u64 flags;

	if (likely(now_ns < READ_ONCE(next_ns)))
		return;
	flags = irq_save();
	if (spin_trylock(&load_lock)) {
		catch_up(now_ns, sched_runnable_count());
		spin_unlock(&load_lock);
	}
	irq_restore(flags);
}

/* Whoever asks is awake only now: the intervals that nobody has sampled were idle. */
void
loadavg_get(u64 out[LOADS])
{
	u64 flags = spin_lock_irqsave(&load_lock);

	catch_up(clock_ns(), 0);
	for (u32 i = 0; i < LOADS; i++)
		out[i] = loads[i];
	spin_unlock_irqrestore(&load_lock, flags);
}

/* @active: tasks in the last of the intervals that have ended; the others were idle. */
static void
catch_up(u64 now_ns, u64 active)
{
	/* Per 5 s of 1, 5, 15 minutes, in 1 / LOAD_ONE. */
	static const u64 keep[LOADS] = {1884, 2014, 2037};
	u64 ended = now_ns < next_ns ? 0 : (now_ns - next_ns) / INTERVAL_NS + 1;

	must_hold(&load_lock);
	next_ns += ended * INTERVAL_NS;
	for (u32 i = 0; i < LOADS && ended; i++) {
		for (u64 idle = min_u64(ended - 1, FADED); idle; idle--)
			loads[i] = mix(loads[i], keep[i], 0);
		loads[i] = mix(loads[i], keep[i], active << LOAD_SHIFT);
	}
}

/* Rounds up while it grows, so that a constant load is reached. */
static u64
mix(u64 load, u64 keep, u64 active)
{
	u64 sum = load * keep + active * (LOAD_ONE - keep);

	return (sum + (active >= load ? LOAD_ONE - 1 : 0)) >> LOAD_SHIFT;
}
