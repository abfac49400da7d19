/* SPDX-License-Identifier: MIT */
/*
 * mm/fork.c - an address space like another one, without copying a page
 *
 * Idea        Vmas are copied, levels 4 to 2 are copied, level-1 tables are shared (share.c). The cost depends on how
 *             many tables the parent has, one in 2 MiB, and on nothing else. Ranges that madvise keeps from children
 *             are taken out of the child again.
 * Invariants  none of its own
 * Locks       parent->lock for writing: no fault, and no change of a vma, while the two are made alike; then
 *             child->lock, since truncation may find the child on the list of all address spaces
 * Follow      from kernel/fork.c   to share.c, vma.c, unmap.c
 * Tests       tests/guest/cow.c, tests/guest/unshare.c, tests/guest/madvise.c
 * See         docs/mm.md section 5
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/commit.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/pagetable.h>
#include <mm/rmap.h>
#include <mm/share.h>
#include <mm/tlb.h>
#include <mm/unmap.h>
#include <mm/vma_alloc.h>

#define RESERVE_BLOCKS 4 /* a small process has about as many tables */

static int fork_locked(struct mm *parent, struct mm *child);
static int promise_child(struct mm *parent, struct mm *child, const struct vma_copy_sum *sum);
static int share_tables(struct mm *parent, struct mm *child);
static int leave_out(struct mm *parent, struct mm *child);
static pte_t *child_entry(struct mm *child, u64 va);
static void copy_limits(const struct mm *parent, struct mm *child);

int
mm_fork(struct mm *parent, struct mm **out)
{
	struct mm *child = mm_create();
	int err;

	dassert(atomic_read(&parent->users) > 0);
	if (!child)
		return -ENOMEM;
	rwsem_write_lock(&parent->lock);
	rwsem_write_lock_nested(&child->lock); /* the younger: in the order of mm_for_all_locked */
	err = fork_locked(parent, child);
	rwsem_write_unlock(&child->lock);
	rwsem_write_unlock(&parent->lock);
	if (err) {
		mm_put(child);
		return err;
	}
	*out = child;
	return 0;
}

static int
fork_locked(struct mm *parent, struct mm *child)
{
	struct vma_copy_sum sum;
	int err;

	dassert(rwsem_write_is_mine(&parent->lock));
	dassert(rwsem_write_is_mine(&child->lock) && !child->vmas.count);
	copy_limits(parent, child);
	err = vma_copy_all(&child->vmas, &parent->vmas, &sum);
	if (!err)
		err = promise_child(parent, child, &sum);
	if (err)
		return err;
	err = share_tables(parent, child);
	/* Why: even after a failure some of the parent's tables have lost their write bit. */
	tlb_flush_range(parent, 0, USER_TOP);
	dassert(child->vmas.count == parent->vmas.count);
	if (!err && (sum.flags & (VM_DONTCOPY | VM_WIPEONFORK | VM_LOCKED)))
		err = leave_out(parent, child);
	return err;
}

/* The child may write all that its parent may. What it is promised, the last mm_put gives back. */
static int
promise_child(struct mm *parent, struct mm *child, const struct vma_copy_sum *sum)
{
	const struct commit_ask ask = {.pages = sum->promised, .largest = sum->largest};
	int err = commit_charge_as(parent, &ask);

	if (!err)
		child->account_vm = sum->promised;
	return err;
}

/*
 * What the child shall not have it gives back before a task runs in it. Why after all is shared: a table that holds
 * other memory as well is then parted by the ordinary means, and only where somebody has asked for it. Locks are not
 * inherited, and a table with a locked leaf has one user: there the child gets tables of its own (pagetable.h I4).
 */
static int
leave_out(struct mm *parent, struct mm *child)
{
	int err = 0;

	dassert(rwsem_write_is_mine(&parent->lock) && rwsem_write_is_mine(&child->lock));
	for (struct vma *vma = vma_first(&parent->vmas); vma && !err; vma = vma_next(vma)) {
		if (vma->flags & VM_DONTCOPY)
			err = munmap_locked(child, vma->start, vma->end);
		else if (vma->flags & VM_WIPEONFORK)
			err = unmap_drop(child, vma->start, vma->end);
		if (!err && (vma->flags & VM_LOCKED))
			err = table_unshare_range(child, vma->start, vma->end);
	}
	return err;
}

static int
share_tables(struct mm *parent, struct mm *child)
{
	struct chain_pool pool = {NULL, 0};
	struct table_cursor cursor;
	pte_t *entry;
	int err = 0;

	dassert(mm_may_change(parent));
	table_cursor_start(parent, &cursor);
	while (!err && (entry = table_cursor_next(parent, &cursor))) {
		pte_t *target = child_entry(child, leaf_page(pte_read(entry))->base);

		err = !target ? -ENOMEM : pool.count ? 0 : rmap_reserve(&pool, RESERVE_BLOCKS);
		if (!err)
			table_share(entry, child, target, &pool);
	}
	rmap_release(&pool);
	dassert(err || atomic64_read(&child->tables) <= atomic64_read(&parent->tables));
	return err;
}

/* The child's level-2 entry for @va, which is empty. */
static pte_t *
child_entry(struct mm *child, u64 va)
{
	struct leaf_path path = pagetable_walk(child, va);

	dassert(!path.slot);
	if (path.entry2)
		return path.entry2;
	return pagetable_extend(child, va, 2) ? NULL : pagetable_walk(child, va).entry2;
}

static void
copy_limits(const struct mm *parent, struct mm *child)
{
	child->total_vm = parent->total_vm;
	child->data_vm = parent->data_vm;
	child->exec_vm = parent->exec_vm;
	child->stack_vm = parent->stack_vm;
	child->data_limit = parent->data_limit;
	child->stack_limit = parent->stack_limit;
	child->as_limit = parent->as_limit;
	child->lock_limit = parent->lock_limit;
	child->is_root = parent->is_root;
	child->mmap_top = parent->mmap_top;
	child->membarrier = parent->membarrier;
	child->start_code = parent->start_code;
	child->end_code = parent->end_code;
	child->start_data = parent->start_data;
	child->end_data = parent->end_data;
	child->start_brk = parent->start_brk;
	child->brk = parent->brk;
	child->start_stack = parent->start_stack;
	child->arg_start = parent->arg_start;
	child->arg_end = parent->arg_end;
	child->env_start = parent->env_start;
	child->env_end = parent->env_end;
	child->auxv_start = parent->auxv_start;
	child->auxv_end = parent->auxv_end;
	dassert(child->start_brk <= child->brk && !(child->mmap_top & ~PAGE_MASK));
}
