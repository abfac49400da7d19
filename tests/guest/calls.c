/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/calls.c - the rarer forms of calls, by their numbers
 *
 * Idea        the C library reaches many calls through a relative: mkdirat does what mkdir did, prlimit64 what
 *             setrlimit did. Here each is made by its own number, and what it did is looked at.
 * Invariants  see guest.h
 * Follow      to kernel/syscalls.def; tests/guest/abi.c counts them
 */
#include "guest.h"
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static bool
is_there(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

static void
names_at(void)
{
	struct stat st;

	check(mkdir("/tmp/calls", 0700) == 0);
	int dir = open("/tmp/calls", O_RDONLY | O_DIRECTORY);
	check(syscall(SYS_mkdirat, dir, "sub", 0700) == 0 && is_there("/tmp/calls/sub"));
	check(syscall(SYS_mknodat, dir, "node", S_IFREG | 0600, 0) == 0);
	check(syscall(SYS_fchownat, dir, "node", 7, 8, 0) == 0 && stat("/tmp/calls/node", &st) == 0);
	check(st.st_uid == 7 && st.st_gid == 8);
	check(syscall(SYS_fchmodat, dir, "node", 0640) == 0 && stat("/tmp/calls/node", &st) == 0);
	check((st.st_mode & 07777) == 0640);
	check(syscall(SYS_symlinkat, "node", dir, "link") == 0);
	check(syscall(SYS_lchown, "/tmp/calls/link", 9, 9) == 0 && lstat("/tmp/calls/link", &st) == 0);
	check(st.st_uid == 9 && stat("/tmp/calls/node", &st) == 0 && st.st_uid == 7);
	check(syscall(SYS_faccessat, dir, "node", R_OK) == 0 && syscall(SYS_faccessat2, dir, "link", F_OK, 0) == 0);
	check(syscall(SYS_renameat, dir, "node", dir, "moved") == 0 && is_there("/tmp/calls/moved"));
	check(syscall(SYS_renameat2, dir, "moved", dir, "sub", 1) == -1 && errno == EEXIST);
	check(syscall(SYS_renameat2, dir, "moved", dir, "again", 1) == 0 && !is_there("/tmp/calls/moved"));
	check(syscall(SYS_unlinkat, dir, "again", 0) == 0 && syscall(SYS_unlinkat, dir, "link", 0) == 0);
	check(syscall(SYS_unlinkat, dir, "sub", AT_REMOVEDIR) == 0 && close(dir) == 0 && rmdir("/tmp/calls") == 0);
}

static void
bytes(void)
{
	char one[4], two[4];
	struct iovec in[2] = {{"abcd", 4}, {"efgh", 4}};
	struct iovec out[2] = {{one, 4}, {two, 4}};

	int fd = syscall(SYS_creat, "/tmp/calls", 0600);
	check(fd >= 0 && syscall(SYS_pwritev, fd, in, 2, 10L, 0L) == 8 && close(fd) == 0);
	fd = open("/tmp/calls", O_RDONLY);
	check(syscall(SYS_readahead, fd, 0L, 100) == 0);
	check(syscall(SYS_preadv, fd, out, 2, 10L, 0L) == 8);
	check(memcmp(one, "abcd", 4) == 0 && memcmp(two, "efgh", 4) == 0);
	check(unlink("/tmp/calls") == 0);
	int high = syscall(SYS_dup3, fd, fd + 5, O_CLOEXEC);
	check(high == fd + 5 && fcntl(high, F_GETFD) == FD_CLOEXEC);
	check(syscall(SYS_close_range, fd, high, 0) == 0);
	check_errno(fcntl(fd, F_GETFD), EBADF);
	check_errno(fcntl(high, F_GETFD), EBADF);
}

static void
waiting(void)
{
	struct timespec now = {0};
	int ends[2];
	fd_set set;

	FD_ZERO(&set);
	check(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
	FD_SET(ends[0], &set);
	check(syscall(SYS_pselect6, ends[0] + 1, &set, NULL, NULL, &now, NULL) == 1 && FD_ISSET(ends[0], &set));
}

static void
identity(void)
{
	struct rlimit limit, again;

	check(syscall(SYS_getgid) == 0 && syscall(SYS_getegid) == 0);
	check(syscall(SYS_getpgrp) == getpgid(0));
	check(syscall(SYS_getrlimit, RLIMIT_CORE, &limit) == 0);
	limit.rlim_cur = 0;
	check(syscall(SYS_setrlimit, RLIMIT_CORE, &limit) == 0 && getrlimit(RLIMIT_CORE, &again) == 0);
	check(again.rlim_cur == 0 && again.rlim_max == limit.rlim_max);
}

const struct test_case calls_cases[] = {
	{"names are made, changed and removed relative to a directory", names_at, 0, 0},
	{"bytes go by vectors to places, and descriptors in ranges", bytes, 0, 0},
	{"pselect6 sees what can be read", waiting, 0, 0},
	{"groups and limits by their old calls", identity, 0, 0},
	{0},
};
