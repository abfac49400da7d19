/* SPDX-License-Identifier: MIT */
/*
 * mm/reclaim.c - take memory back from those who have not used it lately
 *
 * Idea        One loop for the background (kswapd) and for who cannot wait for it (direct reclaim). A batch of pages
 *             from the tail of the inactive list, and for each the question:
 *
 *                 locked in memory   used lately   before that too   under I/O   place for it      fate
 *                 yes                .             .                 .           .                 UNEVICTABLE
 *                 no                 yes           no                .           .                 KEEP, remember
 *                 no                 yes           yes               .           .                 ACTIVATE
 *                 no                 no            .                 yes         .                 KEEP
 *                 no                 no            .                 no          no                KEEP
 *                 no                 no            .                 no          yes               EVICT
 *
 *             Why "before that too": the first touch set the accessed bit itself. It proves no use yet.
 *             Those to be evicted get a slot, their leaves become swap entries, one flush serves the whole batch, then
 *             the dirty ones are written in runs and the clean ones freed at once. What was written comes back on a
 *             list and is freed by the next batch, if nobody has touched it meanwhile.
 *
 *                 isolate -> decide -> slot, unmap -> flush -> write ... written -> free
 *                                                          `-> clean -----------> free
 *
 *             The reach grows in steps (priority 12 to 0: 1/4096 of a list up to all of it), so that little is looked
 *             at while little is needed.
 * Invariants  I1  A page that is freed is unmapped, clean, in its slot, and nobody but the cache and we had it.
 *             I2  Reclaim never enters itself: a task that reclaims allocates from the reserves (task->reclaims).
 * Locks       Page locks are only tried. Never mm->lock: a page leads to its leaves by itself (rmap.h).
 * Follow      from page_alloc.c, kswapd.c   to lru.c, rmap.c, swap_cache.c, swap_io.c
 * Tests       tests/guest/swap.c
 * See         docs/tour.md; docs/mm.md
 */
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/task.h>
#include <kernel/trace.h>
#include <kernel/wait.h>
#include <mm/lru.h>
#include <mm/page_alloc.h>
#include <mm/reclaim.h>
#include <mm/rmap.h>
#include <mm/shmem.h>
#include <mm/swap_cache.h>
#include <mm/swap_io.h>
#include <mm/swap_same.h>
#include <mm/vmstat.h>

#define BATCH 32          /* pages that are looked at together: one transfer, one flush */
#define PRIORITY_FIRST 12 /* 1/4096 of a list */
#define PRIORITY_FORCE 3  /* from here on the active list gives up pages although they are used */
#define FLYING_MOST 256   /* pages in flight to the disk, before reclaim waits for some */
#define WAIT_NS 20000000UL

/* One call of reclaim_pages: on the stack. */
struct reclaim {
	struct lruvec *lru;
	u64 target;
	u64 freed;
	u64 scanned;
	bool kswapd;
	bool force; /* evict what is used, too */
	u32 priority;
};

static void reclaim_round(struct reclaim *r);
static void reclaim_batch(struct reclaim *r, u32 most);
static void sort_batch(struct reclaim *r, struct list *isolated, struct list *out);
static void sort_same(struct list *same, struct list *out, struct tlb_batch *batch);
static bool page_evict(struct page *page, struct tlb_batch *batch);
static enum page_fate page_judge(struct page *page, bool force);
static void page_spare(struct page *page, enum page_fate fate);
static void write_batch(struct reclaim *r, struct list *out);
static bool page_free_clean(struct page *page);
static void harvest(struct reclaim *r);
static bool active_is_long(const struct lruvec *lru);
static void deactivate(struct reclaim *r, u32 most);
static void count_freed(struct reclaim *r);
static struct page *list_take(struct list *list);

u64
reclaim_pages(struct node *node, u64 target, bool kswapd)
{
	struct reclaim r = {.lru = &node->lru, .target = target, .kswapd = kswapd, .priority = PRIORITY_FIRST + 1};

	may_sleep();
	assert(!current->reclaims); /* I2 */
	current->reclaims = true;
	if (!kswapd)
		trace(mm_vmscan_direct_reclaim_begin, target, nr_free_pages(), 0);
	harvest(&r);
	while (r.freed < target && r.priority-- && reclaim_possible())
		reclaim_round(&r);
	current->reclaims = false;
	trace(mm_vmscan_reclaim, r.scanned, r.freed, r.priority);
	if (!kswapd)
		trace(mm_vmscan_direct_reclaim_end, r.freed, nr_free_pages(), 0);
	return r.freed;
}

enum page_fate
reclaim_decide(const struct page_facts *facts)
{
	if (facts->locked)
		return FATE_UNEVICTABLE;
	if (facts->used)
		return facts->used_again ? FATE_ACTIVATE : FATE_KEEP;
	return facts->writing || !facts->has_place ? FATE_KEEP : FATE_EVICT;
}

