/* SPDX-License-Identifier: MIT */
/*
 * mm/shmem.c - pages of shared memory and of files in memory, on their way to a disk and back
 *
 * Idea        Out: reclaim has locked, unmapped and flushed the page. A slot is taken; then, under the object's lock, a
 *             last look: two references, the object's and reclaim's, mean that nobody copies to or from the page just
 *             now, and nobody can begin to, for pages are found under that lock. The page moves to the swap cache, the
 *             entry into its place, and from here on it is written like a private one.
 *             In: the page of the slot, from the cache or the disk, locked; when it is being written, its write has
 *             come to an end. Then it takes the entry's place, if that still stands there, and the slot is free.
 *             Simple: a page that was only read is written again when it leaves again; as in Linux.
 *
 *               Race: A reads from the file, B evicts. A finds the page under object->lock and has a reference: B sees
 *               three and leaves it. Or B was first: A finds the entry, then the page in the cache, and waits for its
 *               lock, which B gives to the disk (PG_WRITEBACK); A waits for that, too, and takes the page back.
 *               Race: A faults, B evicts. B unmaps, A finds the page in the tree still and maps it again: B sees
 *               mapcount or A's reference. An A that has mapped and gone on is seen by mapcount, which changes under
 *               the reference that the mapping takes over.
 *               Race: A truncates, B evicts. Truncation takes no page lock. B comes from the page, and may trust
 *               page->object only under the map lock, where it can do no more than try the object's lock; with that
 *               held the page cannot leave, nor the object go. Truncation finds the page or the entry, never neither.
 *               Race: A truncates, B brings back. B looks for the very entry again. It has gone: B lets go of the
 *               page, and of the cache's page if no one names its slot.
 *               Race: two bring the same page back. They meet at the page lock. The second finds that the page has
 *               left the cache, starts over, and finds it in the tree.
 *               Race: A has read an entry, then swapoff brings the page back and closes the area. A holds the area
 *               (swap_area_get) while it looks there, or is told that it is closed, and starts over.
 * Invariants  see shmem.h
 * Locks       see shmem.h
 * Follow      from pagecache.c, reclaim_batch.c, swapoff.c   to swap_cache.c, shmem_same.c
 * Tests       tests/host/pagecache_test.c, tests/guest/tmpswap.c
 * See         docs/mm.md section 10
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/task.h>
#include <kernel/wait.h>
#include <mm/page_alloc.h>
#include <mm/pagecache_item.h>
#include <mm/shmem_item.h>
#include <mm/swap_cache.h>
#include <mm/swap_io.h>

static int bring_in(struct pagecache *object, u64 index, void *item, u32 alloc, bool *major, struct page **out);
static bool adopt(struct pagecache *object, u64 index, void *item, struct page *page);
static void adopt_locked(struct pagecache *object, u64 index, struct page *page, struct radix_pool *pool);
static int move_out(struct page *page, swap_entry_t entry, struct radix_pool *pool);
static int move_out_locked(struct page *page, swap_entry_t entry, struct radix_pool *pool);
static void lose(struct pagecache *object, u64 index, void *item);
static bool next_entry(struct pagecache *object, u64 *index, u64 end, void **item);
static int bring_back_object(struct pagecache *object, const struct swap_area *area);

int
shmem_find(struct pagecache *object, u64 index, u32 alloc, bool *major, struct page **out)
{
	void *item;
	int err;

	may_sleep();
	for (;;) {
		spin_lock(&object->lock);
		item = radix_get(&object->tree, index);
		if (item_is_page(item))
			page_get(item);
		spin_unlock(&object->lock);
		if (!item_is_entry(item)) {
			*out = item;
			return 0;
		}
		if (unlikely(swap_entry_is_lost(item_to_entry(item))))
			return -EIO;
		if (swap_entry_is_same(item_to_entry(item)))
			err = shmem_same_in(object, index, item, alloc, out);
		else
			err = bring_in(object, index, item, alloc, major, out);
		if (err != -EAGAIN)
			return err;
		cond_resched();
	}
}

bool
shmem_swap_out(struct page *page)
{
	struct radix_pool pool = {NULL, 0};
	swap_entry_t entry;
	int err;

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED) && page->kind == PAGE_SHMEM);
	if (shmem_same_out(page))
		return true;
	if (!swap_slot_alloc(&entry))
		return false;
	do {
		err = move_out(page, entry, &pool);
	} while (err == -ENOMEM && pagecache_pool_grow(&pool, ALLOC_RESERVE | ALLOC_NOWARN));
	pagecache_pool_release(&pool);
	if (err)
		swap_slot_return(entry);
	else
		page_flag_set(page, PG_DIRTY);
	return !err;
}

void
shmem_read_ahead(struct pagecache *object, u64 first, u64 end)
{
	struct page *page;
	bool major;
	void *item;

	for (; READ_ONCE(object->swapped) && next_entry(object, &first, end, &item); first++) {
		if (shmem_find(object, first, ALLOC_USER | ALLOC_NOOOM, &major, &page))
			return;
		if (page)
			page_put(page);
		cond_resched();
	}
}

int
shmem_bring_back(const struct swap_area *area)
{
	struct pagecache *object = NULL;
	int err = 0;

	while (!err && (object = pagecache_visit(object)))
		err = bring_back_object(object, area);
	if (object)
		pagecache_visit_end();
	return err;
}

u64
shmem_swapped(struct pagecache *object, u64 first, u64 end)
{
	u64 count = 0;
	void *item;

	for (; READ_ONCE(object->swapped) && next_entry(object, &first, end, &item); first++)
		count++;
	return count;
}

/* -EAGAIN: something has changed, look again. */
static int
bring_in(struct pagecache *object, u64 index, void *item, u32 alloc, bool *major, struct page **out)
{
	struct page *page;
	int err = swap_in(item_to_entry(item), alloc, major, &page);

	if (err)
		return err;
	swap_write_wait(page);
	if (!adopt(object, index, item, page)) {
		err = -EAGAIN;
		swap_cache_disown(page); /* unless somebody names the slot still */
	}
	page_unlock(page);
	if (err)
		page_put(page);
	else
		*out = page;
	return err;
}

