/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_cache.c - pages that are in memory and have a slot
 *
 * Idea        see swap_cache.h
 * Invariants  see swap.h
 * Locks       see swap_cache.h
 * Follow      from reclaim_batch.c, fault.c, tlb.c   to pagecache.c, swap_io.c
 * Tests       tests/guest/swap.c
 * See         swap.h
 */
#include <kernel/lib/bitmap.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/task.h>
#include <kernel/wait.h>
#include <mm/lru.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/swap_cache.h>
#include <mm/swap_io.h>
#include <mm/vmstat.h>
#include <mm/workingset.h>

static int swap_in_held(swap_entry_t entry, u32 alloc, bool *major, struct page **out);
static void cache_del(struct page *page, u32 shadow);
static struct page *lock_cached(struct pagecache *cache, u32 slot);
static int read_in(swap_entry_t entry, u32 alloc, bool alone, struct page **out);
static bool read_failed(struct page *page);
static void forget_unread(struct page *page);
static void settle_area(struct swap_area *area);

swap_entry_t
page_swap_entry(const struct page *page)
{
	const struct swap_area *area = page->object->owner;

	dassert(page->kind == PAGE_ANON && area->cache == page->object);
	return swap_entry(area->type, (u32)page->index);
}

bool
swap_cache_add(struct page *page)
{
	swap_entry_t entry;

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED));
	dassert(page->kind == PAGE_ANON && !page->object);
	if (!swap_slot_alloc(&entry))
		return false;
	if (pagecache_insert(swap_areas[swap_entry_area(entry)].cache, swap_entry_slot(entry), page,
			     ALLOC_RESERVE | ALLOC_NOWARN)) {
		swap_slot_return(entry);
		return false;
	}
	page_flag_set(page, PG_DIRTY);
	return true;
}

void
swap_cache_del(struct page *page)
{
	cache_del(page, 0);
}

void
swap_cache_leave(struct page *page)
{
	cache_del(page, workingset_leave(page));
}

bool
swap_cache_disown(struct page *page)
{
	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED));
	if (!page_is_cached(page))
		return true;
	if (swap_count(page_swap_entry(page)) || READ_ONCE(page->flags) & BIT(PG_WRITEBACK))
		return false;
	swap_cache_del(page);
	return true;
}

void
swap_cache_drop(swap_entry_t entry)
{
	struct page *page;

	if (!swap_area_get(entry))
		return;
	page = pagecache_find(swap_areas[swap_entry_area(entry)].cache, swap_entry_slot(entry));
	if (page) {
		swap_cache_let_go(page);
		page_put(page);
	}
	swap_area_put(entry);
}

void
swap_cache_let_go(struct page *page)
{
	if (READ_ONCE(page->mapcount) || !page_trylock(page))
		return;
	if (!READ_ONCE(page->mapcount))
		swap_cache_disown(page);
	page_unlock(page);
}

int
swap_in(swap_entry_t entry, u32 alloc, bool *major, struct page **out)
{
	bool within = current->swaps_in;
	int err;

	may_sleep();
	if (!swap_area_get(entry))
		return -EAGAIN;
	current->swaps_in = true;
	err = swap_in_held(entry, alloc, major, out);
	current->swaps_in = within;
	swap_area_put(entry);
	return err;
}

static int
swap_in_held(swap_entry_t entry, u32 alloc, bool *major, struct page **out)
{
	struct swap_area *area = &swap_areas[swap_entry_area(entry)];
	bool again = false; /* the first try failed: this one is alone, and decides */
	bool tried;
	int err;

	for (;;) {
		*out = lock_cached(area->cache, swap_entry_slot(entry));
		tried = !*out;
		if (tried) {
			err = read_in(entry, alloc, again, out);
			if (err)
				return err;
			*major = true;
			/* Locked until the disk has answered; whoever gets the lock then may not be us. */
			page_lock(*out);
		}
		if (likely(!read_failed(*out)))
			break;
		forget_unread(*out); /* consumes the page lock and the reference */
		if (tried && again)
			return -EIO; /* what others tried to read, or read ahead, is no verdict */
		again = true;
	}
	if (likely(page_is_cached(*out) && page_swap_entry(*out).value == entry.value))
		return 0;
	page_unlock(*out);
	page_put(*out);
	return -EAGAIN;
}

