/* SPDX-License-Identifier: MIT */
/*
 * mm/lru.c - pages of programs enter and leave the lists of those that may leave memory
 *
 * Idea        see lru.h. The sets are filled under their lock page by page: the lock is held for a handful of
 *             instructions beside the hundreds that zero a page. Simple: Linux gathers 15 pages a CPU first.
 *             Here a page comes, goes for good, or changes sides; reclaim takes pages in lru_isolate.c.
 * Invariants  see lru.h
 * Locks       see lru.h
 * Follow      from rmap.c, rmap_lock.c, tlb.c, lazyfree.c, swap_cache.c, pagecache.c   to lru_list.h, evict.c
 * Tests       tests/guest/swap.c, tests/guest/evict.c
 * See         lru.h
 */
#include <kernel/panic.h>
#include <mm/lru.h>
#include <mm/lru_list.h>
#include <mm/vmstat.h>

static void add_fresh(struct page *page, bool hot);
static struct list *side_list(struct lruvec *lru, u32 list, u64 **count);

void
lru_init(struct lruvec *lru)
{
	spin_init(&lru->lock, RANK_LRUVEC);
	for (u32 kind = 0; kind < LRU_KINDS; kind++)
		evict_start(&lru->set[kind], 0);
	list_init(&lru->unevictable);
	lru->unevictable_count = 0;
	list_init(&lru->lazy);
	lru->lazy_count = 0;
}

void
lru_add(struct page *page)
{
	add_fresh(page, false);
}

void
lru_add_hot(struct page *page)
{
	add_fresh(page, true);
}

/*
 * Race: lru_start() sets lru_on and then looks at all frames; who calls this has made the page and then looks at
 * lru_on. At least one of them sees the other, and the second changes nothing.
 */
void
lru_add_new(struct page *page)
{
	struct lruvec *lru = lru_of(page);

	spin_lock(&lru->lock);
	if (!(page->flags & BIT(PG_LRU)))
		lru_link(lru, page, LRU_YOUNG);
	spin_unlock(&lru->lock);
}

void
lru_del_dead(struct page *page)
{
	struct lruvec *lru = lru_of(page);

	dassert(!atomic_read(&page->refs));
	spin_lock(&lru->lock);
	lru_unlink(lru, page);
	spin_unlock(&lru->lock);
}

/* Simple: with several nodes the lock would change hands where the node does. */
void
lru_del_dead_batch(struct page **pages, u64 n)
{
	struct lruvec *lru = lru_of(pages[0]);

	spin_lock(&lru->lock);
	for (u64 i = 0; i < n; i++) {
		dassert(!atomic_read(&pages[i]->refs) && lru_of(pages[i]) == lru);
		if (!(pages[i]->flags & BIT(PG_LRU)))
			continue;
		/* Why not lru_unlink: nobody else looks at the page any more, and this is the cost of exit. */
		pages[i]->link.next->prev = pages[i]->link.prev;
		pages[i]->link.prev->next = pages[i]->link.next;
		if (likely(evict_list_of(pages[i]) < EVICT_LISTS))
			lru_set_of(lru, pages[i])->count[evict_list_of(pages[i])]--;
		else if (pages[i]->flags & BIT(PG_LAZY))
			lru->lazy_count--;
		else
			lru->unevictable_count--;
		pages[i]->flags = 0;
	}
	spin_unlock(&lru->lock);
}

void
lru_rescue(struct page *page)
{
	struct lruvec *lru = lru_of(page);

	spin_lock(&lru->lock);
	if ((page->flags & (BIT(PG_LRU) | BIT(PG_UNEVICTABLE))) == (BIT(PG_LRU) | BIT(PG_UNEVICTABLE))) {
		lru_unlink(lru, page);
		lru_link(lru, page, LRU_YOUNG);
		count_event(VM_UNEVICTABLE_PGRESCUED);
	}
	spin_unlock(&lru->lock);
}

