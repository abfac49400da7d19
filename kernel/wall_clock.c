/* SPDX-License-Identifier: MIT */
/*
 * kernel/wall_clock.c - what time it is
 *
 * Idea        see wall_clock.h
 * Invariants  see wall_clock.h
 * Locks       none
 * Follow      from sys_time.c   to arch wall_clock_ns_at_boot
 * Tests       tests/guest/clocks.c
 */
#include <kernel/lib/errno.h>
#include <kernel/wall_clock.h>

#define WALL_CLOCK_MAX ((1UL << 63) - 1) /* what a timespec's consumers, Linux among them, hold in 63 bits */

struct wait_queue wall_clock_set_queue = WAIT_QUEUE_INIT(wall_clock_set_queue);

static u64 first_ahead_ns;              /* until programs share the word */
static u64 *ahead_ns = &first_ahead_ns; /* const after wall_clock_share; the word is atomic */
static u32 changes;                     /* atomic */

void __init
wall_clock_init(void)
{
	first_ahead_ns = wall_clock_ns_at_boot();
}

void __init
wall_clock_share(u64 *word)
{
	*word = first_ahead_ns;
	ahead_ns = word;
}

u64
wall_clock_ahead_ns(void)
{
	return READ_ONCE(*ahead_ns);
}

u64
wall_clock_ns(void)
{
	return READ_ONCE(*ahead_ns) + clock_ns();
}

/* Race: two that set it at once: the one whose store comes last has set it. */
int
wall_clock_set(u64 ns)
{
	u64 now = clock_ns();

	if (ns < now || ns > WALL_CLOCK_MAX)
		return -EINVAL;
	WRITE_ONCE(*ahead_ns, ns - now);
	__atomic_fetch_add(&changes, 1, __ATOMIC_SEQ_CST);
	wake_all(&wall_clock_set_queue);
	return 0;
}

/* Why never TIMER_NEVER: that would be a sleep without an end, which nobody asked for. */
u64
wall_clock_moment(u64 ns)
{
	u64 ahead = READ_ONCE(*ahead_ns);

	return ns > ahead ? min_u64(ns - ahead, TIMER_NEVER - 1) : 0;
}

u32
wall_clock_changes(void)
{
	return __atomic_load_n(&changes, __ATOMIC_SEQ_CST);
}
