/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/seal.h - promises about a file of memory that nobody can take back
 *
 * Idea        F_SEAL_WRITE is refused while somebody could write through a shared mapping, and afterwards nobody can
 *             make one: both are decided under inode->lock. No mapping is counted for it: who seals looks at all
 *             address spaces. Files that cannot be sealed, which is nearly all, take no lock.
 * Invariants  I1  Once F_SEAL_WRITE is set, no vma maps the object shared and may write.
 *             I2  Seals are only added. F_SEAL_SEAL ends that.
 * Locks       inode->lock: inode->seals
 * Follow      from kernel/sys_fs.c (fcntl), sys_mm.c (mmap), tmpfs_file.c   to mm/mm.h
 * Tests       tests/guest/memfd.c
 * See         fcntl(2), "File sealing"
 */
#pragma once

#include <kernel/lib/types.h>

struct file;

/* fcntl(F_ADD_SEALS). Returns 0; -EPERM -EBUSY -EINVAL -EINTR. Context: may sleep; takes inode->lock. */
int seals_add(struct file *f, u64 seals);

/* fcntl(F_GET_SEALS). Returns the seals; -EINVAL: a file that can have none. Context: any. */
int seals_get(struct file *f);

/*
 * seals_map_begin - may @f be mapped so? Clears *may_write if the mapping may be made, but never be written
 *
 * Returns   0: go on, then call seals_map_end; -EPERM, -EINTR
 * Context   may sleep; takes inode->lock of a file that can be sealed, until seals_map_end
 */
int seals_map_begin(struct file *f, bool shared, bool write, bool *may_write);
void seals_map_end(struct file *f);
