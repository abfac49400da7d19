/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/sendfile.c - bytes from file to file, vectors with flags, and the calls about devices
 *
 * Idea        copy, then look at the bytes and at both positions
 * Invariants  see guest.h
 * Follow      to kernel/sys_copy.c, kernel/sys_rw.c, kernel/sys_sync.c
 */
#include "guest.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static const char *const from = "/tmp/send-from";
static const char *const to = "/tmp/send-to";

static void
two_files(int *in, int *out, size_t bytes)
{
	*in = file_make(from, bytes);
	*out = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
	check(*out >= 0 && lseek(*in, 0, SEEK_SET) == 0);
}

static void
done(int in, int out)
{
	close(in), close(out), unlink(from), unlink(to);
}

static unsigned char
byte_at(int fd, off_t pos)
{
	unsigned char byte = 0;

	check(pread(fd, &byte, 1, pos) == 1);
	return byte;
}

static void
file_to_file(void)
{
	int in, out;
	off_t offset = PAGE - 3;

	two_files(&in, &out, 5 * PAGE + 100);
	check(sendfile(out, in, NULL, 3 * PAGE + 10) == 3 * PAGE + 10);
	check(lseek(in, 0, SEEK_CUR) == 3 * PAGE + 10 && lseek(out, 0, SEEK_CUR) == 3 * PAGE + 10);
	check(byte_at(out, 0) == 1 && byte_at(out, PAGE) == 2 && byte_at(out, 3 * PAGE + 9) == 4);
	check(sendfile(out, in, NULL, 100 * PAGE) == 2 * PAGE + 90);
	check(sendfile(out, in, NULL, 100) == 0);
	check(lseek(out, 0, SEEK_SET) == 0 && sendfile(out, in, &offset, 7) == 7);
	check(offset == PAGE + 4 && lseek(in, 0, SEEK_CUR) == 5 * PAGE + 100);
	check(byte_at(out, 2) == 1 && byte_at(out, 3) == 2);
	done(in, out);
}

