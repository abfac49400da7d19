/* SPDX-License-Identifier: MIT */
/*
 * mm/memblock.h - which memory exists, and who has it before there is an allocator
 *
 * Idea        two sorted lists of ranges: RAM, and what is taken of it. The difference is free.
 * Invariants  I1  ranges of one list are sorted, do not touch and do not overlap
 * Locks       none: one CPU, interrupts off or harmless, until memblock_free_all()
 * Follow      from kernel/main.c, arch (page tables, per-CPU copies)   to page_alloc.c (memblock_free_all)
 * Tests       tests/host/memblock_test.c
 * See         docs/mm.md
 */
#pragma once

#include <kernel/lib/types.h>

#define MEMBLOCK_RANGES 128

/* Bytes [base, end). */
struct memblock_range {
	u64 base; /* physical address */
	u64 end;  /* first byte after it */
};

struct memblock_list {
	struct memblock_range range[MEMBLOCK_RANGES];
	u32 count;
};

extern struct memblock_list memblock_ram;      /* const after boot */
extern struct memblock_list memblock_reserved; /* const after boot */

/*
 * memblock_add - @len bytes of RAM begin at physical address @base
 *
 * Returns   nothing; parts of pages at either end are left out; overlaps with what is known are merged
 * Context   boot, before the first memblock_alloc
 */
void memblock_add(u64 base, u64 len);

/*
 * memblock_reserve - the bytes [@base, @base + @len) are taken: kernel image, initrd, firmware tables
 *
 * Returns   nothing; widened to whole pages; may overlap what is reserved already, and may lie outside RAM
 * Context   boot, before memblock_free_all
 */
void memblock_reserve(u64 base, u64 len);

/*
 * memblock_cap - forget all RAM at and above physical address @limit (mem=)
 *
 * Returns   nothing
 * Context   boot, after the last memblock_add and before the first memblock_alloc
 */
void memblock_cap(u64 limit);

/*
 * memblock_reach_set - from now on the direct map covers [0, @limit): memblock_alloc may go that far
 *
 * Returns   nothing; until the first call the reach is 4 GiB, what the boot page tables map
 * Context   boot
 */
void memblock_reach_set(u64 limit);

/*
 * memblock_alloc - take @size bytes, aligned to @align (a power of two), from the top of the reachable RAM
 *
 * Returns   the physical address of zeroed memory, a multiple of PAGE_SIZE in place and length; panics if there is none
 * Context   boot, before memblock_free_all
 * Gives     the memory, for good
 */
u64 memblock_alloc(u64 size, u64 align);

/*
 * memblock_next_free - the first free range that ends above @from, cut to begin at or after @from
 *
 * Returns   true and the range in @out; false at the end
 * Context   any
 */
bool memblock_next_free(u64 from, struct memblock_range *out);

/*
 * memblock_free_all - hand every free frame to the page allocator; memblock is closed from here on
 *
 * Returns   the number of frames
 * Context   boot, once, after page_init() has made the page structs
 */
u64 memblock_free_all(void);

/*
 * memblock_ram_bytes, memblock_ram_end - how much RAM there is, and the first physical address after the last of it
 *
 * Returns   bytes; a physical address
 * Context   any
 */
u64 memblock_ram_bytes(void);
u64 memblock_ram_end(void);

/*
 * memblock_is_ram - is all of the page at physical address @pa RAM?
 *
 * Returns   true if it is
 * Context   any
 */
bool memblock_is_ram(u64 pa);

/*
 * memblock_report - print both lists to the log
 *
 * Returns   nothing
 * Context   boot
 */
void memblock_report(void);
