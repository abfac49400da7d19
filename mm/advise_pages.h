/* SPDX-License-Identifier: MIT */
/*
 * mm/advise_pages.h - advice about where the pages of a range should be: in memory, or soon not
 *
 * Idea        see advise_pages.c
 * Invariants  none
 * Locks       mm->lock
 * Follow      from madvise.c   to reclaim.c, swap_leaf.c
 * Tests       tests/guest/swap.c
 */
#pragma once

#include <kernel/lib/types.h>

struct mm;
struct vma;

/*
 * advise_cold - the private pages of [start, end) that only this address space maps are the next to leave memory
 * advise_pageout - and leave it at once, as far as there is room for them
 *
 * Context   may sleep; mm->lock in either way; [start, end) lies in one vma
 */
void advise_cold(struct mm *mm, u64 start, u64 end);
void advise_pageout(struct mm *mm, u64 start, u64 end);

/* advise_willneed - bring back the private pages of [start, end) that have left memory. Likewise. */
void advise_willneed(struct mm *mm, const struct vma *vma, u64 start, u64 end);
