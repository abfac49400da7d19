/* SPDX-License-Identifier: MIT */
/*
 * mm/lru.c - pages of programs in the order in which they may leave memory
 *
 * Idea        see lru.h. The sets are filled under their lock page by page: the lock is held for a handful of
 *             instructions beside the hundreds that zero a page. Simple: Linux gathers 15 pages a CPU first.
 * Invariants  see lru.h
 * Locks       see lru.h
 * Follow      from rmap.c, reclaim_batch.c, tlb.c   to evict.c
 * Tests       tests/guest/swap.c, tests/guest/evict.c
 * See         lru.h
 */
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/vmstat.h>

#define LISTS (LRU_KINDS * EVICT_LISTS + 1) /* of list_number */
#define CHANCE_STEPS 512                    /* of lru_isolate_chance */

bool lru_on;

static struct list *list_number(struct lruvec *lru, u32 n);
static struct page *step_along(struct list *list, u64 chance);
static int gather(struct mm *mm, void *arg);
static void gather_page(struct page *page);
static bool page_can_leave(const struct page *page);
static void add_fresh(struct page *page, bool hot);
static void take_tail(struct lruvec *lru, struct list *list, struct lru_batch *b, u32 *got);
static struct list *side_list(struct lruvec *lru, u32 list, u64 **count);
static struct evict_set *set_of(struct lruvec *lru, const struct page *page);
static void link_locked(struct lruvec *lru, struct page *page, u32 list);
static void unlink_locked(struct lruvec *lru, struct page *page);
static int check_set(struct lruvec *lru, enum lru_kind kind);
static int check_list(const struct list *list, u32 number, u64 expected);

struct lruvec *
lru_of(const struct page *page)
{
	return &nodes[page->node].lru;
}

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
lru_start(void)
{
	bool done = false;

	may_sleep();
	if (!READ_ONCE(lru_on))
		mm_for_all_locked(gather, &done);
}

void
lru_stop(void)
{
	WRITE_ONCE(lru_on, false);
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
		link_locked(lru, page, LRU_YOUNG);
	spin_unlock(&lru->lock);
}

void
lru_del_dead(struct page *page)
{
	struct lruvec *lru = lru_of(page);

	dassert(!atomic_read(&page->refs));
	spin_lock(&lru->lock);
	unlink_locked(lru, page);
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
		/* Why not unlink_locked: nobody else looks at the page any more, and this is the cost of exit. */
		pages[i]->link.next->prev = pages[i]->link.prev;
		pages[i]->link.prev->next = pages[i]->link.next;
		if (likely(evict_list_of(pages[i]) < EVICT_LISTS))
			set_of(lru, pages[i])->count[evict_list_of(pages[i])]--;
		else if (pages[i]->flags & BIT(PG_LAZY))
			lru->lazy_count--;
		else
			lru->unevictable_count--;
		pages[i]->flags = 0;
	}
	spin_unlock(&lru->lock);
}

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
		unlink_locked(lru, page);
		page_flag_set(page, PG_ISOLATED);
	}
	spin_unlock(&lru->lock);
	return page;
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

bool
lru_isolate_page(struct page *page)
{
	struct lruvec *lru = lru_of(page);
	bool listed;

	dassert(atomic_read(&page->refs) > 0);
	spin_lock(&lru->lock);
	listed = page->flags & BIT(PG_LRU);
	if (listed) {
		unlink_locked(lru, page);
		page_flag_set(page, PG_ISOLATED);
	}
	spin_unlock(&lru->lock);
	return listed;
}

void
lru_putback(struct page *page, u32 list)
{
	struct lruvec *lru = lru_of(page);

	dassert(atomic_read(&page->refs) > 0 && !(page->flags & BIT(PG_LRU)));
	spin_lock(&lru->lock);
	page_flag_clear(page, PG_ISOLATED);
	link_locked(lru, page, list);
	spin_unlock(&lru->lock);
	page_put(page);
}

