/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_name.h - what a mapping shows of what it maps: offset, device, inode, and the name at the line's end
 *
 * Idea        see procfs_name.c
 * Invariants  none
 * Locks       mm->lock of the vma's owner
 * Follow      from procfs_maps.c   to mm/vma.h
 * Tests       tests/guest/proc_maps.c
 */
#pragma once

#include <kernel/lib/types.h>

struct mm;
struct vma;

struct proc_vma_name {
	const char *text; /* NULL: none */
	u64 offset;       /* bytes from the start of the file */
	u64 ino;
	u32 major, minor;
};

/*
 * proc_vma_name - what @vma shows
 *
 * @buf      PATH_MAX bytes, in which the name of a file is written
 *
 * Returns   nothing; @out is filled in
 * Context   mm->lock held; takes name_lock
 */
void proc_vma_name(struct mm *mm, const struct vma *vma, char *buf, struct proc_vma_name *out);
