/* SPDX-License-Identifier: MIT */
/*
 * mm/lru_start.c - since when there are lists, and in whose order pages leave
 *
 * Idea        Without swap nobody keeps lists. When the first area comes, the frames of RAM are looked at one by one,
 *             while no program runs. A new policy takes the lists over as they are (evict.h).
 * Invariants  after lru_start() each private page is on a list, or in somebody's hands
 * Locks       every mm->lock, then lruvec->lock for each page
 * Follow      from swap.c, swapoff.c, kernel/fs/procfs_sysctl.c, kernel/main.c   to lru_list.h, evict.c
 * Tests       tests/guest/swap.c, tests/guest/evict.c
 * See         lru.h
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/lru.h>
#include <mm/lru_list.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>

bool lru_on;

static int gather(struct mm *mm, void *arg);
static void gather_page(struct page *page);
static bool page_can_leave(const struct page *page);

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
		lru_link(lru, page, LRU_COLD);
	spin_unlock(&lru->lock);
	page_put(page);
}

static bool
page_can_leave(const struct page *page)
{
	u8 kind = READ_ONCE(page->kind);

	return kind == PAGE_ANON || kind == PAGE_SHMEM;
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