void
lru_rescue(struct page *page)
{
	struct lruvec *lru = lru_of(page);

	spin_lock(&lru->lock);
	if ((page->flags & (BIT(PG_LRU) | BIT(PG_UNEVICTABLE))) == (BIT(PG_LRU) | BIT(PG_UNEVICTABLE))) {
		unlink_locked(lru, page);
		link_locked(lru, page, LRU_YOUNG);
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
			unlink_locked(lru, page);
		__atomic_fetch_or(&page->flags, BIT(PG_LAZY), __ATOMIC_RELAXED);
		__atomic_fetch_and(&page->flags, ~(u32)BIT(PG_REFERENCED), __ATOMIC_RELAXED);
		link_locked(lru, page, LRU_LAZY);
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
	__atomic_fetch_and(&page->flags, ~(u32)(BIT(PG_LAZY) | BIT(PG_ISOLATED)), __ATOMIC_RELAXED);
	if (READ_ONCE(lru_on))
		link_locked(lru, page, list);
	spin_unlock(&lru->lock);
	if (!READ_ONCE(page->locks))
		lru_rescue(page); /* Race: unlocked between the look and the list */
}

/* Simple: the lock is held while each page changes its list; the fault that waits for it waits for that. */
int
lru_policy_set(const char *name)
{
	enum evict_policy policy = evict_policy_find(name);

	if (policy == EVICT_POLICY_COUNT)
		return -EINVAL;
	for (u32 n = 0; n < node_count; n++) {
		spin_lock(&nodes[n].lru.lock);
		for (u32 kind = 0; kind < LRU_KINDS; kind++)
			if (nodes[n].lru.set[kind].policy != policy)
				evict_switch(&nodes[n].lru.set[kind], policy);
		spin_unlock(&nodes[n].lru.lock);
	}
	return 0;
}

const char *
lru_policy_name(void)
{
	return evict_policy_name(READ_ONCE(nodes[0].lru.set[LRU_ANON].policy));
}

u64
lru_pages(enum lru_kind kind)
{
	u64 sum = 0;

	for (u32 n = 0; n < node_count; n++)
		for (u32 l = 0; l < EVICT_LISTS; l++)
			sum += READ_ONCE(nodes[n].lru.set[kind].count[l]);
	return sum;
}

u64
lru_active(enum lru_kind kind)
{
	u64 sum = 0;

	for (u32 n = 0; n < node_count; n++)
		for (u32 l = 0; l < EVICT_LISTS; l++)
			if (evict_is_active(&nodes[n].lru.set[kind], l))
				sum += READ_ONCE(nodes[n].lru.set[kind].count[l]);
	return sum;
}

u64
lru_unevictable(void)
{
	u64 sum = 0;

	for (u32 n = 0; n < node_count; n++)
		sum += READ_ONCE(nodes[n].lru.unevictable_count);
	return sum;
}

u64
lru_lazy(void)
{
	u64 sum = 0;

	for (u32 n = 0; n < node_count; n++)
		sum += READ_ONCE(nodes[n].lru.lazy_count);
	return sum;
}

/* Halved when the costs outgrow a quarter of the pages, as Linux does. */
void
lru_note_cost(struct lruvec *lru, enum lru_kind kind, u64 n)
{
	u64 pages = lru_pages(LRU_ANON) + lru_pages(LRU_FILE);

	spin_lock(&lru->lock);
	lru->cost[kind] += n;
	while (lru->cost[LRU_ANON] + lru->cost[LRU_FILE] > pages / 4 + 1) {
		lru->cost[LRU_ANON] /= 2;
		lru->cost[LRU_FILE] /= 2;
	}
	spin_unlock(&lru->lock);
}

bool
lru_is_active(const struct page *page)
{
	u32 list = evict_list_of(page);

	return READ_ONCE(page->flags) & BIT(PG_LRU) && list < EVICT_LISTS &&
	       evict_is_active(&lru_of(page)->set[lru_kind_of(page)], list);
}

int
lru_check(void)
{
	int bad = 0;

	for (u32 n = 0; n < node_count; n++) {
		struct lruvec *lru = &nodes[n].lru;

		spin_lock(&lru->lock);
		for (u32 kind = 0; kind < LRU_KINDS; kind++)
			bad += check_set(lru, kind);
		bad += check_list(&lru->unevictable, LRU_UNEVICTABLE, lru->unevictable_count);
		bad += check_list(&lru->lazy, LRU_LAZY, lru->lazy_count);
		spin_unlock(&lru->lock);
	}
	return bad;
}

/* Called for each address space, with all of them locked: once is enough. */
static int
gather(struct mm *mm, void *arg)
{
	bool *done = arg;

	dassert(rwsem_write_is_mine(&mm->lock));
	if (*done)
		return 0;
	*done = true;
	WRITE_ONCE(lru_on, true);
	for (u32 i = 0; i < memblock_ram.count; i++)
		for (u64 pa = memblock_ram.range[i].base; pa < memblock_ram.range[i].end; pa += PAGE_SIZE)
			gather_page(pfn_to_page(pa >> PAGE_SHIFT));
	return 0;
}

/*
 * Race: no program runs, but one that is ending frees its pages: what has no reference any more is left to whoever
 * dropped it, and while we have one it is not freed.
 * Race: pages that were being written when the last area went are in the hands of reclaim still, which puts them back.
 */
static void
gather_page(struct page *page)
{
	struct lruvec *lru;

	if (!page_can_leave(page) || !atomic_inc_not_zero(&page->refs))
		return;
	lru = lru_of(page);
	spin_lock(&lru->lock);
	if (page_can_leave(page) && !(page->flags & (BIT(PG_LRU) | BIT(PG_ISOLATED) | BIT(PG_LAZY))))
		link_locked(lru, page, LRU_COLD);
	spin_unlock(&lru->lock);
	page_put(page);
}

static bool
page_can_leave(const struct page *page)
{
	u8 kind = READ_ONCE(page->kind);

	return kind == PAGE_ANON || kind == PAGE_SHMEM;
}

static void
add_fresh(struct page *page, bool hot)
{
	struct lruvec *lru = lru_of(page);
	struct evict_set *set = set_of(lru, page);

	dassert(page_is_user(page) && !(page->flags & BIT(PG_LRU)));
	page->flags |= BIT(PG_LRU);
	spin_lock(&lru->lock);
	evict_add(set, page, hot ? set->hot : set->young);
	spin_unlock(&lru->lock);
}

static struct evict_set *
set_of(struct lruvec *lru, const struct page *page)
{
	return &lru->set[lru_kind_of(page)];
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
		unlink_locked(lru, page);
		page_flag_set(page, PG_ISOLATED);
		list_add_tail(&page->link, b->out);
		++*got;
	}
}

