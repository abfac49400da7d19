/* SPDX-License-Identifier: MIT */
/*
 * mm/oom_meminfo.c - what memory is used for, in the lines of Linux's show_mem()
 *
 * Idea        All memory, then by node, then by zone: how much is free, against which marks; then the free blocks by
 *             size; then swap. A figure of a thing that does not exist here is 0, as it is on a Linux without it.
 * Invariants  none
 * Locks       zone->lock for the free blocks; other figures are a moment old
 * Follow      from oom_report.c, kernel/sysrq.c   to vmstat.c, lru_count.c
 * Tests       tests/guest/test_oom.py
 * See         docs/oom-log.md; Linux mm/page_alloc.c, show_free_areas()
 */
#include <kernel/lib/format.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/task.h>
#include <mm/lru.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/swap.h>
#include <mm/vmstat.h>

#define KIB (PAGE_SIZE / 1024)

/* Pages by what they hold; one look, so that the lines agree with each other. */
struct uses {
	u64 active_anon, inactive_anon, active_file, inactive_file, unevictable;
	u64 slab, mapped, shmem, tables, cached, free, free_pcp;
};

static void uses_take(struct uses *u);
static void print_all(const struct uses *u);
static void print_node(const struct uses *u);
static void print_zone(const struct zone *zone);
static void print_blocks(struct zone *zone);
static void print_rest(const struct uses *u);
static u64 gauge(enum vmstat_item item);

void
oom_meminfo(void)
{
	struct uses u;

	uses_take(&u);
	pr_info("Mem-Info:");
	print_all(&u);
	print_node(&u);
	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		print_zone(z);
	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		print_blocks(z);
	print_rest(&u);
}

static void
uses_take(struct uses *u)
{
	u64 active = lru_active(LRU_ANON);

	*u = (struct uses){
		.active_anon = active,
		.inactive_anon = max_u64(gauge(VM_NR_ANON_PAGES), active) - active, /* also while nobody keeps lists */
		.unevictable = gauge(VM_NR_MLOCK),
		.slab = slab_pages_total(),
		.mapped = gauge(VM_NR_MAPPED),
		.shmem = gauge(VM_NR_SHMEM),
		.tables = gauge(VM_NR_PAGE_TABLE_PAGES),
		.cached = gauge(VM_NR_FILE_PAGES),
		.free = nr_free_pages(),
		.free_pcp = nr_cached_pages(),
	};
}

static void
print_all(const struct uses *u)
{
	pr_info("active_anon:%lu inactive_anon:%lu isolated_anon:0\n"
		" active_file:%lu inactive_file:%lu isolated_file:0\n"
		" unevictable:%lu dirty:0 writeback:0\n"
		" slab_reclaimable:0 slab_unreclaimable:%lu\n"
		" mapped:%lu shmem:%lu pagetables:%lu\n"
		" sec_pagetables:0 bounce:0\n"
		" kernel_misc_reclaimable:0\n"
		" free:%lu free_pcp:%lu free_cma:0",
		u->active_anon, u->inactive_anon, u->active_file, u->inactive_file, u->unevictable, u->slab, u->mapped,
		u->shmem, u->tables, u->free - min_u64(u->free, u->free_pcp), u->free_pcp);
}

static void
print_node(const struct uses *u)
{
	pr_info("Node 0 active_anon:%lukB inactive_anon:%lukB active_file:%lukB inactive_file:%lukB unevictable:%lukB "
		"isolated(anon):0kB isolated(file):0kB mapped:%lukB dirty:0kB writeback:0kB shmem:%lukB "
		"kernel_stack:%lukB pagetables:%lukB sec_pagetables:0kB all_unreclaimable? %s",
		u->active_anon * KIB, u->inactive_anon * KIB, u->active_file * KIB, u->inactive_file * KIB,
		u->unevictable * KIB, u->mapped * KIB, u->shmem * KIB, tasks_total() * (KSTACK_SIZE / 1024),
		u->tables * KIB, swap_free_pages() ? "no" : "yes");
}

static void
print_zone(const struct zone *zone)
{
	pr_info("Node %u %s free:%lukB boost:0kB min:%lukB low:%lukB high:%lukB reserved_highatomic:0KB "
		"present:%lukB managed:%lukB bounce:0kB free_cma:0kB\n"
		"lowmem_reserve[]: %lu %lu",
		zone->node, zone_name(zone), READ_ONCE(zone->free) * KIB, READ_ONCE(zone->min) * KIB,
		READ_ONCE(zone->low) * KIB, READ_ONCE(zone->high) * KIB, zone->present * KIB,
		READ_ONCE(zone->managed) * KIB, READ_ONCE(zone->reserve[ZONE_DMA]),
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
print_rest(const struct uses *u)
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
		u->cached, gauge(VM_NR_SWAPCACHE), swap_free_pages() * KIB, swap_total_pages() * KIB, present,
		present - min_u64(present, total_pages()));
}

/* A gauge may be below 0 for the moment in which its CPUs are added up. */
static u64
gauge(enum vmstat_item item)
{
	s64 value = vmstat_sum(item);

	return value > 0 ? (u64)value : 0;
}
