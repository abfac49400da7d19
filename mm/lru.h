/* SPDX-License-Identifier: MIT */
/*
 * mm/lru.h - pages of programs in the order in which they may leave memory
 *
 * Idea        Each node has a set of anonymous and a set of file pages. Which of a set leaves next is the policy's to
 *             say (evict.h), and it says by lists; here is what lists cost on several CPUs: a lock, references, and
 *             pages that die while they are on one. Whether a page was used, its leaves' accessed bits say.
 *             Pages that are locked in memory (mlock) wait on a list of their own and are not looked at; those that
 *             their program has given up (lazyfree.h) on another, which is there without swap too.
 * Invariants  I1  PG_LRU is set if and only if the page is on a list; the number above the flags says on which, and
 *                 PG_UNEVICTABLE that it is that of locked pages, PG_LAZY that of given up ones; PG_LAZY also
 *                 while the page is isolated from it.
 *             I2  The counts are the lengths of the lists.                                            (lru_check)
 *             I3  A page on a list has a reference of somebody else: of a leaf, or of the swap cache. Who isolates it
 *                 takes one of his own.
 * Locks       lruvec->lock (RANK_LRUVEC): lists, counts, and the flags of I1
 * Follow      from rmap.c, reclaim_batch.c, tlb.c   to lru.c, lru_isolate.c, lru_start.c, evict.h, zone.h
 * Tests       tests/guest/swap.c, tests/guest/evict.c
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

/* Where lru_putback puts a page: a list of the policy by its number, or */
enum lru_list {
	LRU_UNEVICTABLE = EVICT_LISTS, /* the list of locked pages */
	LRU_YOUNG,                     /* where fresh pages go */
	LRU_HOT,                       /* where pages go that are known to be used */
	LRU_COLD,                      /* to where the next to leave stands */
	LRU_LAZY,                      /* the list of pages that were given up */
};

/* What lru_isolate is asked, and what it answers. */
struct lru_batch {
	enum lru_kind kind;
	u32 most;
	struct list *out; /* the pages, by page->link */
	u32 from;         /* answer: the list of the policy they were on; EVICT_NONE, EVICT_AGE */
	u32 scanned;      /* answer: pages looked at */
};

/* lru_of - the lists that @page belongs to. Simple: one set a node; groups of processes come later. */
static inline struct lruvec *
lru_of(const struct page *page)
{
	return &nodes[page->node].lru;
}

/* lru_kind_of - to which set of them. Context: any. */
static inline enum lru_kind
lru_kind_of(const struct page *page)
{
	return page->kind == PAGE_FILE ? LRU_FILE : LRU_ANON;
}

/*
 * lru_add - @page, which is fresh and known to nobody else yet, becomes the youngest of its set
 * lru_add_hot - likewise, known to be used already
 *
 * Context   takes lruvec->lock; map and table locks may be held
 */
void lru_add(struct page *page);
void lru_add_hot(struct page *page);

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
 * lru_isolate - take up to @b->most pages from where the policy says
 *
 * Returns   how many are on @b->out now; 0 and @b->from EVICT_AGE: lru_age, and again
 * Context   takes lruvec->lock
 * Gives     a reference to each (lru_putback, or keep)
 */
u32 lru_isolate(struct lruvec *lru, struct lru_batch *b);

/* lru_isolate_lazy - likewise, from the pages that were given up, and @b->most at the most. */
u32 lru_isolate_lazy(struct lruvec *lru, struct lru_batch *b);

/*
 * lru_isolate_chance - take some page that is on a list off it: which one, the bits of @chance say (torture.h)
 *
 * Returns   the page; NULL: none was found
 * Context   takes lruvec->lock, for up to 512 steps
 * Gives     a reference (lru_putback, or keep)
 */
struct page *lru_isolate_chance(struct lruvec *lru, u64 chance);

/*
 * lru_isolate_page - take @page off its list
 *
 * Returns   true; false: it was on none, nothing was changed
 * Context   takes lruvec->lock
 * Takes     the caller's reference, when true: it is the isolation's now (lru_putback, or keep)
 */
bool lru_isolate_page(struct page *page);

/*
 * lru_isolation_ends - @page goes back to a list, or who isolated it frees it: it counts no more (nr_isolated_anon)
 *
 * lru_putback() and lru_revive() call it. A page that is being written is isolated still.
 *
 * Context   any; the isolation's reference
 */
void lru_isolation_ends(struct page *page);

/* lru_isolation_stays - @page counts no more, but no list shall ever have it: a device may still write to it */
void lru_isolation_stays(struct page *page);

/*
 * lru_putback - @page, which was isolated, goes back to the head of @list, or for LRU_COLD to its tail
 *
 * Context   takes lruvec->lock; may free the page, so no spinlock above the zone's is held
 * Takes     the reference that lru_isolate gave
 */
void lru_putback(struct page *page, u32 list);

/*
 * lru_give_up - @page, which its program has given up, moves to LRU_LAZY, be lists kept or not
 *
 * Returns   true; false: it is there already, or somebody has isolated it: it stays what it is
 * Context   the page lock, and a reference; one leaf maps the page. Takes lruvec->lock
 */
bool lru_give_up(struct page *page);

/*
 * lru_revive - @page, isolated from LRU_LAZY, is an ordinary one again: on @list, or on none if nobody keeps lists
 *
 * Context   the page lock, and the isolation's reference, which stays the caller's; takes lruvec->lock
 */
void lru_revive(struct page *page, u32 list);

/* lru_rescue - @page is no longer locked in memory: an unevictable page becomes a young one. Context: as lru_add. */
void lru_rescue(struct page *page);

/*
 * lru_policy_set - pages leave in the order of the policy that is called @name from now on
 *
 * Returns   0; -EINVAL: there is none
 * Context   takes lruvec->lock, for as long as it takes to visit each page on a list
 */
int lru_policy_set(const char *name);
const char *lru_policy_name(void);

/* Pages of @kind over all nodes: all that may leave, and what /proc calls active. Context: any; a moment old. */
u64 lru_pages(enum lru_kind kind);
u64 lru_active(enum lru_kind kind);

/* Pages that are locked in memory, and those that were given up. Context: any; a moment old. */
u64 lru_unevictable(void);
u64 lru_lazy(void);

/*
 * lru_note_cost - @n pages of @kind had to be written, or came back: what that cost counts for less as time goes by
 *
 * Context   takes lruvec->lock
 */
void lru_note_cost(struct lruvec *lru, enum lru_kind kind, u64 n);

/* Is @page on a list that /proc calls active? Context: any; a guess. */
bool lru_is_active(const struct page *page);

void lru_init(struct lruvec *lru);

/* Proves I1 and I2. Returns the number of violations printed. Context: takes lruvec->lock. */
int lru_check(void);
