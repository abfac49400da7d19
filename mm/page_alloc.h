/* SPDX-License-Identifier: MIT */
/*
 * mm/page_alloc.h - frames for everyone
 *
 * Idea        A list of free frames per CPU serves single frames without a lock; zones and their buddy lists stand
 *             behind it; behind those, the ladder that makes memory: drain, shrink, kill.
 * Invariants  see page_alloc.c
 * Locks       none held by the caller that may not sleep, unless ALLOC_ATOMIC
 * Follow      from everywhere   to buddy.c, slab.c, oom.c
 * Tests       tests/host/page_alloc_test.c
 * See         docs/mm.md
 */
#pragma once

#include <kernel/lib/types.h>
#include <mm/page.h>
#include <mm/zone.h>

/* How an allocation may behave. */
enum alloc_flag {
	ALLOC_WAIT = 1 << 0,     /* may sleep, shrink caches, kill */
	ALLOC_ATOMIC = 1 << 1,   /* never sleeps; may take half of the min watermark */
	ALLOC_RESERVE = 1 << 2,  /* no watermark: reclaim and the dying */
	ALLOC_DMA = 1 << 3,      /* from zone DMA only */
	ALLOC_ZERO = 1 << 4,     /* filled with zeros */
	ALLOC_CHARGE = 1 << 5,   /* a page of a program */
	ALLOC_NOOOM = 1 << 6,    /* fail rather than kill */
	ALLOC_NOWARN = 1 << 7,   /* fail without a line in the log */
	ALLOC_NOINJECT = 1 << 8, /* out of reach of failure injection */
};

#define ALLOC_FLAGS (2 * ALLOC_NOINJECT - 1) /* all of them */

#define ALLOC_KERNEL ALLOC_WAIT
#define ALLOC_USER (ALLOC_WAIT | ALLOC_CHARGE)

/*
 * page_alloc - take 2^order contiguous frames that @flags allow
 *
 * Returns   the first page: refs 1, kind PAGE_KERNEL, order @order, flags 0, other fields as the last owner left
 *           them; the further pages of a block likewise, with order 0. Contents undefined unless ALLOC_ZERO. NULL:
 *             ALLOC_ATOMIC, ALLOC_NOOOM  whenever there is too little memory above the mark
 *             order > 3                  when no such block exists after the caches were drained: nobody is killed
 *             fail_inject.h              when a test asked for it
 *             a task about to die        (oom victim or fatal signal) when even the reserves are empty
 *             else                       only after reclaim and OOM have failed: nobody could be killed (a program's
 *                                        page: panic), or victims gave back nothing for many seconds
 * Context   may sleep if ALLOC_WAIT, and then needs interrupts on and no spinlock held by the caller; takes zone->lock
 * Gives     one reference to the block (page_put on its first page, or page_free)
 */
struct page *page_alloc(u32 order, u32 flags);

/*
 * page_free - give back the block of 2^@order frames at @page, to which nobody else refers
 *
 * Returns   nothing; panics on a frame that is free already, reserved, or still referred to
 * Context   any, even with interrupts off; takes zone->lock
 * Takes     the only reference (refs is 1, or 0 when the caller has just dropped the last one)
 */
void page_free(struct page *page, u32 order);

/*
 * page_free_batch - page_free(page, 0) for each of the @n pages of @pages
 *
 * Returns   nothing
 * Context   any; takes zone->lock
 * Takes     the only reference to each
 */
void page_free_batch(struct page **pages, u64 n);

/*
 * page_alloc_drain - return the per-CPU lists of all CPUs to the buddy lists
 *
 * Returns   nothing
 * Context   interrupts on, no irq-off lock held; interrupts other CPUs and waits for them
 */
void page_alloc_drain(void);

/*
 * page_alloc_wake - frames came back to a zone: wake the allocations that wait for memory
 *
 * Returns   nothing
 * Context   any, holding no zone->lock
 */
void page_alloc_wake(void);

/*
 * page_alloc_possible - would page_alloc(@order, @flags) find a block now, once all per-CPU lists are drained?
 *
 * The OOM killer asks after it has seen that no victim is giving back: whatever earlier victims had is free by then.
 *
 * Returns   true if it would
 * Context   as page_alloc_drain(); takes zone->lock
 */
bool page_alloc_possible(u32 order, u32 flags);

/*
 * page_give - hand frames that were reserved at boot to the allocator: the initrd, boot-only code
 *
 * Returns   the number of frames; only whole pages inside [@pa, @pa + @len) that are PAGE_RESERVED are given
 * Context   any; takes zone->lock
 */
u64 page_give(u64 pa, u64 len);

/*
 * nr_free_pages, nr_cached_pages, total_pages - free frames; those of them on per-CPU lists; all that are managed
 *
 * Returns   frames
 * Context   any; reads without locks, so a moment old
 */
u64 nr_free_pages(void);
u64 nr_cached_pages(void);
u64 total_pages(void);

/*
 * page_alloc_check - prove the invariants of zones, free lists and per-CPU lists
 *
 * Returns   the number of violations; each is printed as a sentence
 * Context   takes zone->lock; run it after page_alloc_drain() on a quiet system
 */
int page_alloc_check(void);

/*
 * page_init - make a page struct for every frame of RAM, and nodes and zones around them
 *
 * Returns   nothing; panics when RAM cannot hold them
 * Context   boot, once, after mmu_init(); memblock_free_all() follows
 */
void page_init(void);
