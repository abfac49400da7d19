/* SPDX-License-Identifier: MIT */
/*
 * mm/vma_edit.h - split and join vmas, so that a range has borders of its own
 *
 * Idea        Every member of the mmap family works on whole vmas: first cut at both ends of its range, then act, then
 *             join what became alike.
 * Invariants  vma.h I1 to I3
 * Locks       mm->lock for writing
 * Follow      from mmap.c, mprotect.c, brk.c   to vma.c, vma_alloc.c
 * Tests       tests/guest/mmap.c
 * See         docs/mm.md section 3
 */
#pragma once

#include <mm/mm.h>

/*
 * vma_cut - let no vma of @mm cross @at
 *
 * Returns   0; -ENOMEM: no memory, or sysctl_max_map_count vmas already
 * Context   may sleep; mm->lock for writing
 */
int vma_cut(struct mm *mm, u64 at);

/* vma_cut_anyway - the same, however many there are: a part goes at once. Returns 0, -ENOMEM. Context: as vma_cut. */
int vma_cut_anyway(struct mm *mm, u64 at);

/*
 * vma_change - give the part [start, end) of @vma other @flags, and join it with neighbours where Linux would
 *
 * Returns   the vma that covers the part; NULL: no memory, or too many vmas, and nothing was changed
 * Context   may sleep; mm->lock for writing
 */
struct vma *vma_change(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags);

/*
 * vma_join - make one vma of @vma and its predecessor, if Linux would
 *
 * Returns   the vma that now covers @vma's range
 * Context   may sleep; mm->lock for writing
 */
struct vma *vma_join(struct mm *mm, struct vma *vma);

/* vma_join_around - join at both borders of [start, end) and inside. Context: may sleep; mm->lock for writing. */
void vma_join_around(struct mm *mm, u64 start, u64 end);

/*
 * vma_set_flags - give the part [start, end) of one vma @flags, in a vma of its own; joining is the caller's last step
 *
 * Returns   0, -ENOMEM: flags are as they were
 * Context   may sleep; mm->lock for writing
 */
int vma_set_flags(struct mm *mm, u64 start, u64 end, u32 flags);

/*
 * vma_add - a mapping of [start, end), which is free, joined with its neighbours where possible
 *
 * @wanted: start, end, flags, object and pgoff are set
 *
 * Returns   0, -ENOMEM
 * Context   may sleep; mm->lock for writing
 * Takes     the caller's reference to the object, when 0
 */
int vma_add(struct mm *mm, const struct vma *wanted);

/*
 * vma_add_apart - the same with a vma that was allocated before, and joined with nothing
 *
 * Context   mm->lock for writing
 * Takes     the reference to the object, and @spare
 */
void vma_add_apart(struct mm *mm, const struct vma *wanted, struct vma *spare);

/*
 * vma_add_prepared - the same as vma_add, with a vma that was allocated before, so that it cannot fail
 *
 * Context   may sleep; mm->lock for writing
 * Takes     the reference to the object, and @spare, which is filled or freed
 */
void vma_add_prepared(struct mm *mm, const struct vma *wanted, struct vma *spare);
