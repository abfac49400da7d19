/* SPDX-License-Identifier: MIT */
/*
 * mm/pagecache_drop.c - pages leave their object: it shrinks, gets a hole, is reclaimed from, or goes itself
 *
 * Idea        Take the item from the tree under the object's lock, so that nobody finds it any more; then take the page
 *             out of every address space; then let go of it, once no CPU remembers a translation.
 * Invariants  I1, I2 of pagecache.h
 * Locks       object->lock, then the map lock of the page that leaves
 * Follow      from kernel/fs/tmpfs_file.c, madvise.c, swap_cache.c, pagecache_object.c   to rmap_unmap.c, truncate.c
 * Tests       tests/host/pagecache_test.c, tests/guest/truncate.c
 * See         docs/mm.md section 6
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/task.h>
#include <mm/page_alloc.h>
#include <mm/pagecache_item.h>
#include <mm/rmap.h>
#include <mm/shmem.h>
#include <mm/swap_cache.h>
#include <mm/truncate.h>

static void drop_item(void *item, struct tlb_batch *batch);
static void *take_item(struct pagecache *object, u64 *first, u64 last, struct radix_pool *pool);
static void clear_part(struct pagecache *object, u64 start, u64 end);

void
pagecache_set_size(struct pagecache *object, u64 size)
{
	u64 old = READ_ONCE(object->size);

	may_sleep();
	dassert(atomic_read(&object->refs) > 0);
	/* Why: the size first. A fault that still finds a page past it maps nothing: see take_item(), rmap_map(). */
	spin_lock(&object->lock);
	WRITE_ONCE(object->size, size);
	spin_unlock(&object->lock);
	if (size >= old)
		return;
	pagecache_drop(object, div_round_up(size, PAGE_SIZE), ~0UL);
	clear_part(object, size, round_up(size, PAGE_SIZE));
	/*
	 * Race: a program notes that it copies before it finds the page under object->lock, or while its leaf maps the
	 * page. Either comes before pagecache_drop has taken that page, or the copy is never made.
	 */
	if (READ_ONCE(object->copied))
		truncate_copies(object, div_round_up(size, PAGE_SIZE));
}

void
pagecache_punch(struct pagecache *object, u64 start, u64 end)
{
	u64 first = div_round_up(start, PAGE_SIZE);
	u64 last = end >> PAGE_SHIFT;

	may_sleep();
	dassert(atomic_read(&object->refs) > 0 && start <= end);
	if (first > last) { /* within one page */
		clear_part(object, start, end);
		return;
	}
	pagecache_drop(object, first, last);
	clear_part(object, start, first << PAGE_SHIFT);
	clear_part(object, last << PAGE_SHIFT, end);
}

void
pagecache_remove(struct page *page)
{
	struct pagecache *object = page->object;
	struct radix_pool pool = {NULL, 0};
	u64 index = page->index;

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED)); /* else it might have left already */
	take_item(object, &index, index + 1, &pool);
	dassert(!page->object);
	pagecache_pool_release(&pool);
	page_put(page);
}

void
pagecache_drop(struct pagecache *object, u64 first, u64 last)
{
	struct radix_pool pool = {NULL, 0};
	struct tlb_batch batch;
	void *item;

	tlb_batch_init(&batch);
	while ((item = take_item(object, &first, last, &pool))) {
		drop_item(item, &batch);
		pagecache_pool_release(&pool);
	}
	tlb_batch_flush(&batch);
}

/* An entry's slot goes, and a page that stands for it: nobody maps that. */
static void
drop_item(void *item, struct tlb_batch *batch)
{
	struct page *page = item;

	if (unlikely(!item_is_page(item))) {
		if (swap_put(item_to_entry(item)))
			swap_cache_drop(item_to_entry(item));
		return;
	}
	if (READ_ONCE(page->mapcount))
		rmap_unmap_all(page, batch);
	dassert(!page->mapcount && atomic_read(&page->refs) > 0);
	tlb_batch_retire(batch, page);
}

/* The lowest item in [*first, last), no longer in the object; a page's cache reference is the caller's now. */
static void *
take_item(struct pagecache *object, u64 *first, u64 last, struct radix_pool *pool)
{
	u64 index = *first;
	struct page *page;

	spin_lock(&object->lock);
	page = radix_next(&object->tree, &index);
	if (page && index >= last)
		page = NULL;
	if (page) {
		radix_delete(&object->tree, index, pool);
		pagecache_count_item(object, -1);
		pagecache_uncharge(object);
		*first = index;
	}
	if (unlikely(item_is_entry(page))) {
		object->swapped--;
	} else if (page) {
		dassert(page->object == object && page->index == index); /* I1 */
		pagecache_count_cached(object, -1);
		/* Why: under the map lock, so that a fault which found the page before either maps it first, and it is
		 * unmapped next, or sees that it has left. */
		spin_lock(&page->lock);
		page->object = NULL;
		spin_unlock(&page->lock);
	}
	spin_unlock(&object->lock);
	return page;
}

/* Zeroes in the bytes [start, end) of one page, if the object has that page. */
static void
clear_part(struct pagecache *object, u64 start, u64 end)
{
	struct page *page = start < end ? pagecache_find(object, start >> PAGE_SHIFT) : NULL;
	bool major;

	dassert(end - start <= PAGE_SIZE);
	if (start < end && !page && READ_ONCE(object->went_out) &&
	    shmem_find(object, start >> PAGE_SHIFT, ALLOC_USER, &major, &page))
		return;
	if (!page)
		return;
	memset((u8 *)page_to_va(page) + (start & ~PAGE_MASK), 0, end - start);
	page_put(page);
}
