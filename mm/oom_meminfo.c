/* SPDX-License-Identifier: MIT */
/*
 * mm/oom_meminfo.c - what memory is used for, in the lines of Linux's show_mem()
 *
 * Idea        All memory, then by node, then by zone: how much is free, against which marks; then the free blocks by
 *             size; then swap. Figures of all memory are those of /proc/meminfo (meminfo.h). Of a zone nobody keeps
 *             them: its frames are counted by what their page structs say, one look at each. Why at that price: who
 *             reads a report looks for the zone that is full, and for what fills it.
 *             A figure of a thing that does not exist here is 0, as it is on a Linux without it.
 *             Simple: nodes share their lists' counts in meminfo.h, so there is one node line.
 * Invariants  none
 * Locks       zone->lock for the free blocks; other figures are a moment old
 * Follow      from oom_report.c, kernel/sysrq.c   to meminfo.c
 * Tests       tests/guest/oom_report.c, tests/guest/test_oom.py
 * See         docs/oom-log.md; Linux mm/page_alloc.c, show_free_areas()
 */
#include <kernel/lib/format.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/wait.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/meminfo.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/page_list.h>
#include <mm/swap.h>

#define KIB (PAGE_SIZE / 1024)
#define FRAMES_AT_ONCE 1024 /* some 20,000 instructions */

/* Frames of a zone by what holds them. */
struct zone_uses {
	u64 active_anon, inactive_anon, inactive_file, unevictable, free_pcp, local_pcp;
};

struct uses {
	struct meminfo all;
	struct zone_uses zone[MAX_NODES][NR_ZONES];
};

static void uses_take(struct uses *u);
static void uses_count_range(struct uses *u, u64 pfn, u64 end);
static void zone_count(struct zone_uses *u, const struct page *page, const struct page *end);
static void count_rare(struct zone_uses *u, const struct page *page, u32 flags);
static void uses_count_lists(struct uses *u);
static void print_all(const struct meminfo *m);
static void print_node(const struct meminfo *m);
static void print_zone(const struct zone *zone, const struct zone_uses *u);
static void print_blocks(struct zone *zone);
static void print_rest(const struct meminfo *m);

void
oom_meminfo(void)
{
	struct uses u;

	uses_take(&u);
	pr_info("Mem-Info:");
	print_all(&u.all);
	print_node(&u.all);
	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		print_zone(z, &u.zone[z->node][z->kind]);
	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		print_blocks(z);
	print_rest(&u.all);
}

static void
uses_take(struct uses *u)
{
	*u = (struct uses){0};
	meminfo_take(&u->all);
	for (u32 i = 0; i < memblock_ram.count; i++)
		uses_count_range(u, memblock_ram.range[i].base >> PAGE_SHIFT, memblock_ram.range[i].end >> PAGE_SHIFT);
	uses_count_lists(u);
}

/* A stretch of one zone at a time, and others get their turn in between: there are many frames. */
static void
uses_count_range(struct uses *u, u64 pfn, u64 end)
{
	for (u64 next; pfn < end; pfn = next) {
		const struct zone *zone = zone_of(pfn_to_page(pfn));

		next = min_u64(min_u64(end, zone->end_pfn), pfn + FRAMES_AT_ONCE);
		zone_count(&u->zone[zone->node][zone->kind], pfn_to_page(pfn), pfn_to_page(next));
		cond_resched();
	}
}

/* A guess: no lock keeps a page what it is. Why by hand what lru.h has functions for: this is what a report costs. */
static void
zone_count(struct zone_uses *u, const struct page *page, const struct page *end)
{
	const u32 active_lists = READ_ONCE(lru_of(page)->set[LRU_ANON].active);
	const u32 rare = BIT(PG_LAZY) | BIT(PG_ISOLATED);
	u64 active = 0, all = 0;

	for (; page < end; page++) {
		u8 kind = READ_ONCE(page->kind);
		u32 flags = READ_ONCE(page->flags);

		if (kind != PAGE_ANON && kind != PAGE_SHMEM)
			continue;
		if (unlikely(flags & rare || READ_ONCE(page->locks))) {
			count_rare(u, page, flags);
			continue;
		}
		all++;
		if (flags & BIT(PG_LRU))
			active += active_lists >> (flags >> PAGE_LIST_SHIFT) & 1;
	}
	u->active_anon += active;
	u->inactive_anon += all - active;
}

/* In the order in which meminfo.h takes one thing for another. What is off its list for a moment is on none. */
static void
count_rare(struct zone_uses *u, const struct page *page, u32 flags)
{
	if (flags & BIT(PG_LAZY))
		u->inactive_file++;
	else if (READ_ONCE(page->locks))
		u->unevictable++;
}