static void
file_to_pipe(void)
{
	unsigned char page[2 * PAGE];
	int in, out, ends[2];

	two_files(&in, &out, 2 * PAGE);
	check(pipe(ends) == 0 && sendfile(ends[1], in, NULL, 2 * PAGE) == 2 * PAGE);
	check(read(ends[0], page, sizeof(page)) == 2 * PAGE && page[0] == 1 && page[PAGE] == 2);
	/* What does not fit is not read. */
	check(ftruncate(in, 40 * PAGE) == 0 && lseek(in, 0, SEEK_SET) == 0);
	check(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
	ssize_t n = sendfile(ends[1], in, NULL, 40 * PAGE);
	check(n > 0 && n <= 16 * PAGE && lseek(in, 0, SEEK_CUR) == n);
	check_errno(sendfile(ends[1], in, NULL, PAGE), EAGAIN);
	close(ends[0]), close(ends[1]);
	done(in, out);
}

static void
sendfile_errors(void)
{
	int in, out, ends[2];
	off_t minus = -1;

	two_files(&in, &out, PAGE);
	int read_only = open(to, O_RDONLY), write_only = open(from, O_WRONLY), append = open(to, O_WRONLY | O_APPEND);
	check(pipe(ends) == 0);
	check_errno(sendfile(99, in, NULL, 1), EBADF);
	check_errno(sendfile(out, 99, NULL, 1), EBADF);
	check_errno(sendfile(read_only, in, NULL, 1), EBADF);
	check_errno(sendfile(out, write_only, NULL, 1), EBADF);
	check_errno(sendfile(append, in, NULL, 1), EINVAL);
	check_errno(sendfile(out, in, &minus, 1), EINVAL);
	check_errno(sendfile(out, in, (off_t *)16, 1), EFAULT);
	check_errno(sendfile(out, ends[0], NULL, 1), EINVAL);
	minus = 0;
	check_errno(sendfile(out, ends[0], &minus, 1), ESPIPE);
	close(read_only), close(write_only), close(append), close(ends[0]), close(ends[1]);
	done(in, out);
}

static long
copy_range(int in, off_t *in_pos, int out, off_t *out_pos, size_t len, unsigned int flags)
{
	return syscall(SYS_copy_file_range, in, in_pos, out, out_pos, len, flags);
}

static void
copy_ranges(void)
{
	int in, out;
	off_t a = PAGE - 1, b = 3 * PAGE;

	two_files(&in, &out, 2 * PAGE);
	check(copy_range(in, &a, out, &b, 100, 0) == 100 && a == PAGE + 99 && b == 3 * PAGE + 100);
	check(byte_at(out, 3 * PAGE) == 1 && byte_at(out, 3 * PAGE + 1) == 2 && byte_at(out, PAGE) == 0);
	check(lseek(in, 0, SEEK_CUR) == 0 && lseek(out, 0, SEEK_CUR) == 0);
	check(copy_range(in, NULL, out, NULL, 10 * PAGE, 0) == 2 * PAGE);
	check(lseek(in, 0, SEEK_CUR) == 2 * PAGE && lseek(out, 0, SEEK_CUR) == 2 * PAGE);
	check(copy_range(in, NULL, out, NULL, 1, 0) == 0);
	a = 0, b = PAGE;
	check(copy_range(in, &a, in, &b, PAGE, 0) == PAGE && byte_at(in, PAGE) == 1);
	a = 0, b = 1;
	check_errno(copy_range(in, &a, in, &b, 2, 0), EINVAL);
	check_errno(copy_range(in, NULL, out, NULL, 1, 1), EINVAL);
	check_errno(copy_range(in, NULL, 99, NULL, 1, 0), EBADF);
	int append = open(to, O_WRONLY | O_APPEND), dir = open("/tmp", O_RDONLY), ends[2];
	check_errno(copy_range(in, NULL, append, NULL, 1, 0), EBADF);
	check_errno(copy_range(dir, NULL, out, NULL, 1, 0), EISDIR);
	check(pipe(ends) == 0);
	check_errno(copy_range(ends[0], NULL, out, NULL, 1, 0), EINVAL);
	close(append), close(dir), close(ends[0]), close(ends[1]);
	done(in, out);
}

static void
vectors_with_flags(void)
{
	int fd = file_make(from, 10);
	char a[3], b[3];
	struct iovec v[2] = {{a, 3}, {b, 3}};

	memcpy(a, "abc", 3), memcpy(b, "def", 3);
	check(syscall(SYS_pwritev2, fd, v, 2, 0, 0, 16) == 6); /* RWF_APPEND: not at 0 */
	struct stat st;
	check(fstat(fd, &st) == 0 && st.st_size == 16 && byte_at(fd, 0) == 1 && byte_at(fd, 10) == 'a');
	memset(a, 0, 3), memset(b, 0, 3);
	check(syscall(SYS_preadv2, fd, v, 2, 10, 0, 0) == 6 && memcmp(a, "abc", 3) == 0 && memcmp(b, "def", 3) == 0);
	check(lseek(fd, 13, SEEK_SET) == 13 && syscall(SYS_preadv2, fd, v, 2, -1L, -1L, 0) == 3 && a[0] == 'd');
	check(lseek(fd, 0, SEEK_CUR) == 16);
	check_errno(syscall(SYS_preadv2, fd, v, 2, 0, 0, 0x1000), EOPNOTSUPP);
	check_errno(syscall(SYS_pwritev2, fd, v, 2, -2L, -1L, 0), EINVAL);
	close(fd), unlink(from);
}

static void
calls_about_devices(void)
{
	int fd = file_make(from, PAGE), ends[2];
	int write_only = open(from, O_WRONLY);

	check(pipe(ends) == 0);
	check(fsync(fd) == 0 && fdatasync(fd) == 0 && syscall(SYS_syncfs, fd) == 0);
	sync();
	check_errno(fsync(ends[0]), EINVAL);
	check_errno(syscall(SYS_syncfs, 99), EBADF);
	check(syscall(SYS_sync_file_range, fd, 0L, 0L, 7) == 0);
	check_errno(syscall(SYS_sync_file_range, fd, 0L, 0L, 8), EINVAL);
	check_errno(syscall(SYS_sync_file_range, fd, -1L, 0L, 0), EINVAL);
	check_errno(syscall(SYS_sync_file_range, ends[0], 0L, 0L, 0), ESPIPE);
	for (int advice = 0; advice <= 5; advice++)
		check(syscall(SYS_fadvise64, fd, 0L, 0L, advice) == 0);
	check_errno(syscall(SYS_fadvise64, fd, 0L, 0L, 6), EINVAL);
	check_errno(syscall(SYS_fadvise64, fd, 0L, -1L, 0), EINVAL);
	check_errno(syscall(SYS_fadvise64, ends[0], 0L, 0L, 0), ESPIPE);
	check_errno(syscall(SYS_fadvise64, 99, 0L, 0L, 0), EBADF);
	check_errno(syscall(SYS_readahead, write_only, 0L, PAGE), EBADF);
	check_errno(syscall(SYS_readahead, ends[0], 0L, PAGE), EINVAL);
	close(fd), close(write_only), close(ends[0]), close(ends[1]), unlink(from);
}

const struct test_case sendfile_cases[] = {
	{"sendfile copies between files and moves what it should", file_to_file, 0, 0},
	{"sendfile to a pipe, as far as there is room", file_to_pipe, 0, 0},
	{"sendfile's errors", sendfile_errors, 0, 0},
	{"copy_file_range copies ranges, also within a file, but not over itself", copy_ranges, 0, 0},
	{"preadv2 and pwritev2 know their flags", vectors_with_flags, 0, 0},
	{"fsync and its kin, and advice, have their errors and nothing to do", calls_about_devices, 0, 0},
	{0},
};
