/* SPDX-License-Identifier: MIT */
/*
 * mm/reclaim_batch.c - one batch of pages on their way out: judged, unmapped, written, freed
 *
 * Idea        For each page of the batch the question:
 *
 *                 locked in memory   the policy says    under I/O   place for it      fate
 *                 yes                .                  .           .                 UNEVICTABLE
 *                 no                 back to a list     .           .                 BACK, there
 *                 no                 out                yes         .                 KEEP
 *                 no                 out                no          no                KEEP
 *                 no                 out                no          yes               EVICT
 *
 *             Those to be evicted get a slot, their leaves become swap entries, one flush serves the whole batch, then
 *             the dirty ones are written in runs and the clean ones freed at once. What was written comes back on a
 *             list and is freed by the next batch, if nobody has touched it meanwhile.
 *
 *                 isolate -> decide -> slot, unmap -> flush -> write ... written -> free
 *                                                          `-> clean -----------> free
 *
 * Invariants  I1  A page that is freed is unmapped, clean, in its slot, and nobody but the cache and we had it.
 * Locks       Page locks are only tried. Never mm->lock: a page leads to its leaves by itself (rmap.h).
 * Follow      from reclaim.c   to lru_isolate.c, evict.c, rmap_unmap.c, shmem.c, swap_cache.c, swap_io.c
 * Tests       tests/guest/swap.c, tests/guest/evict.c
 * See         docs/tour.md; docs/mm.md
 */
#include <kernel/panic.h>
#include <kernel/trace.h>
#include <mm/evict_walk.h>
#include <mm/page_alloc.h>
#include <mm/reclaim_batch.h>
#include <mm/rmap.h>
#include <mm/shmem.h>
#include <mm/swap_cache.h>
#include <mm/swap_io.h>
#include <mm/swap_same.h>
#include <mm/vmstat.h>
#include <mm/workingset.h>

static void trace_batch(const struct reclaim *r, bool active, u64 taken, const struct reclaim *before);
static void sort_batch(struct reclaim *r, u32 from, struct list *isolated, struct list *out);
static void sort_same(struct list *same, struct list *out, struct tlb_batch *batch);
static enum page_fate page_judge(struct reclaim *r, struct page *page, u32 from, u32 *list);
static u32 page_verdict(struct reclaim *r, struct page *page, u32 from);
static bool was_used(struct page *page);
static bool page_back(struct page *page, u32 from, u32 list);
static bool page_evict(struct page *page, struct tlb_batch *batch);
static void page_spare(struct page *page, enum page_fate fate);
static void write_batch(struct reclaim *r, struct list *out);
static bool page_free_clean(struct page *page);
static void count_freed(struct reclaim *r, bool steal);
static struct page *list_take(struct list *list);

bool
reclaim_batch(struct reclaim *r, enum lru_kind kind, u32 most)
{
	struct list isolated = LIST_INIT(isolated);
	struct list out = LIST_INIT(out);
	struct lru_batch b = {.kind = kind, .most = most, .out = &isolated};
	struct reclaim before = *r;
	bool active;
	u32 taken;

	taken = lru_isolate(r->lru, &b);
	while (b.from == EVICT_AGE) {
		evict_walk(r->lru);
		taken = lru_isolate(r->lru, &b);
	}
	trace(mm_vmscan_lru_isolate, most, b.scanned, taken);
	active = !r->force && evict_is_active(&r->lru->set[kind], b.from);
	if (active) {
		count_events(VM_PGREFILL, b.scanned);
	} else {
		count_events(r->kswapd ? VM_PGSCAN_KSWAPD : VM_PGSCAN_DIRECT, b.scanned);
		count_events(kind == LRU_ANON ? VM_PGSCAN_ANON : VM_PGSCAN_FILE, b.scanned);
	}
	r->scanned += b.scanned;
	sort_batch(r, b.from, &isolated, &out);
	write_batch(r, &out);
	trace_batch(r, active, taken, &before);
	return b.from != EVICT_NONE;
}

void
reclaim_evict(struct reclaim *r, struct list *isolated)
{
	struct list out = LIST_INIT(out);

	sort_batch(r, EVICT_NONE, isolated, &out);
	write_batch(r, &out);
}

void
reclaim_take_written(struct reclaim *r)
{
	struct list written = LIST_INIT(written);
	struct page *page;

	swap_written_take(&written);
	while ((page = list_take(&written))) {
		bool steal = page_flag_take(page, PG_RECLAIM);

		count_event(VM_PGROTATED); /* first in the order of leaving, whatever it was before */
		if (!page_trylock(page))
			page_spare(page, FATE_KEEP);
		else if (page_free_clean(page))
			count_freed(r, steal);
	}
}

void
reclaim_cold(struct list *isolated)
{
	struct page *page;

	while ((page = list_take(isolated))) {
		rmap_test_and_clear_accessed(page);
		page_flag_clear(page, PG_REFERENCED);
		count_event(VM_PGDEACTIVATE);
		lru_putback(page, LRU_COLD);
	}
}

