/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_memfd.c - memfd_create: a file in memory that no directory knows
 *
 * Idea        A tmpfs file without a name, on a file system that is mounted nowhere.
 * Invariants  none
 * Locks       none here
 * Follow      from syscall.c   to tmpfs_memfd, fs/seal.c
 * Tests       tests/guest/memfd.c
 * See         memfd_create(2)
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#define MFD_CLOEXEC 1U
#define MFD_ALLOW_SEALING 2U
#define MFD_HUGETLB 4U
#define MFD_HUGE_SHIFT 26 /* six bits for the size of a huge page, with MFD_HUGETLB */
#define PREFIX "memfd:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

static s64 memfd_open(const char *name, u32 flags);

s64
sys_memfd_create(u64 user, u64 flags)
{
	char name[NAME_MAX + 1] = PREFIX;
	s64 len;

	if ((u32)flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB) & ~(63U << MFD_HUGE_SHIFT))
		return -EINVAL;
	if (!(flags & MFD_HUGETLB) && ((u32)flags >> MFD_HUGE_SHIFT))
		return -EINVAL;
	len = strncpy_from_user(name + PREFIX_LEN, (const char *)user, sizeof(name) - PREFIX_LEN);
	if (len < 0)
		return -EFAULT;
	if (len == sizeof(name) - PREFIX_LEN)
		return -EINVAL;
	if (flags & MFD_HUGETLB)
		return -ENOSYS; /* as a Linux without hugetlbfs */
	return memfd_open(name, (u32)flags);
}

static s64
memfd_open(const char *name, u32 flags)
{
	struct inode *inode;
	struct file *f;
	int err = tmpfs_memfd(name, &inode);

	if (err)
		return err;
	inode->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
	err = file_open(inode, O_RDWR | O_LARGEFILE, &f); /* consumes the reference */
	return err ? err : fd_install(f, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}
