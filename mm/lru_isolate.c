/* SPDX-License-Identifier: MIT */
/*
 * mm/lru_isolate.c - pages are taken from the lists, for a time
 *
 * Idea        Who wants to send pages out of memory, or must look at one in peace, takes them off their list first:
 *             with a reference, so that they stay pages, and with PG_ISOLATED, so that nobody else takes them.
 *
 *                 list --isolate--> in somebody's hands --putback--> list
 *                                        `--- freed with the last reference
 *
 * Invariants  lru.h I3
 * Locks       lruvec->lock
 * Follow      from reclaim_batch.c, advise_pages.c, lazyfree.c, swap_cache.c, torture.c   to lru_list.h, evict.c
 * Tests       tests/guest/swap.c, tests/guest/evict.c
 * See         lru.h
 */
#include <kernel/panic.h>
#include <mm/lru.h>
#include <mm/lru_list.h>
#include <mm/page_alloc.h>
#include <mm/vmstat.h>

#define LISTS (LRU_KINDS * EVICT_LISTS + 1) /* of list_number */
#define CHANCE_STEPS 512                    /* of lru_isolate_chance */

static void isolation_begins(struct page *page);
static void take_tail(struct lruvec *lru, struct list *list, struct lru_batch *b, u32 *got);
static struct list *list_number(struct lruvec *lru, u32 n);
static struct page *step_along(struct list *list, u64 chance);

u32
lru_isolate(struct lruvec *lru, struct lru_batch *b)
{
	struct evict_set *set = &lru->set[b->kind];
	u32 got = 0;

	b->scanned = 0;
	spin_lock(&lru->lock);
	b->from = evict_next(set);
	if (b->from < EVICT_LISTS)
		take_tail(lru, &set->lists[b->from], b, &got);
	spin_unlock(&lru->lock);
	return got;
}

u32
lru_isolate_lazy(struct lruvec *lru, struct lru_batch *b)
{
	u32 got = 0;

	b->scanned = 0;
	b->from = LRU_LAZY;
	spin_lock(&lru->lock);
	take_tail(lru, &lru->lazy, b, &got);
	spin_unlock(&lru->lock);
	return got;
}

struct page *
lru_isolate_chance(struct lruvec *lru, u64 chance)
{
	struct page *page = NULL;

	spin_lock(&lru->lock);
	for (u32 i = 0; i < LISTS && !page; i++) {
		struct list *list = list_number(lru, (u32)(chance + i) % LISTS);

		if (!list_empty(list))
			page = step_along(list, chance / LISTS);
		if (page && !atomic_inc_not_zero(&page->refs))
			page = NULL;
	}
	if (page) {
		lru_unlink(lru, page);
		isolation_begins(page);
	}
	spin_unlock(&lru->lock);
	return page;
}

bool
lru_isolate_page(struct page *page)
{
	struct lruvec *lru = lru_of(page);
	bool listed;

	dassert(atomic_read(&page->refs) > 0);
	spin_lock(&lru->lock);
	listed = page->flags & BIT(PG_LRU);
	if (listed) {
		lru_unlink(lru, page);
		isolation_begins(page);
	}
	spin_unlock(&lru->lock);
	return listed;
}

void
lru_isolation_ends(struct page *page)
{
	if (page_flag_take(page, PG_ISOLATED))
		count_events(VM_NR_ISOLATED_ANON, -1);
}

void
lru_isolation_stays(struct page *page)
{
	dassert(READ_ONCE(page->flags) & BIT(PG_ISOLATED));
	count_events(VM_NR_ISOLATED_ANON, -1);
}

void
lru_putback(struct page *page, u32 list)
{
	struct lruvec *lru = lru_of(page);

	dassert(atomic_read(&page->refs) > 0 && !(page->flags & BIT(PG_LRU)));
	spin_lock(&lru->lock);
	lru_isolation_ends(page);
	lru_link(lru, page, list);
	spin_unlock(&lru->lock);
	page_put(page);
}

/* Race: a page whose last reference has just gone is on the list still: whoever dropped it waits for our lock. */
static void
take_tail(struct lruvec *lru, struct list *list, struct lru_batch *b, u32 *got)
{
	must_hold(&lru->lock);
	for (; b->scanned < b->most && !list_empty(list); ++b->scanned) {
		struct page *page = list_last(list, struct page, link);

		if (!atomic_inc_not_zero(&page->refs)) {
			list_del(&page->link);
			list_add(&page->link, list);
			continue;
		}
		lru_unlink(lru, page);
		isolation_begins(page);
		list_add_tail(&page->link, b->out);
		++*got;
	}
}

/* All lists but the one of pages that are locked in memory. */
static struct list *
list_number(struct lruvec *lru, u32 n)
{
	if (n == LISTS - 1)
		return &lru->lazy;
	return &lru->set[n / EVICT_LISTS].lists[n % EVICT_LISTS];
}

/* A page of @list, from the head or from the tail. */
static struct page *
step_along(struct list *list, u64 chance)
{
	struct list *at = list;

	for (u64 steps = 1 + chance / 2 % CHANCE_STEPS; steps; steps--) {
		at = chance % 2 ? at->next : at->prev;
		if (at == list)
			at = chance % 2 ? at->next : at->prev;
	}
	return container_of(at, struct page, link);
}

static void
isolation_begins(struct page *page)
{
	page_flag_set(page, PG_ISOLATED);
	count_events(VM_NR_ISOLATED_ANON, 1);
}
