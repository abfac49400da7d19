/* SPDX-License-Identifier: MIT */
/*
 * mm/page_list.h - the free frames that a CPU keeps at hand
 *
 * Idea        see page_list.c. Taking one and returning one is inline: this is what nearly every allocation is.
 * Invariants  see page_list.c
 * Locks       a list belongs to its CPU, with interrupts off
 * Follow      from page_alloc.c
 * Tests       tests/host/page_alloc_test.c
 * See         docs/mm.md
 */
#pragma once

#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>
#include <mm/page.h>
#include <mm/zone.h>

#define PAGE_LIST_FRAMES 128 /* places: 1 KiB */

struct page_list {
	u32 count;                           /* its CPU, interrupts off; others read racily */
	struct page *page[PAGE_LIST_FRAMES]; /* its CPU, interrupts off; the last is served first */
};

DECLARE_PER_CPU(struct page_list, page_list);
extern u32 page_list_most; /* a list of so many frames is spilled; const after page_list_size() */

/*
 * page_list_spill - return the frames that lie longest on this CPU's list to their zones: one batch
 *
 * Returns   nothing
 * Context   interrupts off; takes zone->lock
 */
void page_list_spill(void);

/*
 * page_list_pop - take the frame that this CPU freed last
 *
 * Returns   the page, still PAGE_PCP with refs 0; NULL when the list is empty
 * Context   any
 */
static inline struct page *
page_list_pop(void)
{
	u64 irq = irq_save();
	u32 count = this_cpu(page_list).count;
	struct page *page = NULL;

	if (likely(count)) {
		page = this_cpu(page_list).page[count - 1];
		dassert(page->kind == PAGE_PCP && !atomic_read(&page->refs)); /* I1 */
		this_cpu(page_list).count = count - 1;
	}
	irq_restore(irq);
	return page;
}

/*
 * page_list_push - put @page, which is PAGE_PCP with refs 0, on this CPU's list
 *
 * Returns   nothing
 * Context   interrupts off; may take zone->lock
 */
static inline void
page_list_push(struct page *page)
{
	u32 count = this_cpu(page_list).count;

	dassert(!irq_enabled());
	dassert(page->kind == PAGE_PCP && !atomic_read(&page->refs)); /* I1 */
	dassert(count < page_list_most);                              /* I2 */
	this_cpu(page_list).page[count++] = page;
	this_cpu(page_list).count = count;
	if (unlikely(count >= page_list_most))
		page_list_spill();
}

/*
 * page_list_refill - take one frame of @zone for the caller, and of those above @mark a batch for this CPU's list
 *
 * Returns   the page, PAGE_PCP with refs 0
 * Context   needs zone->lock, interrupts off; @zone has a free frame
 */
struct page *page_list_refill(struct zone *zone, u64 mark);

/*
 * page_list_drain - return all of this CPU's list to the zones
 *
 * Returns   nothing
 * Context   any, as what cpu_call_many() calls; takes zone->lock
 */
void page_list_drain(void *unused);

/*
 * page_list_size - fit the lists to a machine of @frames frames
 *
 * Returns   nothing
 * Context   boot, by page_init(), before the first page_alloc()
 */
void page_list_size(u64 frames);

/*
 * page_list_count, page_list_total - frames on the list of @cpu, and on all lists
 *
 * Returns   frames
 * Context   any; a moment old
 */
u32 page_list_count(u32 cpu);
u64 page_list_total(void);

/* The CPUs whose lists are not empty, bit n for CPU n: no other need be woken to drain. Context: any. */
u64 page_list_cpus(void);

/*
 * page_list_of - the list of @cpu, for page_check.c
 *
 * Returns   *@count pages
 * Context   any; they change under the reader unless the system is quiet
 */
const struct page *const *page_list_of(u32 cpu, u32 *count);
