/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/names.c - what a file is called: links of /proc, names of mappings, after renames and when none is left
 *
 * Idea        ask for a name before and after what changes it
 * Invariants  see guest.h
 * Follow      to kernel/fs/names.c, kernel/fs/procfs.c
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const char *const dir = "/tmp/names";

/* The text of a link; ends the case when it is none. */
static const char *
link_text(const char *path)
{
	static char text[4096];
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	check(n > 0);
	text[n] = 0;
	return text;
}

/* What comes last in the line of /proc/self/maps for the mapping that holds @start; "" without a name. */
static const char *
maps_name(volatile void *start, char perms[5], unsigned long *ino)
{
	static char line[4600];
	static char name[4600];
	unsigned long from, to;
	FILE *f = fopen("/proc/self/maps", "r");

	check(f);
	while (fgets(line, sizeof(line), f)) {
		name[0] = 0;
		if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %lu %[^\n]", &from, &to, perms, ino, name) >= 4 &&
		    from <= (unsigned long)start && (unsigned long)start < to) {
			fclose(f);
			return name;
		}
	}
	fclose(f);
	fail("nothing is mapped at %p", start);
}

static void
name_is(volatile void *start, const char *name, unsigned long ino)
{
	unsigned long number;
	char perms[5];
	const char *got = maps_name(start, perms, &number);

	if (strcmp(got, name) != 0)
		fail("the mapping is called '%s', not '%s'", got, name);
	check(!ino || number == ino);
}

