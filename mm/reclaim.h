/* SPDX-License-Identifier: MIT */
/*
 * mm/reclaim.h - take memory back from those who have not used it lately
 *
 * Idea        see reclaim.c
 * Invariants  see reclaim.c
 * Locks       see reclaim.c
 * Follow      from page_ladder.c, kswapd.c   to reclaim_batch.c, swap_io.c
 * Tests       tests/guest/swap.c
 * See         docs/tour.md
 */
#pragma once

#include <kernel/lib/types.h>

struct list;
struct page;
struct node;

/* What becomes of a page that was looked at. */
enum page_fate {
	FATE_BACK,        /* to the list that the policy names */
	FATE_KEEP,        /* not now: it begins anew */
	FATE_UNEVICTABLE, /* locked in memory */
	FATE_EVICT,       /* out */
};

/* What reclaim knows of a page when it decides. */
struct page_facts {
	bool locked; /* in memory, by mlock */
	bool out;    /* the policy lets it go */
	bool writing;
	bool has_place; /* it has a slot, or one is free */
};

/*
 * reclaim_decide - the table at the head of reclaim.c
 *
 * Returns   the fate
 * Context   pure
 */
enum page_fate reclaim_decide(const struct page_facts *facts);

extern u32 sysctl_swappiness; /* vm.swappiness: balance.h; READ_ONCE */

/*
 * reclaim_pages - free about @target pages of @node
 *
 * @kswapd  in the background: for the counters, and no limit to the time
 *
 * Returns   pages freed; 0: nothing can be freed now
 * Context   may sleep; holds no spinlock and no page lock. The caller may hold any mm->lock
 */
u64 reclaim_pages(struct node *node, u64 target, bool kswapd);

/*
 * reclaim_pageout - evict the pages of @isolated, used or not, as far as that is possible
 * reclaim_cold - let them be the next to be looked at, and forget that they were used
 *
 * Neither counts in pgscan and pgsteal. Simple: on Linux a page that pageout has written counts when reclaim finds it
 * at the end of its list; here it is freed without being looked for.
 *
 * Context   as reclaim_pages; the caller may hold mm->lock
 * Takes     pages that were isolated (lru.h), linked by page->link
 */
void reclaim_pageout(struct list *isolated);
void reclaim_cold(struct list *isolated);

/* reclaim_harvest - free what the disk has taken, as far as nobody wants it. Context: as reclaim_pageout. */
void reclaim_harvest(void);

/* reclaim_possible - is there anything that reclaim could free, or a place to put it? Context: any; a moment old. */
bool reclaim_possible(void);

/* reclaim_settle - wait until nothing is in flight, and free what came back. For mm_check. Context: may sleep. */
void reclaim_settle(void);
