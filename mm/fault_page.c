/* SPDX-License-Identifier: MIT */
/*
 * mm/fault_page.c - the kernel's own look at a program's memory: page by page, by the program's own faults
 *
 * Idea        First a fault as the program would take it, then, under mm->lock, the page that the leaf holds. Between
 *             the two another thread may change the leaf; then both are done again.
 *             A page that is to be written must be the program's to write at that moment: the leaf has the write bit,
 *             and so has the level-2 entry, since a table that fork has shared is another process's memory as well.
 * Invariants  none of its own
 * Locks       mm->lock for reading
 * Follow      from kernel/exec_stack.c, sys_procvm.c   to fault.c, rmap.c (rmap_get)
 * Tests       tests/guest/procvm.c, tests/guest/exec.c
 * See         docs/mm.md section 4
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/fault.h>
#include <mm/mm.h>
#include <mm/rmap.h>

static struct page *mapped_page(struct mm *mm, u64 va, u32 access);
static bool write_locked(struct mm *mm, u64 va, const void *src, u64 n);

int
fault_page_get(struct mm *mm, u64 va, u32 access, struct page **out)
{
	do {
		int err = fault_populate(mm, va, va + 1, access);

		if (err)
			return err;
		rwsem_read_lock(&mm->lock);
		*out = mapped_page(mm, va, access);
		rwsem_read_unlock(&mm->lock);
	} while (!*out); /* Race: another thread changed the leaf between the two looks. */
	dassert(atomic_read(&(*out)->refs) > 0);
	dassert(!(access & FAULT_WRITE) || *out != zero_frame);
	return 0;
}

int
fault_page_write(struct mm *mm, u64 va, const void *src, u64 n)
{
	bool done;

	dassert(n && (va & ~PAGE_MASK) + n <= PAGE_SIZE);
	do {
		int err = fault_populate(mm, va, va + 1, FAULT_WRITE);

		if (err)
			return err;
		rwsem_read_lock(&mm->lock);
		done = write_locked(mm, va, src, n);
		rwsem_read_unlock(&mm->lock);
	} while (!done);
	return 0;
}

/* A reference to the page at @va if its leaf allows the access now. */
static struct page *
mapped_page(struct mm *mm, u64 va, u32 access)
{
	struct leaf_path path = pagetable_walk(mm, va);
	pte_t entry = path.slot ? pte_read(path.slot) : (pte_t){0};

	dassert(rwsem_is_held(&mm->lock));
	if (!pte_present(entry))
		return NULL;
	if ((access & FAULT_WRITE) && !(pte_has(entry, PTE_WRITE) && pte_has(pte_read(path.entry2), PTE_WRITE)))
		return NULL;
	return rmap_get(path.slot, entry);
}

/* Why under mm->lock: fork takes it, and would make this page the child's as well. */
static bool
write_locked(struct mm *mm, u64 va, const void *src, u64 n)
{
	struct page *page = mapped_page(mm, va, FAULT_WRITE);

	if (!page)
		return false;
	memcpy((char *)page_to_va(page) + (va & ~PAGE_MASK), src, n);
	page_flag_set(page,
		      PG_DIRTY); /* Why: no leaf says so, and reclaim must not believe what it has written or seen */
	page_put(page);
	return true;
}