static void
exe_link(void)
{
	char text[4096];
	struct stat a, b;
	int fd;

	snprintf(text, sizeof(text), "/proc/%d/exe", getpid());
	check(strcmp(link_text("/proc/self/exe"), link_text(text)) == 0);
	check(stat("/proc/self/exe", &a) == 0 && S_ISREG(a.st_mode));
	check(stat(link_text("/proc/self/exe"), &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	check(lstat("/proc/self/exe", &a) == 0 && S_ISLNK(a.st_mode));
	check_errno(open("/proc/self/exe", O_RDONLY | O_NOFOLLOW), ELOOP);
	fd = open("/proc/self/exe", O_RDONLY);
	check(fd >= 0 && read(fd, text, 4) == 4 && memcmp(text, "\177ELF", 4) == 0);
	close(fd);
}

static void
copy_self(const char *to)
{
	int from = open("/proc/self/exe", O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	char page[PAGE];
	ssize_t n;

	check(from >= 0 && out >= 0);
	while ((n = read(from, page, sizeof(page))) > 0)
		check(write(out, page, n) == n);
	check(n == 0);
	close(from), close(out);
}

static void
run_role(const char *path, const char *role)
{
	char *argv[] = {"names", (char *)role, NULL};
	char *envp[] = {NULL};

	execve(path, argv, envp);
	fail("execve of %s gave errno %d", path, errno);
}

static void
again_by_exe(void *arg)
{
	(void)arg;
	run_role("/proc/self/exe", "--role=status");
}

static void
exec_exe(void)
{
	check(child_run(again_by_exe, NULL) == 0);
}

static void
run_copy(void *arg)
{
	(void)arg;
	run_role("/tmp/names-copy", "--role=exe");
}

static void
exec_exe_unlinked(void)
{
	copy_self("/tmp/names-copy");
	check(child_run(run_copy, NULL) == 0);
	check_errno(access("/tmp/names-copy", F_OK), ENOENT);
}

static void
cwd_root_links(void)
{
	char text[4096];

	check(mkdir(dir, 0755) == 0 && mkdir("/tmp/names/in", 0755) == 0);
	check(chdir("/tmp/names/in") == 0);
	check(strcmp(link_text("/proc/self/cwd"), "/tmp/names/in") == 0);
	check(strcmp(link_text("/proc/self/root"), "/") == 0);
	check(rename("/tmp/names", "/tmp/names2") == 0);
	check(strcmp(link_text("/proc/self/cwd"), "/tmp/names2/in") == 0);
	check(getcwd(text, sizeof(text)) && strcmp(text, "/tmp/names2/in") == 0);
	check(rmdir("/tmp/names2/in") == 0);
	check(strcmp(link_text("/proc/self/cwd"), "/tmp/names2/in (deleted)") == 0);
	check_errno(syscall(SYS_getcwd, text, sizeof(text)), ENOENT);
	/* Gone from its parent, but ".." still leads there, and nothing can be made in it. */
	check_errno(open("x", O_RDWR | O_CREAT, 0600), ENOENT);
	check(chdir("..") == 0 && getcwd(text, sizeof(text)) && strcmp(text, "/tmp/names2") == 0);
	check(rmdir("/tmp/names2") == 0);
}

static void
zombie_exe(void)
{
	char text[64];
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	siginfo_t info;
	check(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	snprintf(text, sizeof(text), "/proc/%d/exe", pid);
	check_errno(readlink(text, (char[64]){0}, 64), ENOENT);
	check(waitpid(pid, NULL, 0) == pid);
}

static void
mapped_file(void)
{
	const char *path = "/tmp/names-map";
	int fd = file_make(path, 2 * PAGE);
	struct stat st;

	check(fstat(fd, &st) == 0);
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	close(fd);
	name_is(p, path, st.st_ino);
	check(rename(path, "/tmp/names-map2") == 0);
	name_is(p, "/tmp/names-map2", st.st_ino);
	check(unlink("/tmp/names-map2") == 0);
	name_is(p, "/tmp/names-map2 (deleted)", st.st_ino);
	check(*p == 1);
}

static void
mapped_below_rename(void)
{
	check(mkdir(dir, 0755) == 0);
	int fd = file_make("/tmp/names/f", PAGE);
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	check(p != MAP_FAILED);
	check(rename(dir, "/tmp/other") == 0);
	name_is(p, "/tmp/other/f", 0);
	check(unlink("/tmp/other/f") == 0 && rmdir("/tmp/other") == 0);
	name_is(p, "/tmp/other/f (deleted)", 0);
	close(fd);
}

static void
mapped_anonymous(void)
{
	volatile unsigned char *shared = map_shared(2 * PAGE);
	volatile unsigned char *private = map_private(PAGE);
	unsigned long ino, other;
	char perms[5];

	name_is(shared, "/dev/zero (deleted)", 0);
	maps_name(shared, perms, &ino);
	check(strcmp(perms, "rw-s") == 0 && ino);
	maps_name(private, perms, &other);
	name_is(private, "", 0);
	check(strcmp(perms, "rw-p") == 0 && other == 0);
}

static void
newline(void)
{
	const char *path = "/tmp/names\nline";
	int fd = file_make(path, PAGE);
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	check(p != MAP_FAILED);
	close(fd);
	name_is(p, "/tmp/names\\012line", 0);
	check(unlink(path) == 0);
}

/* The first name goes: the other one is left. */
static void
hard_links(void)
{
	int fd = file_make("/tmp/names-a", PAGE);
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	check(p != MAP_FAILED);
	check(link("/tmp/names-a", "/tmp/names-b") == 0);
	name_is(p, "/tmp/names-a", 0);
	check(unlink("/tmp/names-b") == 0);
	name_is(p, "/tmp/names-a", 0);
	check(unlink("/tmp/names-a") == 0);
	name_is(p, "/tmp/names-a (deleted)", 0);
	close(fd);
}

static void
replaced(void)
{
	int fd = file_make("/tmp/names-a", PAGE);
	int by = file_make("/tmp/names-b", PAGE);
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	volatile unsigned char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, by, 0);

	check(p != MAP_FAILED && q != MAP_FAILED);
	check(rename("/tmp/names-b", "/tmp/names-a") == 0);
	name_is(p, "/tmp/names-a (deleted)", 0);
	name_is(q, "/tmp/names-a", 0);
	close(fd), close(by);
	check(unlink("/tmp/names-a") == 0);
}

/* A mapped file keeps its file system busy, when nothing else does any more. */
static void
mapped_busy(void)
{
	check(mkdir(dir, 0755) == 0);
	check(mount("none", dir, "tmpfs", 0, NULL) == 0);
	int fd = file_make("/tmp/names/f", PAGE);
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	close(fd);
	check_errno(umount(dir), EBUSY);
	check(unlink("/tmp/names/f") == 0);
	check_errno(umount(dir), EBUSY);
	check(*p == 1);
	name_is(p, "/tmp/names/f (deleted)", 0);
	check(munmap((void *)p, PAGE) == 0);
	check(umount(dir) == 0 && rmdir(dir) == 0);
}

static void
map_and_fork(void *arg)
{
	volatile unsigned char *p = arg;

	check(*p == 1);
	check(munmap((void *)p, PAGE) == 0);
}

static void
mapped_by_child(void)
{
	int fd = file_make("/tmp/names-map", PAGE);
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	check(p != MAP_FAILED);
	close(fd);
	check(unlink("/tmp/names-map") == 0);
	for (int i = 0; i < 20; i++)
		check(child_run(map_and_fork, (void *)p) == 0);
	name_is(p, "/tmp/names-map (deleted)", 0);
}

/* A pipe without a name has an inode all the same: it is opened anew through its descriptor. */
static void
pipe_again(void)
{
	char path[32], want[64], byte;
	struct stat st, again;
	int ends[2];

	check(pipe(ends) == 0 && fstat(ends[0], &st) == 0 && S_ISFIFO(st.st_mode) && st.st_ino);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	snprintf(want, sizeof(want), "pipe:[%lu]", (unsigned long)st.st_ino);
	check(strcmp(link_text(path), want) == 0);
	check(stat(path, &again) == 0 && again.st_ino == st.st_ino && again.st_dev == st.st_dev);
	int writer = open(path, O_WRONLY), reader = open(path, O_RDONLY);
	check(writer >= 0 && reader >= 0);
	check(write(writer, "a", 1) == 1 && read(ends[0], &byte, 1) == 1 && byte == 'a');
	check(write(ends[1], "b", 1) == 1 && read(reader, &byte, 1) == 1 && byte == 'b');
	close(ends[1]), close(writer);
	int late = open(path, O_RDONLY); /* waits for no writer, as a FIFO would */
	check(late >= 0 && read(late, &byte, 1) == 0 && close(late) == 0);
	check(read(reader, &byte, 1) == 0 && read(ends[0], &byte, 1) == 0);
	close(ends[0]), close(reader);
}

const struct test_case names_cases[] = {
	{"/proc/self/exe names the program and opens it", exe_link, 0, 0},
	{"execve of /proc/self/exe runs the program anew", exec_exe, 0, 0},
	{"execve of /proc/self/exe works when the program was unlinked", exec_exe_unlinked, 0, 0},
	{"cwd and root of /proc follow renames and removal", cwd_root_links, 0, 0},
	{"a zombie has no exe", zombie_exe, 0, 0},
	{"a mapping has the name of its file, closed, renamed, unlinked", mapped_file, 0, 0},
	{"a mapping's name follows a rename of the directory", mapped_below_rename, 0, 0},
	{"anonymous shared memory is /dev/zero (deleted), private memory has no name", mapped_anonymous, 0, 0},
	{"a line's end in a name does not end the line", newline, 0, 0},
	{"of two hard links the one that is left names the file", hard_links, 0, 0},
	{"a file that a rename replaced is deleted, the other bears the name", replaced, 0, 0},
	{"a file system with a mapped file is busy, linked or not", mapped_busy, 0, 0},
	{"a pipe is opened anew through /proc/self/fd", pipe_again, 0, 0},
	{"children that map and unmap an unlinked file leave its name alone", mapped_by_child, 0, CASE_SMP},
	{0},
};
