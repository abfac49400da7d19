/* SPDX-License-Identifier: MIT */
/*
 * mm/munmap.c - take back ranges of an address space
 *
 * Idea        Two beats. What may fail: vmas are cut at the borders of the range, tables that fork shares and that
 *             reach across them are parted. What cannot: leaves are emptied, vmas removed, promises counted back.
 * Invariants  see mmap.h
 * Locks       mm->lock for writing
 * Follow      from kernel/sys_mm.c, mmap.c, mremap.c   to vma_edit.c, unmap.c
 * Tests       tests/host/mmap_test.c, tests/guest/mmap.c
 * See         docs/mm.md section 3; munmap(2)
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/commit.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/unmap.h>
#include <mm/vma_alloc.h>
#include <mm/vma_edit.h>

static int prepare_range(struct mm *mm, struct vma **first, struct unmap_range *range);
static int cut_borders(struct mm *mm, struct vma **first, u64 start, u64 end);
static void range_bounds(struct vma *first, struct unmap_range *range);
static void remove_vmas(struct mm *mm, struct vma *vma, u64 end);

int
do_munmap(struct mm *mm, u64 addr, u64 len)
{
	int err;

	if ((addr & ~PAGE_MASK) || !len || !va_is_user_range(addr, len))
		return -EINVAL;
	rwsem_write_lock(&mm->lock);
	err = munmap_locked(mm, addr, addr + round_up(len, PAGE_SIZE));
	rwsem_write_unlock(&mm->lock);
	return err;
}

int
munmap_locked(struct mm *mm, u64 start, u64 end)
{
	struct unmap_range range = {.start = start, .end = end};
	struct vma *first = vma_find(&mm->vmas, start);
	int err = 0;

	if (first && first->start == start && first->end == end && unmap_is_empty(mm, start, end)) {
		remove_vmas(mm, first, end); /* most frequent: a small mapping that nobody has touched */
		return 0;
	}
	err = prepare_range(mm, &first, &range);
	if (!err && first) {
		unmap_pages(mm, &range);
		remove_vmas(mm, first, end);
	}
	return err;
}

int
munmap_prepare(struct mm *mm, u64 start, u64 end)
{
	struct unmap_range range = {.start = start, .end = end};
	struct vma *first = vma_find(&mm->vmas, start);

	return prepare_range(mm, &first, &range);
}

void
munmap_commit(struct mm *mm, u64 start, u64 end)
{
	struct unmap_range range = {.start = start, .end = end};
	struct vma *first = vma_find(&mm->vmas, start);

	dassert(mm_may_change(mm));
	if (!first || first->start >= end)
		return;
	range_bounds(first, &range);
	unmap_pages(mm, &range);
	remove_vmas(mm, first, end);
}

/*
 * All that may fail. *first is what vma_find says of the start; afterwards it is the first vma of the range, NULL when
 * that is free, and no vma crosses its borders.
 */
static int
prepare_range(struct mm *mm, struct vma **first, struct unmap_range *range)
{
	dassert(mm_may_change(mm));
	dassert(range->start < range->end && !((range->start | range->end) & ~PAGE_MASK));
	if (!*first || (*first)->start >= range->end) {
		*first = NULL;
		return 0;
	}
	if ((*first)->start != range->start || (*first)->end != range->end) {
		int err = cut_borders(mm, first, range->start, range->end);

		if (err)
			return err;
	}
	range_bounds(*first, range);
	return unmap_prepare(mm, range);
}

/* Lets no vma cross @start or @end. *@first is the first vma that reaches into the range, then that lies in it. */
static int
cut_borders(struct mm *mm, struct vma **first, u64 start, u64 end)
{
	int err = 0;

	dassert((*first)->end > start && (*first)->start < end);
	/* Only a hole in one vma makes the number of vmas grow. */
	if ((*first)->start < start && (*first)->end > end && mm->vmas.count >= READ_ONCE(sysctl_max_map_count))
		return -ENOMEM;
	if ((*first)->start < start) {
		err = vma_cut_anyway(mm, start);
		*first = vma_next(*first);
	}
	return err || (*first)->end == end ? err : vma_cut_anyway(mm, end);
}

/* Floor and ceiling: where the vmas around the range, which begins with @first, end and begin. */
static void
range_bounds(struct vma *first, struct unmap_range *range)
{
	struct vma *prev = vma_prev(first);
	struct vma *next = vma_next(first);

	dassert(range->start <= first->start && first->end <= range->end);
	while (next && next->start < range->end)
		next = vma_next(next);
	range->floor = prev ? prev->end : 0;
	range->ceiling = next ? next->start : USER_TOP + PAGE_SIZE;
	dassert(range->floor <= range->start && range->end <= range->ceiling);
}

static void
remove_vmas(struct mm *mm, struct vma *vma, u64 end)
{
	u64 promised = mm->account_vm;

	mm->total_vm_peak = max_u64(mm->total_vm_peak, mm->total_vm);
	while (vma && vma->start < end) {
		struct vma *next = vma_remove(&mm->vmas, vma);

		assert(vma->end <= end);
		mm_count_vma(mm, vma->flags, -(s64)vma_pages(vma));
		vma_free(vma);
		vma = next;
	}
	commit_uncharge(promised - mm->account_vm);
}
