/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/file.c - files in memory, descriptors, and a few devices
 *
 * Idea        as much of files as programs of this tree need, with Linux's errno
 * Invariants  see guest.h
 * Follow      to kernel/sys_fs.c, kernel/fs/tmpfs.c
 */
#include "guest.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static const char *const path = "/tmp/file";

static void
write_and_read(void)
{
	char text[32] = {0};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	check(fd >= 0);
	check(write(fd, "hello, world", 12) == 12);
	check(lseek(fd, 0, SEEK_SET) == 0 && read(fd, text, 5) == 5 && memcmp(text, "hello", 5) == 0);
	check(lseek(fd, 2, SEEK_CUR) == 7 && read(fd, text, 32) == 5 && memcmp(text, "world", 5) == 0);
	check(read(fd, text, 32) == 0);
	check(lseek(fd, -5, SEEK_END) == 7);
	check(pwrite(fd, "W", 1, 7) == 1 && pread(fd, text, 5, 7) == 5 && memcmp(text, "World", 5) == 0);
	check(lseek(fd, 0, SEEK_CUR) == 7);
	check(close(fd) == 0 && unlink(path) == 0);
}

static void
open_errors(void)
{
	check_errno(open("/tmp/nothing", O_RDONLY), ENOENT);
	check_errno(open("/nowhere/at/all", O_RDWR | O_CREAT, 0600), ENOENT);
	check_errno(open("", O_RDONLY), ENOENT);
	check_errno(open((char *)16, O_RDONLY), EFAULT);
	check_errno(open("/tmp", O_RDWR), EISDIR);
	int fd = file_make(path, 1);
	check_errno(open(path, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	check_errno(open("/tmp/file/below", O_RDONLY), ENOTDIR);
	check_errno(open(path, O_RDONLY | O_DIRECTORY), ENOTDIR);
	close(fd), unlink(path);
	char name[400];
	memset(name, 'a', sizeof(name));
	memcpy(name, "/tmp/", 5);
	name[399] = 0;
	check_errno(open(name, O_RDWR | O_CREAT, 0600), ENAMETOOLONG);
}

static void
descriptor_errors(void)
{
	char byte;

	check_errno(close(99), EBADF);
	check_errno(close(-1), EBADF);
	check_errno(read(99, &byte, 1), EBADF);
	check_errno(write(-5, &byte, 1), EBADF);
	check_errno(lseek(99, 0, SEEK_SET), EBADF);
	check_errno(dup(99), EBADF);
	check_errno(dup2(99, 5), EBADF);
	check_errno(dup2(0, -1), EBADF);
	check_errno(dup2(0, 1 << 30), EBADF);
	int fd = file_make(path, 1);
	int read_only = open(path, O_RDONLY);
	int write_only = open(path, O_WRONLY);
	check_errno(write(read_only, &byte, 1), EBADF);
	check_errno(read(write_only, &byte, 1), EBADF);
	check_errno(lseek(fd, -1, SEEK_SET), EINVAL);
	check_errno(lseek(fd, 0, 77), EINVAL);
	check_errno(pread(fd, &byte, 1, -1), EINVAL);
	close(fd), close(read_only), close(write_only), unlink(path);
	check_errno(read(fd, &byte, 1), EBADF);
}

static void
bad_memory(void)
{
	int fd = file_make(path, 2 * PAGE);
	volatile unsigned char *p = map_private(2 * PAGE);

	check(munmap((void *)(p + PAGE), PAGE) == 0);
	check_errno(pread(fd, (void *)16, 1, 0), EFAULT);
	check_errno(pwrite(fd, (void *)0xffff800000000000, 1, 0), EFAULT);
	check_errno(pread(fd, (void *)0xffffffff80000000, 1, 0), EFAULT);
	check_errno(pwrite(fd, (void *)-8L, 16, 0), EFAULT);
	/* Half of the buffer is there: so much is read, or nothing. */
	long n = pread(fd, (void *)(p + PAGE - 100), 200, 0);
	check(n == 100 || (n == -1 && errno == EFAULT));
	n = pwrite(fd, (void *)(p + PAGE - 100), 200, 0);
	check(n == 100 || (n == -1 && errno == EFAULT));
	close(fd), unlink(path);
}

static void
vectors(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char a[4] = {0}, b[4] = {0};
	struct iovec out[3] = {{"abc", 3}, {"", 0}, {"defg", 4}};
	struct iovec in[2] = {{a, 2}, {b, 4}};

	check(writev(fd, out, 3) == 7);
	check(lseek(fd, 0, SEEK_SET) == 0);
	check(readv(fd, in, 2) == 6 && memcmp(a, "ab", 2) == 0 && memcmp(b, "cdef", 4) == 0);
	check_errno(syscall(SYS_writev, fd, out, -1), EINVAL);
	check_errno(syscall(SYS_writev, fd, out, 2000), EINVAL);
	check_errno(syscall(SYS_writev, fd, 16, 2), EFAULT);
	out[0].iov_len = -1;
	check_errno(syscall(SYS_writev, fd, out, 2), EINVAL);
	check(writev(fd, out, 0) == 0);
	close(fd), unlink(path);
}

static void
sparse(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char byte = 1;
	struct stat st;

	check(pwrite(fd, "x", 1, 10 * MIB) == 1);
	check(fstat(fd, &st) == 0 && st.st_size == 10 * MIB + 1);
	check(pread(fd, &byte, 1, 5 * MIB) == 1 && byte == 0);
	check(ftruncate(fd, 100) == 0 && fstat(fd, &st) == 0 && st.st_size == 100);
	check(pread(fd, &byte, 1, 100) == 0);
	check_errno(ftruncate(fd, -1), EINVAL);
	close(fd), unlink(path);
}

/* What a truncation cut off must read as zeros when the file grows again. */
static void
truncate_zeroes(void)
{
	int fd = file_make(path, 2 * PAGE);
	unsigned char byte;

	check(ftruncate(fd, 10) == 0 && ftruncate(fd, 2 * PAGE) == 0);
	check(pread(fd, &byte, 1, 9) == 1 && byte == 1);
	check(pread(fd, &byte, 1, 10) == 1 && byte == 0);
	check(pread(fd, &byte, 1, PAGE) == 1 && byte == 0);
	close(fd), unlink(path);
}

static void
append(void)
{
	int fd = file_make(path, 1);
	int other = open(path, O_WRONLY | O_APPEND);
	char text[4];

	check(write(other, "bc", 2) == 2);
	check(pread(fd, text, 4, 0) == 3 && text[0] == 1 && text[1] == 'b');
	close(fd), close(other), unlink(path);
}

static void
lives_without_name(void)
{
	int fd = file_make(path, PAGE);
	unsigned char byte;

	check(unlink(path) == 0);
	check_errno(open(path, O_RDONLY), ENOENT);
	check(pread(fd, &byte, 1, 0) == 1 && byte == 1);
	check_errno(unlink(path), ENOENT);
	close(fd);
}

static void
directories(void)
{
	struct stat st;

	check(mkdir("/tmp/dir", 0755) == 0);
	check_errno(mkdir("/tmp/dir", 0755), EEXIST);
	check(stat("/tmp/dir", &st) == 0 && S_ISDIR(st.st_mode));
	close(file_make("/tmp/dir/x", 1));
	check_errno(rmdir("/tmp/dir"), ENOTEMPTY);
	check_errno(unlink("/tmp/dir"), EISDIR);
	check(unlink("/tmp/dir/x") == 0 && rmdir("/tmp/dir") == 0);
	check_errno(stat("/tmp/dir", &st), ENOENT);
}

static void
duplicates(void)
{
	int fd = file_make(path, 10);
	char byte;

	int copy = dup(fd);
	check(copy > fd);
	check(lseek(fd, 4, SEEK_SET) == 4 && lseek(copy, 0, SEEK_CUR) == 4);
	check(dup2(fd, 50) == 50 && dup2(fd, fd) == fd);
	check(close(fd) == 0 && read(50, &byte, 1) == 1 && lseek(copy, 0, SEEK_CUR) == 5);
	close(copy), close(50), unlink(path);
}

static void
child_reads_on(void *arg)
{
	char byte;

	check(read(*(int *)arg, &byte, 1) == 1);
	close(*(int *)arg);
}

static void
shared_over_fork(void)
{
	int fd = file_make(path, 10);

	check(lseek(fd, 0, SEEK_SET) == 0);
	child_must_live(child_reads_on, &fd);
	check(lseek(fd, 0, SEEK_CUR) == 1);
	close(fd), unlink(path);
}

static void
lowest_descriptor(void)
{
	int a = open("/dev/null", O_RDWR);
	int b = open("/dev/null", O_RDWR);

	check(b > a && close(a) == 0);
	check(open("/dev/null", O_RDWR) == a);
	close(a), close(b);
}

static void
too_many_descriptors(void)
{
	int n = 0;

	/* RLIMIT_NOFILE is 1024 unless somebody raised it. */
	while (n < 100000 && open("/dev/null", O_RDONLY) >= 0)
		n++;
	check(errno == EMFILE && n >= 100);
}

static void
devices(void)
{
	char page[100];
	int null = open("/dev/null", O_RDWR);
	int zero = open("/dev/zero", O_RDWR);

	check(null >= 0 && zero >= 0);
	check(write(null, page, 100) == 100 && read(null, page, 100) == 0);
	memset(page, 1, sizeof(page));
	check(read(zero, page, 100) == 100 && page[0] == 0 && page[99] == 0);
	check(write(zero, page, 100) == 100);
	check_errno(read(zero, (void *)16, 8), EFAULT);
	close(null), close(zero);
}

static void
big_file(void)
{
	enum {
		BYTES = 4 * MIB
	};
	int fd = file_make(path, BYTES);
	unsigned char page[PAGE];
	long before = free_pages();

	for (int i = 0; i < BYTES / PAGE; i++)
		check(pread(fd, page, PAGE, (long)i * PAGE) == PAGE && page[7] == (unsigned char)(i + 1));
	close(fd), unlink(path);
	check(free_pages() - before > BYTES / PAGE / 2);
}

const struct test_case file_cases[] = {
	{"what is written to a file is read back, at any offset", write_and_read, 0, 0},
	{"open gives Linux's errno for each misuse", open_errors, 0, 0},
	{"descriptors give Linux's errno for each misuse", descriptor_errors, 0, 0},
	{"reads and writes give EFAULT for bad memory", bad_memory, 0, 0},
	{"readv and writev go over several buffers", vectors, 0, 0},
	{"a hole in a file reads as zeros", sparse, 0, 0},
	{"what truncation cut off reads as zeros", truncate_zeroes, 0, 0},
	{"O_APPEND writes at the end", append, 0, 0},
	{"a file without name lives until it is closed", lives_without_name, 0, 0},
	{"directories are made and removed", directories, 0, 0},
	{"duplicates of a descriptor share its offset", duplicates, 0, 0},
	{"a child shares its parent's offsets", shared_over_fork, 0, 0},
	{"open gives the lowest free descriptor", lowest_descriptor, 0, 0},
	{"one descriptor too many gives EMFILE", too_many_descriptors, 0, 0},
	{"/dev/null and /dev/zero do what they are for", devices, 0, 0},
	{"a file of megabytes is kept, and its memory comes back", big_file, 0, 0},
	{0},
};
