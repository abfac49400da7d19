/* SPDX-License-Identifier: MIT */
/*
 * mm/page_check.c - prove what the page allocator says of every frame
 *
 * Idea        Three views of the same frames must agree: the counters of the zones, the lists, and each page struct.
 * Invariants  those of buddy.c, page_list.c and page_alloc.c
 * Locks       zone->lock while a zone is walked. Per-CPU lists are read as they are: drain them first, on a quiet
 *             system.
 * Follow      from check.c   to buddy.c
 * Tests       tests/host/page_alloc_test.c
 * See         docs/mm.md
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/buddy.h>
#include <mm/memblock.h>
#include <mm/page.h>
#include <mm/page_alloc.h>
#include <mm/page_list.h>

static int zone_check(struct zone *zone, u64 *listed);
static int frame_check(struct zone *zone, u64 pfn, u64 *count);
static int list_check(u32 cpu);

int
page_alloc_check(void)
{
	u64 listed = 0;
	int bad = 0;

	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		bad += zone_check(z, &listed);
	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		bad += list_check(cpu);
	if (listed != page_list_total()) {
		pr_err("page_alloc: %lu frames say that they are on a CPU's list, the lists hold %lu\n", listed,
		       page_list_total());
		bad++;
	}
	return bad;
}

/* The free lists of @zone, and each of its frames: *@listed gets the number that are on per-CPU lists. */
static int
zone_check(struct zone *zone, u64 *listed)
{
	u64 irq = spin_lock_irqsave(&zone->lock);
	u64 count[PAGE_KINDS] = {0};
	int bad = buddy_check(zone);

	dassert(zone->present && zone->present <= zone->end_pfn - zone->start_pfn);
	for (u64 pfn = zone->start_pfn; pfn < zone->end_pfn; pfn++)
		if (memblock_is_ram(pfn << PAGE_SHIFT))
			bad += frame_check(zone, pfn, count);
	if (count[PAGE_FREE] != zone->free || zone->present - count[PAGE_RESERVED] != zone->managed) {
		pr_err("page_alloc: zone %s: %lu free frames counted, %lu known; %lu managed counted, %lu known\n",
		       zone_name(zone), count[PAGE_FREE], zone->free, zone->present - count[PAGE_RESERVED],
		       zone->managed);
		bad++;
	}
	spin_unlock_irqrestore(&zone->lock, irq);
	*listed += count[PAGE_PCP];
	return bad;
}

static int
frame_check(struct zone *zone, u64 pfn, u64 *count)
{
	struct page *page = pfn_to_page(pfn);
	bool free = page->kind == PAGE_FREE || page->kind == PAGE_PCP;

	must_hold(&zone->lock);
	dassert(pfn >= zone->start_pfn && pfn < zone->end_pfn);
	if (page->kind >= PAGE_KINDS || zone_of(page) != zone || free != !atomic_read(&page->refs)) {
		pr_err("page_alloc: frame %lx has kind %u, %d references, zone %u\n", pfn, page->kind,
		       atomic_read(&page->refs), page->zone);
		return 1;
	}
	count[page->kind]++;
	return 0;
}

static int
list_check(u32 cpu)
{
	u32 count;
	const struct page *const *pages = page_list_of(cpu, &count);
	int bad = 0;

	for (u32 i = 0; i < count; i++) {
		if (pages[i]->kind == PAGE_PCP && !atomic_read(&pages[i]->refs))
			continue;
		pr_err("page_alloc: frame %lx is on the list of CPU %u, but is %s with %d references\n",
		       page_to_pfn(pages[i]), cpu, page_kind_name(pages[i]->kind), atomic_read(&pages[i]->refs));
		bad++;
	}
	return bad;
}
