/* SPDX-License-Identifier: MIT */
/*
 * mm/truncate.c - private copies of what a file has no longer
 *
 * Idea        A page of the file is unmapped by its slots. A private copy of it belongs to no object, and only the vma
 *             knows what it is a copy of. So all address spaces are visited, and in each the vmas that map the object
 *             privately and have copies (vma->has_anon) lose their leaves behind the new end.
 *             Simple: a bigger kernel keeps the vmas of each file in a tree (i_mmap), which every mmap and munmap pays
 *             for. Here the truncation pays, and only of an object that somebody has copied from (object->copied).
 * Invariants  none of its own
 * Locks       mm->lock for writing, of one address space after the other: faults that are under way end first, and
 *             those that come later find the new size. A table that fork has shared loses the leaves for all its users,
 *             who all have the same mapping there: memory for parting it is not needed.
 * Follow      from pagecache_drop.c (pagecache_set_size)   to mm.c (mm_for_each), unmap.c (unmap_zap)
 * Tests       tests/host/pagecache_test.c, tests/guest/truncate.c
 * See         docs/mm.md section 6
 */
#include <kernel/panic.h>
#include <mm/mm.h>
#include <mm/pagecache.h>
#include <mm/truncate.h>
#include <mm/unmap.h>

struct cut {
	const struct pagecache *object;
	u64 first; /* page of object */
};

static void cut_mm(struct mm *mm, void *arg);
static void cut_vma(struct mm *mm, const struct vma *vma, u64 first);

void
truncate_copies(struct pagecache *object, u64 first)
{
	struct cut cut = {object, first};

	dassert(div_round_up(READ_ONCE(object->size), PAGE_SIZE) <= first);
	mm_for_each(cut_mm, &cut);
}

static void
cut_mm(struct mm *mm, void *arg)
{
	const struct cut *cut = arg;

	for (struct vma *vma = vma_first(&mm->vmas); vma; vma = vma_next(vma))
		if (vma->object == cut->object && !(vma->flags & VM_SHARED) && vma->has_anon)
			cut_vma(mm, vma, cut->first);
}

static void
cut_vma(struct mm *mm, const struct vma *vma, u64 first)
{
	u64 kept = first > vma->pgoff ? first - vma->pgoff : 0; /* pages at its beginning */

	if (kept < vma_pages(vma))
		unmap_zap(mm, vma->start + (kept << PAGE_SHIFT), vma->end);
}
