/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/mincore.c - mincore and msync: the truth about pages in memory, and the errno of each misuse
 *
 * Idea        what was touched is in memory, what was dropped is not; files in memory are, whoever maps them
 * Invariants  see guest.h
 * Follow      to mm/mincore.c
 */
#include "guest.h"
#include <string.h>
#include <sys/syscall.h>

static const int rw = PROT_READ | PROT_WRITE;

static long
incore(volatile void *p, size_t bytes, unsigned char *vec)
{
	return syscall(SYS_mincore, p, bytes, vec);
}

static long
sync_range(volatile void *p, size_t bytes, long flags)
{
	return syscall(SYS_msync, p, bytes, flags);
}

static void
errors(void)
{
	volatile unsigned char *p = map_private(4 * PAGE);
	unsigned char vec[8];

	check_errno(incore(p + 1, PAGE, vec), EINVAL);
	check_errno(incore(p, -1UL, vec), ENOMEM);
	check_errno(incore((void *)0xffff800000000000, PAGE, vec), ENOMEM);
	check_errno(incore(p, PAGE, (void *)0xffff800000000000), EFAULT);
	check_errno(incore(p, PAGE, (void *)8), EFAULT);
	check(munmap((void *)(p + PAGE), PAGE) == 0);
	check_errno(incore(p + PAGE, PAGE, vec), ENOMEM);
	check_errno(incore(p, 3 * PAGE, vec), ENOMEM);
	check(incore(p, 0, (void *)8) == 0 && incore((void *)PAGE, 0, vec) == 0);
}

static void
what_was_touched(void)
{
	volatile unsigned char *p = map_private(5 * PAGE);
	unsigned char vec[6] = {9, 9, 9, 9, 9, 9};

	p[PAGE] = 1;
	(void)p[3 * PAGE];
	check(incore(p, 4 * PAGE + 1, vec) == 0);
	check(memcmp(vec, "\0\1\0\1\0\11", 6) == 0);
	check(madvise((void *)p, 2 * PAGE, MADV_DONTNEED) == 0);
	check(incore(p, 4 * PAGE, vec) == 0);
	check(memcmp(vec, "\0\0\0\1\0\11", 6) == 0);
}

static void
no_access(void)
{
	volatile unsigned char *p = map_private(2 * PAGE);
	unsigned char vec[2];

	p[0] = 1;
	check(mprotect((void *)p, 2 * PAGE, PROT_NONE) == 0);
	check(incore(p, 2 * PAGE, vec) == 0);
	check(vec[0] == 1 && vec[1] == 0);
}

static void
files(void)
{
	int fd = file_make("/tmp/mincore", 2 * PAGE);
	unsigned char vec[3];

	check(ftruncate(fd, 4 * PAGE) == 0);
	volatile unsigned char *shared = mmap(NULL, 3 * PAGE, rw, MAP_SHARED, fd, 0);
	volatile unsigned char *private = mmap(NULL, 3 * PAGE, rw, MAP_PRIVATE, fd, PAGE);
	check(incore(shared, 3 * PAGE, vec) == 0);
	check(vec[0] == 1 && vec[1] == 1 && vec[2] == 0);
	check(incore(private, 2 * PAGE, vec) == 0);
	check(vec[0] == 1 && vec[1] == 0);
	check(pwrite(fd, "x", 1, 2 * PAGE) == 1);
	check(incore(private, 2 * PAGE, vec) == 0 && vec[1] == 1);
	close(fd), unlink("/tmp/mincore");
}

/* More pages than any buffer of the kernel, over several areas and page tables. */
static void
many_pages(void)
{
	enum {
		MANY = 3000
	};
	volatile unsigned char *p = map_aligned(MANY * PAGE, TABLE);
	static unsigned char vec[MANY + 1];

	check(mprotect((void *)(p + 1000 * PAGE), 100 * PAGE, PROT_READ) == 0);
	for (int i = 0; i < MANY; i += 7)
		(void)p[i * PAGE];
	vec[MANY] = 9;
	check(incore(p, MANY * PAGE, vec) == 0);
	for (int i = 0; i < MANY; i++)
		check(vec[i] == (i % 7 == 0));
	check(vec[MANY] == 9);
}

static void
sync_errors(void)
{
	volatile unsigned char *p = map_private(3 * PAGE);

	check_errno(sync_range(p, PAGE, 8), EINVAL);
	check_errno(sync_range(p, PAGE, MS_ASYNC | MS_SYNC), EINVAL);
	check_errno(sync_range(p + 1, PAGE, MS_SYNC), EINVAL);
	check_errno(sync_range(p, 0UL - (uintptr_t)p - PAGE + 1, MS_SYNC), ENOMEM);
	check_errno(sync_range(p, -(uintptr_t)p + PAGE, MS_SYNC), ENOMEM);
	check(sync_range(p, 0, MS_SYNC) == 0 && sync_range((void *)PAGE, 0, MS_ASYNC) == 0);
	check(munmap((void *)(p + PAGE), PAGE) == 0);
	check_errno(sync_range(p + PAGE, PAGE, MS_SYNC), ENOMEM);
	check_errno(sync_range(p, 3 * PAGE, MS_SYNC), ENOMEM);
	check_errno(sync_range(p, 3 * PAGE, MS_ASYNC), ENOMEM);
	check_errno(sync_range(p, 2 * PAGE, 0), ENOMEM);
}

static void
sync_works(void)
{
	int fd = file_make("/tmp/mincore", 2 * PAGE);
	volatile unsigned char *shared = mmap(NULL, 2 * PAGE, rw, MAP_SHARED, fd, 0);
	char byte;

	shared[PAGE] = 77;
	check(sync_range(shared, 2 * PAGE, MS_SYNC) == 0);
	check(pread(fd, &byte, 1, PAGE) == 1 && byte == 77);
	check(sync_range(shared, PAGE, 0) == 0);
	check(sync_range(shared, PAGE, MS_ASYNC) == 0);
	check(sync_range(shared, PAGE + 1, MS_SYNC | MS_INVALIDATE) == 0);
	check(shared[PAGE] == 77);
	close(fd), unlink("/tmp/mincore");
}

const struct test_case mincore_cases[] = {
	{"mincore gives Linux's errno for each misuse", errors, 0, 0},
	{"in memory is what was read or written, until it is dropped", what_was_touched, 0, CASE_STILL},
	{"pages that nobody may touch stay in memory", no_access, 0, CASE_STILL},
	{"pages of a file are in memory for all who map it, a hole is not", files, 0, CASE_STILL},
	{"mincore tells of thousands of pages and not a byte more", many_pages, 0, CASE_STILL},
	{"msync gives Linux's errno for each misuse", sync_errors, 0, 0},
	{"msync accepts what is mapped, with each of its flags", sync_works, 0, 0},
	{0},
};
