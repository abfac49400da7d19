/* SPDX-License-Identifier: MIT */
/*
 * mm/swapoff.c - bring every page of a swap area back
 *
 * Idea        Object by object, each entry becomes its page (shmem.h); then address space by address space, table by
 *             table: each leaf that names a slot of the area gets its page, as a fault would give it. A fork may hand
 *             entries on behind our back, so the walk begins again until no slot is named. Then the pages that are
 *             still in the cache let go of their slots, and at last those who look into the cache come to an end.
 *             The same search mends single slots that could not be written, while the area stays on.
 * Invariants  see swap.h
 * Locks       search_lock (sleeping): one search for slots at a time; mm->lock for reading, one after the other (only
 *             tried where single slots are mended); the page lock
 * Follow      from kernel/sys_swap.c, swap_mend.c   to shmem.c, swap_leaf.c, swap_cache.c
 * Tests       tests/guest/swap.c, tests/guest/swaprace.c, tests/guest/swapfail.c
 * See         swapoff(2)
 */
#include <kernel/lib/bitmap.h>
#include <kernel/lib/errno.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/task.h>
#include <kernel/wait.h>
#include <mm/commit.h>
#include <mm/lru.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/shmem.h>
#include <mm/swap_cache.h>
#include <mm/swap_discard.h>
#include <mm/swap_io.h>
#include <mm/swap_leaf.h>
#include <mm/swap_same.h>

#define MEND_ROUNDS 3 /* a fork hands entries on behind our back */

static struct mutex search_lock = MUTEX_INIT(search_lock, RANK_SWAPOFF);

static int leave_locked(struct swap_area *area);
static int bring_back(struct swap_area *area);
static int bring_back_all(struct swap_area *area);
static int bring_back_mm(struct swap_area *area, struct mm *mm);
static bool mm_lock_for(const struct swap_area *area, struct mm *mm);
static int bring_back_table(struct swap_area *area, struct mm *mm, struct page *table);
static bool is_last(void);
static bool leaf_is_of(const struct swap_area *area, pte_t leaf);
static bool let_go(struct swap_area *area);
static bool let_go_slot(struct swap_area *area, u32 slot);
static void area_close(struct swap_area *area);

int
swap_area_remove(struct swap_area *area)
{
	int err;

	may_sleep();
	mutex_lock(&search_lock);
	spin_lock(&area->lock);
	area->state = SWAP_LEAVING;
	spin_unlock(&area->lock);
	err = leave_locked(area);
	if (err) {
		spin_lock(&area->lock);
		area->state = SWAP_ON;
		spin_unlock(&area->lock);
	} else {
		swap_discard_stop(area);
		area_close(area);
	}
	mutex_unlock(&search_lock);
	return err;
}

void
swap_area_mend(struct swap_area *area)
{
	may_sleep();
	if (!mutex_trylock(&search_lock))
		return;
	if (area->state == SWAP_ON)
		for (u32 i = 0; i < MEND_ROUNDS && swap_map_failed(&area->map); i++)
			(void)bring_back_all(area);
	mutex_unlock(&search_lock);
}

bool
swap_entry_leaves(const struct swap_area *area, swap_entry_t entry)
{
	if (swap_entry_is_same(entry))
		return is_last();
	if (swap_entry_area(entry) != area->type)
		return false;
	return area->state == SWAP_LEAVING || bitmap_test(area->map.bad, swap_entry_slot(entry));
}

static int
leave_locked(struct swap_area *area)
{
	int err = commit_charge(current->mm, 0); /* are the promises kept without it? */

	while (!err) {
		err = bring_back(area);
		if (!err && let_go(area))
			break;
	}
	return err;
}

