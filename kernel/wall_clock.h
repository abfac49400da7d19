/* SPDX-License-Identifier: MIT */
/*
 * kernel/wall_clock.h - what time it is: CLOCK_REALTIME, which somebody may set
 *
 * Idea        One word: what the wall clock is ahead of clock_ns(). Setting the clock stores the word; reading adds it.
 *             So a reader on any CPU sees the old time or the new one and nothing in between, without a lock. Whoever
 *             sleeps until a moment of the wall clock is woken when it is set, and looks again.
 *             Simple: no adjustment of the rate (NTP), no leap seconds: TAI is REALTIME.
 * Invariants  I1  The wall clock is never behind clock_ns(): the epoch is before the boot.
 * Locks       none; the word is atomic
 * Follow      from sys_time.c, futex.c, fs/   to arch clock_ns
 * Tests       tests/guest/clocks.c
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/wait.h>

/* Takes the time from the machine. Context: boot, once, after clock_init. */
void wall_clock_init(void);

/* wall_clock_share - from now on the word is @word, which programs read. Context: boot, before the first program. */
void wall_clock_share(u64 *word);

/* Nanoseconds since 1970. Context: any. */
u64 wall_clock_ns(void);

/* How far the wall clock is ahead of clock_ns(). Context: any. */
u64 wall_clock_ahead_ns(void);

/*
 * wall_clock_set - from now on it is @ns
 *
 * Returns   0; -EINVAL: that was before the boot by clock_ns(), or is beyond the year 2262
 * Context   may take locks of wait queues; the caller then tells the futexes
 */
int wall_clock_set(u64 ns);

/* The moment of clock_ns() when it will be @ns, as the clock is set now; 0 for the past. Context: any. */
u64 wall_clock_moment(u64 ns);

/* How often it was set. Context: any. */
u32 wall_clock_changes(void);

/* Woken each time it is set. */
extern struct wait_queue wall_clock_set_queue;
