/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/fallocate.c - the space of a file: taken before it is written, given back from the middle, limited
 *
 * Idea        a fresh tmpfs of known size; its figures are those of statfs
 * Invariants  see guest.h
 * Follow      to kernel/sys_alloc.c, kernel/fs/tmpfs_alloc.c, mm/pagecache.c
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

enum {
	KEEP_SIZE = 1,
	PUNCH_HOLE = 2,
	PAGES = 64 /* of the file system */
};

static const char *const dir = "/tmp/space";
static const char *const path = "/tmp/space/f";

static int
space_make(void)
{
	check(mkdir(dir, 0755) == 0 && mount("none", dir, "tmpfs", 0, "size=256k") == 0);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	check(fd >= 0);
	return fd;
}

static void
space_end(int fd)
{
	close(fd);
	check(umount(dir) == 0 && rmdir(dir) == 0);
}

static long
pages_free(void)
{
	struct statfs s;

	check(statfs(dir, &s) == 0 && s.f_bsize == PAGE && s.f_blocks == PAGES && s.f_bavail == s.f_bfree);
	return s.f_bfree;
}

static long
blocks(int fd)
{
	struct stat st;

	check(fstat(fd, &st) == 0);
	return st.st_blocks / 8;
}

static long
size(int fd)
{
	struct stat st;

	check(fstat(fd, &st) == 0);
	return st.st_size;
}

static void
takes_space(void)
{
	int fd = space_make();
	long before = pages_free();
	char byte = 1;

	check(fallocate(fd, 0, PAGE + 5, 2 * PAGE) == 0);
	check(size(fd) == 3 * PAGE + 5 && blocks(fd) == 3 && pages_free() == before - 3);
	check(pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 0);
	check(pwrite(fd, "x", 1, 2 * PAGE) == 1 && fallocate(fd, 0, 0, 2 * PAGE + 1) == 0);
	check(size(fd) == 3 * PAGE + 5 && pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 'x');
	check(fallocate(fd, KEEP_SIZE, 0, 10 * PAGE) == 0 && size(fd) == 3 * PAGE + 5 && blocks(fd) == 10);
	check(ftruncate(fd, 3 * PAGE + 5) == 0);
	check(ftruncate(fd, 0) == 0 && blocks(fd) == 0 && pages_free() == before);
	space_end(fd);
}

static void
no_space(void)
{
	int fd = space_make();
	long before = pages_free();

	check_errno(fallocate(fd, 0, 0, (PAGES + 1) * PAGE), ENOSPC);
	check(size(fd) == 0 && pages_free() == before);
	check(fallocate(fd, 0, 0, before * PAGE) == 0 && pages_free() == 0);
	int other = open("/tmp/space/g", O_RDWR | O_CREAT, 0600);
	check_errno(write(other, "x", 1), ENOSPC);
	check(pwrite(fd, "x", 1, 5 * PAGE) == 1);
	close(other);
	space_end(fd);
}

/* A write is cut where the space ends, and the next one fails. */
static void
partial_write(void)
{
	static char data[8 * PAGE];
	int fd = space_make();
	long before = pages_free();

	memset(data, 7, sizeof(data));
	check(fallocate(fd, 0, 0, (before - 3) * PAGE) == 0);
	int other = open("/tmp/space/g", O_RDWR | O_CREAT, 0600);
	check(write(other, data, sizeof(data)) == 3 * PAGE && size(other) == 3 * PAGE);
	check_errno(write(other, data, sizeof(data)), ENOSPC);
	check(ftruncate(fd, 0) == 0 && write(other, data, sizeof(data)) == sizeof(data));
	close(other);
	space_end(fd);
}

static void
holes(void)
{
	int fd = space_make();
	static unsigned char data[6 * PAGE];
	unsigned char byte;

	memset(data, 7, sizeof(data));
	check(write(fd, data, sizeof(data)) == sizeof(data) && blocks(fd) == 6);
	volatile unsigned char *p = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED && p[2 * PAGE] == 7);
	check(fallocate(fd, PUNCH_HOLE | KEEP_SIZE, PAGE + 100, 3 * PAGE) == 0);
	check(size(fd) == 6 * PAGE && blocks(fd) == 4);
	check(p[PAGE + 99] == 7 && p[PAGE + 100] == 0 && p[2 * PAGE] == 0 && p[4 * PAGE + 99] == 0 &&
	      p[4 * PAGE + 100] == 7);
	check(pread(fd, &byte, 1, 3 * PAGE) == 1 && byte == 0);
	p[3 * PAGE] = 9;
	check(pread(fd, &byte, 1, 3 * PAGE) == 1 && byte == 9);
	check(fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 10, 20) == 0);
	check(p[9] == 7 && p[10] == 0 && p[29] == 0 && p[30] == 7);
	check(fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 5 * PAGE, 100 * PAGE) == 0);
	check(size(fd) == 6 * PAGE && p[5 * PAGE] == 0);
	check(munmap((void *)p, 6 * PAGE) == 0);
	space_end(fd);
}

