/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/openflags.c - flags of open, programs that nobody may write, names that are too long or lead in circles
 *
 * Idea        each flag in the case that it is for, and in the one that it is not for
 * Invariants  see guest.h
 * Follow      to kernel/sys_path.c, kernel/fs/file.c, kernel/fs/path.c
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const char *const path = "/tmp/flags";

static void
o_path(void)
{
	char byte;
	struct stat st;
	int file = file_make(path, 10);
	int fd = open(path, O_PATH), dir = open("/tmp", O_PATH | O_DIRECTORY);

	check(fd >= 0 && dir >= 0 && fstat(fd, &st) == 0 && st.st_size == 10);
	check_errno(read(fd, &byte, 1), EBADF);
	check_errno(write(fd, &byte, 1), EBADF);
	check_errno(syscall(SYS_fchmod, fd, 0600), EBADF);
	check_errno(ftruncate(fd, 0), EBADF);
	check_errno((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), EBADF);
	check_errno(lseek(fd, 0, SEEK_SET), EBADF);
	check(fcntl(fd, F_GETFL) == O_PATH);
	int again = openat(dir, "flags", O_RDONLY);
	check(again >= 0 && read(again, &byte, 1) == 1);
	close(again);
	/* A link itself, which nothing else opens. */
	check(symlink("nowhere", "/tmp/flags-link") == 0);
	check_errno(open("/tmp/flags-link", O_RDONLY | O_NOFOLLOW), ELOOP);
	int link = open("/tmp/flags-link", O_PATH | O_NOFOLLOW);
	check(link >= 0 && fstat(link, &st) == 0 && S_ISLNK(st.st_mode));
	char text[16];
	check(readlinkat(link, "", text, sizeof(text)) == 7);
	close(file), close(fd), close(dir), close(link), unlink(path), unlink("/tmp/flags-link");
}

static void
create_flags(void)
{
	check_errno(open(path, O_RDWR | O_DIRECTORY | O_CREAT, 0600), EINVAL);
	check(symlink("/tmp/flags-target", path) == 0);
	check_errno(open(path, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	check(fd >= 0 && access("/tmp/flags-target", F_OK) == 0);
	close(fd);
	check_errno(open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600), ELOOP);
	check_errno(open("/tmp", O_RDWR | O_CREAT, 0600), EISDIR);
	check_errno(open("/tmp/new/", O_RDWR | O_CREAT, 0600), EISDIR);
	unlink(path), unlink("/tmp/flags-target");
}

static void
append(void)
{
	int a = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600), b = open(path, O_WRONLY | O_APPEND);
	char text[16] = "";

	check(write(a, "ab", 2) == 2 && write(b, "cd", 2) == 2 && write(a, "ef", 2) == 2);
	check(lseek(a, 0, SEEK_CUR) == 6 && pwrite(a, "gh", 2, 0) == 2);
	check(pread(a, text, 15, 0) == 8 && memcmp(text, "abcdefgh", 8) == 0);
	check(fcntl(a, F_SETFL, 0) == 0 && pwrite(a, "X", 1, 0) == 1 && pread(a, text, 1, 0) == 1 && text[0] == 'X');
	close(a), close(b), unlink(path);
}

static void
descriptor_limit(void)
{
	struct rlimit limit = {10, 10};
	int fd;

	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		check(fd < 10);
	check(errno == EMFILE);
	check_errno(dup(0), EMFILE);
	check_errno(dup2(0, 10), EBADF);
	check_errno(fcntl(0, F_DUPFD, 10), EINVAL);
	check(close(7) == 0 && open("/dev/null", O_RDONLY) == 7);
}

static void
loops(void)
{
	check(symlink("b", "/tmp/flags-a") == 0 && symlink("flags-a", "/tmp/flags-b") == 0);
	check(unlink("/tmp/flags-a") == 0 && symlink("flags-b", "/tmp/flags-a") == 0);
	check_errno(open("/tmp/flags-a", O_RDONLY), ELOOP);
	check_errno(open("/tmp/flags-a/x", O_RDONLY), ELOOP);
	check_errno(mkdir("/tmp/flags-a/x", 0700), ELOOP);
	unlink("/tmp/flags-a"), unlink("/tmp/flags-b");
	/* Forty links are followed, not more. */
	char from[32], to[32];
	int fd = file_make("/tmp/flags-0", 1);
	close(fd);
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "flags-%d", i - 1);
		snprintf(to, sizeof(to), "/tmp/flags-%d", i);
		check(symlink(from, to) == 0);
	}
	check(access("/tmp/flags-40", F_OK) == 0);
	check_errno(access("/tmp/flags-41", F_OK), ELOOP);
	for (int i = 0; i <= 41; i++) {
		snprintf(to, sizeof(to), "/tmp/flags-%d", i);
		unlink(to);
	}
}

