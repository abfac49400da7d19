/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_statx.c - statx: what stat tells, in a structure that may grow
 *
 * Idea        The figures are those of stat, and the mask says so: STATX_BASIC_STATS. There is no time of birth and no
 *             number of the mount, as on file systems and kernels of Linux that do not keep them.
 * Invariants  none
 * Locks       none here
 * Follow      from syscall.c   to sys_stat.c
 * Tests       tests/guest/statx.c
 * See         statx(2)
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/abi.h>
#include <kernel/lib/errno.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#define STATX_BASIC_STATS 0x7ffU
#define STATX_RESERVED 0x80000000U
#define AT_STATX_SYNC_TYPE 0x6000U /* both of its bits at once mean nothing */

struct statx_time {
	s64 sec;
	u32 nsec;
	s32 pad;
};

struct statx {
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, pad0;
	u64 ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 mnt_id, pad1[13];
};

_Static_assert(sizeof(struct statx) == 256, "struct statx as programs know it");

static struct statx_time statx_time(u64 sec, u64 nsec);

s64
sys_statx(u64 dirfd, u64 path, u64 flags, u64 mask, u64 to)
{
	const u32 known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
	struct stat st;
	struct statx x;
	int err;

	if ((mask & STATX_RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || ((u32)flags & ~known))
		return -EINVAL;
	err = stat_get(dirfd, path, flags, &st);
	if (err)
		return err;
	x = (struct statx){
		.mask = STATX_BASIC_STATS,
		.blksize = st.st_blksize,
		.nlink = st.st_nlink,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.mode = st.st_mode,
		.ino = st.st_ino,
		.size = st.st_size,
		.blocks = st.st_blocks,
		.atime = statx_time(st.st_atime_sec, st.st_atime_nsec),
		.ctime = statx_time(st.st_ctime_sec, st.st_ctime_nsec),
		.mtime = statx_time(st.st_mtime_sec, st.st_mtime_nsec),
		.rdev_major = dev_major(st.st_rdev),
		.rdev_minor = dev_minor(st.st_rdev),
		.dev_major = dev_major(st.st_dev),
		.dev_minor = dev_minor(st.st_dev),
	};
	return copy_to_user((void *)to, &x, sizeof(x));
}

static struct statx_time
statx_time(u64 sec, u64 nsec)
{
	return (struct statx_time){(s64)sec, (u32)nsec, 0};
}
