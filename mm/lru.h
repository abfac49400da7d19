/* SPDX-License-Identifier: MIT */
/*
 * mm/lru.h - pages of programs in the order in which they may leave memory
 *
 *                       first touch, swap-in                 used again while inactive
 *              .-------------> inactive -------------------------------> active
 *              |                  |     <-------------------------------   |
 *           free <--- reclaim ----' tail        active too long          tail
 *
 * Idea        Two lists with a second chance. A page begins inactive; what is found used at the tail of the inactive
 *             list becomes active, what was not used leaves memory. The active list gives its tail back when it
 *             outgrows its share. Whether a page was used, its leaves' accessed bits say.
 *             Pages that are locked in memory (mlock) wait on a third list and are not looked at.
 * Invariants  I1  PG_LRU is set if and only if the page is on a list, and PG_ACTIVE says on which; PG_UNEVICTABLE the
 *                 third.
 *             I2  count[l] is the length of lists[l].                                                 (lru_check)
 *             I3  A page on a list has a reference of somebody else: of a leaf, or of the swap cache. Who isolates it
 *                 takes one of his own.
 * Locks       lruvec->lock (RANK_LRUVEC): lists, counts, and the flags of I1
 * Follow      from rmap.c, reclaim.c, tlb.c   to zone.h
 * Tests       tests/guest/swap.c
 * See         docs/mm.md
 */
#pragma once

#include <mm/page.h>
#include <mm/zone.h>

/*
 * Without swap no page can leave memory, and nobody keeps lists: lru_on is false, and a fault pays one look at it. When
 * the first area comes, all programs stand still while lru_start() gathers what they have.
 */
extern bool lru_on; /* written by lru_start and lru_stop; READ_ONCE */

/*
 * lru_start - lists from now on, with every private page there is
 * lru_stop - no page enters the lists any more; those on them leave when they are freed
 *
 * Context   may sleep; holds no mm->lock; one caller at a time
 */
void lru_start(void);
void lru_stop(void);

/* lru_of - the lists that @page belongs to. Simple: one set a node; groups of processes come later. */
struct lruvec *lru_of(const struct page *page);

/*
 * lru_add - @page, which is fresh and known to nobody else yet, becomes the youngest inactive one
 *
 * Context   takes lruvec->lock; map and table locks may be held
 */
void lru_add(struct page *page);

/*
 * lru_add_new - likewise, for a page that others may know already, so that lru_start() may have found it
 *
 * Context   as lru_add
 */
void lru_add_new(struct page *page);

/* lru_del_dead - @page, which has no reference any more, leaves its list. Context: takes lruvec->lock. */
void lru_del_dead(struct page *page);

/* lru_del_dead_batch - likewise, for each of @n pages that is on a list. */
void lru_del_dead_batch(struct page **pages, u64 n);

/*
 * lru_isolate - take up to @most pages from the tail of @list
 *
 * Returns   how many are on @out (page->link) now; *scanned: as many were looked at
 * Context   takes lruvec->lock
 * Gives     a reference to each (lru_putback, or keep)
 */
u32 lru_isolate(struct lruvec *lru, enum lru_list list, u32 most, struct list *out, u32 *scanned);

/*
 * lru_isolate_page - take @page off its list
 *
 * Returns   true; false: it was on none, nothing was changed
 * Context   takes lruvec->lock
 * Takes     the caller's reference, when true: it is the isolation's now (lru_putback, or keep)
 */
bool lru_isolate_page(struct page *page);

/*
 * lru_putback - @page, which was isolated, goes back to the head of @list, or to its tail
 *
 * Context   takes lruvec->lock; may free the page, so no spinlock above the zone's is held
 * Takes     the reference that lru_isolate gave
 */
void lru_putback(struct page *page, enum lru_list list, bool tail);

/* lru_rescue - @page is no longer locked in memory: an unevictable page becomes inactive. Context: as lru_add. */
void lru_rescue(struct page *page);

/* The length of @list over all nodes. Context: any; a moment old. */
u64 lru_pages(enum lru_list list);

void lru_init(struct lruvec *lru);

/* Proves I1 and I2. Returns the number of violations printed. Context: takes lruvec->lock. */
int lru_check(void);
