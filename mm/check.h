/* SPDX-License-Identifier: MIT */
/*
 * mm/check.h - prove that memory is what the head comments say it is
 *
 * Idea        Each module proves its own invariants; this one walks them all, and holds them against one another.
 * Invariants  none of its own
 * Locks       every mm->lock for writing, at once; then the lists' own locks
 * Follow      from /proc/mm_check   to rmap.c, vma.c, pagecache.c, buddy.c, slab_check.c, lru_check.c
 * Tests       runs after each guest case
 * See         docs/mm.md
 */
#pragma once

/*
 * mm_check - walk everything; each violation is printed as a sentence
 *
 * Returns   the number of violations
 * Context   may sleep; the caller holds no lock. Run it on a drained system for exact reference counts.
 */
int mm_check(void);
