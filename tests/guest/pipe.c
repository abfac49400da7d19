/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/pipe.c - bytes go in at one end and come out at the other
 *
 * Idea        order, blocking, ends that close, and errno
 * Invariants  see guest.h
 * Follow      to kernel/fs/pipe.c
 */
#include "guest.h"
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

static int ends[2];

static void
through(void)
{
	char text[16] = {0};

	check(pipe(ends) == 0);
	check(write(ends[1], "hello", 5) == 5 && write(ends[1], "world", 5) == 5);
	check(read(ends[0], text, 3) == 3 && memcmp(text, "hel", 3) == 0);
	check(read(ends[0], text, 16) == 7 && memcmp(text, "loworld", 7) == 0);
}

static void
end_of_file(void)
{
	char byte;

	check(pipe(ends) == 0);
	check(write(ends[1], "x", 1) == 1 && close(ends[1]) == 0);
	check(read(ends[0], &byte, 1) == 1 && byte == 'x');
	check(read(ends[0], &byte, 1) == 0 && read(ends[0], &byte, 1) == 0);
}

static void
broken(void)
{
	check(pipe(ends) == 0 && close(ends[0]) == 0);
	(void)!write(ends[1], "x", 1);
}

static void
wrong_end(void)
{
	char byte;

	check(pipe(ends) == 0);
	check_errno(read(ends[1], &byte, 1), EBADF);
	check_errno(write(ends[0], "x", 1), EBADF);
	check_errno(lseek(ends[0], 0, SEEK_SET), ESPIPE);
	check_errno(pread(ends[0], &byte, 1, 0), ESPIPE);
	check_errno(syscall(SYS_pipe, 16), EFAULT);
	check_errno(syscall(SYS_pipe2, ends, 0x3), EINVAL);
}

static void
non_blocking(void)
{
	static char block[PAGE];
	long total = 0;
	ssize_t n;

	check(pipe2(ends, O_NONBLOCK) == 0);
	check_errno(read(ends[0], block, 1), EAGAIN);
	while ((n = write(ends[1], block, sizeof(block))) > 0)
		total += n;
	check(n == -1 && errno == EAGAIN && total >= PAGE);
	while ((n = read(ends[0], block, sizeof(block))) > 0)
		total -= n;
	check(total == 0);
}

static void
writes_pattern(void *arg)
{
	static unsigned char block[3000];
	long total = (intptr_t)arg;

	close(ends[0]);
	for (long at = 0; at < total;) {
		long n = total - at < 3000 ? total - at : 3000;
		for (long i = 0; i < n; i++)
			block[i] = (at + i) % 251;
		check(write(ends[1], block, n) == n);
		at += n;
	}
}

