/* SPDX-License-Identifier: MIT */
/*
 * mm/lazyfree.h - memory that a program has given up, and that it keeps until somebody needs it
 *
 *                  MADV_FREE                       memory is short
 *              page ---------> leaf and page clean ----------------> leaf empty, frame free
 *               ^                    |    ^
 *               |      written       |    `-- used: looked at again later
 *               `--------------------'
 *
 * Idea        The page stays mapped, as clean as if it had just been read, and nothing is behind it: no slot, no file.
 *             It waits on a list of its own, which exists with and without swap. When memory is short, what is clean
 *             still is dropped without any transfer, and the next access finds zeroes; what the processor has marked
 *             as written since is an ordinary page again.
 *             Linux keeps such pages among the inactive file pages, and counts them there; so do the figures here.
 * Invariants  I1  PG_LAZY is set while the page is on LRU_LAZY, or isolated from it and under its page lock.
 *             I2  A page with PG_LAZY is private and in no cache.                               (both: lru_check)
 *             I3  Contents are lost only of a page whose leaves are clean under their table locks, that is not
 *                 PG_DIRTY, and to which nobody but its leaves and reclaim has a reference.
 * Locks       the page lock: PG_LAZY, PG_DIRTY; lruvec->lock: the list
 * Follow      from madvise.c, reclaim.c   to rmap_lazy.c, lru.c
 * Tests       tests/guest/lazyfree.c
 * See         madvise(2), MADV_FREE; docs/mm.md section 10
 */
#pragma once

#include <kernel/lib/types.h>

struct list;
struct lruvec;
struct mm;

/*
 * lazyfree_range - give up the private pages of [@start, @end)
 *
 * What is out of memory is freed at once. Pages and tables that other address spaces use too stay as they are.
 *
 * Context   may sleep; mm->lock for writing; all of the range is private and anonymous
 */
void lazyfree_range(struct mm *mm, u64 start, u64 end);

/* What lazyfree_reclaim did. */
struct lazyfree_result {
	u64 scanned;
	u64 freed;
};

/*
 * lazyfree_reclaim - drop up to @most pages that were given up, longest ago first
 *
 * @force  drop them although they were read lately
 *
 * Context   may sleep; holds no spinlock and no page lock
 */
struct lazyfree_result lazyfree_reclaim(struct lruvec *lru, u64 most, bool force);

/*
 * lazyfree_drop - of the pages on @isolated, take those that were given up, and drop them as far as that is possible
 *
 * Returns   how many became free
 * Context   as lazyfree_reclaim; the caller may hold mm->lock
 * Takes     them and the isolation's references; the others stay on @isolated
 */
u64 lazyfree_drop(struct list *isolated);