/*
 * The index first, then the mark: whoever comes second then finds a locked page to wait for.
 *
 * Race: the last leaf let go of the slot meanwhile. Nobody may use the page then; who waits for it sees that it has
 * left.
 */
int
swap_cache_prepare(swap_entry_t entry, u32 flags, struct page **out)
{
	struct swap_area *area = &swap_areas[swap_entry_area(entry)];
	struct page *page = page_alloc(0, flags);
	u32 shadow = swap_shadow(entry);
	enum refault refault;
	bool wanted;
	int err;

	if (!page)
		return -ENOMEM;
	page_become_user(page, PAGE_ANON, NULL, 0);
	page->flags = BIT(PG_LOCKED);
	refault = shadow ? workingset_judge(page, shadow) : REFAULT_FAR;
	if (refault == REFAULT_FAR)
		lru_add(page);
	else
		lru_add_hot(page);
	err = pagecache_insert(area->cache, swap_entry_slot(entry), page, flags & ~ALLOC_CHARGE);
	if (!err) {
		spin_lock(&area->lock);
		wanted = swap_map_cache(&area->map, swap_entry_slot(entry));
		spin_unlock(&area->lock);
		if (!wanted)
			pagecache_remove(page);
		err = wanted ? 0 : -EAGAIN;
	}
	if (err)
		page_unlock(page);
	else if (shadow)
		workingset_refault(page, refault);
	page_put(page); /* the cache has its own reference */
	*out = page;
	return err == -EEXIST ? -EAGAIN : err;
}

bool
swap_cache_is_full(void)
{
	return swap_free_pages() * 2 < swap_total_pages();
}

void
swap_cache_relieve(struct page *page)
{
	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED));
	if (page_is_cached(page) && READ_ONCE(page->mapcount) && (READ_ONCE(page->locks) || swap_cache_is_full()))
		swap_cache_disown(page);
}

void
swap_cache_settle(void)
{
	may_sleep();
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++) {
		if (!swap_area_get(swap_entry(i, 0)))
			continue;
		settle_area(&swap_areas[i]);
		swap_area_put(swap_entry(i, 0));
	}
}

static void
cache_del(struct page *page, u32 shadow)
{
	swap_entry_t entry = page_swap_entry(page);

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED));
	dassert(!(READ_ONCE(page->flags) & BIT(PG_WRITEBACK)));
	pagecache_remove(page);
	page_flag_clear(page, PG_DIRTY);
	swap_slot_leave(entry, shadow);
}

/* The page at @slot, referenced and locked, if there is one: it may be another's by then. */
static struct page *
lock_cached(struct pagecache *cache, u32 slot)
{
	struct page *page = pagecache_find(cache, slot);

	if (!page)
		return NULL;
	swap_ra_hit(page);
	page_lock(page);
	return page;
}

/*
 * A fresh page for the slot, on its way from the disk: with its neighbours unless @alone.
 * Gives: a reference.
 */
static int
read_in(swap_entry_t entry, u32 alloc, bool alone, struct page **out)
{
	int err = swap_cache_prepare(entry, alloc, out);

	if (err)
		return err;
	page_get(*out);
	if (alone)
		swap_read_alone(entry, *out); /* consumes the page lock */
	else
		swap_read_around(entry, *out); /* likewise */
	return 0;
}

static bool
read_failed(struct page *page)
{
	return unlikely(READ_ONCE(page->flags) & BIT(PG_ERROR));
}

/*
 * @page holds nothing: who wants the slot next reads it anew. Takes the page lock and a reference.
 *
 * Why off its list, for good: a frame that a lost device may write to is never freed (block.h), and neither reclaim nor
 * who fills the lists anew (lru_start) must meet it.
 */
static void
forget_unread(struct page *page)
{
	if (page_is_cached(page))
		swap_cache_del(page);
	page_unlock(page);
	if (lru_isolate_page(page)) /* the reference stays ours to give back */
		lru_isolation_stays(page);
	page_put(page);
}

/* Pages that stand for slots nobody names: those whose swap_cache_drop found them busy. */
static void
settle_area(struct swap_area *area)
{
	for (u32 slot = 1; slot < area->map.slots; slot++) {
		if (!READ_ONCE(area->map.count[slot]) && bitmap_test(area->map.cached, slot))
			swap_cache_drop(swap_entry(area->type, slot));
		if (slot % 4096 == 0)
			cond_resched();
	}
}
