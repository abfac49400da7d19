/* SPDX-License-Identifier: MIT */
/*
 * mm/torture.c - eviction where nobody expects it
 *
 * Idea        Most programs never meet a page that has just left memory, and most mistakes show only then. With
 *             evict_every=n on the command line, or in /proc/sys/vm/evict_every, every n-th fault of the system takes
 *             some page that is mapped somewhere, or that a file in memory holds, and evicts it, used or not, by the
 *             way that every page goes: slot, entries in the place of leaves, flush, write, free. An area of swap must
 *             be on. Which page: one that lies up to 512 steps from either end of a list that is chosen by chance.
 *             Why by the lists: who finds a page by its frame's number meets those that are half made, too.
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
#include <mm/reclaim.h>
#include <mm/swap.h>
#include <mm/torture.h>

u32 torture_every;

static atomic_t faults;
static u64 chance = 1; /* racy: any number will do */

static u64 random_number(void);

void
torture_fault(void)
{
	struct list one = LIST_INIT(one);
	u32 every = READ_ONCE(torture_every);
	struct page *page;

	may_sleep();
	if (!every || (u32)atomic_add_return(&faults, 1) % every || current->reclaims || !swap_free_pages())
		return;
	page = lru_isolate_chance(&nodes[0].lru, random_number());
	if (!page)
		return;
	list_add(&page->link, &one);
	lazyfree_drop(&one);
	reclaim_pageout(&one);
	reclaim_harvest();
}

/* Marsaglia's xorshift: a game that can be played again is worth more than a good one. */
static u64
random_number(void)
{
	u64 x = READ_ONCE(chance);

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	WRITE_ONCE(chance, x);
	return x;
}
