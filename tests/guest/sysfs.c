/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/sysfs.c - what /sys shows, and that nobody changes it
 *
 * Idea        its own mount in a scratch directory
 * Invariants  see guest.h
 * Follow      to kernel/fs/sysfs.c, kernel/fs/sysfs_entries.c
 */
#include "guest.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

static const char *const dir = "/tmp/sys";

static void
begin(void)
{
	check(mkdir(dir, 0755) == 0 && mount("sysfs", dir, "sysfs", 0, NULL) == 0);
}

static void
end(void)
{
	check(umount(dir) == 0 && rmdir(dir) == 0);
}

static const char *
text_of(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY);

	check(fd >= 0);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	check(n > 0);
	text[n] = 0;
	close(fd);
	return text;
}

static void
processors(void)
{
	char want[32] = "0\n";

	begin();
	if (cpus_online() > 1)
		snprintf(want, sizeof(want), "0-%d\n", cpus_online() - 1);
	check(strcmp(text_of("/tmp/sys/devices/system/cpu/online"), want) == 0);
	check(strncmp(text_of("/tmp/sys/devices/system/cpu/present"), "0", 1) == 0);
	check(strncmp(text_of("/tmp/sys/devices/system/cpu/possible"), "0", 1) == 0);
	check(atoi(text_of("/tmp/sys/devices/system/cpu/kernel_max")) >= cpus_online() - 1);
	end();
}

static void
directories(void)
{
	struct statfs s;
	struct stat st;
	bool mm = false;

	begin();
	check(statfs(dir, &s) == 0 && s.f_type == 0x62656572);
	check(stat("/tmp/sys/kernel/mm", &st) == 0 && S_ISDIR(st.st_mode) && st.st_nlink >= 2);
	check(stat("/tmp/sys/kernel", &st) == 0);
	ino_t kernel = st.st_ino;
	check(stat("/tmp/sys/kernel/mm/..", &st) == 0 && st.st_ino == kernel);
	DIR *d = opendir("/tmp/sys/kernel");
	for (struct dirent *e; (e = readdir(d));)
		mm |= strcmp(e->d_name, "mm") == 0 && e->d_type == DT_DIR;
	closedir(d);
	check(mm);
	check(chdir("/tmp/sys/kernel/mm") == 0);
	char text[64];
	check(getcwd(text, sizeof(text)) && strcmp(text, "/tmp/sys/kernel/mm") == 0);
	check_errno(umount(dir), EBUSY);
	check(chdir("/") == 0);
	end();
}

static void
nobody_changes_it(void)
{
	begin();
	check_errno(open("/tmp/sys/devices/system/cpu/online", O_WRONLY), EACCES);
	check_errno(open("/tmp/sys/new", O_CREAT | O_RDWR, 0600), EACCES);
	check_errno(mkdir("/tmp/sys/new", 0700), EPERM);
	check_errno(unlink("/tmp/sys/devices/system/cpu/online"), EPERM);
	check_errno(open("/tmp/sys/none", O_RDONLY), ENOENT);
	check_errno(open("/tmp/sys/devices/system/cpu/online/x", O_RDONLY), ENOTDIR);
	check_errno(mount("sysfs", dir, "sysfs", 0, NULL), EBUSY);
	end();
}

const struct test_case sysfs_cases[] = {
	{"the processors of /sys", processors, 0, CASE_SMP},
	{"directories of /sys have names, parents and entries", directories, 0, 0},
	{"nobody changes /sys", nobody_changes_it, 0, 0},
	{0},
};
