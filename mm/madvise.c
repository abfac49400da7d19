/* SPDX-License-Identifier: MIT */
/*
 * mm/madvise.c - what a program says about its use of a range
 *
 * Idea        An advice either changes bits of the vmas (one row of a table says which), or does something to the pages
 *             piece by piece, a piece being what one vma has of the range.
 *
 *               DONTNEED          leaves go; private contents are lost, an object keeps its pages
 *               FREE              private anonymous pages are kept until memory is short, or for good if they are
 *                                 written before (lazyfree.h)
 *               REMOVE            the object's pages go too: a hole, and zeroes for everybody
 *               POPULATE          faults ahead, with the error of the first that fails
 *               COLD              leaves forget that they were used, and private pages that nobody else maps are the
 *                                 next that reclaim looks at
 *               PAGEOUT           and those leave memory at once, if there is swap
 *               WILLNEED          private pages that have left memory come back; files are in memory anyway
 *
 *             Simple: mm->lock is held for writing throughout, where a bigger kernel lets faults go on.
 * Invariants  none of its own
 * Locks       mm->lock for writing; POPULATE takes it for reading, fault by fault
 * Follow      from kernel/sys_madvise.c   to vma_edit.c, unmap.c, pagecache.c, rmap_age.c, fault.c
 * Tests       tests/host/madvise_test.c, tests/guest/madvise.c
 * See         madvise(2)
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/advise_pages.h>
#include <mm/fault.h>
#include <mm/lazyfree.h>
#include <mm/madvise.h>
#include <mm/mm.h>
#include <mm/pagecache.h>
#include <mm/rmap.h>
#include <mm/unmap.h>
#include <mm/vma_edit.h>

/* What is done to a piece. */
enum action {
	ADVICE_UNKNOWN,
	ADVICE_FLAGS,
	ADVICE_DROP,
	ADVICE_FREE,
	ADVICE_REMOVE,
	ADVICE_POPULATE,
	ADVICE_COLD,
	ADVICE_PAGEOUT,
	ADVICE_WILLNEED,
};

struct advice {
	enum action action;
	bool anon_only;  /* refused for whatever has an object */
	bool locked_too; /* allowed on locked memory */
	u32 set;         /* VM_*, for ADVICE_FLAGS */
	u32 clear;       /* likewise */
};

#define FLAGS(s, c)                                                                  \
	{                                                                            \
		.action = ADVICE_FLAGS, .locked_too = true, .set = (s), .clear = (c) \
	}

static const struct advice advices[] = {
	[MADV_NORMAL] = FLAGS(0, VM_SEQ_READ | VM_RAND_READ),
	[MADV_RANDOM] = FLAGS(VM_RAND_READ, VM_SEQ_READ),
	[MADV_SEQUENTIAL] = FLAGS(VM_SEQ_READ, VM_RAND_READ),
	[MADV_WILLNEED] = {.action = ADVICE_WILLNEED, .locked_too = true},
	[MADV_DONTNEED] = {.action = ADVICE_DROP},
	[MADV_FREE] = {.action = ADVICE_FREE, .anon_only = true},
	[MADV_REMOVE] = {.action = ADVICE_REMOVE},
	[MADV_DONTFORK] = FLAGS(VM_DONTCOPY, 0),
	[MADV_DOFORK] = FLAGS(0, VM_DONTCOPY),
	[MADV_HUGEPAGE] = FLAGS(VM_HUGEPAGE, VM_NOHUGEPAGE),
	[MADV_NOHUGEPAGE] = FLAGS(VM_NOHUGEPAGE, VM_HUGEPAGE),
	[MADV_DONTDUMP] = FLAGS(VM_DONTDUMP, 0),
	[MADV_DODUMP] = FLAGS(0, VM_DONTDUMP),
	[MADV_WIPEONFORK] = {.action = ADVICE_FLAGS, .locked_too = true, .anon_only = true, .set = VM_WIPEONFORK},
	[MADV_KEEPONFORK] = FLAGS(0, VM_WIPEONFORK),
	[MADV_COLD] = {.action = ADVICE_COLD},
	[MADV_PAGEOUT] = {.action = ADVICE_PAGEOUT},
	[MADV_POPULATE_READ] = {.action = ADVICE_POPULATE},
	[MADV_POPULATE_WRITE] = {.action = ADVICE_POPULATE},
	[MADV_DONTNEED_LOCKED] = {.action = ADVICE_DROP, .locked_too = true},
};

#undef FLAGS

static int advise_locked(struct mm *mm, u64 start, u64 end, const struct advice *advice);
static int advise_piece(struct mm *mm, struct vma *vma, u64 start, u64 end, const struct advice *advice);
static int advise_flags(struct mm *mm, struct vma *vma, u64 start, u64 end, const struct advice *advice);
static void advise_age(struct mm *mm, u64 start, u64 end);
static int advise_remove(const struct vma *vma, u64 start, u64 end);
static int advise_populate(struct mm *mm, u64 start, u64 end, u32 access);
static int populate_from(struct mm *mm, u64 *at, u64 end, u32 access);

