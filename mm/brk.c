/* SPDX-License-Identifier: MIT */
/*
 * mm/brk.c - the heap that grows and shrinks at one end
 *
 * Idea        The program names any byte; vmas know pages. The exact byte is remembered and given back.
 * Invariants  start_brk <= brk
 * Locks       mm->lock for writing
 * Follow      from kernel/sys_mm.c   to mmap.c, vma_edit.c
 * Tests       tests/host/mmap_test.c, tests/guest/brk.c
 * See         brk(2)
 */
#include <kernel/panic.h>
#include <mm/commit.h>
#include <mm/mlock.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/vma_edit.h>

static bool within_limit(const struct mm *mm, u64 brk);
static bool brk_locked(struct mm *mm, u64 brk);
static bool brk_grow(struct mm *mm, u64 start, u64 end);

u64
do_brk(struct mm *mm, u64 brk)
{
	u64 result;

	rwsem_write_lock(&mm->lock);
	if (brk >= mm->start_brk && brk < USER_TOP && within_limit(mm, brk) && brk_locked(mm, brk))
		mm->brk = brk;
	result = mm->brk;
	dassert(mm->start_brk <= mm->brk && mm->brk < USER_TOP);
	rwsem_write_unlock(&mm->lock);
	if (unlikely(READ_ONCE(mm->def_flags)))
		mlock_populate(mm, round_down(mm->start_brk, PAGE_SIZE), round_up(result, PAGE_SIZE), true);
	return result;
}

/* RLIMIT_DATA to the byte, for the heap and the program's own data. A heap that shrinks is held to it as well. */
static bool
within_limit(const struct mm *mm, u64 brk)
{
	return brk - mm->start_brk + (mm->end_data - mm->start_data) <= READ_ONCE(mm->data_limit);
}

static bool
brk_locked(struct mm *mm, u64 brk)
{
	u64 old_end = round_up(mm->brk, PAGE_SIZE);
	u64 new_end = round_up(brk, PAGE_SIZE);

	dassert(rwsem_write_is_mine(&mm->lock));
	dassert(brk >= mm->start_brk && brk < USER_TOP);
	if (new_end < old_end)
		return munmap_locked(mm, new_end, old_end) == 0;
	return new_end == old_end || brk_grow(mm, old_end, new_end);
}

static bool
brk_grow(struct mm *mm, u64 start, u64 end)
{
	const struct vma wanted = {
		.start = start, .end = end, .flags = VM_HEAP | mm->def_flags, .pgoff = vma_home(start)};
	struct vma *next = vma_find(&mm->vmas, start);

	dassert(rwsem_write_is_mine(&mm->lock));
	dassert(start < end && !((start | end) & ~PAGE_MASK));
	if (end > USER_TOP || (next && vma_low(next) < end))
		return false;
	if ((wanted.flags & VM_LOCKED) && !mm_can_lock(mm, (end - start) >> PAGE_SHIFT))
		return false;
	if (!mmap_may_expand(mm, wanted.flags, (end - start) >> PAGE_SHIFT))
		return false;
	if (mm->vmas.count > READ_ONCE(sysctl_max_map_count) || commit_charge(mm, vma_pages(&wanted)))
		return false;
	if (!vma_add(mm, &wanted))
		return true;
	commit_uncharge(vma_pages(&wanted));
	return false;
}
