/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/protect.c - mprotect: what is allowed changes at once, and only where asked
 *
 * Idea        every change of rights is seen by trying, in a child where the attempt may kill
 * Invariants  see guest.h
 * Follow      to mm/mprotect.c
 */
#include "guest.h"
#include <fcntl.h>
#include <sys/syscall.h>

static const int rw = PROT_READ | PROT_WRITE;

static void
errors(void)
{
	uintptr_t p = (uintptr_t)map_private(4 * PAGE);

	check_errno(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ), EINVAL);
	check_errno(syscall(SYS_mprotect, p, PAGE, 0x40), EINVAL);
	check_errno(syscall(SYS_mprotect, p, PAGE, -1), EINVAL);
	check_errno(syscall(SYS_mprotect, p, -(long)PAGE, PROT_READ), ENOMEM);
	check_errno(syscall(SYS_mprotect, 0x7ffffffff000, PAGE, PROT_READ), ENOMEM);
	check_errno(syscall(SYS_mprotect, 0xffff800000000000, PAGE, PROT_READ), ENOMEM);
	check_errno(syscall(SYS_mprotect, p, PAGE, PROT_READ | 1L << 40), EINVAL);
	check_errno(syscall(SYS_mprotect, p, PAGE, PROT_READ | PROT_GROWSUP), EINVAL);
	check_errno(syscall(SYS_mprotect, p, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
	check_errno(syscall(SYS_mprotect, p, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
	check_errno(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 14), EINVAL);
	check(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ | PROT_WRITE, -1) == 0);
	check(syscall(SYS_mprotect, p, 0, 0x40) == 0); /* an empty range comes before the bits */
	check(syscall(SYS_mprotect, p, 0, PROT_NONE) == 0);
	check(syscall(SYS_mprotect, 0x7ffffffff000, 0, PROT_NONE) == 0);
	*(volatile int *)p = 1;
}

/* The part before the hole changes all the same. */
static void
hole(void)
{
	volatile unsigned char *p = map_private(4 * PAGE);

	check(munmap((void *)(p + 2 * PAGE), PAGE) == 0);
	check_errno(mprotect((void *)p, 4 * PAGE, PROT_READ), ENOMEM);
	check(!can_write(p) && !can_write(p + PAGE) && can_write(p + 3 * PAGE));
	check_errno(mprotect((void *)(p + 2 * PAGE), PAGE, PROT_READ), ENOMEM);
}

static void
there_and_back(void)
{
	volatile unsigned char *p = map_private(2 * PAGE);

	p[0] = 1;
	for (int i = 0; i < 10; i++) {
		check(mprotect((void *)p, PAGE, PROT_NONE) == 0);
		check(!can_read(p) && can_write(p + PAGE));
		check(mprotect((void *)p, PAGE, PROT_READ) == 0);
		check(can_read(p) && !can_write(p) && p[0] == i + 1);
		check(mprotect((void *)p, PAGE, rw) == 0);
		p[0]++;
	}
}

static void
middle(void)
{
	volatile unsigned char *p = map_private(5 * PAGE);

	for (int i = 0; i < 5; i++)
		p[i * PAGE] = i + 1;
	check(mprotect((void *)(p + PAGE), 3 * PAGE, PROT_READ) == 0);
	check(mprotect((void *)(p + 2 * PAGE), PAGE, PROT_NONE) == 0);
	bool readable[] = {true, true, false, true, true};
	bool writable[] = {true, false, false, false, true};
	for (int i = 0; i < 5; i++) {
		check(can_read(p + i * PAGE) == readable[i]);
		check(can_write(p + i * PAGE) == writable[i]);
	}
	check(mprotect((void *)p, 5 * PAGE, rw) == 0);
	for (int i = 0; i < 5; i++)
		check(p[i * PAGE] == i + 1 && can_write(p + i * PAGE));
}

static void
length_rounds_up(void)
{
	volatile unsigned char *p = map_private(3 * PAGE);

	check(mprotect((void *)p, PAGE + 1, PROT_READ) == 0);
	check(!can_write(p) && !can_write(p + PAGE) && can_write(p + 2 * PAGE));
}

static void
untouched(void)
{
	volatile unsigned char *p = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(mprotect((void *)p, PAGE, rw) == 0);
	check(p[0] == 0);
	p[0] = 1;
	check(!can_read(p + PAGE));
}

static void
zero_frame(void)
{
	volatile unsigned char *p = map_private(2 * PAGE);

	check(p[0] == 0);
	check(mprotect((void *)p, PAGE, PROT_READ) == 0);
	check(!can_write(p));
	check(mprotect((void *)p, PAGE, rw) == 0);
	p[0] = 1;
	check(p[0] == 1 && p[PAGE] == 0);
}

static void
file_opened_read_only(void)
{
	int fd = file_make("/tmp/protect", PAGE);
	int read_only = open("/tmp/protect", O_RDONLY);
	void *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, read_only, 0);
	volatile unsigned char *private = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, read_only, 0);

	check(shared != MAP_FAILED && private != MAP_FAILED);
	check_errno(mprotect(shared, PAGE, rw), EACCES);
	check(mprotect((void *)private, PAGE, rw) == 0);
	private[0] = 9;
	check(*(unsigned char *)shared == 1);
	close(fd), close(read_only), unlink("/tmp/protect");
}

static void
write_implies_read(void)
{
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* x86 cannot map memory for writing only. */
	p[0] = 5;
	check(p[0] == 5);
}

static void
shared_page_of_two_mappings(void)
{
	int fd = file_make("/tmp/protect", PAGE);
	volatile unsigned char *a = mmap(NULL, PAGE, rw, MAP_SHARED, fd, 0);
	volatile unsigned char *b = mmap(NULL, PAGE, rw, MAP_SHARED, fd, 0);

	a[0] = b[1] = 7;
	check(mprotect((void *)a, PAGE, PROT_READ) == 0);
	check(!can_write(a) && can_write(b));
	b[0] = 8;
	check(a[0] == 8);
	close(fd), unlink("/tmp/protect");
}

const struct test_case protect_cases[] = {
	{"mprotect gives Linux's errno for each misuse", errors, 0, 0},
	{"mprotect over a hole gives ENOMEM and changes what precedes it", hole, 0, 0},
	{"rights go and come back, and the contents stay", there_and_back, 0, 0},
	{"the middle of an area changes alone, and areas join again", middle, 0, 0},
	{"mprotect rounds its length up to pages", length_rounds_up, 0, 0},
	{"untouched PROT_NONE memory becomes usable", untouched, 0, 0},
	{"a page of the zero frame loses and regains the right to write", zero_frame, 0, 0},
	{"a shared mapping of a file opened read-only cannot become writable", file_opened_read_only, 0, 0},
	{"memory for writing only can be read on x86", write_implies_read, 0, 0},
	{"one of two mappings of a page loses its rights, the other does not", shared_page_of_two_mappings, 0, 0},
	{0},
};