/* @page, locked and in the swap cache, takes the place of @item. False: that has gone. */
static bool
adopt(struct pagecache *object, u64 index, void *item, struct page *page)
{
	struct radix_pool pool = {NULL, 0};
	swap_entry_t entry = item_to_entry(item);
	bool ours;

	dassert(page_swap_entry(page).value == entry.value);
	spin_lock(&object->lock);
	ours = radix_get(&object->tree, index) == item;
	if (ours)
		adopt_locked(object, index, page, &pool);
	spin_unlock(&object->lock);
	pagecache_pool_release(&pool);
	if (ours) {
		page_flag_clear(page, PG_DIRTY);
		swap_put(entry);
		swap_slot_return(entry);
	}
	return ours;
}

/* The reference of the cache becomes the object's. */
static void
adopt_locked(struct pagecache *object, u64 index, struct page *page, struct radix_pool *pool)
{
	struct pagecache *cache = page->object;

	must_hold(&object->lock);
	spin_lock_nested(&cache->lock); /* an area's cache comes after objects of programs */
	radix_delete(&cache->tree, page->index, pool);
	cache->count--;
	pagecache_count_cached(cache, -1);
	shmem_page_become(page, PAGE_SHMEM, object, index);
	spin_unlock(&cache->lock);
	radix_replace(&object->tree, index, page);
	assert(object->swapped);
	object->swapped--;
	pagecache_count_cached(object, 1);
}

/* -ENOMEM: @pool holds too few nodes; -EBUSY. */
static int
move_out(struct page *page, swap_entry_t entry, struct radix_pool *pool)
{
	struct pagecache *object = shmem_object_trylock(page);
	int err = -EBUSY;

	if (!object)
		return err;
	if (atomic_read(&page->refs) == 2 && !page->mapcount)
		err = move_out_locked(page, entry, pool);
	spin_unlock(&object->lock);
	return err;
}

/* See the third race at the head. */
struct pagecache *
shmem_object_trylock(struct page *page)
{
	struct pagecache *object;

	spin_lock(&page->lock);
	object = page->object;
	if (object && !spin_trylock(&object->lock))
		object = NULL;
	spin_unlock(&page->lock);
	return object;
}

/* The reference of the object becomes the cache's. */
static int
move_out_locked(struct page *page, swap_entry_t entry, struct radix_pool *pool)
{
	struct pagecache *cache = swap_areas[swap_entry_area(entry)].cache;
	struct pagecache *object = page->object;
	u64 index = page->index;
	int err;

	must_hold(&object->lock);
	spin_lock_nested(&cache->lock); /* as in adopt_locked */
	err = radix_insert(&cache->tree, swap_entry_slot(entry), page, pool);
	if (!err) {
		cache->count++;
		pagecache_count_cached(cache, 1);
		shmem_page_become(page, PAGE_ANON, cache, swap_entry_slot(entry));
	}
	spin_unlock(&cache->lock);
	if (err)
		return err;
	swap_get(entry);
	radix_replace(&object->tree, index, item_of_entry(entry));
	object->swapped++;
	object->went_out = true;
	pagecache_count_cached(object, -1);
	return 0;
}

/* Under the map lock: page->object is looked at there. Nobody maps the page, so no count by kind is concerned. */
void
shmem_page_become(struct page *page, enum page_kind kind, struct pagecache *object, u64 index)
{
	must_hold(&object->lock);
	spin_lock(&page->lock);
	dassert(!page->mapcount && !page->locks);
	page->kind = kind;
	page->object = object;
	page->index = index;
	spin_unlock(&page->lock);
}

/* The next entry from *index on, below @end. */
static bool
next_entry(struct pagecache *object, u64 *index, u64 end, void **item)
{
	spin_lock(&object->lock);
	while ((*item = radix_next(&object->tree, index)) && *index < end && item_is_page(*item))
		++*index;
	spin_unlock(&object->lock);
	return *item && *index < end;
}

/*
 * The page that @item stands for cannot be read and is given up, as swap_leaf_lose() does for a leaf. It counts as
 * swapped still, until it is truncated.
 */
static void
lose(struct pagecache *object, u64 index, void *item)
{
	swap_entry_t entry = item_to_entry(item);
	bool ours;

	spin_lock(&object->lock);
	ours = radix_get(&object->tree, index) == item;
	if (ours)
		radix_replace(&object->tree, index, item_of_entry(swap_entry_lost()));
	spin_unlock(&object->lock);
	if (ours && swap_put(entry))
		swap_cache_drop(entry);
}

static int
bring_back_object(struct pagecache *object, const struct swap_area *area)
{
	u64 index = 0;
	bool major;
	void *item;

	for (; next_entry(object, &index, ~0UL, &item); index++) {
		struct page *page;
		int err;

		if (!swap_entry_leaves(area, item_to_entry(item)))
			continue;
		err = shmem_find(object, index, ALLOC_USER | ALLOC_NOOOM, &major, &page);
		if (err == -EIO && area->state == SWAP_LEAVING)
			lose(object, index, item);
		else if (err)
			return err;
		else if (page)
			page_put(page);
		if (READ_ONCE(current->signal_pending))
			return -EINTR;
		cond_resched();
	}
	return 0;
}
