/* SPDX-License-Identifier: MIT */
/*
 * mm/reclaim_batch.h - one batch of pages on their way out: inside reclaim*.c only
 *
 * Idea        see reclaim_batch.c
 * Invariants  see reclaim_batch.c
 * Locks       see reclaim_batch.c
 * Follow      from reclaim.c   to reclaim_batch.c
 * Tests       tests/guest/swap.c, tests/guest/evict.c
 * See         docs/tour.md
 */
#pragma once

#include <mm/lru.h>
#include <mm/reclaim.h>

#define PRIORITY_FORCE 3 /* from here on pages become inactive although they are used */

/* One call of reclaim_pages: on the stack. */
struct reclaim {
	struct node *node;
	struct lruvec *lru;
	u64 target;
	u64 freed;
	u64 scanned;
	u64 deactivated;
	bool kswapd;
	bool force;  /* evict what is used, too */
	bool advice; /* a program's: what is freed is no steal */
	u32 priority;
};

/*
 * reclaim_batch - let up to @most pages of @kind that the policy gives leave memory, if they may
 *
 * Returns   false: there is no page
 * Context   may sleep; current->reclaims
 */
bool reclaim_batch(struct reclaim *r, enum lru_kind kind, u32 most);

/* reclaim_evict - likewise, for the pages of @isolated, each with a reference. Takes them. */
void reclaim_evict(struct reclaim *r, struct list *isolated);

/* reclaim_take_written - free what the disk has taken, unless somebody wanted it back meanwhile. Context: may sleep. */
void reclaim_take_written(struct reclaim *r);
