/* SPDX-License-Identifier: MIT */
/*
 * mm/mprotect.c - change what a range may be used for
 *
 * Idea        vma by vma: part shared tables, then change the vma, or a part of it, and its leaves together. A leaf
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
#include <mm/commit.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/rmap.h>
#include <mm/share.h>
#include <mm/vma_edit.h>

static int mprotect_locked(struct mm *mm, u64 start, u64 end, u32 prot);
static int protect_from(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 wanted);
static struct vma *protect_vma(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags);
static void protect_leaves(struct mm *mm, u64 start, u64 end, u64 bits);
static bool protect_table(struct page *table, u64 start, u64 end, u64 bits);

int
do_mprotect(struct mm *mm, u64 addr, u64 len, u32 prot)
{
	u64 end = addr + round_up(len, PAGE_SIZE);
	int err;

	if ((prot & PROT_GROWSDOWN) && (prot & PROT_GROWSUP))
		return -EINVAL;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~(PROT_ACCESS | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	rwsem_write_lock(&mm->lock);
	err = mprotect_locked(mm, addr, end, prot);
	rwsem_write_unlock(&mm->lock);
	return err;
}

static int
mprotect_locked(struct mm *mm, u64 start, u64 end, u32 prot)
{
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
	if (vma->start > start)
		return -ENOMEM;
	if (prot & PROT_GROWSUP)
		return -EINVAL; /* no stack grows up here */
	return protect_from(mm, vma, start, end, vma_prot_flags(prot));
}

/* As Linux: what lies before the first hole, or before the first vma that refuses, is changed. @start is in @vma. */
static int
protect_from(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 wanted)
{
	for (;;) {
		u64 stop = min_u64(end, vma->end);
		u32 flags = (vma->flags & ~VM_ACCESS) | wanted;

		dassert(vma->start <= start && start < stop);
		if (!(vma->flags & VM_WRITE)) /* what was promised stays so when it may be written no longer */
			flags |= commit_flags(flags);
		if (wanted & ~(vma->flags >> VM_MAY_SHIFT))
			return -EACCES;
		if (vma->flags != flags)
			vma = protect_vma(mm, vma, start, stop, flags);
		if (!vma)
			return -ENOMEM;
		if (stop == end)
			return 0;
		start = stop;
		if (vma->end <= start)
			vma = vma_next(vma);
		if (!vma || vma->start > start)
			return -ENOMEM;
	}
}

/* Gives the part [start, end) of @vma new flags. Returns the vma it is in then; NULL: no memory, nothing changed. */
static struct vma *
protect_vma(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags)
{
	s64 pages = (s64)((end - start) >> PAGE_SHIFT);
	u32 old = vma->flags;
	u64 promised = flags & ~old & VM_ACCOUNT ? (u64)pages : 0;

	dassert(!(flags & VM_ACCESS & ~(vma->flags >> VM_MAY_SHIFT)));
	/* Memory that becomes private and writable counts as data from now on. */
	if ((flags & ~old & VM_WRITE) && !mmap_may_expand(mm, flags, (u64)pages) &&
	    mmap_may_expand(mm, old, (u64)pages))
		return NULL;
	if (commit_charge(mm, promised))
		return NULL;
	vma = table_unshare_range(mm, start, end) ? NULL : vma_change(mm, vma, start, end, flags);
	if (!vma) {
		commit_uncharge(promised);
		return NULL;
	}
	mm_count_vma(mm, old, -pages);
	mm_count_vma(mm, flags, pages);
	protect_leaves(mm, start, end, leaf_bits(flags));
	return vma;
}

/* Most often the range lies in one table. */
static void
protect_leaves(struct mm *mm, u64 start, u64 end, u64 bits)
{
	bool narrowed = false;
	u64 base = start;
	pte_t *entry;

	dassert(rwsem_write_is_mine(&mm->lock));
	if ((start ^ (end - 1)) < TABLE_SPAN) {
		pte_t *slot = pagetable_walk(mm, start).slot;

		narrowed = slot && protect_table(slot_table(slot), start, end, bits);
	} else {
		while ((entry = pagetable_next(mm, &base, end))) {
			struct page *table = leaf_page(pte_read(entry));

			narrowed |= protect_table(table, start, end, bits);
			base = table->base + TABLE_SPAN;
		}
	}
	if (narrowed)
		tlb_flush_range(mm, start, end);
}

/* The part of the range that lies in @table. */
static bool
protect_table(struct page *table, u64 start, u64 end, u64 bits)
{
	u64 from = max_u64(start, table->base);
	u64 to = min_u64(end, table->base + TABLE_SPAN);

	assert(from < to && !table_is_shared(table));
	return rmap_protect(table, (u32)((from - table->base) >> PAGE_SHIFT), (u32)((to - table->base) >> PAGE_SHIFT),
			    bits);
}
