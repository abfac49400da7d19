/* SPDX-License-Identifier: MIT */
/*
 * mm/tlb.h - make every processor forget translations, in batches
 *
 * Idea        A frame may be reused only after no CPU can still reach it. Whoever unmaps collects what must be
 *             forgotten and the frames that wait for it; one flush then serves them all, and each CPU acknowledges
 *             before the frames go.
 *
 *                 slot := empty   ->   batch: (cpus, range, frame)   ->   flush: interrupt, answer   ->   frame freed
 *
 * Invariants  I1  A frame in a batch keeps its reference until every CPU named has flushed.
 *             I2  A mapping is narrowed before the mask of CPUs is read, and mm_activate sets its bit before it loads
 *                 the root: a CPU that is missed cannot have seen the old entry.
 * Locks       A batch belongs to its stack frame. A flush sends interrupts and waits: interrupts on, no irq-off lock
 *             held; ordinary spinlocks may be held, their waiters spin with interrupts on.
 * Follow      from rmap.c, unmap.c, share.c   to arch (cpu_call_many)
 * Tests       tests/host/share_test.c, tests/guest/unshare.c
 * See         docs/mm.md section 4; Intel SDM volume 3, section 4.10.5
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/panic.h>

struct mm;
struct page;

#define TLB_BATCH_PAGES 112 /* frames one flush frees: nearly 1 KiB of stack */
#define TLB_BATCH_ORPHANS 8

struct tlb_batch {
	u64 cpus;  /* who must flush */
	u64 start; /* the range that covers all narrowed mappings */
	u64 end;
	u32 count;
	u32 orphans; /* of orphan[] */
	struct page *pages[TLB_BATCH_PAGES];
	u64 orphan[TLB_BATCH_ORPHANS]; /* swap entries that no leaf holds any more, with a page in memory */
};

static inline void
tlb_batch_init(struct tlb_batch *batch)
{
	batch->cpus = 0;
	batch->start = ~0UL;
	batch->end = 0;
	batch->count = 0;
	batch->orphans = 0;
}

/* tlb_batch_range - [start, end) was narrowed for the CPUs in @cpus. Context: any. */
static inline void
tlb_batch_range(struct tlb_batch *batch, u64 cpus, u64 start, u64 end)
{
	dassert(start <= end);
	batch->cpus |= cpus;
	if (start < batch->start)
		batch->start = start;
	if (end > batch->end)
		batch->end = end;
}

static inline bool
tlb_batch_full(const struct tlb_batch *batch)
{
	return batch->count == TLB_BATCH_PAGES || batch->orphans == TLB_BATCH_ORPHANS;
}

/* tlb_batch_free - @page's reference goes after the next flush. The batch is not full. Context: any. */
static inline void
tlb_batch_free(struct tlb_batch *batch, struct page *page)
{
	dassert(!tlb_batch_full(batch));
	batch->pages[batch->count++] = page;
}

/* tlb_batch_flush - flush, then put the pages; the batch is empty afterwards. Context: see Locks. */
void tlb_batch_flush(struct tlb_batch *batch);

/* tlb_batch_retire - the same; flushes first when the batch is full. Context: see Locks. */
static inline void
tlb_batch_retire(struct tlb_batch *batch, struct page *page)
{
	if (tlb_batch_full(batch))
		tlb_batch_flush(batch);
	tlb_batch_free(batch, page);
}

/* tlb_flush_page - every CPU that may use the level-1 @table forgets @va. Context: the table lock; see Locks. */
void tlb_flush_page(struct page *table, u64 va);

/* tlb_flush_range - every CPU that uses @mm forgets [start, end). Context: see Locks. */
void tlb_flush_range(struct mm *mm, u64 start, u64 end);

/* tlb_cpus - the CPUs that may hold translations through the level-1 @table. Context: the table lock. */
u64 tlb_cpus(struct page *table);