/* The lists beside those of the policy. */
static struct list *
side_list(struct lruvec *lru, u32 list, u64 **count)
{
	dassert(list == LRU_LAZY || list == LRU_UNEVICTABLE);
	*count = list == LRU_LAZY ? &lru->lazy_count : &lru->unevictable_count;
	return list == LRU_LAZY ? &lru->lazy : &lru->unevictable;
}

/* Other flags of the page may change at the same time, so each change is atomic. */
static void
link_locked(struct lruvec *lru, struct page *page, u32 list)
{
	struct evict_set *set = set_of(lru, page);
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

static void
unlink_locked(struct lruvec *lru, struct page *page)
{
	u64 *count;

	must_hold(&lru->lock);
	dassert(page->flags & BIT(PG_LRU));
	if (evict_list_of(page) < EVICT_LISTS) {
		evict_del(set_of(lru, page), page);
	} else {
		side_list(lru, evict_list_of(page), &count);
		list_del(&page->link);
		--*count;
	}
	__atomic_fetch_and(&page->flags, ~(u32)(BIT(PG_LRU) | BIT(PG_UNEVICTABLE) | PAGE_LIST_MASK), __ATOMIC_RELAXED);
}

static int
check_set(struct lruvec *lru, enum lru_kind kind)
{
	struct evict_set *set = &lru->set[kind];
	int bad = 0;

	for (u32 l = 0; l < EVICT_LISTS; l++) {
		bad += check_list(&set->lists[l], l, set->count[l]);
		if (set->count[l] && !(set->lists_used & BIT(l))) {
			pr_err("mm_check: LRU list %u has pages, and %s looks at it never\n", l,
			       evict_policy_name(set->policy));
			bad++;
		}
	}
	return bad;
}

static int
check_list(const struct list *list, u32 number, u64 expected)
{
	struct page *page;
	u64 count = 0;
	int bad = 0;

	list_for_each (page, list, link) {
		bool locked = page->flags & BIT(PG_UNEVICTABLE);
		bool lazy = page->flags & BIT(PG_LAZY);

		count++;
		if (page->flags & BIT(PG_LRU) && evict_list_of(page) == number &&
		    locked == (number == LRU_UNEVICTABLE) && lazy == (number == LRU_LAZY) && !(lazy && page->object))
			continue;
		pr_err("mm_check: frame %lx with flags %x is on LRU list %u\n", page_to_pfn(page), page->flags, number);
		bad++;
	}
	if (count != expected) {
		pr_err("mm_check: LRU list %u counts %lu pages and has %lu\n", number, expected, count);
		bad++;
	}
	return bad;
}
