/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_utime.c - system calls that set the times of a file
 *
 * Idea        Each call of the family, whatever its unit, becomes times_at() with seconds and nanoseconds of access and
 *             of modification. Simple: times before 1970 or after 2500 become the nearest that there is.
 * Invariants  none
 * Locks       none: a time is one word
 * Follow      from syscall.c   to sys_path.c, fs/vfs.h
 * Tests       tests/guest/statx.c
 * See         utimensat(2), utimes(2), utime(2)
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#define NS 1000000000UL
#define SECONDS_MOST 17000000000L /* as nanoseconds they still fit */

/* Access, then modification. */
struct times {
	struct {
		s64 sec;
		u64 nsec; /* or UTIME_NOW, UTIME_OMIT */
	} of[2];
};

static const struct times now = {{{0, UTIME_NOW}, {0, UTIME_NOW}}};

static s64 times_at(u64 dirfd, u64 path, const struct times *times, u64 flags);
static s64 times_in_us(u64 dirfd, u64 path, u64 user);
static s64 times_set(struct inode *inode, const struct times *times);
static bool nsec_is_time(u64 nsec);

s64
sys_utimensat(u64 dirfd, u64 path, u64 user, u64 flags)
{
	struct times times = now;

	if (user && copy_from_user(&times, (void *)user, sizeof(times)))
		return -EFAULT;
	if (times.of[0].nsec == UTIME_OMIT && times.of[1].nsec == UTIME_OMIT)
		return 0; /* not even the path is looked at */
	return times_at(dirfd, path, &times, flags);
}

s64
sys_futimesat(u64 dirfd, u64 path, u64 user)
{
	return times_in_us(dirfd, path, user);
}

s64
sys_utimes(u64 path, u64 user)
{
	return times_in_us(AT_FDCWD, path, user);
}

s64
sys_utime(u64 path, u64 user)
{
	s64 sec[2];

	if (!user)
		return times_at(AT_FDCWD, path, &now, 0);
	if (copy_from_user(sec, (void *)user, sizeof(sec)))
		return -EFAULT;
	return times_at(AT_FDCWD, path, &(struct times){{{sec[0], 0}, {sec[1], 0}}}, 0);
}

/* No path: the descriptor itself. */
static s64
times_at(u64 dirfd, u64 path, const struct times *times, u64 flags)
{
	u32 walk = follow_unless(flags, AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct inode *inode;
	s64 err;

	if (!nsec_is_time(times->of[0].nsec) || !nsec_is_time(times->of[1].nsec))
		return -EINVAL;
	if (!path && (s32)dirfd != AT_FDCWD)
		err = flags ? -EINVAL : fd_inode_change(dirfd, &inode);
	else if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		err = -EINVAL;
	else
		err = at_inode(dirfd, path, walk, &inode);
	if (err)
		return err;
	err = times_set(inode, times);
	inode_put(inode);
	return err;
}

static s64
times_in_us(u64 dirfd, u64 path, u64 user)
{
	s64 us[4]; /* seconds and microseconds, twice */

	if (!user)
		return times_at(dirfd, path, &now, 0);
	if (copy_from_user(us, (void *)user, sizeof(us)))
		return -EFAULT;
	if (us[1] < 0 || us[1] >= 1000000 || us[3] < 0 || us[3] >= 1000000)
		return -EINVAL;
	return times_at(dirfd, path, &(struct times){{{us[0], (u64)us[1] * 1000}, {us[2], (u64)us[3] * 1000}}}, 0);
}

static s64
times_set(struct inode *inode, const struct times *times)
{
	u64 *const field[2] = {&inode->atime_ns, &inode->mtime_ns};
	s64 sec;

	if (inode->sb->type->single)
		return -EPERM;
	if (inode_is_read_only(inode))
		return -EROFS;
	for (u32 i = 0; i < 2; i++) {
		sec = times->of[i].sec;
		sec = sec < 0 ? 0 : sec > SECONDS_MOST ? SECONDS_MOST : sec;
		if (times->of[i].nsec == UTIME_NOW)
			*field[i] = inode_now_ns();
		else if (times->of[i].nsec != UTIME_OMIT)
			*field[i] = (u64)sec * NS + times->of[i].nsec;
	}
	inode->ctime_ns = inode_now_ns();
	return 0;
}

static bool
nsec_is_time(u64 nsec)
{
	return nsec < NS || nsec == UTIME_NOW || nsec == UTIME_OMIT;
}
