/* SPDX-License-Identifier: MIT */
/*
 * mm/mlock.c - memory that stays: ranges and address spaces that a program has locked
 *
 * Idea        A lock is a bit of the vma; the pages then come by faults like any other, and whoever maps one puts the
 *             bit into the leaf as well (leaf_bits). So the page knows by itself how many locked leaves map it, and
 *             reclaim asks nobody else: it starts at the page and may not take mm->lock.
 *
 *                 vma VM_LOCKED --fault--> leaf PTE_LOCKED --rmap--> page->locks
 *
 *             A table with a locked leaf has one user: mlock parts what fork had shared, and fork parts what is locked,
 *             since children inherit no locks. Simple: a bigger kernel shares on, and batches the counting.
 * Invariants  see mlock.h
 * Locks       see mlock.h
 * Follow      from kernel/sys_mlock.c, mmap.c, brk.c   to rmap_lock.c, share.c, vma_edit.c, fault.c
 * Tests       tests/host/mlock_test.c, tests/guest/mlock.c
 * See         mlock(2); docs/mm.md section 3
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/fault.h>
#include <mm/mlock.h>
#include <mm/mm.h>
#include <mm/rmap.h>
#include <mm/share.h>
#include <mm/vma_edit.h>

static int lock_range(struct mm *mm, u64 start, u64 bytes, u32 flags);
static int lock_locked(struct mm *mm, u64 start, u64 end, u32 flags);
static int lock_vma(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags);
static void lock_leaves(struct mm *mm, u64 start, u64 end, bool on);
static u64 locked_pages(struct mm *mm, u64 start, u64 end);
static void lock_all(struct mm *mm, u32 flags);
static int populate_vma(struct mm *mm, u64 *at, u64 end);
static int check_table(struct mm *mm, const struct page *table);

int
do_mlock(struct mm *mm, u64 addr, u64 len, bool on_fault)
{
	u64 start = round_down(addr, PAGE_SIZE);
	u64 bytes = round_up(len + (addr - start), PAGE_SIZE);
	int err = lock_range(mm, start, bytes, VM_LOCKED | (on_fault ? VM_LOCKONFAULT : 0));

	return err ? err : mlock_populate(mm, start, start + bytes, false);
}

int
do_munlock(struct mm *mm, u64 addr, u64 len)
{
	u64 start = round_down(addr, PAGE_SIZE);

	return lock_range(mm, start, round_up(len + (addr - start), PAGE_SIZE), 0);
}

int
do_mlockall(struct mm *mm, u32 flags)
{
	int err = 0;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	rwsem_write_lock(&mm->lock);
	if (!mm_may_lock(mm))
		err = -EPERM;
	else if ((flags & MCL_CURRENT) && mm->total_vm > mm->lock_limit >> PAGE_SHIFT)
		err = -ENOMEM;
	else
		lock_all(mm, flags);
	rwsem_write_unlock(&mm->lock);
	if (!err && (flags & MCL_CURRENT))
		mlock_populate(mm, 0, USER_TOP, true); /* as Linux: whatever comes of it */
	return err;
}

int
do_munlockall(struct mm *mm)
{
	rwsem_write_lock(&mm->lock);
	lock_all(mm, 0);
	rwsem_write_unlock(&mm->lock);
	return 0;
}

int
mlock_populate(struct mm *mm, u64 start, u64 end, bool all)
{
	int result = 0;

	may_sleep();
	while (start < end) {
		int err = populate_vma(mm, &start, end);

		if (err && (!all || err == -EINTR))
			return err;
		result = err ? err : result;
	}
	return result;
}

bool
mm_may_lock(const struct mm *mm)
{
	return READ_ONCE(mm->lock_limit) != 0;
}

bool
mm_can_lock(const struct mm *mm, u64 pages)
{
	u64 limit = READ_ONCE(mm->lock_limit) >> PAGE_SHIFT;

	return pages <= limit && mm->locked_vm <= limit - pages;
}

void
mlock_clear(struct mm *mm, struct vma *vma)
{
	int err = lock_vma(mm, vma, vma->start, vma->end, 0);

	assert(!err); /* nothing to cut, and no table to part */
}

/* Locks with @flags, or unlocks with none. What is locked already does not count twice. */
static int
lock_range(struct mm *mm, u64 start, u64 bytes, u32 flags)
{
	u64 end = start + bytes;
	int err;

	dassert(!((start | bytes) & ~PAGE_MASK));
	if (flags && !mm_may_lock(mm))
		return -EPERM;
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	rwsem_write_lock(&mm->lock);
	if (flags && !mm_can_lock(mm, (bytes >> PAGE_SHIFT) - locked_pages(mm, start, end)))
		err = -ENOMEM;
	else
		err = lock_locked(mm, start, end, flags);
	vma_join_around(mm, start, end);
	rwsem_write_unlock(&mm->lock);
	return err;
}

/* As Linux: what lies before the first hole is done. */
static int
lock_locked(struct mm *mm, u64 start, u64 end, u32 flags)
{
	dassert(rwsem_write_is_mine(&mm->lock));
	while (start < end) {
		struct vma *vma = vma_find(&mm->vmas, start);
		u64 stop;
		int err;

		if (!vma || vma->start > start)
			return -ENOMEM;
		stop = min_u64(end, vma->end);
		err = lock_vma(mm, vma, start, stop, flags);
		if (err)
			return err;
		start = stop;
	}
	return 0;
}