static void
long_names(void)
{
	static char name[5000];

	strcpy(name, "/tmp/");
	memset(name + 5, 'n', 255);
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	check(fd >= 0 && close(fd) == 0 && unlink(name) == 0);
	name[5 + 255] = 'n', name[5 + 256] = 0;
	check_errno(open(name, O_RDWR | O_CREAT, 0600), ENAMETOOLONG);
	check_errno(mkdir(name, 0700), ENAMETOOLONG);
	check_errno(symlink("x", name), ENAMETOOLONG);
	memset(name, '/', 4095), name[4095] = 0;
	check(access(name, F_OK) == 0);
	name[4095] = '/', name[4096] = 0;
	check_errno(access(name, F_OK), ENAMETOOLONG);
	check_errno(symlink(name, path), ENAMETOOLONG);
	memset(name, 'a', 4095), name[4095] = 0;
	check_errno(access(name, F_OK), ENAMETOOLONG);
}

/* Deeper than a path can say. */
static void
deep(void)
{
	static char text[8192];
	char name[101];

	memset(name, 'd', 100), name[100] = 0;
	check(chdir("/tmp") == 0);
	for (int i = 0; i < 60; i++)
		check(mkdir(name, 0755) == 0 && chdir(name) == 0);
	check_errno(syscall(SYS_getcwd, text, sizeof(text)), ENAMETOOLONG);
	check_errno(readlink("/proc/self/cwd", text, sizeof(text)), ENAMETOOLONG);
	for (int i = 0; i < 60; i++)
		check(chdir("..") == 0 && rmdir(name) == 0);
	check(getcwd(text, sizeof(text)) && strcmp(text, "/tmp") == 0);
}

static void
copy_program(const char *to)
{
	static char page[PAGE];
	int from = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	check(from >= 0 && out >= 0);
	while ((n = read(from, page, sizeof(page))) > 0)
		check(write(out, page, n) == n);
	close(from), close(out);
}

static void
run_and_wait(void *arg)
{
	char *argv[] = {"flags", "--role=wait", arg, NULL}, *envp[] = {NULL};

	execve("/tmp/flags-program", argv, envp);
	fail("execve: errno %d", errno);
}

/* A program that runs cannot be written, one that is written cannot run. */
static void
text_busy(void)
{
	char number[16], byte;
	int ends[2], up[2];

	copy_program("/tmp/flags-program");
	check(pipe(ends) == 0 && pipe(up) == 0);
	snprintf(number, sizeof(number), "%d,%d", ends[0], up[1]);
	pid_t pid = child_start(run_and_wait, number);
	check(read(up[0], &byte, 1) == 1);
	check_errno(open("/tmp/flags-program", O_RDWR), ETXTBSY);
	check_errno(open("/tmp/flags-program", O_RDONLY | O_TRUNC), ETXTBSY);
	check_errno(truncate("/tmp/flags-program", 0), ETXTBSY);
	int fd = open("/tmp/flags-program", O_RDONLY);
	check(fd >= 0 && close(fd) == 0);
	check(rename("/tmp/flags-program", "/tmp/flags-moved") == 0 &&
	      rename("/tmp/flags-moved", "/tmp/flags-program") == 0);
	check(write(ends[1], "x", 1) == 1 && child_wait(pid) == 0);
	fd = open("/tmp/flags-program", O_RDWR);
	check(fd >= 0);
	char *argv[] = {"flags", NULL}, *envp[] = {NULL};
	check_errno(execve("/tmp/flags-program", argv, envp), ETXTBSY);
	close(fd), close(ends[0]), close(ends[1]), close(up[0]), close(up[1]), unlink("/tmp/flags-program");
}

static void
standard_links(void)
{
	char text[64];
	ssize_t n = readlink("/dev/stdin", text, sizeof(text));

	/* Linux leaves these to whatever fills /dev. */
	if (n < 0)
		return;
	check(n == 15 && memcmp(text, "/proc/self/fd/0", 15) == 0);
	int fd = file_make(path, 1), saved = dup(0);
	check(dup2(fd, 0) == 0);
	int again = open("/dev/stdin", O_RDONLY);
	char byte;
	check(again >= 0 && read(again, &byte, 1) == 1 && byte == 1);
	check(dup2(saved, 0) == 0);
	close(fd), close(saved), close(again), unlink(path);
}

const struct test_case openflags_cases[] = {
	{"O_PATH gives a place and nothing to do with it", o_path, 0, 0},
	{"O_CREAT, O_EXCL, O_NOFOLLOW and O_DIRECTORY", create_flags, 0, 0},
	{"O_APPEND goes to the end, whatever the position", append, 0, 0},
	{"RLIMIT_NOFILE bounds descriptors", descriptor_limit, 0, 0},
	{"links that lead in circles, and too many of them", loops, 0, 0},
	{"names and paths that are as long as can be, and longer", long_names, 0, 0},
	{"directories deeper than a path can say", deep, 0, 0},
	{"a program that runs cannot be written, one that is written cannot run", text_busy, 0, 0},
	{"/dev/stdin is what descriptor 0 is", standard_links, 0, 0},
	{0},
};
