/* SPDX-License-Identifier: MIT */
/*
 * mm/shmem_same.c - pages of objects that are all of one word leave memory without a slot
 *
 * Idea        As swap_same.c does it for private pages, and simpler: reclaim has unmapped the page already, and whoever
 *             copies to or from it holds a reference. So the last look of shmem.c, under the object's lock, is the
 *             proof here, too: two references, and the word still all over. The entry that names the word takes the
 *             page's place in the tree, and the frame is free at once. Who looks for the page gets a fresh one, filled.
 *
 *               Race: between the look at the entry and the fresh page, another may fill, change and evict again; the
 *               same entry may even name another word by then. So both are compared again, under the object's lock.
 * Invariants  see shmem.h, swap_same.h
 * Locks       object->lock, then same_lock
 * Follow      from shmem.c   to swap_same.c
 * Tests       tests/guest/tmpswap.c
 * See         docs/mm.md section 10
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/lru.h>
#include <mm/pagecache_item.h>
#include <mm/shmem_item.h>
#include <mm/swap_same.h>
#include <mm/vmstat.h>

static void same_out_locked(struct page *page, swap_entry_t entry);
static bool item_word(struct pagecache *object, u64 index, const void *item, u64 *word);
static void same_in_locked(struct pagecache *object, u64 index, struct page *page);

bool
shmem_same_out(struct page *page)
{
	struct pagecache *object;
	swap_entry_t entry;
	u64 word, now;
	bool gone;

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED) && page->kind == PAGE_SHMEM);
	if (!swap_same_look(page, &word) || !swap_same_hold(word, &entry))
		return false;
	object = shmem_object_trylock(page);
	gone = object && atomic_read(&page->refs) == 2 && !page->mapcount && swap_same_look(page, &now) && now == word;
	if (gone)
		same_out_locked(page, entry);
	if (object)
		spin_unlock(&object->lock);
	if (!gone) {
		swap_same_put(entry);
		return false;
	}
	page_flag_clear(page, PG_DIRTY); /* a word is never behind */
	page_put(page);                  /* the object's reference */
	count_event(VM_SWPOUT_SAME);
	return true;
}

int
shmem_same_in(struct pagecache *object, u64 index, const void *item, u32 alloc, struct page **out)
{
	struct page *page;
	u64 word, now;
	bool ours;

	may_sleep();
	spin_lock(&object->lock);
	ours = item_word(object, index, item, &word);
	spin_unlock(&object->lock);
	if (!ours)
		return -EAGAIN;
	page = swap_same_page(word, PAGE_SHMEM, alloc);
	if (!page)
		return -ENOMEM;
	spin_lock(&object->lock);
	ours = item_word(object, index, item, &now) && now == word;
	if (ours)
		same_in_locked(object, index, page);
	spin_unlock(&object->lock);
	if (!ours) {
		page_put(page);
		return -EAGAIN;
	}
	swap_same_put(item_to_entry(item));
	count_event(VM_SWPIN_SAME);
	*out = page;
	return 0;
}

/* The hold on the word becomes the tree's. */
static void
same_out_locked(struct page *page, swap_entry_t entry)
{
	struct pagecache *object = page->object;

	must_hold(&object->lock);
	radix_replace(&object->tree, page->index, item_of_entry(entry));
	object->swapped++;
	object->went_out = true;
	pagecache_count_cached(object, -1);
	spin_lock(&page->lock); /* as take_item() */
	page->object = NULL;
	spin_unlock(&page->lock);
}

/* Does @item still stand at @index, and which word does it name? */
static bool
item_word(struct pagecache *object, u64 index, const void *item, u64 *word)
{
	must_hold(&object->lock);
	if (radix_get(&object->tree, index) != item)
		return false;
	*word = swap_same_word(item_to_entry(item));
	return true;
}

/* The object gets a reference of its own. */
static void
same_in_locked(struct pagecache *object, u64 index, struct page *page)
{
	must_hold(&object->lock);
	shmem_page_become(page, PAGE_SHMEM, object, index);
	page_get(page);
	radix_replace(&object->tree, index, page);
	assert(object->swapped);
	object->swapped--;
	pagecache_count_cached(object, 1);
	if (READ_ONCE(lru_on))
		lru_add_new(page);
}
