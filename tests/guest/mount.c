/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/mount.c - file systems: options, read-only ones, those taken away in use; another root
 *
 * Idea        a fresh tmpfs in a scratch directory, asked through statfs, /proc/mounts and every call that changes
 *             names
 * Invariants  see guest.h
 * Follow      to kernel/sys_mount.c, kernel/fs/mount.c
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

static const char *const dir = "/tmp/mnt";

static void
begin(unsigned long flags, const char *options)
{
	check(mkdir(dir, 0755) == 0 && mount("none", dir, "tmpfs", flags, options) == 0);
}

static void
end(void)
{
	check(umount(dir) == 0 && rmdir(dir) == 0);
}

/* The line of /proc/mounts for @at. */
static const char *
mount_line(const char *at)
{
	static char line[1024];
	char where[256];
	FILE *f = fopen("/proc/mounts", "r");

	check(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %255s", where) == 1 && strcmp(where, at) == 0) {
			fclose(f);
			return line;
		}
	}
	fclose(f);
	fail("%s is not in /proc/mounts", at);
}

static void
options_say(void)
{
	struct statfs s;
	struct stat st;

	begin(MS_NOSUID | MS_NOEXEC, "size=1m,nr_inodes=100,mode=0750,uid=3,gid=4");
	check(statfs(dir, &s) == 0 && s.f_type == 0x01021994 && s.f_blocks == 256 && s.f_files == 100);
	check((s.f_flags & (ST_NOSUID | ST_NOEXEC | ST_RDONLY)) == (ST_NOSUID | ST_NOEXEC));
	check(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0750 && st.st_uid == 3 && st.st_gid == 4);
	const char *line = mount_line(dir);
	check(strncmp(line, "none /tmp/mnt tmpfs rw,nosuid,noexec,", 36) == 0);
	check(strstr(line, ",size=1024k") && strstr(line, ",nr_inodes=100") && strstr(line, ",mode=750"));
	end();
	begin(0, NULL);
	check(stat(dir, &st) == 0 && (st.st_mode & 07777) == 01777 && st.st_uid == 0);
	end();
}

static void
options_wrong(void)
{
	check(mkdir(dir, 0755) == 0);
	check_errno(mount("none", dir, "tmpfs", 0, "size=x"), EINVAL);
	check_errno(mount("none", dir, "tmpfs", 0, "nothing=1"), EINVAL);
	check_errno(mount("none", dir, "tmpfs", 0, "size=1m,mode=9"), EINVAL);
	check_errno(mount("none", dir, "tmpfs", 0, (char *)16), EFAULT);
	check_errno(mount("none", "/tmp/none", "tmpfs", 0, NULL), ENOENT);
	check_errno(mount("none", "/dev/null", "tmpfs", 0, NULL), ENOTDIR);
	check_errno(mount("none", dir, NULL, 0, NULL), EINVAL);
	check_errno(mount("none", dir, "tmpfs", MS_REMOUNT, NULL), EINVAL);
	check_errno(umount(dir), EINVAL);
	check_errno(umount2(dir, 0x100), EINVAL);
	check(rmdir(dir) == 0);
}

static void
names_limit(void)
{
	char path[64];
	int made = 0;

	begin(0, "nr_inodes=20");
	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "/tmp/mnt/%d", i);
		if (mkdir(path, 0700) != 0)
			break;
		made++;
	}
	check(errno == ENOSPC && made >= 18 && made <= 20);
	check(rmdir("/tmp/mnt/3") == 0 && mkdir("/tmp/mnt/again", 0700) == 0);
	end();
}

