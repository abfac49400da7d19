/* SPDX-License-Identifier: MIT */
/*
 * kernel/vdso.h - the object in every program that tells the time without a system call
 *
 * Idea        One page-cache object holds a page of data and the image of a shared object, which is linked into the
 *             kernel. execve maps both, data first, and tells the program where by AT_SYSINFO_EHDR.
 * Invariants  I1  The pages stay in the object, and where they are: the kernel writes the first, and none could be read
 *                 again from anywhere.
 * Locks       none
 * Follow      from exec.c, wall_clock.c, fs/procfs_name.c   to arch/x86_64/vdso/vdso.c
 * Tests       tests/guest/vdso.c
 */
#pragma once

#include <kernel/lib/types.h>

struct exec_layout;
struct mm;
struct vma;

/* Makes the object. Context: boot, once, after wall_clock_init; may sleep. */
void vdso_init(void);

/*
 * vdso_map - map it into @mm, which is being built, where @layout says
 *
 * Returns   0 and the address of the ELF header in *header; -ENOMEM
 * Context   may sleep; takes mm->lock
 */
int vdso_map(struct mm *mm, const struct exec_layout *layout, u64 *header);

/* What /proc/<pid>/maps calls @vma: "[vvar]", "[vdso]", or NULL for any other. Context: holds the mm's lock. */
const char *vdso_name(const struct vma *vma);
