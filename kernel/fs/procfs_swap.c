/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_swap.c - what each slot of swap holds: /proc/swap_slots
 *
 * Idea        A byte for each slot of all areas, one behind the other: 0 free, 1 the header or bad, 2 a page is there
 *             alone, 3 a page of memory stands for it too, 4 on its way to be free (being discarded). tide draws it;
 *             Linux has no such file.
 * Invariants  none
 * Locks       see mm/swap_look.h
 * Follow      from procfs_mm.c   to mm/swap_look.c
 * Tests       tests/guest/swap.c, tests/guest/test_tide.py
 */
#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/procfs.h>
#include <kernel/lib/errno.h>
#include <kernel/sched.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/swap_look.h>

static s64 swap_slots_read(struct file *f, struct io *io);

const struct file_ops proc_swap_slots_ops = {.read = swap_slots_read};

static s64
swap_slots_read(struct file *f, struct io *io)
{
	u8 *kinds;
	s64 moved = 0;
	u64 n;

	if (!io->left || io->pos >= swap_look_end())
		return 0;
	kinds = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	if (!kinds)
		return -ENOMEM;
	while (io->left && !io->faulted && (n = swap_look(io->pos, min_u64(io->left, PAGE_SIZE), kinds))) {
		moved += (s64)io_put(io, kinds, n);
		cond_resched();
	}
	kfree(kinds);
	return io_result(io, moved);
}