void
reclaim_pageout(struct list *isolated)
{
	struct list out = LIST_INIT(out);
	struct reclaim r = {.lru = &nodes[0].lru, .force = true};

	may_sleep();
	assert(!current->reclaims); /* I2 */
	current->reclaims = true;
	sort_batch(&r, isolated, &out);
	write_batch(&r, &out);
	current->reclaims = false;
}

void
reclaim_cold(struct list *isolated)
{
	struct page *page;

	while ((page = list_take(isolated))) {
		rmap_test_and_clear_accessed(page);
		page_flag_clear(page, PG_REFERENCED);
		count_event(VM_PGDEACTIVATE);
		lru_putback(page, LRU_INACTIVE, true);
	}
}

bool
reclaim_possible(void)
{
	return swap_writes_flying() || vmstat_sum(VM_NR_SWAPCACHE) > 0 ||
	       (swap_free_pages() && lru_pages(LRU_INACTIVE) + lru_pages(LRU_ACTIVE));
}

void
reclaim_settle(void)
{
	struct reclaim r = {.lru = &nodes[0].lru};

	may_sleep();
	while (swap_writes_flying())
		swap_written_wait(clock_ns() + WAIT_NS);
	harvest(&r);
	swap_cache_settle();
}

/* One priority: so much of the inactive list, topped up from the active one. */
static void
reclaim_round(struct reclaim *r)
{
	u64 left = (READ_ONCE(r->lru->count[LRU_INACTIVE]) >> r->priority) + BATCH;

	while (left && r->freed < r->target) {
		u32 some = (u32)min_u64(left, BATCH);

		if (active_is_long(r->lru))
			deactivate(r, some);
		reclaim_batch(r, some);
		left -= some;
		if (swap_writes_flying() > FLYING_MOST)
			swap_written_wait(clock_ns() + WAIT_NS);
		harvest(r);
		/* Why: who works in the background lets nobody wait for the end of its slice. */
		if (r->kswapd)
			schedule();
		else
			cond_resched();
	}
	/* Nothing came of it yet, but the disk is at work: its answers are worth more than another look. */
	if (r->freed < r->target && swap_writes_flying()) {
		swap_written_wait(clock_ns() + WAIT_NS);
		harvest(r);
	}
}

static void
reclaim_batch(struct reclaim *r, u32 most)
{
	struct list isolated = LIST_INIT(isolated);
	struct list out = LIST_INIT(out);
	u32 scanned;

	lru_isolate(r->lru, LRU_INACTIVE, most, &isolated, &scanned);
	r->scanned += scanned;
	count_events(r->kswapd ? VM_PGSCAN_KSWAPD : VM_PGSCAN_DIRECT, scanned);
	sort_batch(r, &isolated, &out);
	write_batch(r, &out);
}

/* Judges each page. Those to be evicted are unmapped, and on @out with their page locks, after one flush for all. */
static void
sort_batch(struct reclaim *r, struct list *isolated, struct list *out)
{
	struct list same = LIST_INIT(same);
	struct tlb_batch batch;
	struct page *page;

	tlb_batch_init(&batch);
	while ((page = list_take(isolated))) {
		enum page_fate fate = FATE_KEEP;

		if (!page_trylock(page)) {
			page_spare(page, FATE_KEEP);
			continue;
		}
		fate = page_judge(page, r->force);
		if (fate == FATE_EVICT && swap_same_freeze(page, &batch)) {
			list_add_tail(&page->link, &same);
			continue;
		}
		if (fate == FATE_EVICT && page_evict(page, &batch)) {
			list_add_tail(&page->link, out);
			continue;
		}
		swap_cache_relieve(page);
		page_unlock(page);
		page_spare(page, fate == FATE_EVICT ? FATE_KEEP : fate);
	}
	tlb_batch_flush(&batch);
	if (!list_empty(&same))
		sort_same(&same, out, &batch);
}

/* Pages that look the same all over, frozen and flushed: those that do so still need no slot (swap_same.h). */
static void
sort_same(struct list *same, struct list *out, struct tlb_batch *batch)
{
	struct page *page;

	while ((page = list_take(same))) {
		if (swap_same_out(page, batch) || page_evict(page, batch)) {
			list_add_tail(&page->link, out);
			continue;
		}
		page_unlock(page);
		page_spare(page, FATE_KEEP);
	}
	tlb_batch_flush(batch);
}

/* Looks at @page, locked, and decides. */
static enum page_fate
page_judge(struct page *page, bool force)
{
	struct page_facts facts = {
		.locked = READ_ONCE(page->locks),
		.used = rmap_test_and_clear_accessed(page) && !force,
		.used_again = READ_ONCE(page->flags) & BIT(PG_REFERENCED),
		.writing = READ_ONCE(page->flags) & BIT(PG_WRITEBACK),
		.has_place = page_is_cached(page) || swap_free_pages(),
	};

	if (facts.used && !facts.used_again)
		page_flag_set(page, PG_REFERENCED);
	else
		page_flag_clear(page, PG_REFERENCED);
	return reclaim_decide(&facts);
}

