/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_args.c - what a program was started with: cmdline, environ, auxv
 *
 * Idea        The strings lie in the program's own memory, on its stack, and the program may change them. A read copies
 *             a piece at a time out of that memory, at the reader's offset. A page that was never touched reads as
 *             zeroes, as it would to the program.
 * Invariants  none
 * Locks       mm->lock and a table lock while a page is looked up; none while its bytes go to the reader
 * Follow      from procfs_pid.c   to mm/pagetable.h
 * Tests       tests/guest/proc_pid.c
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/rmap.h>

static s64 cmdline_read(struct file *f, struct io *io);
static s64 environ_read(struct file *f, struct io *io);
static s64 auxv_read(struct file *f, struct io *io);
static s64 range_read(struct mm *mm, struct io *io, u64 start, u64 end);
static s64 piece_read(struct mm *mm, struct io *io, u64 va, u64 n);
static int user_page_get(struct mm *mm, u64 va, struct page **out);

const struct file_ops proc_cmdline_ops = {.read = cmdline_read};
const struct file_ops proc_environ_ops = {.read = environ_read};
const struct file_ops proc_auxv_ops = {.read = auxv_read};

/* Simple: Linux reads on into the environment when a program has overwritten the end of its arguments. */
static s64
cmdline_read(struct file *f, struct io *io)
{
	struct mm *mm = process_mm_get(f->inode->process);
	s64 result;

	if (!mm)
		return 0;
	result = range_read(mm, io, READ_ONCE(mm->arg_start), READ_ONCE(mm->arg_end));
	mm_put(mm);
	return result;
}

static s64
environ_read(struct file *f, struct io *io)
{
	struct mm *mm = process_mm_get(f->inode->process);
	s64 result;

	if (!mm)
		return 0;
	result = range_read(mm, io, READ_ONCE(mm->env_start), READ_ONCE(mm->env_end));
	mm_put(mm);
	return result;
}

/* Pairs of words up to the first whose type is 0, as exec put them above the environment's pointers. */
static s64
auxv_read(struct file *f, struct io *io)
{
	struct mm *mm = process_mm_get(f->inode->process);
	s64 result;

	if (!mm)
		return 0;
	result = range_read(mm, io, READ_ONCE(mm->auxv_start), READ_ONCE(mm->auxv_end));
	mm_put(mm);
	return result;
}

static s64
range_read(struct mm *mm, struct io *io, u64 start, u64 end)
{
	s64 moved = 0;
	s64 n = 0;

	while (io->left && !io->faulted && start <= end && io->pos < end - start) {
		u64 va = start + io->pos;

		n = piece_read(mm, io, va, min_u64(end - va, PAGE_SIZE - (va & ~PAGE_MASK)));
		if (n <= 0)
			break;
		moved += n;
		cond_resched();
	}
	return moved ? moved : n < 0 ? n : io_result(io, 0);
}

/* At most @n bytes at @va, which lie in one page. */
static s64
piece_read(struct mm *mm, struct io *io, u64 va, u64 n)
{
	struct page *page;
	int err = user_page_get(mm, va, &page);
	s64 moved;

	if (err)
		return err;
	if (!page)
		return io_put_zero(io, n);
	moved = io_put(io, (char *)page_to_va(page) + (va & ~PAGE_MASK), n);
	page_put(page);
	return moved;
}

/* The frame behind @va with a reference in *out, or NULL when it has none. Returns 0, -EINTR. */
static int
user_page_get(struct mm *mm, u64 va, struct page **out)
{
	pte_t *slot;
	pte_t e;
	int err = rwsem_read_lock_killable(&mm->lock);

	*out = NULL;
	if (err)
		return err;
	slot = va < USER_TOP ? pagetable_walk(mm, va).slot : NULL;
	e = slot ? pte_read(slot) : (pte_t){0};
	if (leaf_has_frame(e) && leaf_page(e) != zero_frame)
		*out = rmap_get(slot, e);
	rwsem_read_unlock(&mm->lock);
	return 0;
}
