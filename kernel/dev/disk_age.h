/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/disk_age.h - when is a request lost?
 *
 * Idea        A disk is looked at about once a second while something is in flight. What counts is how long the oldest
 *             request has been the oldest, in time that was watched:
 *               - a device that works through a long queue slowly, in order, answers; each answer makes another request
 *                 the oldest, whose time begins then. One that forgets a request and answers the others does not.
 *               - when the host stops the whole machine, no look happens, and the clock jumps by all that time. The
 *                 device had no more chance to answer than we had to look; so one look counts for LOOK_MOST_NS at most.
 * Invariants  none
 * Locks       the disk's
 * Follow      from block.c
 * Tests       tests/host/disk_age_test.c, kernel/selftest_disk.c
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/timer.h>

#define LOOK_MOST_NS (2 * NS_PER_SEC)

struct disk_age {
	u64 oldest;    /* serial number of the request that was the oldest at the last look; 0: there was none */
	u64 waited_ns; /* for how long it has been that */
	u64 looked_ns; /* when the last look was */
};

/*
 * disk_age_look - a look at @now_ns finds that request number @oldest is the oldest in flight; 0: none is
 *
 * Returns   true: it is lost, for it has been the oldest for more than @timeout_ns
 * Context   the disk's lock
 */
static inline bool
disk_age_look(struct disk_age *age, u64 oldest, u64 now_ns, u64 timeout_ns)
{
	if (oldest && oldest == age->oldest)
		age->waited_ns += min_u64(now_ns - age->looked_ns, LOOK_MOST_NS);
	else
		age->waited_ns = 0;
	age->oldest = oldest;
	age->looked_ns = now_ns;
	return oldest && age->waited_ns > timeout_ns;
}
