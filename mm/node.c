/* SPDX-License-Identifier: MIT */
/*
 * mm/node.c - nodes and zones
 *
 * Idea        Tables and arithmetic: which zone a frame belongs to, in which order zones are tried. See zone.h.
 *             Simple: one node; a bigger kernel learns of more from ACPI's SRAT, and each CPU prefers its own.
 * Invariants  I1  Each node's zonelist names each of its zones once, NORMAL first.
 * Locks       zone->lock for free lists
 * Follow      from pageinit.c, page_alloc.c, memblock.c   to buddy.c
 * Tests       tests/host/page_alloc_test.c
 * See         docs/mm.md
 */
#include <kernel/panic.h>
#include <mm/buddy.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/page.h>
#include <mm/zone.h>

struct node nodes[MAX_NODES];
u32 node_count;

static void zone_init(struct node *node, enum zone_kind kind, u64 start_pfn, u64 end_pfn);
static u64 ram_in(u64 start_pfn, u64 end_pfn);

void
node_init(u32 id, u64 start_pfn, u64 end_pfn)
{
	struct node *node = &nodes[id];

	assert(id < MAX_NODES && id == node_count && start_pfn < end_pfn);
	node->id = id;
	lru_init(&node->lru);
	zone_init(node, ZONE_DMA, start_pfn, min_u64(end_pfn, DMA_END_PFN));
	zone_init(node, ZONE_NORMAL, max_u64(start_pfn, DMA_END_PFN), end_pfn);
	node->zonelist[0] = &node->zones[ZONE_NORMAL];
	node->zonelist[1] = &node->zones[ZONE_DMA];
	node_count++;
	dassert(zone_next(NULL)); /* a node has RAM */
}

u64
node_give(u64 start_pfn, u64 end_pfn)
{
	u64 pfn = start_pfn;

	assert(start_pfn < end_pfn);
	while (pfn < end_pfn) {
		struct zone *zone = zone_of(pfn_to_page(pfn));
		u64 stop = min_u64(end_pfn, zone->end_pfn);
		u64 irq = spin_lock_irqsave(&zone->lock);

		assert(pfn >= zone->start_pfn && stop > pfn);
		for (u64 i = pfn; i < stop; i++) {
			dassert(pfn_to_page(i)->kind == PAGE_RESERVED);
			dassert(atomic_read(&pfn_to_page(i)->refs) == 1);
			atomic_set(&pfn_to_page(i)->refs, 0);
		}
		buddy_free_range(zone, pfn, stop);
		zone->managed += stop - pfn;
		assertf(zone->managed <= zone->present, "zone %s got %lu frames and has %lu", zone_name(zone),
			zone->managed, zone->present);
		spin_unlock_irqrestore(&zone->lock, irq);
		pfn = stop;
	}
	return end_pfn - start_pfn;
}

struct zone *
zone_of(const struct page *page)
{
	dassert(page->node < node_count && page->zone < NR_ZONES);
	return &nodes[page->node].zones[page->zone];
}

struct zone *
zone_next(const struct zone *zone)
{
	u32 i = zone ? zone->node * NR_ZONES + zone->kind + 1 : 0;

	for (; i < node_count * NR_ZONES; i++)
		if (nodes[i / NR_ZONES].zones[i % NR_ZONES].present)
			return &nodes[i / NR_ZONES].zones[i % NR_ZONES];
	return NULL;
}

const char *
zone_name(const struct zone *zone)
{
	assert(zone->kind < NR_ZONES);
	return zone->kind == ZONE_DMA ? "DMA" : "Normal";
}

static void
zone_init(struct node *node, enum zone_kind kind, u64 start_pfn, u64 end_pfn)
{
	struct zone *zone = &node->zones[kind];

	assert(kind < NR_ZONES && !zone->managed);
	spin_init(&zone->lock, RANK_ZONE);
	zone->kind = kind;
	zone->node = node->id;
	zone->start_pfn = start_pfn;
	zone->end_pfn = max_u64(start_pfn, end_pfn);
	zone->present = ram_in(zone->start_pfn, zone->end_pfn);
	assert(zone->present <= zone->end_pfn - zone->start_pfn); /* zone.h I3 */
	buddy_init(zone);
}

/* Returns how many of the frames [start_pfn, end_pfn) are RAM. */
static u64
ram_in(u64 start_pfn, u64 end_pfn)
{
	u64 frames = 0;

	for (u32 i = 0; i < memblock_ram.count; i++) {
		u64 start = max_u64(start_pfn, memblock_ram.range[i].base >> PAGE_SHIFT);
		u64 end = min_u64(end_pfn, memblock_ram.range[i].end >> PAGE_SHIFT);

		frames += end > start ? end - start : 0;
	}
	return frames;
}
