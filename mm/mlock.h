/* SPDX-License-Identifier: MIT */
/*
 * mm/mlock.h - memory that stays: ranges and address spaces that a program has locked
 *
 * Idea        see mlock.c
 * Invariants  I1  A leaf of an address space has PTE_LOCKED if and only if its vma has VM_LOCKED.
 *             I2  page->locks is the number of slots on the page's chain that have PTE_LOCKED.
 *             I3  mm->locked_vm is the number of pages in VM_LOCKED vmas.                        (all: mm_check)
 * Locks       mm->lock for writing to change; page->locks is atomic, changed under the table lock of a slot
 * Follow      from kernel/sys_mlock.c, mmap.c, brk.c   to rmap_lock.c, vma_edit.c
 * Tests       tests/host/mlock_test.c, tests/guest/mlock.c
 * See         mlock(2); docs/mm.md section 3
 */
#pragma once

#include <kernel/lib/types.h>

struct mm;
struct page;
struct vma;

#define MLOCK_ONFAULT 1u
#define MCL_CURRENT 1u
#define MCL_FUTURE 2u
#define MCL_ONFAULT 4u

/*
 * do_mlock - lock the pages that [addr, addr + len) touches, and bring them into memory
 *
 * @on_fault  lock what is there, and the rest when it is touched
 *
 * Returns   0; -EPERM (the limit is 0), -ENOMEM (over the limit, a hole, pages that nobody may touch or that lie past
 *           the end of an object; what lies before a hole is locked), -EINVAL (the range wraps), -EAGAIN (no memory)
 * Context   may sleep; takes mm->lock
 */
int do_mlock(struct mm *mm, u64 addr, u64 len, bool on_fault);

/* do_munlock - the opposite. Returns 0, -ENOMEM (a hole, or no memory for a vma), -EINVAL. Context: as do_mlock. */
int do_munlock(struct mm *mm, u64 addr, u64 len);

/*
 * do_mlockall - lock all there is (MCL_CURRENT), all there will be (MCL_FUTURE), the pages as they are touched
 * (ONFAULT)
 *
 * Returns   0; -EINVAL (flags), -EPERM (the limit is 0), -ENOMEM (over the limit)
 * Context   may sleep; takes mm->lock
 */
int do_mlockall(struct mm *mm, u32 flags);

/* do_munlockall - nothing is locked any more, and nothing will be. Returns 0. Context: may sleep; takes mm->lock. */
int do_munlockall(struct mm *mm);

/*
 * mlock_populate - bring the locked parts of [start, end) into memory, but for those that wait for a touch
 *
 * Returns   0; -ENOMEM, -EAGAIN as do_mlock, -EINTR (a fatal signal): the first error, or with @all the last one, the
 *           rest being populated
 * Context   may sleep; takes mm->lock
 */
int mlock_populate(struct mm *mm, u64 start, u64 end, bool all);

/* mm_may_lock - may anything be locked at all? mm_can_lock - and @pages more? Context: mm->lock. */
bool mm_may_lock(const struct mm *mm);
bool mm_can_lock(const struct mm *mm, u64 pages);

/* mlock_clear - @vma, which is locked, is so no more; it is joined with nothing. Context: mm->lock for writing. */
void mlock_clear(struct mm *mm, struct vma *vma);

/* Proves I1 and I3 for one address space. Returns violations printed. Context: every mm->lock for writing. */
int mlock_check(struct mm *mm);
