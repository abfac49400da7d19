/* SPDX-License-Identifier: MIT */
/*
 * mm/vmalloc.h - memory that is contiguous in addresses only, with a guard page on either side
 *
 * Idea        see vmalloc.c
 * Invariants  see vmalloc.c
 * Locks       vmalloc_lock (RANK_VMALLOC)
 * Follow      from task stacks, large tables   to page_alloc.c, arch (mmu_map_kernel)
 * Tests       tests/host/vmalloc_test.c
 * See         docs/mm.md
 */
#pragma once

#include <kernel/lib/types.h>

/* An area as reports see it. */
struct vmalloc_info {
	u64 va;           /* of its first byte */
	u64 size;         /* bytes; the guard pages before and after are not part of it */
	const char *name; /* as given to vmalloc_named */
	bool live;        /* false: freed, its addresses not used again yet */
};

/*
 * vmalloc, vmalloc_named - @size bytes (rounded up to pages) between two guard pages
 *
 * Returns   the memory, contents undefined; NULL without memory. @name must outlive the area
 * Context   may sleep; interrupts on, no spinlock held
 * Gives     the memory (vfree)
 */
void *vmalloc(u64 size);
void *vmalloc_named(u64 size, const char *name);

/*
 * vfree - give back an area; NULL does nothing
 *
 * Returns   nothing; panics when @va does not begin an area. The addresses fault from now on on this CPU, and on the
 *           others soon; they are not given out again before they do on all
 * Context   interrupts on, no spinlock held; may interrupt other CPUs
 * Takes     the memory
 */
void vfree(void *va);

/*
 * vmalloc_area_of - which area, with its two guard pages, does @addr lie in?
 *
 * Returns   true and the area in @out; false when none
 * Context   any, even a double fault: takes no lock, so a report only
 */
bool vmalloc_area_of(u64 addr, struct vmalloc_info *out);

/*
 * vmalloc_next - the live area with the lowest address at or above @addr, for reports
 *
 * Returns   true and the area in @out; false when none
 * Context   takes vmalloc_lock
 */
bool vmalloc_next(u64 addr, struct vmalloc_info *out);

/*
 * vmalloc_purge - make the addresses of all freed areas usable again, and give back their page tables
 *
 * Returns   nothing
 * Context   interrupts on, no spinlock held; interrupts other CPUs and waits for them
 */
void vmalloc_purge(void);

/*
 * vmalloc_check - prove the invariants of the tree of areas
 *
 * Returns   the number of violations; each is printed as a sentence
 * Context   takes vmalloc_lock
 */
int vmalloc_check(void);

/*
 * vmalloc_init - ready for vmalloc()
 *
 * Returns   nothing
 * Context   boot, once, after slab_init()
 */
void vmalloc_init(void);
