/* SPDX-License-Identifier: MIT */
/*
 * mm/zone.h - nodes, and the zones that hold their frames
 *
 * Idea        A node is memory that is equally near to some CPUs. Each node has the same zones: DMA, the first 16 MiB,
 *             which old devices need, and NORMAL, the rest. A zone has its own free lists, lock and watermarks.
 *             Allocations take from NORMAL first, so that DMA lasts.
 * Invariants  I1  zone->free is the number of frames on the zone's free lists           (checked by buddy_check)
 *             I2  zone->min <= zone->low <= zone->high
 *             I3  zones do not overlap; present frames lie in [start_pfn, end_pfn)
 * Locks       zone->lock (RANK_ZONE, taken with interrupts off): free lists and watermarks
 * Follow      page_alloc.c, buddy.c, pageinit.c, watermark.c
 * Tests       tests/host/buddy_test.c, tests/host/page_alloc_test.c
 * See         docs/mm.md
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/list.h>
#include <kernel/lib/types.h>
#include <kernel/spinlock.h>
#include <mm/evict.h>

#define MAX_ORDER 10 /* the largest block: 2^10 frames, 4 MiB */
#define NR_ORDERS (MAX_ORDER + 1)
#define MAX_NODES 4
#define DMA_END_PFN ((16UL << 20) >> PAGE_SHIFT)

enum zone_kind {
	ZONE_DMA,
	ZONE_NORMAL,
	NR_ZONES
};

struct page;

/* The free blocks of one order. */
struct free_area {
	struct list blocks; /* zone->lock */
	u64 count;          /* zone->lock */
};

struct zone {
	struct spinlock lock;
	u8 kind;                          /* enum zone_kind; const after init */
	u8 node;                          /* const after init */
	u64 start_pfn;                    /* const after init; first frame of RAM */
	u64 end_pfn;                      /* const after init; first frame after the last of RAM */
	u64 present;                      /* const after init; frames of RAM */
	u64 managed;                      /* zone->lock; frames that were ever given to the allocator */
	u64 free;                         /* zone->lock; frames on the free lists */
	u64 min, low, high;               /* zone->lock; watermarks, in frames (watermark.h) */
	u64 reserve[NR_ZONES];            /* zone->lock; frames kept from allocations by the best zone they may have */
	struct free_area area[NR_ORDERS]; /* zone->lock */
};

/* What may leave memory, in Linux's sense: file pages can be read again, the others must be written to swap. */
enum lru_kind {
	LRU_ANON, /* private pages, and those of tmpfs and shared memory */
	LRU_FILE,
	LRU_KINDS
};

struct lruvec {
	struct spinlock lock;            /* RANK_LRUVEC */
	struct evict_set set[LRU_KINDS]; /* lock; counts READ_ONCE for a guess */
	struct list unevictable;         /* lock */
	u64 unevictable_count;           /* lock */
	struct list lazy;                /* lock; given up by their programs: lazyfree.h */
	u64 lazy_count;                  /* lock */
	u64 cost[LRU_KINDS];             /* lock; what reclaim of each has cost of late (balance.h) */
	atomic64_t age;                  /* pages that have left or become active since boot (workingset.h) */
};

struct node {
	u8 id;                           /* const after init */
	struct zone zones[NR_ZONES];     /* by enum zone_kind */
	struct lruvec lru;               /* its pages of programs */
	struct zone *zonelist[NR_ZONES]; /* const after init; in the order in which allocations try them */
};

extern struct node nodes[MAX_NODES]; /* const after init */
extern u32 node_count;               /* const after init */

/*
 * node_init - set up node @id, which owns the frames [@start_pfn, @end_pfn), and its zones, all empty
 *
 * Returns   nothing
 * Context   boot, once a node
 */
void node_init(u32 id, u64 start_pfn, u64 end_pfn);

/*
 * node_give - put the frames [@start_pfn, @end_pfn), which nobody uses, on the free lists of their zones
 *
 * Returns   the number of frames
 * Context   any; takes zone->lock; every frame has a page struct and is PAGE_RESERVED
 */
u64 node_give(u64 start_pfn, u64 end_pfn);

/*
 * zone_of - the zone of the frame of @page
 *
 * Returns   its zone
 * Context   any
 */
struct zone *zone_of(const struct page *page);

/*
 * zone_next - iterate over all zones that have frames: @zone NULL begins
 *
 * Returns   the next zone, NULL after the last
 * Context   any
 */
struct zone *zone_next(const struct zone *zone);

/*
 * zone_name - Linux's word for it
 *
 * Returns   "DMA" or "Normal"
 * Context   any
 */
const char *zone_name(const struct zone *zone);
