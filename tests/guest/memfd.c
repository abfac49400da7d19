/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/memfd.c - files in no directory: memfd_create and its seals, O_TMPFILE
 *
 * Idea        each seal is tried on each way around it
 * Invariants  see guest.h
 * Follow      to kernel/sys_memfd.c, kernel/fs/seal.c, kernel/fs/tmpfs.c
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#endif

enum {
	CLOEXEC = 1,
	SEALING = 2,
	SEAL = 1,
	SHRINK = 2,
	GROW = 4,
	WRITE = 8,
	FUTURE_WRITE = 16,
	PUNCH = 3
};

static int
memfd(const char *name, unsigned int flags)
{
	int fd = syscall(SYS_memfd_create, name, flags);

	check(fd >= 0);
	return fd;
}

static void *
map(int fd, int prot, int flags)
{
	return mmap(NULL, PAGE, prot, flags, fd, 0);
}

static void
memfd_is_a_file(void)
{
	char text[300];
	struct stat st;
	int fd = memfd("mine", CLOEXEC);

	check(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	check(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 && st.st_nlink == 0);
	check((st.st_mode & 0777) == 0777);
	check(write(fd, "hello", 5) == 5 && pread(fd, text, 5, 0) == 5 && memcmp(text, "hello", 5) == 0);
	check(ftruncate(fd, 2 * PAGE) == 0);
	volatile char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	check(p != MAP_FAILED && p[0] == 'h');
	p[0] = 'j';
	check(pread(fd, text, 1, 0) == 1 && text[0] == 'j');
	char maps[512] = "";
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "r");
	while (fgets(maps, sizeof(maps), f))
		found |= strstr(maps, " /memfd:mine (deleted)\n") != NULL;
	fclose(f);
	check(found);
	close(fd);
	check(p[0] == 'j');
}

static void
memfd_errors(void)
{
	char name[260];

	memset(name, 'a', sizeof(name));
	name[250] = 0;
	check_errno(syscall(SYS_memfd_create, name, 0), EINVAL);
	name[249] = 0;
	close(memfd(name, 0));
	close(memfd("", 0));
	check_errno(syscall(SYS_memfd_create, "x", 0x100), EINVAL);
	check_errno(syscall(SYS_memfd_create, (char *)16, 0), EFAULT);
}

static void
seals_begin(void)
{
	int fd = memfd("a", 0), ends[2];

	check(fcntl(fd, F_GET_SEALS) == SEAL);
	check_errno(fcntl(fd, F_ADD_SEALS, WRITE), EPERM);
	close(fd);
	fd = memfd("a", SEALING);
	check(fcntl(fd, F_GET_SEALS) == 0);
	check_errno(fcntl(fd, F_ADD_SEALS, 0x100), EINVAL);
	check(fcntl(fd, F_ADD_SEALS, GROW) == 0 && fcntl(fd, F_ADD_SEALS, SHRINK) == 0);
	check(fcntl(fd, F_GET_SEALS) == (GROW | SHRINK));
	check(fcntl(fd, F_ADD_SEALS, SEAL) == 0);
	check_errno(fcntl(fd, F_ADD_SEALS, GROW), EPERM);
	check(pipe(ends) == 0);
	check_errno(fcntl(ends[0], F_GET_SEALS), EINVAL);
	close(fd), close(ends[0]), close(ends[1]);
}

static void
seal_size(void)
{
	int fd = memfd("a", SEALING);
	char data[PAGE] = {0};

	check(ftruncate(fd, PAGE) == 0 && fcntl(fd, F_ADD_SEALS, GROW) == 0);
	check_errno(ftruncate(fd, PAGE + 1), EPERM);
	check(pwrite(fd, data, 2, PAGE - 1) == 1);
	check_errno(pwrite(fd, data, 2, PAGE), EPERM);
	check_errno(fallocate(fd, 0, 0, PAGE + 1), EPERM);
	check(pwrite(fd, data, PAGE, 0) == PAGE && ftruncate(fd, 100) == 0);
	check(fcntl(fd, F_ADD_SEALS, SHRINK) == 0);
	check_errno(ftruncate(fd, 99), EPERM);
	check(ftruncate(fd, 100) == 0);
	close(fd);
}

