/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/statx.c - what an inode says of itself, and the times that programs give it
 *
 * Idea        change one thing, then ask in two ways
 * Invariants  see guest.h
 * Follow      to kernel/sys_statx.c, kernel/sys_utime.c, kernel/sys_stat.c
 */
#include "guest.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <utime.h>

/* musl has no struct statx at the age of this tree. */
struct x_time {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};

struct x {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct x_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t more[14];
};

enum {
	BASIC = 0x7ff,
	SYNC_TYPE = 0x6000
};

static const char *const path = "/tmp/statx";

static int
statx_of(int dirfd, const char *name, int flags, struct x *x)
{
	memset(x, 0xff, sizeof(*x));
	return syscall(SYS_statx, dirfd, name, flags, BASIC, x);
}

static void
same_as_stat(void)
{
	int fd = file_make(path, 2 * PAGE + 5);
	struct stat st;
	struct x x;

	check(link(path, "/tmp/statx2") == 0 && chmod(path, 04751) == 0 && chown(path, 7, 8) == 0);
	check(stat(path, &st) == 0 && statx_of(AT_FDCWD, path, 0, &x) == 0);
	check((x.mask & BASIC) == BASIC);
	check(x.ino == st.st_ino && x.size == 2 * PAGE + 5 && x.mode == st.st_mode && x.nlink == 2);
	check(x.uid == 7 && x.gid == 8 && x.blksize == (uint32_t)st.st_blksize && x.blocks == (uint64_t)st.st_blocks);
	check(x.dev_major == major(st.st_dev) && x.dev_minor == minor(st.st_dev));
	check(x.mtime.sec == st.st_mtim.tv_sec && x.mtime.nsec == st.st_mtim.tv_nsec);
	check(x.pad0 == 0 && x.mtime.pad == 0 && x.more[13] == 0);
	struct x by_fd;
	check(statx_of(fd, "", AT_EMPTY_PATH, &by_fd) == 0 && by_fd.ino == x.ino && by_fd.size == x.size);
	close(fd), unlink(path), unlink("/tmp/statx2");
}

static void
statx_links_devices_pipes(void)
{
	int ends[2];
	struct x x;

	check(symlink("nowhere", path) == 0);
	check(statx_of(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &x) == 0 && S_ISLNK(x.mode) && x.size == 7);
	check_errno(statx_of(AT_FDCWD, path, 0, &x), ENOENT);
	check(statx_of(AT_FDCWD, "/dev/null", 0, &x) == 0 && S_ISCHR(x.mode));
	check(x.rdev_major == 1 && x.rdev_minor == 3);
	check(pipe(ends) == 0 && statx_of(ends[0], "", AT_EMPTY_PATH, &x) == 0 && S_ISFIFO(x.mode) && x.ino);
	close(ends[0]), close(ends[1]), unlink(path);
}

static void
statx_errors(void)
{
	struct x x;

	check_errno(syscall(SYS_statx, AT_FDCWD, "/tmp", 0, 0x80000000u, &x), EINVAL);
	check_errno(statx_of(AT_FDCWD, "/tmp", SYNC_TYPE, &x), EINVAL);
	check_errno(statx_of(AT_FDCWD, "/tmp", 1, &x), EINVAL);
	check_errno(statx_of(AT_FDCWD, "", 0, &x), ENOENT);
	check_errno(statx_of(99, "", AT_EMPTY_PATH, &x), EBADF);
	check_errno(statx_of(AT_FDCWD, (char *)16, 0, &x), EFAULT);
	check_errno(syscall(SYS_statx, AT_FDCWD, "/tmp", 0, BASIC, 16), EFAULT);
	check_errno(statx_of(AT_FDCWD, "/dev/null/x", 0, &x), ENOTDIR);
}

static void
times_are(const char *name, long atime, long ansec, long mtime, long mnsec)
{
	struct stat st;

	check(stat(name, &st) == 0);
	check(st.st_atim.tv_sec == atime && st.st_atim.tv_nsec == ansec);
	check(st.st_mtim.tv_sec == mtime && st.st_mtim.tv_nsec == mnsec);
}

