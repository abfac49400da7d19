/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/mmap.c - mmap and munmap: places, holes, pieces, and the errno of each misuse
 *
 * Idea        what is mapped is seen by trying; what is refused must be refused with Linux's errno
 * Invariants  see guest.h
 * Follow      to mm/mmap.c, mm/vma.c
 * Tests       tests/host/vma_test.c has the tree alone
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define USER_END 0x7ffffffff000UL

static const int rw = PROT_READ | PROT_WRITE;
static const int anon = MAP_PRIVATE | MAP_ANONYMOUS;

static void *
map(uintptr_t at, size_t bytes, int prot, int flags)
{
	return mmap((void *)at, bytes, prot, flags, -1, 0);
}

/* The call itself: the C library checks some arguments on its own. */
static long
raw_mmap(unsigned long at, unsigned long bytes, long prot, long flags, long fd, long offset)
{
	return syscall(SYS_mmap, at, bytes, prot, flags, fd, offset);
}

static void
length_zero(void)
{
	check_errno(raw_mmap(0, 0, rw, anon, -1, 0), EINVAL);
	check_errno(syscall(SYS_munmap, map_private(PAGE), 0), EINVAL);
}

static void
length_absurd(void)
{
	check_errno(raw_mmap(0, -1UL, rw, anon, -1, 0), ENOMEM);
	check_errno(raw_mmap(0, -PAGE, rw, anon, -1, 0), ENOMEM);
	check_errno(raw_mmap(0, 1UL << 47, rw, anon | MAP_NORESERVE, -1, 0), ENOMEM);
	check_errno(raw_mmap(0, USER_END + PAGE, rw, anon | MAP_NORESERVE, -1, 0), ENOMEM);
	check_errno(raw_mmap(0, 1UL << 62, rw, anon, -1, 0), ENOMEM);
}

static void
type_missing(void)
{
	check_errno(raw_mmap(0, PAGE, rw, MAP_ANONYMOUS, -1, 0), EINVAL);
	check_errno(raw_mmap(0, PAGE, rw, MAP_ANONYMOUS | 7, -1, 0), EINVAL);
	/* MAP_SHARED_VALIDATE is for files that know all flags; anonymous memory does not know it. */
	check_errno(raw_mmap(0, PAGE, rw, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0), EINVAL);
}

static void
fixed_unaligned(void)
{
	uintptr_t p = (uintptr_t)map_private(4 * PAGE);

	check_errno(raw_mmap(p + 1, PAGE, rw, anon | MAP_FIXED, -1, 0), EINVAL);
	check_errno(raw_mmap(p + 8, PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0), EINVAL);
	check_errno(raw_mmap(0, PAGE, rw, anon, -1, 1), EINVAL);
}

static void
hint_unaligned(void)
{
	uintptr_t p = (uintptr_t)map_private(4 * PAGE);

	check(munmap((void *)p, 4 * PAGE) == 0);
	void *q = map(p + 123, PAGE, rw, anon);
	check(q != MAP_FAILED && (uintptr_t)q % PAGE == 0);
}

static void
hint_taken(void)
{
	volatile unsigned char *p = map_private(PAGE);

	*p = 5;
	void *q = map((uintptr_t)p, PAGE, rw, anon);
	check(q != MAP_FAILED && q != p && *p == 5);
}

static void
hint_free(void)
{
	uintptr_t p = (uintptr_t)map_private(16 * PAGE);

	check(munmap((void *)p, 16 * PAGE) == 0);
	check(map(p + 4 * PAGE, PAGE, rw, anon) == (void *)(p + 4 * PAGE));
}

static void
hint_beyond(void)
{
	check(map(USER_END, PAGE, rw, anon) != MAP_FAILED);
	check(map(0xffff800000000000, PAGE, rw, anon) != MAP_FAILED);
}