static void
uses_count_lists(struct uses *u)
{
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		u32 count;
		const struct page *const *pages = page_list_of(cpu, &count);

		for (u32 i = 0; i < count; i++) {
			const struct page *page = READ_ONCE(pages[i]);
			struct zone_uses *of;

			if (!page) /* Race: counted, and not written yet: the place was never used before */
				continue;
			of = &u->zone[page->node][page->zone];

			of->free_pcp++;
			of->local_pcp += cpu == this_cpu_id();
		}
	}
}

static void
print_all(const struct meminfo *m)
{
	pr_info("active_anon:%lu inactive_anon:%lu isolated_anon:%lu\n"
		" active_file:%lu inactive_file:%lu isolated_file:0\n"
		" unevictable:%lu dirty:0 writeback:%lu\n"
		" slab_reclaimable:%lu slab_unreclaimable:%lu\n"
		" mapped:%lu shmem:%lu pagetables:%lu\n"
		" sec_pagetables:0 bounce:0\n"
		" kernel_misc_reclaimable:%lu\n"
		" free:%lu free_pcp:%lu free_cma:0",
		m->active_anon, m->inactive_anon, m->isolated_anon, m->active_file, m->inactive_file, m->unevictable,
		m->writeback, m->slab_reclaimable, m->slab_unreclaimable, m->mapped, m->shmem, m->tables,
		m->misc_reclaimable, m->free - min_u64(m->free, m->free_pcp), m->free_pcp);
}

static void
print_node(const struct meminfo *m)
{
	pr_info("Node 0 active_anon:%lukB inactive_anon:%lukB active_file:%lukB inactive_file:%lukB unevictable:%lukB "
		"isolated(anon):%lukB isolated(file):0kB mapped:%lukB dirty:0kB writeback:%lukB shmem:%lukB "
		"writeback_tmp:0kB kernel_stack:%lukB pagetables:%lukB sec_pagetables:0kB all_unreclaimable? %s",
		m->active_anon * KIB, m->inactive_anon * KIB, m->active_file * KIB, m->inactive_file * KIB,
		m->unevictable * KIB, m->isolated_anon * KIB, m->mapped * KIB, m->writeback * KIB, m->shmem * KIB,
		m->stacks * KIB, m->tables * KIB, swap_free_pages() ? "no" : "yes");
}

static void
print_zone(const struct zone *zone, const struct zone_uses *u)
{
	pr_info("Node %u %s free:%lukB boost:0kB min:%lukB low:%lukB high:%lukB reserved_highatomic:0KB "
		"active_anon:%lukB inactive_anon:%lukB active_file:0kB inactive_file:%lukB unevictable:%lukB "
		"writepending:0kB present:%lukB managed:%lukB mlocked:%lukB bounce:0kB free_pcp:%lukB local_pcp:%lukB "
		"free_cma:0kB\n"
		"lowmem_reserve[]: %lu %lu",
		zone->node, zone_name(zone), READ_ONCE(zone->free) * KIB, READ_ONCE(zone->min) * KIB,
		READ_ONCE(zone->low) * KIB, READ_ONCE(zone->high) * KIB, u->active_anon * KIB, u->inactive_anon * KIB,
		u->inactive_file * KIB, u->unevictable * KIB, zone->present * KIB, READ_ONCE(zone->managed) * KIB,
		u->unevictable * KIB, u->free_pcp * KIB, u->local_pcp * KIB, READ_ONCE(zone->reserve[ZONE_DMA]),
		READ_ONCE(zone->reserve[ZONE_NORMAL]));
}

/* "3*4kB (U) 0*8kB ... = 12kB". All blocks are of one kind: the kernel moves none (Linux's U). */
static void
print_blocks(struct zone *zone)
{
	u64 count[NR_ORDERS];
	char line[PRINTK_MAX];
	u64 total = 0;
	int len = 0;
	u64 irq = spin_lock_irqsave(&zone->lock);

	for (u32 order = 0; order <= MAX_ORDER; order++)
		count[order] = zone->area[order].count;
	spin_unlock_irqrestore(&zone->lock, irq);
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		total += count[order] << order;
		len += format(line + len, sizeof(line) - (u32)len, "%lu*%lukB %s", count[order], KIB << order,
			      count[order] ? "(U) " : "");
	}
	pr_info("Node %u %s: %s= %lukB", zone->node, zone_name(zone), line, total * KIB);
}

static void
print_rest(const struct meminfo *m)
{
	u64 present = 0;

	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		present += z->present;
	pr_info("%lu total pagecache pages\n"
		"%lu pages in swap cache\n"
		"Free swap  = %lukB\n"
		"Total swap = %lukB\n"
		"%lu pages RAM\n"
		"0 pages HighMem/MovableOnly\n"
		"%lu pages reserved",
		m->cached, m->swap_cached, swap_free_pages() * KIB, swap_total_pages() * KIB, present,
		present - min_u64(present, total_pages()));
}