static void
times_set(void)
{
	struct timespec ns[2] = {{100, 5}, {200, 999999999}};
	struct timeval us[2] = {{300, 7}, {400, 999999}};
	struct utimbuf s = {500, 600};
	int fd = file_make(path, 1);

	check(utimensat(AT_FDCWD, path, ns, 0) == 0);
	times_are(path, 100, 5, 200, 999999999);
	ns[0].tv_nsec = UTIME_OMIT, ns[1].tv_sec = 250;
	check(futimens(fd, ns) == 0);
	times_are(path, 100, 5, 250, 999999999);
	check(syscall(SYS_utimes, path, us) == 0);
	times_are(path, 300, 7000, 400, 999999000);
	us[0].tv_sec = 310;
	check(syscall(SYS_futimesat, AT_FDCWD, path, us) == 0);
	times_are(path, 310, 7000, 400, 999999000);
	check(syscall(SYS_utime, path, &s) == 0);
	times_are(path, 500, 0, 600, 0);
	struct stat before, after;
	check(stat("/tmp", &before) == 0 && syscall(SYS_utime, path, NULL) == 0 && stat(path, &after) == 0);
	check(after.st_mtim.tv_sec > 600 && after.st_atim.tv_sec > 600);
	close(fd), unlink(path);
}

static void
times_of_link(void)
{
	struct timespec ns[2] = {{11, 0}, {22, 0}};
	struct stat st;

	check(symlink("nowhere", path) == 0);
	check_errno(utimensat(AT_FDCWD, path, ns, 0), ENOENT);
	check(utimensat(AT_FDCWD, path, ns, AT_SYMLINK_NOFOLLOW) == 0);
	check(lstat(path, &st) == 0 && st.st_mtim.tv_sec == 22);
	unlink(path);
}

static void
times_errors(void)
{
	struct timespec ns[2] = {{1, 1000000000}, {2, 0}};
	struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	struct timeval us[2] = {{1, 1000000}, {2, 0}};
	int fd = file_make(path, 1);

	check_errno(utimensat(AT_FDCWD, path, ns, 0), EINVAL);
	check_errno(utimensat(AT_FDCWD, path, NULL, 1), EINVAL);
	check_errno(utimensat(AT_FDCWD, "/tmp/none", NULL, 0), ENOENT);
	check(utimensat(AT_FDCWD, "/tmp/none", omit, 0) == 0);
	check_errno(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0), EFAULT);
	check_errno(syscall(SYS_utimensat, 99, NULL, NULL, 0), EBADF);
	check_errno(syscall(SYS_utimes, path, us), EINVAL);
	check_errno(syscall(SYS_utimes, path, 16), EFAULT);
	check_errno(syscall(SYS_utime, path, 16), EFAULT);
	close(fd), unlink(path);
}

static void
set_ids(void)
{
	struct stat st;
	int fd = file_make(path, 1);

	check(fchmod(fd, 06755) == 0 && fchown(fd, 1, 1) == 0 && fstat(fd, &st) == 0);
	check((st.st_mode & 07777) == 0755);
	check(fchmod(fd, 02644) == 0 && fchown(fd, 2, 2) == 0 && fstat(fd, &st) == 0);
	check((st.st_mode & 07777) == 02644); /* mandatory locking once: not executable by the group */
	close(fd), unlink(path);
	check(mkdir(path, 0755) == 0 && chown(path, 0, 5) == 0 && chmod(path, 02755) == 0);
	fd = open("/tmp/statx/in", O_CREAT | O_RDWR, 0600);
	check(fstat(fd, &st) == 0 && st.st_gid == 5);
	check(mkdir("/tmp/statx/dir", 0755) == 0 && stat("/tmp/statx/dir", &st) == 0);
	check(st.st_gid == 5 && (st.st_mode & 02000));
	close(fd), unlink("/tmp/statx/in"), rmdir("/tmp/statx/dir"), rmdir(path);
}

const struct test_case statx_cases[] = {
	{"statx tells what stat tells, and zero padding", same_as_stat, 0, 0},
	{"statx of links, devices and pipes", statx_links_devices_pipes, 0, 0},
	{"statx's errors", statx_errors, 0, 0},
	{"utimensat, futimens, utimes, futimesat and utime set what stat shows", times_set, 0, 0},
	{"a link has times of its own", times_of_link, 0, 0},
	{"errors of the calls that set times", times_errors, 0, 0},
	{"a change of the owner takes set-ids away; a set-gid directory hands its group on", set_ids, 0, 0},
	{0},
};