static void
fixed_beyond(void)
{
	check_errno(raw_mmap(USER_END, PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
	check_errno(raw_mmap(USER_END - PAGE, 2 * PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
	check_errno(raw_mmap(0xffff800000000000, PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
	check_errno(raw_mmap(-PAGE, PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
}

static void
fixed_last_page(void *arg)
{
	(void)arg;
	volatile unsigned char *p = map(0x700000000000, PAGE, rw, anon | MAP_FIXED);
	check(p == (void *)0x700000000000);
	*p = 1;
	check(munmap((void *)p, PAGE) == 0);
}

static void
fixed_anywhere(void)
{
	child_must_live(fixed_last_page, NULL);
	uintptr_t low = 0x10000;
	check(map(low, PAGE, rw, anon | MAP_FIXED_NOREPLACE) == (void *)low);
	*(volatile int *)low = 1;
	check(munmap((void *)low, PAGE) == 0);
}

static void
fixed_replaces(void)
{
	volatile unsigned char *p = map_private(5 * PAGE);

	for (int i = 0; i < 5; i++)
		p[i * PAGE] = i + 1;
	check(map((uintptr_t)p + PAGE, 2 * PAGE, rw, anon | MAP_FIXED) == p + PAGE);
	check(p[0] == 1 && p[PAGE] == 0 && p[2 * PAGE] == 0 && p[3 * PAGE] == 4 && p[4 * PAGE] == 5);
}

static void
fixed_replaces_many(void)
{
	volatile unsigned char *p = map_private(9 * PAGE);

	for (int i = 0; i < 9; i++)
		p[i * PAGE] = i + 1;
	for (int i = 1; i < 9; i += 2)
		check(mprotect((void *)(p + i * PAGE), PAGE, PROT_READ) == 0);
	check(munmap((void *)(p + 4 * PAGE), PAGE) == 0);
	check(map((uintptr_t)p + PAGE, 7 * PAGE, rw, anon | MAP_FIXED) == p + PAGE);
	check(p[0] == 1 && p[8 * PAGE] == 9);
	for (int i = 1; i < 8; i++) {
		check(p[i * PAGE] == 0);
		p[i * PAGE] = 1;
	}
}

static void
noreplace(void)
{
	volatile unsigned char *p = map_private(4 * PAGE);

	p[0] = 9;
	check_errno(raw_mmap((uintptr_t)p, PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	check_errno(raw_mmap((uintptr_t)p - PAGE, 2 * PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	check_errno(raw_mmap((uintptr_t)p + 3 * PAGE, 9 * PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	check(p[0] == 9);
	check(munmap((void *)(p + PAGE), PAGE) == 0);
	check(map((uintptr_t)p + PAGE, PAGE, rw, anon | MAP_FIXED_NOREPLACE) == p + PAGE);
}

static void
file_errors(void)
{
	int fd = file_make("/tmp/mmap", PAGE);
	int read_only = open("/tmp/mmap", O_RDONLY);
	int write_only = open("/tmp/mmap", O_WRONLY);
	int ends[2];

	check(pipe(ends) == 0);
	check_errno(raw_mmap(0, PAGE, rw, MAP_PRIVATE, 99, 0), EBADF);
	check_errno(raw_mmap(0, PAGE, rw, MAP_PRIVATE, -1, 0), EBADF);
	check_errno(raw_mmap(0, PAGE, PROT_READ, MAP_SHARED, write_only, 0), EACCES);
	check_errno(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, write_only, 0), EACCES);
	check_errno(raw_mmap(0, PAGE, rw, MAP_SHARED, read_only, 0), EACCES);
	check_errno(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV);
	check_errno(raw_mmap(0, PAGE, PROT_READ, 0, fd, 0), EINVAL);
	check_errno(raw_mmap(0, 0, PROT_READ, MAP_PRIVATE, fd, 0), EINVAL);
	check_errno(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 1), EINVAL);
	check_errno(raw_mmap(0, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0x7ffffffffffff000), EOVERFLOW);
	check(raw_mmap(0, PAGE, rw, MAP_PRIVATE, read_only, 0) != -1);
	close(fd), close(read_only), close(write_only), close(ends[0]), close(ends[1]);
	unlink("/tmp/mmap");
}

static void
directory_refused(void)
{
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY);

	check(fd >= 0);
	check_errno(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV);
	close(fd);
}

static void
dev_zero(void)
{
	int fd = open("/dev/zero", O_RDWR);

	check(fd >= 0);
	volatile unsigned char *p = mmap(NULL, 2 * PAGE, rw, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		/* Simple: a kernel without it says so. */
		check(errno == ENODEV);
		close(fd);
		return;
	}
	check(p[0] == 0 && p[PAGE] == 0);
	p[0] = 1;
	check(p[0] == 1);
	close(fd);
}

static void
file_after_close(void)
{
	int fd = file_make("/tmp/mmap", 2 * PAGE);
	volatile unsigned char *p = mmap(NULL, 2 * PAGE, rw, MAP_SHARED, fd, 0);

	check(p != MAP_FAILED && close(fd) == 0 && unlink("/tmp/mmap") == 0);
	check(p[0] == 1 && p[PAGE] == 2);
	p[0] = 3;
	check(p[0] == 3);
}

static void
munmap_errors(void)
{
	uintptr_t p = (uintptr_t)map_private(2 * PAGE);

	check_errno(syscall(SYS_munmap, p + 1, PAGE), EINVAL);
	check_errno(syscall(SYS_munmap, p, -1UL), EINVAL);
	check_errno(syscall(SYS_munmap, USER_END, PAGE), EINVAL);
	check_errno(syscall(SYS_munmap, USER_END - PAGE, 2 * PAGE), EINVAL);
	check_errno(syscall(SYS_munmap, 0xffff800000000000, PAGE), EINVAL);
	*(volatile int *)p = 1;
}

static void
munmap_nothing(void)
{
	uintptr_t p = (uintptr_t)map_private(4 * PAGE);

	check(munmap((void *)p, 4 * PAGE) == 0);
	check(munmap((void *)p, 4 * PAGE) == 0);
}

static void
munmap_length_rounds_up(void)
{
	volatile unsigned char *p = map_private(3 * PAGE);

	check(syscall(SYS_munmap, p, PAGE + 1) == 0);
	check(!can_read(p) && !can_read(p + PAGE) && can_read(p + 2 * PAGE));
}

static void
munmap_ends(void)
{
	volatile unsigned char *p = map_private(6 * PAGE);

	for (int i = 0; i < 6; i++)
		p[i * PAGE] = i + 1;
	check(munmap((void *)p, PAGE) == 0);
	check(munmap((void *)(p + 5 * PAGE), PAGE) == 0);
	check(munmap((void *)(p + 2 * PAGE), 2 * PAGE) == 0);
	for (int i = 0; i < 6; i++) {
		bool there = i == 1 || i == 4;
		check(can_read(p + i * PAGE) == there);
		check(!there || p[i * PAGE] == i + 1);
	}
}

static void
munmap_over_holes(void)
{
	volatile unsigned char *p = map_private(20 * PAGE);

	for (int i = 1; i < 20; i += 2)
		check(munmap((void *)(p + i * PAGE), PAGE) == 0);
	for (int i = 0; i < 20; i += 2)
		p[i * PAGE] = 1;
	check(munmap((void *)(p + PAGE), 18 * PAGE) == 0);
	check(can_read(p));
	for (int i = 1; i < 20; i++)
		check(!can_read(p + i * PAGE));
}

static void
hole_refilled(void)
{
	volatile unsigned char *p = map_private(3 * PAGE);

	p[PAGE] = 8;
	check(munmap((void *)(p + PAGE), PAGE) == 0);
	check(map((uintptr_t)p + PAGE, PAGE, rw, anon | MAP_FIXED) == p + PAGE);
	check(p[PAGE] == 0);
}

static void
frames_come_back(void)
{
	enum {
		MANY = 2048
	};
	volatile unsigned char *p = map_private(MANY * PAGE);
	long before = free_pages();

	for (int i = 0; i < MANY; i++)
		p[i * PAGE] = 1;
	check(before - free_pages() > MANY / 2);
	check(munmap((void *)p, MANY * PAGE) == 0);
	check(before - free_pages() < MANY / 4);
}

/* Counts the lines of /proc/self/maps that lie in [from, to); -1 where there is no such file. */
static int
areas(uintptr_t from, uintptr_t to)
{
	static char text[1 << 16];
	size_t length = 0;
	ssize_t n;
	int found = 0;
	int fd = open("/proc/self/maps", O_RDONLY);

	if (fd < 0)
		return -1;
	while (length < sizeof(text) - 1 && (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	text[length] = 0;
	close(fd);
	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		unsigned long start, end;
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start < to && end > from)
			found++;
	}
	return found;
}

static void
neighbours_merge(void)
{
	uintptr_t p = (uintptr_t)map_private(16 * PAGE);

	check(munmap((void *)p, 16 * PAGE) == 0);
	check(map(p + 2 * PAGE, 2 * PAGE, rw, anon | MAP_FIXED) == (void *)(p + 2 * PAGE));
	check(map(p + 6 * PAGE, 2 * PAGE, rw, anon | MAP_FIXED) == (void *)(p + 6 * PAGE));
	if (areas(p + PAGE, p + 9 * PAGE) < 0)
		return;
	check(areas(p + PAGE, p + 9 * PAGE) == 2);
	check(map(p + 4 * PAGE, 2 * PAGE, rw, anon | MAP_FIXED) == (void *)(p + 4 * PAGE));
	check(areas(p + PAGE, p + 9 * PAGE) == 1);
	check(munmap((void *)(p + 5 * PAGE), PAGE) == 0);
	check(areas(p + PAGE, p + 9 * PAGE) == 2);
}

static void
other_rights_do_not_merge(void)
{
	uintptr_t p = (uintptr_t)map_private(8 * PAGE);

	check(munmap((void *)p, 8 * PAGE) == 0);
	check(map(p + PAGE, PAGE, rw, anon | MAP_FIXED) == (void *)(p + PAGE));
	check(map(p + 2 * PAGE, PAGE, PROT_READ, anon | MAP_FIXED) == (void *)(p + 2 * PAGE));
	check(map(p + 3 * PAGE, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED) == (void *)(p + 3 * PAGE));
	if (areas(p + PAGE, p + 4 * PAGE) >= 0)
		check(areas(p + PAGE, p + 4 * PAGE) == 3);
	check(!can_write((void *)(p + 2 * PAGE)) && can_write((void *)(p + 3 * PAGE)));
}

static void
many_areas(void)
{
	enum {
		MANY = 2000
	};
	volatile unsigned char *p = map_private(MANY * PAGE);

	for (int i = 0; i < MANY; i += 2)
		check(mprotect((void *)(p + i * PAGE), PAGE, PROT_READ) == 0);
	for (int i = 1; i < MANY; i += 2)
		p[i * PAGE] = i;
	for (int i = 0; i < MANY; i++)
		check(p[i * PAGE] == (i % 2 ? (unsigned char)i : 0));
	for (int i = 0; i < MANY; i += 4)
		check(munmap((void *)(p + i * PAGE), PAGE) == 0);
	check(!can_read(p) && can_read(p + 2 * PAGE) && !can_read(p + (MANY - 4) * PAGE));
	for (int i = 1; i < MANY; i += 2)
		check(p[i * PAGE] == (unsigned char)i);
	check(munmap((void *)p, MANY * PAGE) == 0);
}

static void
too_many_areas(void)
{
	long most = 65530;
	uintptr_t start = 0x200000000000;
	long i = 0;

	/* Every second page: none can merge. */
	while (i < most + 10 && map(start + i * 2 * PAGE, PAGE, PROT_READ, anon | MAP_FIXED) != MAP_FAILED)
		i++;
	check(errno == ENOMEM);
	check(i < most && i > most - 100);
	check(munmap((void *)start, most * 2 * PAGE) == 0);
	check(map(start, PAGE, rw, anon | MAP_FIXED) == (void *)start);
}

static void
huge_promise(void)
{
	size_t bytes = 1UL << 40;
	volatile unsigned char *p = map(0, bytes, PROT_NONE, anon | MAP_NORESERVE);

	check(p != MAP_FAILED);
	check(mprotect((void *)(p + bytes / 2), PAGE, rw) == 0);
	p[bytes / 2] = 1;
	check(!can_read(p) && !can_read(p + bytes - PAGE));
	check(munmap((void *)p, bytes) == 0);
}

static void
sparse_terabyte(void)
{
	size_t bytes = 1UL << 40;
	volatile unsigned char *p = map(0, bytes, rw, anon | MAP_NORESERVE);

	check(p != MAP_FAILED);
	for (int i = 0; i < 64; i++)
		p[bytes / 64 * i + i] = i + 1;
	for (int i = 0; i < 64; i++)
		check(p[bytes / 64 * i + i] == i + 1);
	check(munmap((void *)p, bytes) == 0);
}

static void
populate(void)
{
	volatile unsigned char *p = map(0, 64 * PAGE, rw, anon | MAP_POPULATE);

	check(p != MAP_FAILED);
	long before = faults_minor();
	for (int i = 0; i < 64; i++)
		p[i * PAGE] = 1;
	check(faults_minor() == before);
}

static void
null_page_refused(void *arg)
{
	(void)arg;
	/* root may, where vm.mmap_min_addr does not bind it; then the page must work like any other. */
	if (map(0, PAGE, rw, anon | MAP_FIXED) == MAP_FAILED)
		check(errno == EPERM || errno == EACCES);
}

static void
null_page(void)
{
	child_must_live(null_page_refused, NULL);
}

static void
grown_down_refused(void)
{
	check_errno(raw_mmap(0, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0), EINVAL);
}

const struct test_case mmap_cases[] = {
	{"mmap and munmap of no bytes give EINVAL", length_zero, 0, 0},
	{"mmap of absurd sizes gives ENOMEM", length_absurd, 0, 0},
	{"mmap that is neither private nor shared gives EINVAL", type_missing, 0, 0},
	{"MAP_FIXED at an unaligned address gives EINVAL", fixed_unaligned, 0, 0},
	{"an unaligned hint is rounded", hint_unaligned, 0, 0},
	{"a hint that is taken leads elsewhere", hint_taken, 0, 0},
	{"a hint that is free is followed", hint_free, 0, 0},
	{"a hint beyond user space leads elsewhere", hint_beyond, 0, 0},
	{"MAP_FIXED beyond user space gives ENOMEM", fixed_beyond, 0, 0},
	{"MAP_FIXED works high and low", fixed_anywhere, 0, 0},
	{"MAP_FIXED replaces what is there and nothing else", fixed_replaces, 0, 0},
	{"MAP_FIXED replaces many areas and holes at once", fixed_replaces_many, 0, 0},
	{"MAP_FIXED_NOREPLACE gives EEXIST over anything mapped", noreplace, 0, 0},
	{"mmap of a file gives Linux's errno for each misuse", file_errors, 0, 0},
	{"mmap of a directory gives ENODEV", directory_refused, 0, 0},
	{"/dev/zero can be mapped, or says ENODEV", dev_zero, 0, 0},
	{"a mapping outlives its descriptor and its name", file_after_close, 0, 0},
	{"munmap gives EINVAL for each misuse and changes nothing", munmap_errors, 0, 0},
	{"munmap of nothing succeeds", munmap_nothing, 0, 0},
	{"munmap rounds its length up to pages", munmap_length_rounds_up, 0, 0},
	{"munmap takes both ends and the middle of an area", munmap_ends, 0, 0},
	{"munmap goes over holes", munmap_over_holes, 0, 0},
	{"a hole that is mapped again is empty", hole_refilled, 0, 0},
	{"munmap gives the frames back", frames_come_back, 0, 0},
	{"neighbours of the same kind merge into one area", neighbours_merge, 0, 0},
	{"neighbours with other rights stay apart", other_rights_do_not_merge, 0, 0},
	{"two thousand areas work and go away", many_areas, 0, 0},
	{"one area too many gives ENOMEM, and room comes back", too_many_areas, 0, 0},
	{"a terabyte can be promised", huge_promise, 0, 0},
	{"a terabyte can be touched here and there", sparse_terabyte, 0, 0},
	{"MAP_POPULATE faults everything in at once", populate, 0, CASE_STILL},
	{"the null page is refused or works, but harms nobody", null_page, 0, 0},
	{"shared memory that grows down gives EINVAL", grown_down_refused, 0, 0},
	{0},
};
