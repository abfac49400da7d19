/* SPDX-License-Identifier: MIT */
/*
 * mm/vmstat.h - how often, and how many: the counters of /proc/vmstat
 *
 * Idea        One counter per CPU and name, so that counting is a single instruction and needs no lock. A reader adds
 *             up all CPUs. A gauge (nr_...) may be negative on one CPU: one CPU maps, another unmaps; the sum is right.
 *             The names and meanings are Linux's.
 * Invariants  none
 * Locks       none: each CPU writes its own; sums may be a moment old
 * Follow      everywhere in mm/; kernel/fs/procfs_mm.c prints them
 * Tests       tests/host/page_alloc_test.c
 * See         Linux Documentation/admin-guide/mm; docs/mm.md
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>

/* The order of /proc/vmstat. X(enum suffix, name). nr_free_pages is not counted: nr_free_pages() knows. */
#define VMSTAT_LIST(X)                                                    \
	X(NR_MLOCK, "nr_mlock")                                           \
	X(NR_ANON_PAGES, "nr_anon_pages")                                 \
	X(NR_MAPPED, "nr_mapped")                                         \
	X(NR_FILE_PAGES, "nr_file_pages")                                 \
	X(NR_SWAPCACHE, "nr_swapcached")                                  \
	X(NR_SHMEM, "nr_shmem")                                           \
	X(NR_ISOLATED_ANON, "nr_isolated_anon")                           \
	X(NR_PAGE_TABLE_PAGES, "nr_page_table_pages")                     \
	X(NR_VMALLOC, "nr_vmalloc")                                       \
	X(PGPGIN, "pgpgin")                                               \
	X(PGPGOUT, "pgpgout")                                             \
	X(PGALLOC_DMA, "pgalloc_dma")                                     \
	X(PGALLOC_NORMAL, "pgalloc_normal")                               \
	X(PGFREE, "pgfree")                                               \
	X(PGFAULT, "pgfault")                                             \
	X(PGMAJFAULT, "pgmajfault")                                       \
	X(PGREUSE, "pgreuse")                                             \
	X(PGLAZYFREE, "pglazyfree")                                       \
	X(PGLAZYFREED, "pglazyfreed")                                     \
	X(ALLOCSTALL_DMA, "allocstall_dma")                               \
	X(ALLOCSTALL_NORMAL, "allocstall_normal")                         \
	X(SLABS_SCANNED, "slabs_scanned")                                 \
	X(DROP_PAGECACHE, "drop_pagecache")                               \
	X(DROP_SLAB, "drop_slab")                                         \
	X(PSWPIN, "pswpin")                                               \
	X(PSWPOUT, "pswpout")                                             \
	X(SWPIN_SAME, "swpin_same")                                       \
	X(SWPOUT_SAME, "swpout_same")                                     \
	X(WORKINGSET_REFAULT_ANON, "workingset_refault_anon")             \
	X(WORKINGSET_ACTIVATE_ANON, "workingset_activate_anon")           \
	X(WORKINGSET_RESTORE_ANON, "workingset_restore_anon")             \
	X(PGACTIVATE, "pgactivate")                                       \
	X(PGDEACTIVATE, "pgdeactivate")                                   \
	X(PGREFILL, "pgrefill")                                           \
	X(PGROTATED, "pgrotated")                                         \
	X(PGSCAN_KSWAPD, "pgscan_kswapd")                                 \
	X(PGSCAN_DIRECT, "pgscan_direct")                                 \
	X(PGSCAN_ANON, "pgscan_anon")                                     \
	X(PGSCAN_FILE, "pgscan_file")                                     \
	X(PGSTEAL_KSWAPD, "pgsteal_kswapd")                               \
	X(PGSTEAL_DIRECT, "pgsteal_direct")                               \
	X(PGSTEAL_ANON, "pgsteal_anon")                                   \
	X(PGSTEAL_FILE, "pgsteal_file")                                   \
	X(KSWAPD_LOW_WMARK_HIT_QUICKLY, "kswapd_low_wmark_hit_quickly")   \
	X(KSWAPD_HIGH_WMARK_HIT_QUICKLY, "kswapd_high_wmark_hit_quickly") \
	X(PAGEOUTRUN, "pageoutrun")                                       \
	X(SWAP_RA, "swap_ra")                                             \
	X(SWAP_RA_HIT, "swap_ra_hit")                                     \
	X(OOM_KILL, "oom_kill")                                           \
	X(UNEVICTABLE_PGCULLED, "unevictable_pgs_culled")                 \
	X(UNEVICTABLE_PGRESCUED, "unevictable_pgs_rescued")               \
	X(UNEVICTABLE_PGMLOCKED, "unevictable_pgs_mlocked")               \
	X(UNEVICTABLE_PGMUNLOCKED, "unevictable_pgs_munlocked")           \
	X(COW_BREAK, "cow_break")                                         \
	X(TABLE_SHARE, "table_share")                                     \
	X(TABLE_UNSHARE, "table_unshare")                                 \
	X(TLB_SHOOTDOWN, "nr_tlb_remote_flush")                           \
	X(TLB_LOCAL_ALL, "nr_tlb_local_flush_all")                        \
	X(TLB_LOCAL_ONE, "nr_tlb_local_flush_one")

#define VMSTAT_ENUM(id, name) VM_##id,
enum vmstat_item {
	VMSTAT_LIST(VMSTAT_ENUM) NR_VMSTAT
};
#undef VMSTAT_ENUM

#define VM_FIRST_EVENT VM_PGPGIN /* before it: gauges, which go down too */

struct vmstat {
	s64 value[NR_VMSTAT]; /* owner CPU only */
};

DECLARE_PER_CPU(struct vmstat, vmstat);

/* Counts one event on this CPU. */
static inline void
count_event(enum vmstat_item item)
{
	dassert(item < NR_VMSTAT);
	this_cpu(vmstat).value[item]++;
}

/* Counts @n events, or moves a gauge by @n. */
static inline void
count_events(enum vmstat_item item, s64 n)
{
	dassert(item < NR_VMSTAT);
	this_cpu(vmstat).value[item] += n;
}

/*
 * vmstat_sum - the value of @item over all CPUs
 *
 * Returns   events since boot, or what the gauge shows
 * Context   any
 */
s64 vmstat_sum(enum vmstat_item item);

/*
 * vmstat_name - the name of @item in /proc/vmstat
 *
 * Returns   a string for good
 * Context   any
 */
const char *vmstat_name(enum vmstat_item item);