static void
read_only(void)
{
	struct timespec times[2] = {{1, 0}, {1, 0}};

	begin(0, NULL);
	int fd = file_make("/tmp/mnt/f", 10);
	check(mkdir("/tmp/mnt/d", 0755) == 0);
	check(mknod("/tmp/mnt/null", S_IFCHR | 0666, 0x103) == 0);
	check_errno(mount("none", dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(fd);
	check(mount("none", dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	check(strstr(mount_line(dir), " tmpfs ro"));
	check_errno(open("/tmp/mnt/f", O_RDWR), EROFS);
	check_errno(open("/tmp/mnt/f", O_RDONLY | O_TRUNC), EROFS);
	check_errno(open("/tmp/mnt/new", O_CREAT | O_RDWR, 0600), EROFS);
	check_errno(open(dir, O_TMPFILE | O_RDWR, 0600), EROFS);
	check_errno(truncate("/tmp/mnt/f", 1), EROFS);
	check_errno(mkdir("/tmp/mnt/e", 0700), EROFS);
	check_errno(mkdir("/tmp/mnt/d", 0700), EEXIST);
	check_errno(rmdir("/tmp/mnt/d"), EROFS);
	check_errno(unlink("/tmp/mnt/f"), EROFS);
	check_errno(link("/tmp/mnt/f", "/tmp/mnt/g"), EROFS);
	check_errno(symlink("x", "/tmp/mnt/s"), EROFS);
	check_errno(rename("/tmp/mnt/f", "/tmp/mnt/g"), EROFS);
	check_errno(chmod("/tmp/mnt/f", 0777), EROFS);
	check_errno(chown("/tmp/mnt/f", 1, 1), EROFS);
	check_errno(utimensat(AT_FDCWD, "/tmp/mnt/f", times, 0), EROFS);
	check_errno(access("/tmp/mnt/f", W_OK), EROFS);
	check(access("/tmp/mnt/f", R_OK) == 0 && access("/tmp/mnt/null", W_OK) == 0);
	fd = open("/tmp/mnt/null", O_WRONLY);
	check(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	fd = open("/tmp/mnt/f", O_RDONLY);
	char byte;
	check(fd >= 0 && read(fd, &byte, 1) == 1 && byte == 1);
	close(fd);
	check(mount("none", dir, NULL, MS_REMOUNT, NULL) == 0 && unlink("/tmp/mnt/f") == 0);
	end();
}

static void
remount_size(void)
{
	struct statfs s;

	begin(0, "size=1m");
	int fd = file_make("/tmp/mnt/f", 20 * PAGE);
	check(mount("none", dir, NULL, MS_REMOUNT, "size=2m") == 0 && statfs(dir, &s) == 0 && s.f_blocks == 512);
	check_errno(mount("none", dir, NULL, MS_REMOUNT, "size=64k"), EINVAL);
	check(statfs(dir, &s) == 0 && s.f_blocks == 512);
	close(fd);
	end();
}

static void
detach(void)
{
	char text[300];
	int fd;

	begin(0, NULL);
	fd = file_make("/tmp/mnt/f", PAGE);
	check(mkdir("/tmp/mnt/in", 0755) == 0 && mount("none", "/tmp/mnt/in", "tmpfs", 0, NULL) == 0);
	int inner = file_make("/tmp/mnt/in/g", PAGE);
	check_errno(umount(dir), EBUSY);
	check(umount2(dir, MNT_DETACH) == 0);
	check_errno(access("/tmp/mnt/f", F_OK), ENOENT);
	char byte;
	check(pread(fd, &byte, 1, 0) == 1 && byte == 1 && pread(inner, &byte, 1, 0) == 1 && byte == 1);
	check(ftruncate(fd, 5 * PAGE) == 0 && pwrite(fd, "x", 1, 4 * PAGE) == 1);
	FILE *f = fopen("/proc/mounts", "r");
	while (fgets(text, sizeof(text), f))
		check(!strstr(text, "/tmp/mnt"));
	fclose(f);
	close(fd);
	check(pread(inner, &byte, 1, 0) == 1);
	close(inner);
	check(rmdir(dir) == 0);
}

/* The working directory is in what is taken away. */
static void
detach_cwd(void)
{
	begin(0, NULL);
	check(mkdir("/tmp/mnt/d", 0755) == 0 && chdir("/tmp/mnt/d") == 0);
	check(umount2(dir, MNT_DETACH) == 0 && rmdir(dir) == 0);
	int fd = open("x", O_CREAT | O_RDWR, 0600);
	check(fd >= 0 && access("../d/x", F_OK) == 0);
	close(fd);
	check(chdir("/") == 0);
}

static void
over_mounted(void)
{
	begin(0, NULL);
	int fd = file_make("/tmp/mnt/below", 1);
	close(fd);
	check(mount("second", dir, "tmpfs", 0, NULL) == 0);
	check_errno(access("/tmp/mnt/below", F_OK), ENOENT);
	check(umount(dir) == 0 && access("/tmp/mnt/below", F_OK) == 0);
	check_errno(rmdir(dir), EBUSY);
	check_errno(rename(dir, "/tmp/mnt2"), EBUSY);
	end();
}

static void
chroot_in(void *arg)
{
	char text[256];
	int outside = open("/tmp", O_RDONLY | O_DIRECTORY);

	(void)arg;
	check(chroot("/tmp/mnt") == 0 && chdir("/") == 0);
	check(access("/f", F_OK) == 0 && access("/../../f", F_OK) == 0 && access("/tmp", F_OK) == -1);
	check(getcwd(text, sizeof(text)) && strcmp(text, "/") == 0);
	check(chdir("/d/..") == 0 && chdir("d") == 0 && getcwd(text, sizeof(text)) && strcmp(text, "/d") == 0);
	/* A link's target begins at the new root as well. */
	check(symlink("/f", "/d/link") == 0 && access("/d/link", F_OK) == 0);
	/* Outside of it one may stand, and nothing there has a path. */
	check(fchdir(outside) == 0 && syscall(SYS_getcwd, text, sizeof(text)) > 0);
	check(strncmp(text, "(unreachable)/", 14) == 0);
	check_errno(chroot("/f"), ENOTDIR);
	check_errno(chroot("/none"), ENOENT);
	close(outside);
}

static void
new_root(void)
{
	begin(0, NULL);
	int fd = file_make("/tmp/mnt/f", 1);
	close(fd);
	check(mkdir("/tmp/mnt/d", 0755) == 0);
	check(child_run(chroot_in, NULL) == 0);
	check(access("/tmp/mnt/f", F_OK) == 0);
	end();
}

static void
no_exec_no_dev(void)
{
	begin(MS_NODEV | MS_NOSYMFOLLOW, NULL);
	check(mknod("/tmp/mnt/null", S_IFCHR | 0666, 0x103) == 0 && symlink("null", "/tmp/mnt/link") == 0);
	check_errno(open("/tmp/mnt/null", O_RDWR), EACCES);
	check_errno(open("/tmp/mnt/link", O_RDWR), ELOOP);
	char text[16];
	check(readlink("/tmp/mnt/link", text, sizeof(text)) == 4);
	end();
}

const struct test_case mount_cases[] = {
	{"options of tmpfs do what they say, and are shown", options_say, 0, 0},
	{"options that are wrong, and mount's errors", options_wrong, 0, 0},
	{"nr_inodes limits names", names_limit, 0, 0},
	{"a read-only file system refuses every change", read_only, 0, 0},
	{"a remount changes the size, not below what is used", remount_size, 0, 0},
	{"MNT_DETACH takes away what is in use, and all that is mounted in it", detach, 0, 0},
	{"a working directory outlives its mount", detach_cwd, 0, 0},
	{"a second file system over the first", over_mounted, 0, 0},
	{"chroot: a new root, and no way above it", new_root, 0, 0},
	{"nodev and nosymfollow", no_exec_no_dev, 0, 0},
	{0},
};
