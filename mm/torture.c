/* SPDX-License-Identifier: MIT */
/*
 * mm/torture.c - eviction where nobody expects it
 *
 * Idea        Most programs never meet a page that has just left memory, and most mistakes show only then. With
 *             evict_every=n on the command line, or in /proc/sys/vm/evict_every, every n-th fault of the system takes
 *             some page that is mapped somewhere, or that a file in memory holds, and evicts it, used or not, by the
 *             way that every page goes: slot, entries in the place of leaves, flush, write, free. An area of swap must
 *             be on. Which page: the first one behind a frame chosen by chance.
 * Invariants  I1  What a program sees is what it sees without: only times, and counts of faults and of pages in
 *                 memory, are different.
 * Locks       those of reclaim
 * Follow      from fault.c   to reclaim.c
 * Tests       make torture; a part of it in make test
 * See         docs/mm.md section 10
 */
#include <kernel/lib/atomic.h>
#include <kernel/panic.h>
#include <kernel/task.h>
#include <mm/lazyfree.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/reclaim.h>
#include <mm/swap.h>
#include <mm/torture.h>

#define LOOK_MOST 4096 /* frames that are looked at */

u32 torture_every;

static atomic_t faults;
static u64 chance = 1; /* racy: any number will do */

static u64 random_pfn(void);
static struct page *page_isolate(u64 pfn);

void
torture_fault(void)
{
	struct list one = LIST_INIT(one);
	struct page *page = NULL;
	u32 every = READ_ONCE(torture_every);
	u64 pfn;

	may_sleep();
	if (!every || (u32)atomic_add_return(&faults, 1) % every || current->reclaims || !swap_free_pages())
		return;
	pfn = random_pfn();
	for (u32 i = 0; i < LOOK_MOST && !page; i++)
		page = page_isolate(pfn + i);
	if (!page)
		return;
	list_add(&page->link, &one);
	lazyfree_drop(&one);
	reclaim_pageout(&one);
	reclaim_harvest();
}

/* Marsaglia's xorshift: a game that can be played again is worth more than a good one. */
static u64
random_pfn(void)
{
	u64 x = READ_ONCE(chance);

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	WRITE_ONCE(chance, x);
	return x % (memblock_ram_end() >> PAGE_SHIFT);
}

/* The page of that frame off its list, with a reference; NULL: it is none that could go. */
static struct page *
page_isolate(u64 pfn)
{
	struct page *page;
	u32 flags;

	if (!memblock_is_ram(pfn << PAGE_SHIFT))
		return NULL;
	page = pfn_to_page(pfn);
	flags = READ_ONCE(page->flags);
	if ((flags & (BIT(PG_LRU) | BIT(PG_UNEVICTABLE))) != BIT(PG_LRU) || !atomic_inc_not_zero(&page->refs))
		return NULL;
	if (lru_isolate_page(page))
		return page;
	page_put(page);
	return NULL;
}