int
do_madvise(struct mm *mm, u64 addr, u64 len, s32 nr)
{
	const struct advice *advice = &advices[(u32)nr < ARRAY_SIZE(advices) ? nr : 0];
	u64 end = addr + round_up(len, PAGE_SIZE);
	int err;

	if ((u32)nr >= ARRAY_SIZE(advices) || advice->action == ADVICE_UNKNOWN || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (end < addr || (len && end == addr))
		return -EINVAL;
	if (end == addr)
		return 0;
	if (advice->action == ADVICE_POPULATE)
		return advise_populate(mm, addr, end, nr == MADV_POPULATE_WRITE ? FAULT_WRITE : FAULT_READ);
	rwsem_write_lock(&mm->lock);
	err = advise_locked(mm, addr, end, advice);
	if (advice->action == ADVICE_FLAGS)
		vma_join_around(mm, addr, end);
	rwsem_write_unlock(&mm->lock);
	return err;
}

/* Piece by piece. A hole does not stop it, an error does. */
static int
advise_locked(struct mm *mm, u64 start, u64 end, const struct advice *advice)
{
	int hole = 0;

	dassert(rwsem_write_is_mine(&mm->lock));
	dassert(start < end && !((start | end) & ~PAGE_MASK));
	while (start < end) {
		struct vma *vma = vma_find(&mm->vmas, start);
		u64 stop;
		int err;

		if (!vma || vma->start >= end)
			return -ENOMEM;
		if (vma->start > start)
			hole = -ENOMEM;
		start = max_u64(start, vma->start);
		stop = min_u64(end, vma->end);
		dassert(start < stop);
		err = advise_piece(mm, vma, start, stop, advice);
		if (err)
			return err;
		start = stop;
	}
	return hole;
}

static int
advise_piece(struct mm *mm, struct vma *vma, u64 start, u64 end, const struct advice *advice)
{
	dassert(vma->start <= start && start < end && end <= vma->end);
	if ((vma->flags & VM_LOCKED) && !advice->locked_too)
		return -EINVAL;
	if (vma->object && advice->anon_only)
		return -EINVAL;
	switch (advice->action) {
	case ADVICE_FLAGS:
		return advise_flags(mm, vma, start, end, advice);
	case ADVICE_DROP:
		return unmap_drop(mm, start, end) ? -EAGAIN : 0;
	case ADVICE_FREE:
		lazyfree_range(mm, start, end);
		return 0;
	case ADVICE_REMOVE:
		return advise_remove(vma, start, end);
	case ADVICE_COLD:
		advise_age(mm, start, end);
		advise_cold(mm, start, end);
		return 0;
	case ADVICE_PAGEOUT:
		advise_pageout(mm, start, end);
		return 0;
	case ADVICE_WILLNEED:
		advise_willneed(mm, vma, start, end);
		return 0;
	default:
		return 0;
	}
}

static int
advise_flags(struct mm *mm, struct vma *vma, u64 start, u64 end, const struct advice *advice)
{
	u32 flags = (vma->flags & ~advice->clear) | advice->set;

	dassert(!((advice->set | advice->clear) & (VM_ACCESS | VM_LOCKED | VM_SHARED)));
	return vma_set_flags(mm, start, end, flags) ? -EAGAIN : 0;
}

/* A page that others use as well is left as it is. */
static void
advise_age(struct mm *mm, u64 start, u64 end)
{
	bool aged = false;
	u64 base = start;
	pte_t *entry;

	while ((entry = pagetable_next(mm, &base, end))) {
		struct page *table = leaf_page(pte_read(entry));
		u64 from = max_u64(start, table->base);
		u64 to = min_u64(end, table->base + TABLE_SPAN);

		aged |= rmap_age(table, (from - table->base) >> PAGE_SHIFT, (to - table->base) >> PAGE_SHIFT);
		base = table->base + TABLE_SPAN;
	}
	if (aged)
		tlb_flush_range(mm, start, end);
}

/* The pages go from the object and from everybody who maps them; private copies of them stay, as Linux's punching. */
static int
advise_remove(const struct vma *vma, u64 start, u64 end)
{
	u64 offset = start - vma->start + (vma->pgoff << PAGE_SHIFT);

	if (!vma->object)
		return -EINVAL;
	if ((vma->flags & (VM_SHARED | VM_WRITE)) != (VM_SHARED | VM_WRITE))
		return -EACCES;
	pagecache_punch(vma->object, offset, offset + (end - start));
	return 0;
}

static int
advise_populate(struct mm *mm, u64 start, u64 end, u32 access)
{
	int hole = 0;

	while (start < end) {
		u64 at = start;
		int err = populate_from(mm, &at, end, access);

		if (err < 0)
			return err;
		if (err)
			hole = -ENOMEM;
		start = at;
	}
	return hole;
}

/* Populates the next piece from *@at on, and leaves its end there. Returns 1 when a hole came before it, or -errno. */
static int
populate_from(struct mm *mm, u64 *at, u64 end, u32 access)
{
	u32 need = access & FAULT_WRITE ? VM_WRITE : VM_READ;
	u64 start = 0, stop = 0;
	struct vma *vma;
	u32 flags = 0;
	int err;

	rwsem_read_lock(&mm->lock);
	vma = vma_find(&mm->vmas, *at);
	if (vma && vma->start < end) {
		start = max_u64(*at, vma->start);
		stop = min_u64(end, vma->end);
		flags = vma->flags;
	}
	rwsem_read_unlock(&mm->lock);
	if (!stop)
		return -ENOMEM;
	if (!(flags & need))
		return -EINVAL;
	err = fault_populate(mm, start, stop, access);
	if (err)
		return err;
	err = start > *at;
	*at = stop;
	return err;
}