/*
 * A slot, and swap entries in the place of leaves. A page of an object is only unmapped: it gets its slot when no CPU
 * can write to it any more. False: no slot, or somebody locked or mapped it meanwhile.
 */
static bool
page_evict(struct page *page, struct tlb_batch *batch)
{
	if (page->kind == PAGE_SHMEM)
		return rmap_take_out(page, batch);
	if (!page->object && !swap_cache_add(page))
		return false;
	return rmap_swap_out(page, leaf_from_swap(page_swap_entry(page)), batch);
}

/* Back to a list. Takes the isolation's reference. */
static void
page_spare(struct page *page, enum page_fate fate)
{
	switch (fate) {
	case FATE_ACTIVATE:
		count_event(VM_PGACTIVATE);
		lru_putback(page, LRU_ACTIVE, false);
		break;
	case FATE_UNEVICTABLE:
		lru_putback(page, LRU_UNEVICTABLE, false);
		if (!READ_ONCE(page->locks))
			lru_rescue(page); /* Race: unlocked between the look and the list */
		break;
	default:
		lru_putback(page, LRU_INACTIVE, false);
	}
}

/* The pages of @out are locked and unmapped, and no CPU can reach them. */
static void
write_batch(struct reclaim *r, struct list *out)
{
	struct swap_write w;
	struct page *page;

	swap_write_begin(&w);
	while ((page = list_take(out))) {
		if (page->kind == PAGE_SHMEM && !shmem_swap_out(page)) {
			page_unlock(page);
			page_spare(page, FATE_KEEP);
			continue;
		}
		if (page_is_cached(page) && READ_ONCE(page->flags) & BIT(PG_DIRTY))
			swap_write(&w, page); /* consumes the page lock and the reference */
		else if (page_free_clean(page))
			count_freed(r);
	}
	swap_write_end(&w);
}

/* I1: frees @page, locked and with the isolation's reference, or puts it back. Takes both. */
static bool
page_free_clean(struct page *page)
{
	bool cached = page_is_cached(page);
	bool free = !page->mapcount && atomic_read(&page->refs) == 1 + cached &&
		    !(READ_ONCE(page->flags) & (BIT(PG_DIRTY) | BIT(PG_WRITEBACK)));

	/*
	 * Race: a fault may find the page in the cache now. It waits for the page lock, sees that it has left, starts
	 * over.
	 */
	if (free && cached)
		swap_cache_del(page);
	page_unlock(page);
	if (free)
		page_put(page);
	else
		page_spare(page, FATE_KEEP);
	return free;
}

/* What the disk has taken: freed, unless somebody wanted it back meanwhile. */
static void
harvest(struct reclaim *r)
{
	struct list written = LIST_INIT(written);
	struct page *page;

	swap_written_take(&written);
	while ((page = list_take(&written))) {
		if (!page_trylock(page))
			page_spare(page, FATE_KEEP);
		else if (page_free_clean(page))
			count_freed(r);
	}
}

/* The larger memory is, the smaller the part of it that must prove itself: Linux's sqrt(10 * GiB), at least 1. */
static bool
active_is_long(const struct lruvec *lru)
{
	u64 inactive = READ_ONCE(lru->count[LRU_INACTIVE]);
	u64 active = READ_ONCE(lru->count[LRU_ACTIVE]);
	u64 gib = (inactive + active) >> (30 - PAGE_SHIFT);
	u64 ratio = 1;

	while (ratio * ratio < 10 * gib)
		ratio++;
	return inactive * ratio < active;
}

/* The tail of the active list: what was used goes round once more, the rest must prove itself. */
static void
deactivate(struct reclaim *r, u32 most)
{
	struct list isolated = LIST_INIT(isolated);
	struct page *page;
	u32 scanned;

	lru_isolate(r->lru, LRU_ACTIVE, most, &isolated, &scanned);
	count_events(VM_PGREFILL, scanned);
	while ((page = list_take(&isolated))) {
		if (rmap_test_and_clear_accessed(page) && r->priority > PRIORITY_FORCE) {
			lru_putback(page, LRU_ACTIVE, false);
			continue;
		}
		count_event(VM_PGDEACTIVATE);
		lru_putback(page, LRU_INACTIVE, false);
	}
}

static void
count_freed(struct reclaim *r)
{
	r->freed++;
	count_event(r->kswapd ? VM_PGSTEAL_KSWAPD : VM_PGSTEAL_DIRECT);
}

static struct page *
list_take(struct list *list)
{
	struct page *page = list_first(list, struct page, link);

	if (list_empty(list))
		return NULL;
	list_del(&page->link);
	return page;
}
