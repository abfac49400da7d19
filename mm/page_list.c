/* SPDX-License-Identifier: MIT */
/*
 * mm/page_list.c - the free frames that a CPU keeps at hand
 *
 * Idea        An array per CPU, used as a stack: the frame freed last is warm in the cache and is served first. The
 *             array moves frames from and to the zones in batches, one hold of zone->lock for each, and spills those
 *             at its bottom.
 *
 *                 bottom [ cold  . . . . . .  warm ] top
 *                 spill <-                         <-> push, pop
 *
 *             Frames of all zones share a list: a pop need not ask where a frame is from.
 *             The owner works with interrupts off, because a CPU that needs the frames back sends an interrupt to
 *             drain.
 * Invariants  I1  A frame on a list is PAGE_PCP with refs 0, and on one list once.
 *             I2  count < page_list_most whenever interrupts are on.
 * Locks       a list: its CPU, interrupts off; then zone->lock
 * Follow      from page_alloc.c   to buddy.c
 * Tests       tests/host/page_alloc_test.c
 * See         Linux Documentation, "per-cpu pagesets"; docs/mm.md
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/buddy.h>
#include <mm/page_alloc.h>
#include <mm/page_list.h>

#define BATCH_MOST 63   /* frames that move under one hold of zone->lock */
#define BATCH_LEAST 8   /* below it the lock would cost more than the frames */
#define BATCH_SHARE 512 /* a batch is this part of RAM: 24 MiB: 12 frames; from 126 MiB: 63 */

DEFINE_PER_CPU(struct page_list, page_list);
u32 page_list_most = 2 * BATCH_LEAST;
static u32 batch = BATCH_LEAST; /* const after page_list_size() */

static void list_spill(struct page_list *list, u32 n);
static void pages_return(struct page **pages, u32 n);

void
page_list_spill(void)
{
	dassert(!irq_enabled());
	list_spill(this_cpu_ptr(page_list), batch);
}

struct page *
page_list_refill(struct zone *zone, u64 mark)
{
	struct page_list *list = this_cpu_ptr(page_list);
	u32 n = 1;

	must_hold(&zone->lock);
	dassert(!irq_enabled());
	dassert(zone->free > 0);

	/* Why: below the mark, what one CPU hoards would be the reserve of those who must not fail. */
	if (zone->free > mark)
		n = (u32)min_u64(batch, zone->free - mark);

	/* Race: the list was empty, then an interrupt handler allocated and refilled it. */
	if (!list->count)
		list->count = buddy_alloc_batch(zone, list->page, n);
	assert(list->count);
	dassert(list->count < page_list_most);
	return list->page[--list->count];
}

void
page_list_drain(void *unused)
{
	u64 irq = irq_save();
	struct page_list *list = this_cpu_ptr(page_list);

	if (list->count)
		list_spill(list, list->count);
	dassert(!list->count);
	irq_restore(irq);
}

void
page_list_size(u64 frames)
{
	assert(frames);
	batch = (u32)min_u64(max_u64(frames / BATCH_SHARE, BATCH_LEAST), BATCH_MOST);
	page_list_most = 2 * batch;
	assert(page_list_most < PAGE_LIST_FRAMES);
	dassert(batch >= BATCH_LEAST && batch <= page_list_most);
}

u32
page_list_count(u32 cpu)
{
	dassert(cpu < cpu_count());
	return READ_ONCE(per_cpu(page_list, cpu).count);
}

/* Why the fence: what the caller has seen of another CPU's deeds, that one did after its last frame was pushed. */
u64
page_list_cpus(void)
{
	u64 cpus = 0;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		cpus |= page_list_count(cpu) ? BIT(cpu) : 0;
	return cpus;
}

u64
page_list_total(void)
{
	u64 frames = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		frames += page_list_count(cpu);
	return frames;
}

const struct page *const *
page_list_of(u32 cpu, u32 *count)
{
	*count = page_list_count(cpu);
	assert(*count <= PAGE_LIST_FRAMES);
	return (const struct page *const *)per_cpu(page_list, cpu).page;
}

/* Returns the @n frames at the bottom of @list to their zones. Interrupts are off. */
static void
list_spill(struct page_list *list, u32 n)
{
	dassert(!irq_enabled());
	dassert(n && n <= list->count);
	pages_return(list->page, n);
	list->count -= n;
	memmove(list->page, list->page + n, list->count * sizeof(list->page[0]));
	page_alloc_wake();
}

/* Frames that follow one another go back as one range: munmap frees what was allocated in a row. */
static void
pages_return(struct page **pages, u32 n)
{
	while (n) {
		struct zone *zone = zone_of(pages[0]);
		u64 pfn = page_to_pfn(pages[0]);
		u32 run = 1;

		while (run < n && pages[run] == pages[0] + run && pages[run]->zone == pages[0]->zone)
			run++;
		dassert(run <= n);
		dassert(pfn >= zone->start_pfn && pfn + run <= zone->end_pfn);
		spin_lock(&zone->lock);
		buddy_free_range(zone, pfn, pfn + run);
		spin_unlock(&zone->lock);
		pages += run;
		n -= run;
	}
}