enum page_fate
reclaim_decide(const struct page_facts *facts)
{
	if (facts->locked)
		return FATE_UNEVICTABLE;
	if (!facts->out)
		return FATE_BACK;
	return facts->writing || !facts->has_place ? FATE_KEEP : FATE_EVICT;
}

static void
trace_batch(const struct reclaim *r, bool active, u64 taken, const struct reclaim *before)
{
	if (active)
		trace(mm_vmscan_lru_shrink_active, taken, r->deactivated - before->deactivated, r->priority);
	else
		trace(mm_vmscan_lru_shrink_inactive, taken, r->freed - before->freed, r->priority);
}

/* Judges each page. Those to be evicted are unmapped, and on @out with their page locks, after one flush for all. */
static void
sort_batch(struct reclaim *r, u32 from, struct list *isolated, struct list *out)
{
	struct list same = LIST_INIT(same);
	struct tlb_batch batch;
	struct page *page;

	tlb_batch_init(&batch);
	while ((page = list_take(isolated))) {
		enum page_fate fate;
		u32 list;

		if (!page_trylock(page)) {
			page_spare(page, FATE_KEEP);
			continue;
		}
		fate = page_judge(r, page, from, &list);
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
		if (fate == FATE_BACK)
			r->deactivated += page_back(page, from, list);
		else
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

/* Looks at @page, locked, and decides. *list: where to, for FATE_BACK. */
static enum page_fate
page_judge(struct reclaim *r, struct page *page, u32 from, u32 *list)
{
	struct page_facts facts = {
		.locked = READ_ONCE(page->locks),
		.writing = READ_ONCE(page->flags) & BIT(PG_WRITEBACK),
		.has_place = page_is_cached(page) || swap_free_pages(),
	};

	*list = facts.locked ? LRU_UNEVICTABLE : page_verdict(r, page, from);
	facts.out = *list == EVICT_OUT;
	return reclaim_decide(&facts);
}

/* What the policy says of @page. Late, what is used must become inactive all the same, and so show it once more. */
static u32
page_verdict(struct reclaim *r, struct page *page, u32 from)
{
	struct evict_set *set = &r->lru->set[lru_kind_of(page)];
	bool used = READ_ONCE(set->asks) && was_used(page);

	if (r->force)
		return EVICT_OUT;
	if (r->priority <= PRIORITY_FORCE && evict_is_active(set, from))
		used = false;
	return evict_judge(set, page, from, used);
}

/* Since this was last asked: by a program through a leaf, or by the kernel for one. */
static bool
was_used(struct page *page)
{
	bool touched = page_flag_take(page, PG_TOUCHED);

	return rmap_test_and_clear_accessed(page) || touched;
}

/* To the head of @list of the policy. Takes the isolation's reference. Returns true: it became inactive. */
static bool
page_back(struct page *page, u32 from, u32 list)
{
	struct evict_set *set = &lru_of(page)->set[lru_kind_of(page)];
	bool was = evict_is_active(set, from);
	bool is = evict_is_active(set, list);

	if (is && !was)
		workingset_activate(page);
	if (was && !is) {
		count_event(VM_PGDEACTIVATE);
		page_flag_set(page, PG_WORKINGSET);
	}
	lru_putback(page, list);
	return was && !is;
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
	case FATE_UNEVICTABLE:
		count_event(VM_UNEVICTABLE_PGCULLED);
		lru_putback(page, LRU_UNEVICTABLE);
		if (!READ_ONCE(page->locks))
			lru_rescue(page); /* Race: unlocked between the look and the list */
		break;
	default:
		lru_putback(page, LRU_YOUNG);
	}
}

/* The pages of @out are locked and unmapped, and no CPU can reach them. */
static void
write_batch(struct reclaim *r, struct list *out)
{
	struct swap_write w;
	struct page *page;
	u64 written = 0;

	swap_write_begin(&w);
	while ((page = list_take(out))) {
		if (page->kind == PAGE_SHMEM && !shmem_swap_out(page)) {
			page_unlock(page);
			page_spare(page, FATE_KEEP);
			continue;
		}
		if (page_is_cached(page) && READ_ONCE(page->flags) & BIT(PG_DIRTY)) {
			trace(mm_vmscan_write_folio, page_to_pfn(page), page_swap_entry(page).value, 0);
			if (!r->advice)
				page_flag_set(page, PG_RECLAIM);
			else
				page_flag_clear(page, PG_RECLAIM); /* an earlier write has failed */
			swap_write(&w, page);                      /* consumes the page lock and the reference */
			written++;
		} else if (page_free_clean(page)) {
			count_freed(r, !r->advice);
		}
	}
	swap_write_end(&w);
	if (written)
		lru_note_cost(r->lru, LRU_ANON, written);
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
		swap_cache_leave(page);
	if (free)
		lru_isolation_ends(page);
	page_unlock(page);
	if (free)
		page_put(page);
	else
		page_spare(page, FATE_KEEP);
	return free;
}

static void
count_freed(struct reclaim *r, bool steal)
{
	r->freed++;
	if (!steal)
		return;
	count_event(r->kswapd ? VM_PGSTEAL_KSWAPD : VM_PGSTEAL_DIRECT);
	count_event(VM_PGSTEAL_ANON);
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
