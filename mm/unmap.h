/* SPDX-License-Identifier: MIT */
/*
 * mm/unmap.h - empty a range of an address space
 *
 * Idea        see unmap.c
 * Invariants  none of its own
 * Locks       mm->lock for writing
 * Follow      from mmap.c, madvise.c, fork.c, mm.c   to rmap.c, share.c
 * Tests       tests/guest/mmap.c
 * See         docs/mm.md section 3
 */
#pragma once

#include <mm/pagetable.h>

struct mm;

/*
 * A range to empty, and the free space around it: no vma but those of the range lies in [floor, ceiling), so that a
 * table inside it can go as a whole.
 */
struct unmap_range {
	u64 start;
	u64 end;
	u64 floor;
	u64 ceiling;
};

/*
 * unmap_prepare - the beat that may fail: part the shared tables that the range cuts
 *
 * Returns   0, -ENOMEM
 * Context   may sleep; mm->lock for writing
 */
int unmap_prepare(struct mm *mm, const struct unmap_range *range);

/* unmap_is_empty - a guess that costs little: true when [start, end) has no table. Context: mm->lock for writing. */
static inline bool
unmap_is_empty(struct mm *mm, u64 start, u64 end)
{
	if (end - start > TABLE_SPAN || pagetable_walk(mm, start).slot)
		return false;
	return (start ^ (end - 1)) < TABLE_SPAN || !pagetable_walk(mm, end - 1).slot;
}

/*
 * unmap_pages - empty every leaf of the range and free the tables that nothing needs any more
 *
 * Context   mm->lock for writing; unmap_prepare succeeded under it; flushes
 */
void unmap_pages(struct mm *mm, const struct unmap_range *range);

/*
 * unmap_drop - empty every leaf of [start, end) and leave the vmas: the next touch finds memory as if it were new
 *
 * Returns   0, -ENOMEM: nothing was changed
 * Context   may sleep; mm->lock for writing; flushes
 */
int unmap_drop(struct mm *mm, u64 start, u64 end);

/*
 * unmap_zap - empty every leaf of [start, end), in shared tables for all who share them
 *
 * Context   mm->lock for writing; every user of a shared table must be meant; flushes
 */
void unmap_zap(struct mm *mm, u64 start, u64 end);

/*
 * unmap_reap - empty every leaf of [start, end) that lies in a table of @mm alone
 *
 * Context   mm->lock for reading; faults go on beside it, and fill nothing any more (mm->oom_unstable is set); flushes
 */
void unmap_reap(struct mm *mm, u64 start, u64 end);

/* unmap_all - leave every table. Context: nobody uses @mm any more. */
void unmap_all(struct mm *mm);