/* Until nobody names a slot and, when this is the last area, no leaf names a word. */
static int
bring_back(struct swap_area *area)
{
	while (swap_map_next(&area->map, 1) || (is_last() && swap_same_users())) {
		int err = bring_back_all(area);

		if (err)
			return err;
		if (READ_ONCE(current->signal_pending))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Once through all objects and address spaces. */
static int
bring_back_all(struct swap_area *area)
{
	struct mm *mm = NULL;
	int err = shmem_bring_back(area);

	while (!err && (mm = mm_next_get(mm)))
		err = bring_back_mm(area, mm);
	if (err && mm)
		mm_put(mm);
	return err;
}

static int
bring_back_mm(struct swap_area *area, struct mm *mm)
{
	u64 base = 0;
	pte_t *entry;
	int err = 0;

	if (!mm_lock_for(area, mm))
		return 0;
	while (!err && (entry = pagetable_next(mm, &base, USER_TOP))) {
		struct page *table = leaf_page(pte_read(entry));

		base = table->base + TABLE_SPAN;
		if (READ_ONCE(table->counts[RSS_SWAP]))
			err = bring_back_table(area, mm, table);
	}
	rwsem_read_unlock(&mm->lock);
	return err;
}

/*
 * Race: who has @mm->lock may be waiting for memory, and reclaim for the pages that the search is for (swap_mend.c). So
 * only swapoff, for which nobody waits, waits itself; what a search leaves out is found by the next one.
 */
static bool
mm_lock_for(const struct swap_area *area, struct mm *mm)
{
	if (area->state == SWAP_ON)
		return rwsem_read_trylock(&mm->lock);
	rwsem_read_lock(&mm->lock);
	return true;
}

static int
bring_back_table(struct swap_area *area, struct mm *mm, struct page *table)
{
	bool major = false;

	for (u32 i = 0; i < TABLE_ENTRIES; i++) {
		pte_t *slot = &table_slots(table)[i];
		u64 va = table->base + i * PAGE_SIZE;
		pte_t leaf = pte_read(slot);
		struct vma *vma;
		int err;

		if (!leaf_is_of(area, leaf))
			continue;
		vma = vma_find(&mm->vmas, va);
		assertf(vma && vma->start <= va, "a swap entry at %lx, where nothing is mapped", va);
		err = swap_leaf_in(slot, leaf, leaf_bits(vma->flags) & ~PTE_WRITE, ALLOC_USER | ALLOC_NOOOM, true,
				   &major);
		if (err == -EIO && area->state == SWAP_LEAVING)
			swap_leaf_lose(slot, leaf);
		else if (err && err != -EAGAIN)
			return err;
		if (READ_ONCE(current->signal_pending))
			return -EINTR;
	}
	return 0;
}

/* Is no area left that pages could go to? */
static bool
is_last(void)
{
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (READ_ONCE(swap_areas[i].state) == SWAP_ON)
			return false;
	return true;
}

static bool
leaf_is_of(const struct swap_area *area, pte_t leaf)
{
	return leaf_is_swap(leaf) && swap_entry_leaves(area, leaf_to_swap(leaf));
}

/*
 * Pages that nobody needs the disk for any more, mapped or not, let go of their slots. False: a slot is named again.
 *
 * Race: reclaim took the slot before the area was leaving, and puts its entries only now. They are brought back next.
 */
static bool
let_go(struct swap_area *area)
{
	for (u32 slot = 1; slot < area->map.slots; slot++) {
		while (bitmap_test(area->map.cached, slot)) {
			if (!let_go_slot(area, slot))
				return false;
			cond_resched();
		}
	}
	return true;
}

/*
 * Tries once. What is being written is waited for; without a page, somebody is between the slot and the cache, and
 * will be through in a moment. False: somebody names the slot.
 */
static bool
let_go_slot(struct swap_area *area, u32 slot)
{
	struct page *page = pagecache_find(area->cache, slot);
	bool named = false;

	if (!page)
		return true;
	page_lock(page);
	if (page_is_cached(page)) {
		swap_write_wait(page);
		named = !swap_cache_disown(page);
	}
	page_unlock(page);
	page_put(page);
	return !named;
}

static void
area_close(struct swap_area *area)
{
	dassert(!swap_map_check(&area->map));
	spin_lock(&area->lock);
	area->state = SWAP_OFF;
	spin_unlock(&area->lock);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* see swap_area_get() */
	wait_event(&area->io_free, !atomic_read(&area->users));
	area->ops->close(area->device);
	swap_area_forget(area);
	if (!swap_total_pages())
		lru_stop();
}