static void
much_data(void)
{
	static unsigned char block[5000];
	long total = 400000;
	long at = 0;
	ssize_t n;

	check(pipe(ends) == 0);
	pid_t pid = child_start(writes_pattern, (void *)total);
	close(ends[1]);
	while ((n = read(ends[0], block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (block[i] != at % 251)
				fail("byte %ld is %d", at, block[i]);
	check(n == 0 && at == total);
	check(child_wait(pid) == 0);
}

static void
writes_records(void *arg)
{
	char record[100];

	memset(record, (intptr_t)arg, sizeof(record));
	for (int i = 0; i < 100; i++)
		check(write(ends[1], record, sizeof(record)) == sizeof(record));
}

/* Writes of up to PIPE_BUF bytes are not torn. */
static void
records_stay_whole(void)
{
	pid_t pid[4];
	char record[100];
	int found[4] = {0};

	check(pipe(ends) == 0);
	for (intptr_t i = 0; i < 4; i++)
		pid[i] = child_start(writes_records, (void *)(i + 'a'));
	for (int i = 0; i < 400; i++) {
		check(read(ends[0], record, sizeof(record)) == sizeof(record));
		for (int k = 1; k < 100; k++)
			check(record[k] == record[0]);
		found[record[0] - 'a']++;
	}
	for (int i = 0; i < 4; i++)
		check(child_wait(pid[i]) == 0 && found[i] == 100);
}

static void
reads_one(void *arg)
{
	char byte;

	(void)arg;
	check(read(ends[0], &byte, 1) == 1);
}

static void
reader_killed(void)
{
	check(pipe(ends) == 0);
	pid_t pid = child_start(reads_one, NULL);
	for (int i = 0; i < 10; i++)
		sched_yield();
	check(kill(pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
	pid = child_start(reads_one, NULL);
	for (int i = 0; i < 10; i++)
		sched_yield();
	check(write(ends[1], "x", 1) == 1);
	check(child_wait(pid) == 0);
}

static void
bad_memory(void)
{
	check(pipe(ends) == 0);
	check_errno(write(ends[1], (void *)16, 1), EFAULT);
	check(write(ends[1], "x", 1) == 1);
	check_errno(read(ends[0], (void *)16, 1), EFAULT);
}

/* The second write fills the first one's page to the last byte, and the failed ones come when a page lies ready. */
static void
page_edges(void)
{
	static char page[2 * PAGE];
	char *half = (char *)map_aligned(PAGE, PAGE) + PAGE - 50; /* 50 bytes, then nothing */

	check(pipe(ends) == 0);
	for (int round = 0; round < 3; round++) {
		check(write(ends[1], page, 100) == 100 && write(ends[1], page, PAGE - 100) == PAGE - 100);
		check(read(ends[0], page, PAGE) == PAGE);
		check(write(ends[1], page, 100) == 100 && write(ends[1], page, PAGE - 100) == PAGE - 100);
		check_errno(write(ends[1], NULL, 10), EFAULT);
		check_errno(write(ends[1], NULL, PAGE), EFAULT);
		check(write(ends[1], half, 50) == 50 && write(ends[1], page, PAGE) == PAGE);
		check(read(ends[0], page, 2 * PAGE) == 2 * PAGE && read(ends[0], page, PAGE) == 50);
	}
}

static void
sizes(void)
{
	static char block[PAGE];
	int file = file_make("/tmp/no_pipe", 1);
	long total = 0;

	check(pipe2(ends, O_NONBLOCK) == 0);
	check(fcntl(ends[0], F_GETPIPE_SZ) == 65536);
	check(fcntl(ends[1], F_SETPIPE_SZ, 5000) == 8192 && fcntl(ends[0], F_GETPIPE_SZ) == 8192);
	while (write(ends[1], block, PAGE) == PAGE)
		total += PAGE;
	check(errno == EAGAIN && total == 8192);
	check_errno(fcntl(ends[0], F_SETPIPE_SZ, PAGE), EBUSY);
	check(fcntl(ends[0], F_SETPIPE_SZ, 16384) == 16384);
	check(write(ends[1], block, PAGE) == PAGE);
	for (; total >= 0; total -= PAGE)
		check(read(ends[0], block, PAGE) == PAGE);
	check(fcntl(ends[0], F_SETPIPE_SZ, 0) == PAGE);
	check_errno(fcntl(ends[0], F_SETPIPE_SZ, 0xfffff000u), EINVAL);
	check_errno(fcntl(file, F_SETPIPE_SZ, PAGE), EBADF);
	check_errno(fcntl(file, F_GETPIPE_SZ), EBADF);
	check(unlink("/tmp/no_pipe") == 0);
}

const struct test_case pipe_cases[] = {
	{"bytes come out of a pipe in order", through, 0, 0},
	{"a pipe without writers gives end of file", end_of_file, 0, 0},
	{"a write to a pipe without readers is SIGPIPE", broken, SIGPIPE, 0},
	{"pipes give Linux's errno for each misuse", wrong_end, 0, 0},
	{"a pipe that does not block gives EAGAIN, empty and full", non_blocking, 0, 0},
	{"much data goes through a pipe, blocking on both sides", much_data, 0, CASE_SMP},
	{"small writes of four processes are not torn", records_stay_whole, 0, CASE_SMP},
	{"a reader asleep is woken, or killed", reader_killed, 0, 0},
	{"a pipe gives EFAULT for bad memory", bad_memory, 0, 0},
	{"a pipe can be made smaller and larger, not below what it holds", sizes, 0, 0},
	{"a pipe's pages may be filled to the last byte, and a failed write leaves nothing", page_edges, 0, 0},
	{0},
};
