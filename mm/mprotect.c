/* SPDX-License-Identifier: MIT */
/*
 * mm/mprotect.c - change what a range may be used for
 *
 * Idea        vma by vma: cut at the borders, part shared tables, then change the vma and its leaves together. A leaf
 *             gains the write bit at once only where nobody else has its page; elsewhere the next write faults and
 *             decides.
 * Invariants  none of its own
 * Locks       mm->lock for writing
 * Follow      from kernel/sys_mm.c   to vma_edit.c, rmap.c (rmap_protect), share.c
 * Tests       tests/host/mmap_test.c, tests/guest/protect.c
 * See         mprotect(2)
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/rmap.h>
#include <mm/share.h>
#include <mm/vma_edit.h>

static int mprotect_locked(struct mm *mm, u64 start, u64 end, u32 prot);
static int protect_vma(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags);
static void protect_leaves(struct mm *mm, u64 start, u64 end, u64 bits);

int
do_mprotect(struct mm *mm, u64 addr, u64 len, u32 prot)
{
	u64 end = addr + round_up(len, PAGE_SIZE);
	int err;

	if ((prot & ~(PROT_ACCESS | PROT_SEM | PROT_GROWSDOWN)) || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (!len)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	rwsem_write_lock(&mm->lock);
	err = mprotect_locked(mm, addr, end, prot);
	vma_join_around(mm, addr, end);
	rwsem_write_unlock(&mm->lock);
	return err;
}

/* As Linux: what lies before the first hole, or before the first vma that refuses, is changed. */
static int
mprotect_locked(struct mm *mm, u64 start, u64 end, u32 prot)
{
	u32 wanted = vma_prot_flags(prot);
	struct vma *vma = vma_find(&mm->vmas, start);

	dassert(rwsem_write_is_mine(&mm->lock));
	dassert(start < end && !((start | end) & ~PAGE_MASK));
	if (!vma || vma->start >= end)
		return -ENOMEM;
	if (prot & PROT_GROWSDOWN) {
		if (!(vma->flags & VM_GROWSDOWN))
			return -EINVAL;
		start = vma->start;
	}
	while (start < end) {
		u64 stop;
		int err;

		vma = vma_find(&mm->vmas, start);
		if (!vma || vma->start > start)
			return -ENOMEM;
		if (wanted & ~(vma->flags >> VM_MAY_SHIFT))
			return -EACCES;
		stop = min_u64(end, vma->end);
		dassert(stop > start);
		err = protect_vma(mm, vma, start, stop, (vma->flags & ~VM_ACCESS) | wanted);
		if (err)
			return err;
		start = stop;
	}
	return 0;
}

/* Gives the part [start, end) of @vma new flags. */
static int
protect_vma(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags)
{
	int err;

	dassert(vma->start <= start && start < end && end <= vma->end);
	dassert(!(flags & VM_ACCESS & ~(vma->flags >> VM_MAY_SHIFT)));
	if (vma->flags == flags)
		return 0;
	err = vma_cut(mm, start);
	if (!err)
		err = vma_cut(mm, end);
	if (!err)
		err = table_unshare_range(mm, start, end);
	if (err)
		return err;
	vma = vma_find(&mm->vmas, start);
	assert(vma->start == start && vma->end == end);
	vma->flags = flags;
	protect_leaves(mm, start, end, leaf_bits(flags));
	return 0;
}

static void
protect_leaves(struct mm *mm, u64 start, u64 end, u64 bits)
{
	bool narrowed = false;
	u64 base = start;
	pte_t *entry;

	dassert(rwsem_write_is_mine(&mm->lock));
	while ((entry = pagetable_next(mm, &base, end))) {
		struct page *table = leaf_page(pte_read(entry));
		u64 from = max_u64(start, table->base);
		u64 to = min_u64(end, table->base + TABLE_SPAN);

		assert(from < to && !table_is_shared(table));
		narrowed |=
			rmap_protect(table, (from - table->base) >> PAGE_SHIFT, (to - table->base) >> PAGE_SHIFT, bits);
		base = table->base + TABLE_SPAN;
	}
	if (narrowed)
		tlb_flush_range(mm, start, end);
}