/* Gives the part [start, end) of @vma the lock bits @flags: vma, leaves and counts alike, or nothing. */
static int
lock_vma(struct mm *mm, struct vma *vma, u64 start, u64 end, u32 flags)
{
	u32 old = vma->flags;
	bool changes = (old ^ flags) & VM_LOCKED;
	int err = 0;

	dassert(vma->start <= start && start < end && end <= vma->end);
	dassert(!(flags & ~VM_LOCK_FLAGS));
	if (changes)
		err = table_unshare_range(mm, start, end);
	if (!err)
		err = vma_set_flags(mm, start, end, (old & ~VM_LOCK_FLAGS) | flags);
	if (err || !changes)
		return err;
	lock_leaves(mm, start, end, flags & VM_LOCKED);
	if (flags & VM_LOCKED)
		mm->locked_vm += (end - start) >> PAGE_SHIFT;
	else
		mm->locked_vm -= (end - start) >> PAGE_SHIFT;
	return 0;
}

static void
lock_leaves(struct mm *mm, u64 start, u64 end, bool on)
{
	u64 base = start;
	pte_t *entry;

	while ((entry = pagetable_next(mm, &base, end))) {
		struct page *table = leaf_page(pte_read(entry));
		u64 from = max_u64(start, table->base);
		u64 to = min_u64(end, table->base + TABLE_SPAN);

		assert(!table_is_shared(table));
		rmap_lock(table, (from - table->base) >> PAGE_SHIFT, (to - table->base) >> PAGE_SHIFT, on);
		base = table->base + TABLE_SPAN;
	}
}

/* How many pages of [start, end) are locked. */
static u64
locked_pages(struct mm *mm, u64 start, u64 end)
{
	u64 sum = 0;

	for (struct vma *vma = vma_find(&mm->vmas, start); vma && vma->start < end; vma = vma_next(vma))
		if (vma->flags & VM_LOCKED)
			sum += (min_u64(vma->end, end) - max_u64(vma->start, start)) >> PAGE_SHIFT;
	return sum;
}

/* As Linux: an area that memory does not suffice for stays as it is, without a word. */
static void
lock_all(struct mm *mm, u32 flags)
{
	u32 lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	u64 start = 0;
	struct vma *vma;

	dassert(rwsem_write_is_mine(&mm->lock));
	mm->def_flags = flags & MCL_FUTURE ? lock : 0;
	if (flags == MCL_FUTURE || flags == (MCL_FUTURE | MCL_ONFAULT))
		return;
	for (; (vma = vma_find(&mm->vmas, start)); start = vma->end)
		(void)lock_vma(mm, vma, vma->start, vma->end, flags & MCL_CURRENT ? lock : 0);
	vma_join_around(mm, 0, USER_TOP);
}

/* Faults in what the vma at or behind *@at has of the range, and leaves its end in *@at. */
static int
populate_vma(struct mm *mm, u64 *at, u64 end)
{
	struct vma *vma;
	u64 start = *at;
	u64 stop = end;
	u32 flags = 0;
	int err;

	rwsem_read_lock(&mm->lock);
	vma = vma_find(&mm->vmas, start);
	if (vma && vma->start < end) {
		start = max_u64(start, vma->start);
		stop = min_u64(end, vma->end);
		flags = vma->flags;
	}
	rwsem_read_unlock(&mm->lock);
	*at = stop;
	if ((flags & VM_LOCK_FLAGS) != VM_LOCKED)
		return 0;
	if (!(flags & VM_ACCESS))
		return -ENOMEM;
	err = fault_populate(mm, start, stop, (flags & (VM_WRITE | VM_SHARED)) == VM_WRITE ? FAULT_WRITE : FAULT_READ);
	return err == -EFAULT ? -ENOMEM : err == -ENOMEM ? -EAGAIN : err;
}

int
mlock_check(struct mm *mm)
{
	u64 base = 0;
	u64 pages = locked_pages(mm, 0, USER_TOP);
	pte_t *entry;
	int bad = 0;

	while ((entry = pagetable_next(mm, &base, USER_TOP))) {
		bad += check_table(mm, leaf_page(pte_read(entry)));
		base = round_down(base, TABLE_SPAN) + TABLE_SPAN;
	}
	if (pages != mm->locked_vm) {
		pr_err("mm_check: an address space has locked %lu pages and counts %lu\n", pages, mm->locked_vm);
		bad++;
	}
	return bad;
}

/* Each leaf against its vma, and no lock in a table that two use. */
static int
check_table(struct mm *mm, const struct page *table)
{
	struct vma *vma = vma_find(&mm->vmas, table->base);
	int bad = 0;

	for (u32 i = 0; i < TABLE_ENTRIES; i++) {
		u64 va = table->base + i * PAGE_SIZE;
		pte_t e = pte_read(&table_slots(table)[i]);
		bool locked = pte_has(e, PTE_LOCKED);

		while (vma && vma->end <= va)
			vma = vma_next(vma);
		if (!leaf_has_frame(e) || !vma)
			continue;
		if (locked != !!(vma->flags & VM_LOCKED) || (locked && table_is_shared(table))) {
			pr_err("mm_check: the leaf of %lx holds %lx, its vma has flags %x, its table %s\n", va, e.value,
			       vma->flags, table_is_shared(table) ? "several users" : "one user");
			bad++;
		}
	}
	return bad;
}
