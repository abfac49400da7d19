/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_name.c - what a mapping shows of what it maps
 *
 * Idea        A file is known by its path as it is now; private memory by its place: the heap, the stack.
 * Invariants  none
 * Locks       mm->lock of the vma's owner; name_lock
 * Follow      from procfs_maps.c   to names.h, mm/mm.h
 * Tests       tests/guest/proc_maps.c, tests/guest/names.c
 * See         proc(5)
 */
#include <kernel/fs/procfs_name.h>

#include <kernel/fs/abi.h>
#include <kernel/fs/names.h>
#include <kernel/fs/path.h>
#include <kernel/fs/vfs.h>
#include <kernel/vdso.h>
#include <mm/mm.h>

static const char *memory_name(const struct mm *mm, const struct vma *vma);

void
proc_vma_name(struct mm *mm, const struct vma *vma, char *buf, struct proc_vma_name *out)
{
	u64 dev;

	*out = (struct proc_vma_name){.text = vdso_name(vma)};
	if (out->text)
		return;
	if (!vma->object) {
		out->text = memory_name(mm, vma);
		return;
	}
	object_identity(vma->object, &dev, &out->ino);
	out->major = dev_major(dev);
	out->minor = dev_minor(dev);
	out->offset = vma->pgoff << PAGE_SHIFT;
	out->text = path_of_object(vma->object, buf, PATH_MAX);
	if (!out->text)
		out->text = "?";
}

/* Linux's order: what touches the heap is the heap, even when nothing has been asked of it yet. */
static const char *
memory_name(const struct mm *mm, const struct vma *vma)
{
	if (vma->start <= mm->brk && vma->end >= mm->start_brk)
		return "[heap]";
	if (vma->start <= mm->start_stack && vma->end >= mm->start_stack)
		return "[stack]";
	return NULL;
}
