/* SPDX-License-Identifier: MIT */
/*
 * mm/move.h - what a range of addresses maps goes to another range
 *
 * Idea        see move.c
 * Invariants  none of its own
 * Locks       mm->lock for writing
 * Follow      from mremap.c   to rmap_move.c, pagetable.c, share.c
 * Tests       tests/host/mremap_test.c, tests/guest/mremap.c
 * See         docs/mm.md section 8
 */
#pragma once

#include <mm/pagetable.h>

struct mm;

/* [from, from + len) goes to [to, to + len); the two do not overlap. */
struct move {
	u64 from;
	u64 to;
	u64 len;
	struct table_pool pool; /* tables that the destination may need */
};

/*
 * move_prepare - the beat that may fail: part shared tables, make those that the destination may lack
 *
 * Whatever becomes of the mappings at the destination until move_pages, the tables suffice.
 *
 * Returns   0, -ENOMEM; either way move_end follows
 * Context   may sleep; mm->lock for writing
 */
int move_prepare(struct mm *mm, struct move *move);

/*
 * move_pages - move all leaves; the source's are empty then, the destination's must be before
 *
 * Context   mm->lock for writing; move_prepare succeeded under it; flushes
 */
void move_pages(struct mm *mm, struct move *move);

/* move_end - free the tables that were not needed. Context: any. */
void move_end(struct move *move);
