/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_zone.c - free frames by zone and size, and the kernel's own ranges: buddyinfo, pagetypeinfo,
 *                           zoneinfo, vmallocinfo
 *
 * Idea        Linux's formats with the lines of which Tidemark has the figure. It does not group pages by whether they
 *             can be moved: pagetypeinfo shows all of them as unmovable, as a Linux does that has too little memory
 *             for grouping.
 * Invariants  none
 * Locks       none held: figures are a moment old
 * Follow      from procfs.c   to mm/zone.h, mm/vmalloc.h
 * Tests       tests/guest/proc_mem.c
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/abi.h>
#include <kernel/fs/seq.h>
#include <kernel/lib/string.h>
#include <mm/page_alloc.h>
#include <mm/page_list.h>
#include <mm/vmalloc.h>
#include <mm/zone.h>

static void buddyinfo_show(struct seq *s);
static void pagetypeinfo_show(struct seq *s);
static void zoneinfo_show(struct seq *s);
static int vmallocinfo_show(struct seq *s, const struct proc_who *who);
static void zoneinfo_marks(struct seq *s, const struct zone *zone);
static void zoneinfo_list(struct seq *s, const struct zone *zone, u32 cpu);
static void pagetype_free(struct seq *s, const struct zone *zone, const char *type, bool has);

const struct proc_entry procfs_zone_entries[] = {
	{.name = "buddyinfo", .show = buddyinfo_show},
	{.name = "pagetypeinfo", .show = pagetypeinfo_show, .mode = S_IFREG | 0400},
	{.name = "zoneinfo", .show = zoneinfo_show},
	{.name = "vmallocinfo", .show_who = vmallocinfo_show, .mode = S_IFREG | 0400},
	{},
};

static const char *const types[] = {"Unmovable", "Movable", "Reclaimable", "HighAtomic"};

static void
buddyinfo_show(struct seq *s)
{
	const struct zone *zone = NULL;

	while ((zone = zone_next(zone))) {
		seq_printf(s, "Node %u, zone %8s ", zone->node, zone_name(zone));
		for (u32 order = 0; order < NR_ORDERS; order++)
			seq_printf(s, "%6lu ", READ_ONCE(zone->area[order].count));
		seq_puts(s, "\n");
	}
}

static void
pagetypeinfo_show(struct seq *s)
{
	const struct zone *zone = NULL;

	seq_printf(s, "Page block order: %u\nPages per block:  %lu\n\n", MAX_ORDER, 1UL << MAX_ORDER);
	seq_printf(s, "%-43s ", "Free pages count per migrate type at order");
	for (u32 order = 0; order < NR_ORDERS; order++)
		seq_printf(s, "%6u ", order);
	seq_puts(s, "\n");
	while ((zone = zone_next(zone)))
		for (u32 i = 0; i < ARRAY_SIZE(types); i++)
			pagetype_free(s, zone, types[i], i == 0);
	seq_printf(s, "\n%-23s", "Number of blocks type ");
	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		seq_printf(s, "%12s ", types[i]);
	seq_puts(s, "\n");
	while ((zone = zone_next(zone)))
		seq_printf(s, "Node %u, zone %8s %12lu %12u %12u %12u \n", zone->node, zone_name(zone),
			   div_round_up(zone->end_pfn - zone->start_pfn, 1UL << MAX_ORDER), 0, 0, 0);
}

static void
pagetype_free(struct seq *s, const struct zone *zone, const char *type, bool has)
{
	seq_printf(s, "Node %4u, zone %8s, type %12s ", zone->node, zone_name(zone), type);
	for (u32 order = 0; order < NR_ORDERS; order++)
		seq_printf(s, "%6lu ", has ? READ_ONCE(zone->area[order].count) : 0UL);
	seq_puts(s, "\n");
}

/* What Linux counts a node shows before the first of its zones that has frames. */
static void
zoneinfo_show(struct seq *s)
{
	const struct zone *zone = NULL;
	u32 shown = MAX_NODES;

	while ((zone = zone_next(zone))) {
		seq_printf(s, "Node %u, zone %8s\n", zone->node, zone_name(zone));
		if (shown != zone->node) {
			seq_puts(s, "  per-node stats\n");
			proc_gauges_show(s);
			shown = zone->node;
		}
		zoneinfo_marks(s, zone);
		seq_printf(s, "      nr_free_pages %lu\n", READ_ONCE(zone->free));
		seq_puts(s, "  pagesets\n");
		for (u32 cpu = 0; cpu < cpu_count(); cpu++)
			zoneinfo_list(s, zone, cpu);
		seq_puts(s, "  node_unreclaimable:  0\n");
		seq_printf(s, "  start_pfn:           %lu\n", zone->start_pfn);
	}
}

static void
zoneinfo_marks(struct seq *s, const struct zone *zone)
{
	seq_printf(s, "  pages free     %lu\n", READ_ONCE(zone->free));
	seq_printf(s, "        boost    0\n");
	seq_printf(s, "        min      %lu\n", READ_ONCE(zone->min));
	seq_printf(s, "        low      %lu\n", READ_ONCE(zone->low));
	seq_printf(s, "        high     %lu\n", READ_ONCE(zone->high));
	seq_printf(s, "        spanned  %lu\n", zone->end_pfn - zone->start_pfn);
	seq_printf(s, "        present  %lu\n", zone->present);
	seq_printf(s, "        managed  %lu\n", READ_ONCE(zone->managed));
	seq_puts(s, "        protection: (");
	for (u32 kind = 0; kind < NR_ZONES; kind++)
		seq_printf(s, "%s%lu", kind ? ", " : "", READ_ONCE(zone->reserve[kind]));
	seq_puts(s, ")\n");
}

/* Of the frames that a CPU keeps at hand, those of this zone. A list serves all zones, and so do its bounds. */
static void
zoneinfo_list(struct seq *s, const struct zone *zone, u32 cpu)
{
	u32 count, of_zone = 0;
	const struct page *const *pages = page_list_of(cpu, &count);

	for (u32 i = 0; i < count; i++)
		of_zone += zone_of(READ_ONCE(pages[i])) == zone;
	seq_printf(s, "    cpu: %u\n              count: %u\n              high:  %u\n              batch: %u\n", cpu,
		   of_zone, page_list_most, page_list_most / 2);
}

/* In parts: every thread of the system has a stack here. Sizes are with a guard page, as Linux's. */
static int
vmallocinfo_show(struct seq *s, const struct proc_who *who)
{
	struct vmalloc_info area;

	while (s->len < PROC_PART) {
		if (!vmalloc_next(s->cursor, &area))
			return 0;
		seq_printf(s, "0x%016lx-0x%016lx %7lu %s pages=%lu vmalloc\n", area.va, area.va + area.size + PAGE_SIZE,
			   area.size + PAGE_SIZE, area.name, area.size >> PAGE_SHIFT);
		s->cursor = area.va + 1;
	}
	s->more = true;
	return 0;
}