bool
lru_give_up(struct page *page)
{
	struct lruvec *lru = lru_of(page);
	bool moves;

	dassert(page->kind == PAGE_ANON && !page->object && READ_ONCE(page->flags) & BIT(PG_LOCKED));
	spin_lock(&lru->lock);
	moves = !(page->flags & (BIT(PG_LAZY) | BIT(PG_UNEVICTABLE) | BIT(PG_ISOLATED))) &&
		(page->flags & BIT(PG_LRU) || !READ_ONCE(lru_on));
	if (moves) {
		if (page->flags & BIT(PG_LRU))
			lru_unlink(lru, page);
		__atomic_fetch_or(&page->flags, BIT(PG_LAZY), __ATOMIC_RELAXED);
		__atomic_fetch_and(&page->flags, ~(u32)BIT(PG_REFERENCED), __ATOMIC_RELAXED);
		lru_link(lru, page, LRU_LAZY);
	}
	spin_unlock(&lru->lock);
	return moves;
}

void
lru_revive(struct page *page, u32 list)
{
	struct lruvec *lru = lru_of(page);

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED));
	spin_lock(&lru->lock);
	lru_isolation_ends(page);
	page_flag_clear(page, PG_LAZY);
	if (READ_ONCE(lru_on))
		lru_link(lru, page, list);
	spin_unlock(&lru->lock);
	if (!READ_ONCE(page->locks))
		lru_rescue(page); /* Race: unlocked between the look and the list */
}

static void
add_fresh(struct page *page, bool hot)
{
	struct lruvec *lru = lru_of(page);
	struct evict_set *set = lru_set_of(lru, page);

	dassert(page_is_user(page) && !(page->flags & BIT(PG_LRU)));
	page->flags |= BIT(PG_LRU);
	spin_lock(&lru->lock);
	evict_add(set, page, hot ? set->hot : set->young);
	spin_unlock(&lru->lock);
}

/* Other flags of the page may change at the same time, so each change is atomic. */
void
lru_link(struct lruvec *lru, struct page *page, u32 list)
{
	struct evict_set *set = lru_set_of(lru, page);
	u32 bits = BIT(PG_LRU);
	u64 *count;

	must_hold(&lru->lock);
	if (page->flags & BIT(PG_LAZY))
		list = LRU_LAZY; /* whoever had it: lazyfree.h I1 */
	if (list == LRU_UNEVICTABLE || list == LRU_LAZY) {
		bits |= (list == LRU_UNEVICTABLE ? BIT(PG_UNEVICTABLE) : 0) | list << PAGE_LIST_SHIFT;
		list_add(&page->link, side_list(lru, list, &count));
		++*count;
	} else {
		evict_add(set, page,
			  list == LRU_YOUNG  ? set->young
			  : list == LRU_HOT  ? set->hot
			  : list == LRU_COLD ? set->cold
					     : list);
	}
	if (list == LRU_COLD) {
		list_del(&page->link);
		list_add_tail(&page->link, &set->lists[evict_list_of(page)]);
	}
	__atomic_fetch_or(&page->flags, bits, __ATOMIC_RELAXED);
}

void
lru_unlink(struct lruvec *lru, struct page *page)
{
	u64 *count;

	must_hold(&lru->lock);
	dassert(page->flags & BIT(PG_LRU));
	if (evict_list_of(page) < EVICT_LISTS) {
		evict_del(lru_set_of(lru, page), page);
	} else {
		side_list(lru, evict_list_of(page), &count);
		list_del(&page->link);
		--*count;
	}
	__atomic_fetch_and(&page->flags, ~(u32)(BIT(PG_LRU) | BIT(PG_UNEVICTABLE) | PAGE_LIST_MASK), __ATOMIC_RELAXED);
}

/* The lists beside those of the policy. */
static struct list *
side_list(struct lruvec *lru, u32 list, u64 **count)
{
	dassert(list == LRU_LAZY || list == LRU_UNEVICTABLE);
	*count = list == LRU_LAZY ? &lru->lazy_count : &lru->unevictable_count;
	return list == LRU_LAZY ? &lru->lazy : &lru->unevictable;
}
