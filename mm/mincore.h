/* SPDX-License-Identifier: MIT */
/*
 * mm/mincore.h - which pages of a range are in memory, and whether a range can be written back
 *
 * Idea        see mincore.c
 * Invariants  none of its own
 * Locks       takes mm->lock for reading
 * Follow      from kernel/sys_madvise.c   to mincore.c
 * Tests       tests/guest/mincore.c
 * See         mincore(2), msync(2)
 */
#pragma once

#include <kernel/lib/types.h>

struct mm;

#define MS_ASYNC 1u
#define MS_INVALIDATE 2u
#define MS_SYNC 4u

/*
 * mincore_some - for up to @pages pages from @va on, in one mapping: is the page in memory?
 *
 * In memory is what a leaf holds, the zero frame too, and what the mapped object holds.
 *
 * Returns   how many bytes of @vec were filled with 0 or 1, at least one; -ENOMEM: @va is not mapped
 * Context   may sleep; takes mm->lock
 */
s64 mincore_some(struct mm *mm, u64 va, u64 pages, u8 *vec);

/*
 * do_msync - write the pages of shared mappings back
 *
 * Returns   0; -EINVAL (flags, addr not at a page), -ENOMEM (a hole), -EBUSY (MS_INVALIDATE of locked memory)
 * Context   may sleep; takes mm->lock
 */
int do_msync(struct mm *mm, u64 addr, u64 len, u32 flags);