static void
fallocate_errors(void)
{
	int fd = space_make(), ends[2];
	int read_only = open(path, O_RDONLY), dir_fd = open(dir, O_RDONLY), null = open("/dev/null", O_RDWR);

	check(pipe(ends) == 0);
	check_errno(fallocate(fd, 0, 0, 0), EINVAL);
	check_errno(fallocate(fd, 0, -1, 1), EINVAL);
	check_errno(fallocate(fd, PUNCH_HOLE, 0, 1), EOPNOTSUPP);
	check_errno(fallocate(fd, 8, 0, PAGE), EOPNOTSUPP);
	check_errno(fallocate(fd, 0x1000, 0, 1), EOPNOTSUPP);
	check_errno(fallocate(read_only, 0, 0, 1), EBADF);
	check_errno(fallocate(99, 0, 0, 1), EBADF);
	check_errno(fallocate(ends[1], 0, 0, 1), ESPIPE);
	check_errno(fallocate(dir_fd, 0, 0, 1), EBADF);
	check_errno(fallocate(null, 0, 0, 1), ENODEV);
	check_errno(fallocate(fd, 0, 1, 0x7fffffffffffffff), EFBIG);
	close(read_only), close(dir_fd), close(null), close(ends[0]), close(ends[1]);
	space_end(fd);
}

static void
size_limit(void)
{
	struct rlimit limit = {PAGE + 10, PAGE + 10};
	static char data[2 * PAGE];
	int fd = file_make("/tmp/limited", 1);

	signal(SIGXFSZ, SIG_IGN);
	check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	check(pwrite(fd, data, sizeof(data), 0) == PAGE + 10);
	check_errno(pwrite(fd, "x", 1, PAGE + 10), EFBIG);
	check_errno(ftruncate(fd, PAGE + 11), EFBIG);
	check(ftruncate(fd, PAGE + 10) == 0 && ftruncate(fd, 0) == 0);
	close(fd), unlink("/tmp/limited");
}

static void
size_limit_kills(void)
{
	struct rlimit limit = {10, 10};
	int fd = file_make("/tmp/limited", 1);

	unlink("/tmp/limited");
	check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	check(pwrite(fd, "0123456789ab", 12, 0) == 10);
	pwrite(fd, "x", 1, 10);
}

/* A file of a terabyte, of which two pages exist. */
static void
sparse(void)
{
	const off_t far = 1L << 40;
	int fd = space_make();
	unsigned char byte = 1;

	check(pwrite(fd, "x", 1, far) == 1 && pwrite(fd, "y", 1, far / 2) == 1);
	check(size(fd) == far + 1 && blocks(fd) == 2);
	check(pread(fd, &byte, 1, far / 2) == 1 && byte == 'y' && pread(fd, &byte, 1, far / 4) == 1 && byte == 0);
	check(ftruncate(fd, far) == 0 && blocks(fd) == 1);
	check(ftruncate(fd, 0x7fffffffffffffff) == 0 && size(fd) == 0x7fffffffffffffff);
	check_errno(pwrite(fd, "x", 1, 0x7fffffffffffffff), EINVAL);
	check(ftruncate(fd, far / 2) == 0 && blocks(fd) == 0);
	space_end(fd);
}

const struct test_case fallocate_cases[] = {
	{"fallocate takes space, with and without a new size", takes_space, 0, 0},
	{"fallocate takes all or nothing when space is short", no_space, 0, 0},
	{"a write is cut where the space ends", partial_write, 0, 0},
	{"holes give pages back, and mappings show zeroes", holes, 0, 0},
	{"fallocate's errors", fallocate_errors, 0, 0},
	{"RLIMIT_FSIZE cuts writes and refuses to grow", size_limit, 0, 0},
	{"a write past RLIMIT_FSIZE kills", size_limit_kills, SIGXFSZ, 0},
	{"a terabyte of holes", sparse, 0, 0},
	{0},
};
