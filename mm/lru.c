/* SPDX-License-Identifier: MIT */
/*
 * mm/lru.c - pages of programs in the order in which they may leave memory
 *
 * Idea        see lru.h. The lists are filled under their lock page by page: the lock is held for a handful of
 *             instructions beside the hundreds that zero a page. Simple: Linux gathers 15 pages a CPU first.
 * Invariants  see lru.h
 * Locks       see lru.h
 * Follow      from rmap.c, reclaim.c, tlb.c
 * Tests       tests/guest/swap.c
 * See         lru.h
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>

bool lru_on;

static int gather(struct mm *mm, void *arg);
static void gather_page(struct page *page);
static bool page_can_leave(const struct page *page);
static enum lru_list list_of(const struct page *page);
static void link_locked(struct lruvec *lru, struct page *page, enum lru_list list, bool tail);
static void unlink_locked(struct lruvec *lru, struct page *page);
static int check_list(struct lruvec *lru, enum lru_list list);

struct lruvec *
lru_of(const struct page *page)
{
	return &nodes[page->node].lru;
}

void
lru_init(struct lruvec *lru)
{
	spin_init(&lru->lock, RANK_LRUVEC);
	for (u32 l = 0; l < LRU_LISTS; l++)
		list_init(&lru->lists[l]);
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
	struct lruvec *lru = lru_of(page);

	dassert(page_is_user(page) && !(page->flags & BIT(PG_LRU)));
	page->flags |= BIT(PG_LRU);
	spin_lock(&lru->lock);
	list_add(&page->link, &lru->lists[LRU_INACTIVE]);
	lru->count[LRU_INACTIVE]++;
	spin_unlock(&lru->lock);
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
		link_locked(lru, page, LRU_INACTIVE, false);
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
		lru->count[list_of(pages[i])]--;
		pages[i]->flags = 0;
	}
	spin_unlock(&lru->lock);
}

/* Race: a page whose last reference has just gone is on the list still: whoever dropped it waits for our lock. */
u32
lru_isolate(struct lruvec *lru, enum lru_list list, u32 most, struct list *out, u32 *scanned)
{
	u32 got = 0;

	spin_lock(&lru->lock);
	for (*scanned = 0; *scanned < most && !list_empty(&lru->lists[list]); ++*scanned) {
		struct page *page = list_last(&lru->lists[list], struct page, link);

		if (!atomic_inc_not_zero(&page->refs)) {
			list_del(&page->link);
			list_add(&page->link, &lru->lists[list]);
			continue;
		}
		unlink_locked(lru, page);
		page_flag_set(page, PG_ISOLATED);
		list_add_tail(&page->link, out);
		got++;
	}
	spin_unlock(&lru->lock);
	return got;
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
lru_putback(struct page *page, enum lru_list list, bool tail)
{
	struct lruvec *lru = lru_of(page);

	dassert(atomic_read(&page->refs) > 0 && !(page->flags & BIT(PG_LRU)));
	spin_lock(&lru->lock);
	page_flag_clear(page, PG_ISOLATED);
	link_locked(lru, page, list, tail);
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
		link_locked(lru, page, LRU_INACTIVE, false);
	}
	spin_unlock(&lru->lock);
}

u64
lru_pages(enum lru_list list)
{
	u64 sum = 0;

	for (u32 n = 0; n < node_count; n++)
		sum += READ_ONCE(nodes[n].lru.count[list]);
	return sum;
}

int
lru_check(void)
{
	int bad = 0;

	for (u32 n = 0; n < node_count; n++)
		for (u32 l = 0; l < LRU_LISTS; l++)
			bad += check_list(&nodes[n].lru, l);
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
	if (page_can_leave(page) && !(page->flags & (BIT(PG_LRU) | BIT(PG_ISOLATED))))
		link_locked(lru, page, LRU_INACTIVE, true);
	spin_unlock(&lru->lock);
	page_put(page);
}

static bool
page_can_leave(const struct page *page)
{
	u8 kind = READ_ONCE(page->kind);

	return kind == PAGE_ANON || kind == PAGE_SHMEM;
}

static enum lru_list
list_of(const struct page *page)
{
	if (likely(!(page->flags & (BIT(PG_ACTIVE) | BIT(PG_UNEVICTABLE)))))
		return LRU_INACTIVE;
	return page->flags & BIT(PG_ACTIVE) ? LRU_ACTIVE : LRU_UNEVICTABLE;
}

/* Other flags of the page may change at the same time, so each change is atomic. */
static void
link_locked(struct lruvec *lru, struct page *page, enum lru_list list, bool tail)
{
	u32 bits = BIT(PG_LRU) | (list == LRU_ACTIVE ? BIT(PG_ACTIVE) : 0) |
		   (list == LRU_UNEVICTABLE ? BIT(PG_UNEVICTABLE) : 0);

	must_hold(&lru->lock);
	if (tail)
		list_add_tail(&page->link, &lru->lists[list]);
	else
		list_add(&page->link, &lru->lists[list]);
	lru->count[list]++;
	__atomic_fetch_or(&page->flags, bits, __ATOMIC_RELAXED);
}

static void
unlink_locked(struct lruvec *lru, struct page *page)
{
	must_hold(&lru->lock);
	dassert(page->flags & BIT(PG_LRU));
	list_del(&page->link);
	lru->count[list_of(page)]--;
	__atomic_fetch_and(&page->flags, ~(u32)(BIT(PG_LRU) | BIT(PG_ACTIVE) | BIT(PG_UNEVICTABLE)), __ATOMIC_RELAXED);
}

static int
check_list(struct lruvec *lru, enum lru_list list)
{
	struct page *page;
	u64 count = 0;
	int bad = 0;

	spin_lock(&lru->lock);
	list_for_each (page, &lru->lists[list], link) {
		count++;
		if (!(page->flags & BIT(PG_LRU)) || list_of(page) != list) {
			pr_err("mm_check: frame %lx with flags %x is on LRU list %u\n", page_to_pfn(page), page->flags,
			       list);
			bad++;
		}
	}
	if (count != lru->count[list]) {
		pr_err("mm_check: LRU list %u counts %lu pages and has %lu\n", list, lru->count[list], count);
		bad++;
	}
	spin_unlock(&lru->lock);
	return bad;
}