static void
seal_write(void)
{
	int fd = memfd("a", SEALING);

	check(ftruncate(fd, PAGE) == 0 && write(fd, "abc", 3) == 3);
	void *shared = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	check(shared != MAP_FAILED);
	check_errno(fcntl(fd, F_ADD_SEALS, WRITE), EBUSY);
	check(munmap(shared, PAGE) == 0);
	/* A shared mapping that could be made writable counts; a private one does not. */
	shared = map(fd, PROT_READ, MAP_SHARED);
	check_errno(fcntl(fd, F_ADD_SEALS, WRITE), EBUSY);
	check(munmap(shared, PAGE) == 0);
	volatile char *private = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	check(private != MAP_FAILED && fcntl(fd, F_ADD_SEALS, WRITE) == 0);
	check_errno(write(fd, "x", 1), EPERM);
	check_errno(fallocate(fd, PUNCH, 0, PAGE), EPERM);
	check_errno((long)map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), EPERM);
	private[0] = 'z';
	char byte;
	check(pread(fd, &byte, 1, 0) == 1 && byte == 'a');
	check(ftruncate(fd, 2 * PAGE) == 0);
	close(fd);
}

static void
hold_mapping(void *arg)
{
	volatile int *word = arg;

	announce(&word[0]);
	await(&word[1], 1);
}

/* A mapping of another process counts too. */
static void
seal_other(void)
{
	volatile int *word = (volatile int *)map_shared(PAGE);
	int fd = memfd("a", SEALING);

	check(ftruncate(fd, PAGE) == 0);
	void *shared = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	pid_t pid = child_start(hold_mapping, (void *)word);
	await(&word[0], 1);
	check(munmap(shared, PAGE) == 0);
	check_errno(fcntl(fd, F_ADD_SEALS, WRITE), EBUSY);
	announce(&word[1]);
	check(child_wait(pid) == 0);
	check(fcntl(fd, F_ADD_SEALS, WRITE) == 0);
	close(fd);
}

static void
seal_future(void)
{
	int fd = memfd("a", SEALING);

	check(ftruncate(fd, PAGE) == 0);
	volatile char *before = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	check(fcntl(fd, F_ADD_SEALS, FUTURE_WRITE) == 0);
	before[0] = 'x';
	check_errno(pwrite(fd, "y", 1, 0), EPERM);
	check_errno((long)map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), EPERM);
	volatile char *after = map(fd, PROT_READ, MAP_SHARED);
	check(after != MAP_FAILED && after[0] == 'x');
	check_errno(mprotect((void *)after, PAGE, PROT_READ | PROT_WRITE), EACCES);
	close(fd);
}

static const char *const dir = "/tmp/nameless";

static void
tmpfile_linked(void)
{
	char text[64] = "";
	struct stat st;

	check(mkdir(dir, 0755) == 0 && mount("none", dir, "tmpfs", 0, NULL) == 0);
	int fd = open(dir, O_TMPFILE | O_RDWR, 0640);
	check(fd >= 0 && write(fd, "abc", 3) == 3 && fstat(fd, &st) == 0 && st.st_nlink == 0);
	check((st.st_mode & 07777) == 0640);
	check(linkat(fd, "", AT_FDCWD, "/tmp/nameless/x", AT_EMPTY_PATH) == 0);
	check(fstat(fd, &st) == 0 && st.st_nlink == 1);
	int again = open("/tmp/nameless/x", O_RDONLY);
	check(read(again, text, 10) == 3 && memcmp(text, "abc", 3) == 0);
	close(again), close(fd), unlink("/tmp/nameless/x");
	fd = open(dir, O_TMPFILE | O_EXCL | O_RDWR, 0600);
	check_errno(linkat(fd, "", AT_FDCWD, "/tmp/nameless/x", AT_EMPTY_PATH), ENOENT);
	close(fd);
	check_errno(open(dir, O_TMPFILE | O_RDONLY, 0600), EINVAL);
	check_errno(open("/tmp/nameless/none", O_TMPFILE | O_RDWR, 0600), ENOENT);
	check_errno(open("/dev/null", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	check(umount(dir) == 0 && rmdir(dir) == 0);
}

const struct test_case memfd_cases[] = {
	{"a memfd is a file without a name", memfd_is_a_file, 0, 0},
	{"memfd_create's errors", memfd_errors, 0, 0},
	{"seals are only added, until they are sealed", seals_begin, 0, 0},
	{"a sealed size stays", seal_size, 0, 0},
	{"a file sealed against writing is written in no way", seal_write, 0, 0},
	{"the mapping of another process keeps a file from being sealed", seal_other, 0, CASE_SMP},
	{"a seal against future writing leaves old mappings alone", seal_future, 0, 0},
	{"O_TMPFILE makes a file that link may name", tmpfile_linked, 0, 0},
	{0},
};
