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

/* The vmas before and behind a free range; NULL: none. */
struct neighbours {
	struct vma *prev;
	struct vma *next;
};

static struct vma *change_whole(struct mm *mm, struct vma *vma, u32 flags, struct vma *prev, struct vma *next);
static struct vma *change_part(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags);
static bool can_follow(const struct vma *left, const struct vma *right, u32 flags);
static bool can_lead(const struct vma *left, const struct vma *right, u32 flags);
static struct vma *split(struct mm *mm, struct vma *vma, u64 at);
static void absorb(struct mm *mm, struct vma *left, struct vma *right);
static void insert_copy(struct mm *mm, const struct vma *wanted, struct vma *vma, const struct neighbours *around);
static bool extend_neighbour(struct mm *mm, const struct vma *wanted, struct neighbours *around);

int
vma_cut(struct mm *mm, u64 at)
{
	struct vma *vma = vma_find(&mm->vmas, at);

	if (vma && vma->start < at && mm->vmas.count >= READ_ONCE(sysctl_max_map_count))
		return -ENOMEM;
	return vma_cut_anyway(mm, at);
}

int
vma_cut_anyway(struct mm *mm, u64 at)
{
	struct vma *vma = vma_find(&mm->vmas, at);

	may_sleep();
	dassert(mm_may_change(mm));
	dassert(!(at & ~PAGE_MASK));
	if (!vma || vma->start >= at)
		return 0;
	return split(mm, vma, at) ? 0 : -ENOMEM;
}

/*
 * Where the part is alike one neighbour of its vma, only the border moves: most often mprotect takes back, or goes on
 * with, what it did before. Nothing is allocated then.
 */
struct vma *
vma_change(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags)
{
	struct vma *prev = start == vma->start ? vma_prev(vma) : NULL;
	struct vma *next = end == vma->end ? vma_next(vma) : NULL;

	dassert(mm_may_change(mm));
	dassert(vma->start <= start && start < end && end <= vma->end && vma->flags != flags);
	if (prev && !can_follow(prev, vma, flags))
		prev = NULL;
	if (next && !can_lead(vma, next, flags))
		next = NULL;
	if (start == vma->start && end == vma->end)
		return change_whole(mm, vma, flags, prev, next);
	if (prev) {
		prev->has_anon |= vma->has_anon;
		vma->pgoff += (end - start) >> PAGE_SHIFT;
		vma_move_border(prev, vma, end);
		return prev;
	}
	if (next) {
		next->has_anon |= vma->has_anon;
		next->pgoff -= (end - start) >> PAGE_SHIFT;
		vma_move_border(vma, next, start);
		return next;
	}
	return change_part(mm, vma, start, end, flags);
}

struct vma *
vma_join(struct mm *mm, struct vma *vma)
{
	struct vma *prev = vma_prev(vma);

	dassert(mm_may_change(mm));
	if (!prev || !vma_can_merge(prev, vma))
		return vma;
	absorb(mm, prev, vma);
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
	struct neighbours around;
	struct vma *vma;

	may_sleep();
	dassert(mm_may_change(mm));
	if (extend_neighbour(mm, wanted, &around))
		return 0;
	vma = vma_alloc();
	if (!vma)
		return -ENOMEM;
	insert_copy(mm, wanted, vma, &around);
	return 0;
}

void
vma_add_apart(struct mm *mm, const struct vma *wanted, struct vma *spare)
{
	insert_copy(mm, wanted, spare, NULL);
}

void
vma_add_prepared(struct mm *mm, const struct vma *wanted, struct vma *spare)
{
	struct neighbours around;

	dassert(mm_may_change(mm));
	dassert(spare && spare != wanted);
	if (!extend_neighbour(mm, wanted, &around)) {
		insert_copy(mm, wanted, spare, &around);
		return;
	}
	spare->object = NULL;
	vma_free(spare);
}

/* All of @vma: at most two vmas go. */
static struct vma *
change_whole(struct mm *mm, struct vma *vma, u32 flags, struct vma *prev, struct vma *next)
{
	vma->flags = flags;
	if (next)
		absorb(mm, vma, next);
	if (!prev)
		return vma;
	absorb(mm, prev, vma);
	return prev;
}

/* A part that is like no neighbour: at most two vmas come, or none when memory or their number is at its end. */
static struct vma *
change_part(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags)
{
	u32 room = READ_ONCE(sysctl_max_map_count);
	struct vma *part = vma;

	if (mm->vmas.count + (start > vma->start && end < vma->end) >= room)
		return NULL;
	if (start > vma->start) {
		part = split(mm, vma, start);
		if (!part)
			return NULL;
	}
	if (end < part->end && !split(mm, part, end)) {
		if (part != vma)
			absorb(mm, vma, part);
		return NULL;
	}
	part->flags = flags;
	return part;
}

/* vma_can_merge, were the flags of @right, or of @left, @flags. */
static bool
can_follow(const struct vma *left, const struct vma *right, u32 flags)
{
	return left->end == right->start && left->flags == flags && left->object == right->object &&
	       left->pgoff + vma_pages(left) == right->pgoff;
}

static bool
can_lead(const struct vma *left, const struct vma *right, u32 flags)
{
	return left->end == right->start && right->flags == flags && left->object == right->object &&
	       left->pgoff + vma_pages(left) == right->pgoff;
}

/* Cuts @vma at @at. Returns the new vma, which is the upper part; NULL without memory. */
static struct vma *
split(struct mm *mm, struct vma *vma, u64 at)
{
	struct vma *high = vma_alloc();

	if (!high)
		return NULL;
	*high = *vma;
	high->pgoff += (at - vma->start) >> PAGE_SHIFT;
	if (high->object)
		pagecache_get(high->object);
	vma_split(&mm->vmas, vma, high, at);
	return high;
}

static void
absorb(struct mm *mm, struct vma *left, struct vma *right)
{
	left->has_anon |= right->has_anon;
	vma_absorb(&mm->vmas, left, right);
	vma_free(right);
}

/* @around: NULL when that is not known. */
static void
insert_copy(struct mm *mm, const struct vma *wanted, struct vma *vma, const struct neighbours *around)
{
	dassert(mm_may_change(mm));
	*vma = *wanted;
	if (around && around->prev)
		vma_insert_between(&mm->vmas, vma, around->prev, around->next);
	else
		vma_insert(&mm->vmas, vma);
	mm_count_vma(mm, vma->flags, (s64)vma_pages(vma));
}

/* Lets a neighbour grow over the wanted range, which costs no vma; false when neither is alike. */
static bool
extend_neighbour(struct mm *mm, const struct vma *wanted, struct neighbours *around)
{
	struct vma *next = vma_find_neighbour(&mm->vmas, wanted->end);
	struct vma *prev = next ? vma_prev(next) : NULL;

	dassert(wanted->start < wanted->end && !((wanted->start | wanted->end) & ~PAGE_MASK));
	if (!next && !rb_empty(&mm->vmas.rb))
		prev = container_of(rb_last(&mm->vmas.rb), struct vma, node);
	assertf(!next || wanted->end <= next->start, "vma %lx-%lx runs into %lx-%lx", wanted->start, wanted->end,
		next->start, next->end);
	assertf(!prev || prev->end <= wanted->start, "vma %lx-%lx begins in %lx-%lx", wanted->start, wanted->end,
		prev->start, prev->end);
	*around = (struct neighbours){prev, next};
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
	mm_count_vma(mm, wanted->flags, (s64)vma_pages(wanted));
	if (wanted->object)
		pagecache_put(wanted->object); /* the neighbour has its own */
	return true;
}
