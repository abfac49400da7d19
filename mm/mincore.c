/* SPDX-License-Identifier: MIT */
/*
 * mm/mincore.c - which pages of a range are in memory, and whether a range can be written back
 *
 * Idea        Both look and change nothing. Simple: no object has a device behind it, so msync has nothing to write;
 *             what is left of it are the errors that it owes.
 * Invariants  none of its own
 * Locks       mm->lock for reading; object->lock for a look
 * Follow      from kernel/sys_madvise.c   to pagetable.c, pagecache.c
 * Tests       tests/guest/mincore.c
 * See         mincore(2), msync(2)
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/mincore.h>
#include <mm/mm.h>
#include <mm/pagecache.h>
#include <mm/pagetable.h>

static void fill(struct mm *mm, const struct vma *vma, u64 va, u64 pages, u8 *vec);
static bool in_object(const struct vma *vma, u64 va);
static int msync_locked(struct mm *mm, u64 start, u64 end, u32 flags);

s64
mincore_some(struct mm *mm, u64 va, u64 pages, u8 *vec)
{
	struct vma *vma;
	s64 count = -ENOMEM;

	dassert(!(va & ~PAGE_MASK) && pages);
	rwsem_read_lock(&mm->lock);
	vma = vma_find(&mm->vmas, va);
	if (vma && vma->start <= va) {
		count = min_u64(pages, (vma->end - va) >> PAGE_SHIFT);
		fill(mm, vma, va, count, vec);
	}
	rwsem_read_unlock(&mm->lock);
	return count;
}

/* One walk for each table, and a step for each page. */
static void
fill(struct mm *mm, const struct vma *vma, u64 va, u64 pages, u8 *vec)
{
	const pte_t *slot = pagetable_walk(mm, va).slot;

	dassert(rwsem_is_held(&mm->lock));
	for (u64 i = 0; i < pages; i++) {
		vec[i] = (slot && leaf_has_frame(pte_read(slot))) || in_object(vma, va);
		va += PAGE_SIZE;
		if (!(va & (TABLE_SPAN - 1)) && i + 1 < pages)
			slot = pagetable_walk(mm, va).slot;
		else if (slot)
			slot++;
	}
}

static bool
in_object(const struct vma *vma, u64 va)
{
	struct page *page;

	if (!vma->object)
		return false;
	page = pagecache_find(vma->object, vma->pgoff + ((va - vma->start) >> PAGE_SHIFT));
	if (page)
		page_put(page);
	return page;
}

int
do_msync(struct mm *mm, u64 addr, u64 len, u32 flags)
{
	u64 end = addr + round_up(len, PAGE_SIZE);
	int err;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (addr & ~PAGE_MASK))
		return -EINVAL;
	if ((flags & MS_ASYNC) && (flags & MS_SYNC))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	if (end == addr)
		return 0;
	rwsem_read_lock(&mm->lock);
	err = msync_locked(mm, addr, end, flags);
	rwsem_read_unlock(&mm->lock);
	return err;
}

/* As Linux: a hole is told at the end, what lies behind it is looked at. */
static int
msync_locked(struct mm *mm, u64 start, u64 end, u32 flags)
{
	struct vma *vma = vma_find(&mm->vmas, start);
	int hole = 0;

	dassert(rwsem_is_held(&mm->lock));
	for (; start < end; vma = vma_next(vma)) {
		if (!vma)
			return -ENOMEM;
		if (vma->start > start)
			hole = -ENOMEM;
		if (vma->start >= end)
			break;
		if ((flags & MS_INVALIDATE) && (vma->flags & VM_LOCKED))
			return -EBUSY;
		start = vma->end;
	}
	return hole;
}
