/* SPDX-License-Identifier: MIT */
/*
 * kernel/ratelimit.h - lines that may come by the thousand
 *
 * Idea        Of one kind of line ten are printed in five seconds, as on Linux, and then how many were left out.
 * Invariants  none
 * Locks       none: two that come at once may both be printed
 * Follow      from dev/block.c, swap_device.c   to printk.h
 * Tests       tests/guest/swapfail.c
 */
#pragma once

#include <kernel/printk.h>
#include <kernel/timer.h>

#define RATELIMIT_LINES 10
#define RATELIMIT_NS (5 * NS_PER_SEC)

struct ratelimit {
	u64 since_ns;
	u32 lines;
};

/* ratelimit_ok - may one more line of this kind be printed? Context: any. */
static inline bool
ratelimit_ok(struct ratelimit *r)
{
	u64 now = clock_ns();

	if (!r->since_ns || now - r->since_ns > RATELIMIT_NS) {
		if (r->lines > RATELIMIT_LINES)
			pr_warn("%u lines like the next one were left out\n", r->lines - RATELIMIT_LINES);
		r->since_ns = now;
		r->lines = 0;
	}
	return r->lines++ < RATELIMIT_LINES;
}
