/* SPDX-License-Identifier: MIT */
/*
 * mm/vma_edit.c - split and join vmas, so that a range has borders of its own
 *
 * Idea        see vma_edit.h
 * Invariants  vma.h I1 to I3; mm->total_vm is the sum of all vmas' pages
 * Locks       mm->lock for writing
 * Follow      from mmap.c, mprotect.c, brk.c   to vma.c, vma_alloc.c
 * Tests       tests/guest/mmap.c
 * See         docs/mm.md section 3
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/mmap.h>
#include <mm/pagecache.h>
#include <mm/vma_alloc.h>
#include <mm/vma_edit.h>

static bool extend_neighbour(struct mm *mm, const struct vma *wanted);

int
vma_cut(struct mm *mm, u64 at)
{
	struct vma *low = vma_find(&mm->vmas, at);
	struct vma *high;

	may_sleep();
	dassert(mm_may_change(mm));
	dassert(!(at & ~PAGE_MASK));
	if (!low || low->start >= at)
		return 0;
	if (mm->vmas.count >= MMAP_MAX_COUNT)
		return -ENOMEM;
	high = vma_alloc();
	if (!high)
		return -ENOMEM;
	*high = *low;
	high->start = at;
	high->pgoff += (at - low->start) >> PAGE_SHIFT;
	if (high->object)
		pagecache_get(high->object);
	vma_resize(&mm->vmas, low, low->start, at);
	vma_insert(&mm->vmas, high);
	dassert(low->end == at && high->start == at);
	return 0;
}

struct vma *
vma_join(struct mm *mm, struct vma *vma)
{
	struct vma *prev = vma_prev(vma);
	u64 end = vma->end;

	dassert(mm_may_change(mm));
	if (!prev || !vma_can_merge(prev, vma))
		return vma;
	prev->has_anon |= vma->has_anon;
	vma_remove(&mm->vmas, vma);
	vma_resize(&mm->vmas, prev, prev->start, end);
	vma_free(vma);
	dassert(prev->end == end);
	return prev;
}

void
vma_join_around(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find(&mm->vmas, start);

	dassert(mm_may_change(mm));
	dassert(start < end);
	while (vma && vma->start <= end)
		vma = vma_next(vma_join(mm, vma));
}

int
vma_set_flags(struct mm *mm, u64 start, u64 end, u32 flags)
{
	struct vma *vma = vma_find(&mm->vmas, start);
	int err;

	dassert(mm_may_change(mm));
	dassert(vma && vma->start <= start && start < end && end <= vma->end);
	if (vma->flags == flags)
		return 0;
	err = vma_cut(mm, start);
	if (!err)
		err = vma_cut(mm, end);
	if (err)
		return err;
	vma = vma_find(&mm->vmas, start);
	assert(vma->start == start && vma->end == end);
	vma->flags = flags;
	return 0;
}

int
vma_add(struct mm *mm, const struct vma *wanted)
{
	struct vma *vma;

	may_sleep();
	dassert(mm_may_change(mm));
	if (!extend_neighbour(mm, wanted)) {
		vma = vma_alloc();
		if (!vma)
			return -ENOMEM;
		vma_add_apart(mm, wanted, vma);
	}
	return 0;
}

void
vma_add_apart(struct mm *mm, const struct vma *wanted, struct vma *spare)
{
	dassert(mm_may_change(mm));
	*spare = *wanted;
	vma_insert(&mm->vmas, spare);
	mm_count_vma(mm, spare->flags, vma_pages(spare));
}

void
vma_add_prepared(struct mm *mm, const struct vma *wanted, struct vma *spare)
{
	dassert(mm_may_change(mm));
	dassert(spare && spare != wanted);
	if (!extend_neighbour(mm, wanted)) {
		vma_add_apart(mm, wanted, spare);
		return;
	}
	spare->object = NULL;
	vma_free(spare);
}

/* Lets a neighbour grow over the wanted range, which costs no vma; false when neither is alike. */
static bool
extend_neighbour(struct mm *mm, const struct vma *wanted)
{
	struct vma *next = vma_find(&mm->vmas, wanted->end);
	struct vma *prev = next ? vma_prev(next) : NULL;

	dassert(wanted->start < wanted->end && !((wanted->start | wanted->end) & ~PAGE_MASK));
	if (!next && !rb_empty(&mm->vmas.rb))
		prev = container_of(rb_last(&mm->vmas.rb), struct vma, node);
	assertf(!next || wanted->end <= next->start, "vma %lx-%lx runs into %lx-%lx", wanted->start, wanted->end,
		next->start, next->end);
	assertf(!prev || prev->end <= wanted->start, "vma %lx-%lx begins in %lx-%lx", wanted->start, wanted->end,
		prev->start, prev->end);
	if (prev && vma_can_merge(prev, wanted)) {
		vma_resize(&mm->vmas, prev, prev->start, wanted->end);
		if (next)
			vma_join(mm, next);
	} else if (next && vma_can_merge(wanted, next)) {
		next->pgoff = wanted->pgoff;
		vma_resize(&mm->vmas, next, wanted->start, next->end);
	} else {
		return false;
	}
	mm_count_vma(mm, wanted->flags, vma_pages(wanted));
	if (wanted->object)
		pagecache_put(wanted->object); /* the neighbour has its own */
	return true;
}
