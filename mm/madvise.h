/* SPDX-License-Identifier: MIT */
/*
 * mm/madvise.h - what a program says about its use of a range
 *
 * Idea        see madvise.c
 * Invariants  none of its own
 * Locks       takes mm->lock
 * Follow      from kernel/sys_madvise.c   to madvise.c
 * Tests       tests/host/madvise_test.c, tests/guest/madvise.c
 * See         madvise(2)
 */
#pragma once

#include <kernel/lib/types.h>

struct mm;

/* Linux's numbers. */
#define MADV_NORMAL 0
#define MADV_RANDOM 1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED 3
#define MADV_DONTNEED 4
#define MADV_FREE 8
#define MADV_REMOVE 9
#define MADV_DONTFORK 10
#define MADV_DOFORK 11
#define MADV_HUGEPAGE 14
#define MADV_NOHUGEPAGE 15
#define MADV_DONTDUMP 16
#define MADV_DODUMP 17
#define MADV_WIPEONFORK 18
#define MADV_KEEPONFORK 19
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#define MADV_DONTNEED_LOCKED 24

/*
 * do_madvise - take the advice @advice for [addr, addr + len)
 *
 * Holes are stepped over: what lies behind them is advised, and the result is -ENOMEM.
 *
 * Returns   0; -EINVAL (unknown advice, addr not at a page, a mapping that the advice does not fit), -ENOMEM (a hole),
 *           -EAGAIN (no memory for a vma or a table), -EACCES (REMOVE of what may not be written), -EFAULT (POPULATE
 *           past the end of an object), -EINTR (POPULATE: a fatal signal)
 * Context   may sleep; takes mm->lock
 */
int do_madvise(struct mm *mm, u64 addr, u64 len, s32 advice);
