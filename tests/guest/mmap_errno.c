/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/mmap_errno.c - mmap, munmap and brk: each documented error, and each flag
 *
 * Idea        the calls themselves, since the C library has opinions on their arguments. (What the limits forbid:
 *             limits.c; mprotect: protect.c; mremap: mremap.c.)
 * Invariants  see guest.h
 * Follow      to kernel/sys_mm.c, mm/mmap.c, mm/brk.c
 */
#include "maps.h"
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static const int rw = PROT_READ | PROT_WRITE;
static const int anon = MAP_PRIVATE | MAP_ANONYMOUS;

static long
map(uintptr_t at, size_t size, int prot, int flags, int fd, off_t offset)
{
	return syscall(SYS_mmap, at, size, prot, flags, fd, offset);
}

static void
einval(void)
{
	int fd = file_make("/tmp/errno", 2 * PAGE);

	check_errno(map(0, 0, rw, anon, -1, 0), EINVAL);
	check_errno(map(0, PAGE, rw, MAP_ANONYMOUS, -1, 0), EINVAL); /* no type */
	check_errno(map(0, PAGE, rw, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0), EINVAL);
	check_errno(map(0, PAGE, rw, anon, -1, 1), EINVAL);
	check_errno(map(0, PAGE, rw, anon, -1, PAGE / 2), EINVAL);
	check_errno(map(0x10000001, PAGE, rw, anon | MAP_FIXED, -1, 0), EINVAL);
	check_errno(map(0x10000001, PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0), EINVAL);
	check_errno(map(0, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0), EINVAL);
	check_errno(map(0, 0, PROT_READ, MAP_PRIVATE, fd, 0), EINVAL);
	check_errno(map(0, PAGE, PROT_READ, 0, fd, 0), EINVAL);
	check_errno(map(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0), EINVAL);
	check_errno(map(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, fd, 0), EINVAL);
	check_errno(map(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 100), EINVAL);
	close(fd);
	unlink("/tmp/errno");
}

static void
enomem(void)
{
	check_errno(map(0, -1UL, rw, anon, -1, 0), ENOMEM);
	check_errno(map(0, 1UL << 47, rw, anon, -1, 0), ENOMEM);
	check_errno(map(0x7ffffffff000, PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
	check_errno(map(0x7fffffffe000, 2 * PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
	check_errno(map(0xffff800000000000, PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
	check_errno(map(0, 2 * MIB, rw, anon | MAP_HUGETLB, -1, 0), ENOMEM); /* no huge pages are set aside */
}

static void
eexist(void)
{
	uintptr_t p = (uintptr_t)map_private(4 * PAGE);

	check_errno(map(p, PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	check_errno(map(p - PAGE, 2 * PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	check_errno(map(p + 3 * PAGE, 2 * PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	check(munmap((void *)(p + PAGE), PAGE) == 0);
	check(map(p + PAGE, PAGE, rw, anon | MAP_FIXED_NOREPLACE, -1, 0) == (long)(p + PAGE));
}

static void
of_descriptors(void)
{
	int pipe_of[2];
	int path = open("/", O_PATH);

	check_errno(map(0, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
	check_errno(map(0, PAGE, PROT_READ, MAP_PRIVATE, 999, 0), EBADF);
	check_errno(map(0, 0, PROT_READ, MAP_PRIVATE, 999, 0), EBADF); /* before the length */
	check_errno(map(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, 999, 0), EBADF);
	check(path >= 0);
	check_errno(map(0, PAGE, PROT_READ, MAP_PRIVATE, path, 0), EBADF);
	check(pipe(pipe_of) == 0);
	check_errno(map(0, PAGE, PROT_READ, MAP_PRIVATE, pipe_of[0], 0), ENODEV);
	check_errno(map(0, PAGE, PROT_READ, MAP_SHARED, pipe_of[0], 0), ENODEV);
	check(map(0, PAGE, rw, anon, 999, 0) != -1); /* nobody asks */
	close(path);
}

static void
eacces(void)
{
	int both = file_make("/tmp/errno", 2 * PAGE);
	int in = open("/tmp/errno", O_RDONLY);
	int out = open("/tmp/errno", O_WRONLY);
	long p;

	check_errno(map(0, PAGE, PROT_READ, MAP_PRIVATE, out, 0), EACCES);
	check_errno(map(0, PAGE, PROT_WRITE, MAP_SHARED, out, 0), EACCES);
	check_errno(map(0, PAGE, rw, MAP_SHARED, in, 0), EACCES);
	check_errno(map(0, PAGE, rw, MAP_SHARED_VALIDATE, in, 0), EACCES);
	p = map(0, PAGE, PROT_READ, MAP_SHARED, in, 0);
	check(p != -1);
	check_errno(mprotect((void *)p, PAGE, rw), EACCES);
	p = map(0, PAGE, rw, MAP_PRIVATE, in, 0); /* a copy of one's own */
	check(p != -1);
	*(volatile char *)p = 9;
	close(both);
	close(in);
	close(out);
	unlink("/tmp/errno");
}

static void
of_offsets(void)
{
	int fd = file_make("/tmp/errno", 2 * PAGE);
	off_t last = 0x7ffffffffffff000;

	check_errno(map(0, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, last), EOVERFLOW);
	check_errno(map(0, PAGE, PROT_READ, MAP_SHARED, fd, -(off_t)PAGE), EOVERFLOW);
	check(map(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 64 * PAGE) != -1); /* past the end: no error yet */
	close(fd);
	unlink("/tmp/errno");
}

static void
validates(void)
{
	int fd = file_make("/tmp/errno", 2 * PAGE);

	check(map(0, PAGE, rw, MAP_SHARED_VALIDATE, fd, 0) != -1);
	check(map(0, PAGE, rw, MAP_SHARED_VALIDATE | MAP_POPULATE | MAP_NORESERVE, fd, 0) != -1);
	check_errno(map(0, PAGE, rw, MAP_SHARED_VALIDATE | 0x80000 /* MAP_SYNC */, fd, 0), EOPNOTSUPP);
	check_errno(map(0, PAGE, rw, MAP_SHARED_VALIDATE | 0x800000, fd, 0), EOPNOTSUPP);
	check(map(0, PAGE, rw, MAP_SHARED | 0x800000, fd, 0) != -1);             /* who does not ask is told nothing */
	check(map(0, PAGE, rw, anon | 0x800000 | 0x0800 | 0x1000, -1, 0) != -1); /* nor of DENYWRITE, EXECUTABLE */
	close(fd);
	unlink("/tmp/errno");
}

static void
munmap_errors(void)
{
	uintptr_t p = (uintptr_t)map_private(2 * PAGE);

	check_errno(syscall(SYS_munmap, p + 1, PAGE), EINVAL);
	check_errno(syscall(SYS_munmap, p, 0), EINVAL);
	check_errno(syscall(SYS_munmap, 0x7ffffffff000, PAGE), EINVAL);
	check_errno(syscall(SYS_munmap, p, -1UL), EINVAL);
	check_errno(syscall(SYS_munmap, 0xffff800000000000, PAGE), EINVAL);
	check(syscall(SYS_munmap, p + PAGE, 1) == 0);    /* rounded up */
	check(syscall(SYS_munmap, p + PAGE, PAGE) == 0); /* nothing there: no error */
	check(can_write((void *)p) && !can_read((void *)(p + PAGE)));
}

/* brk has no errno: what cannot be is answered by where the end is. */
static void
brk_refuses(void)
{
	uintptr_t now = syscall(SYS_brk, 0);
	uintptr_t page = (now + 8 * PAGE) & ~(uintptr_t)(PAGE - 1);

	check((uintptr_t)syscall(SYS_brk, 1) == now);
	check((uintptr_t)syscall(SYS_brk, 0x7ffffffff000) == now);
	check((uintptr_t)syscall(SYS_brk, -1UL) == now);
	check(map(page, PAGE, PROT_READ, anon | MAP_FIXED_NOREPLACE, -1, 0) == (long)page);
	check((uintptr_t)syscall(SYS_brk, page + PAGE) == now);     /* something is in the way */
	check((uintptr_t)syscall(SYS_brk, now + 123) == now + 123); /* to the byte */
	check((uintptr_t)syscall(SYS_brk, now) == now);
}

/* ---- flags ---- */

static void
below_2_gib(void)
{
	long p = map(0, 4 * PAGE, rw, anon | MAP_32BIT, -1, 0);
	long q = map(0, 4 * PAGE, rw, anon | MAP_32BIT, -1, 0);
	long high = (long)map_private(PAGE);

	check(p > 0 && p + 4 * PAGE <= 0x80000000L && q > 0 && q + 4 * PAGE <= 0x80000000L && p != q);
	memset((void *)p, 1, 4 * PAGE);
	check(high > 0x80000000L);
	p = map(high + MIB, PAGE, rw, anon | MAP_32BIT, -1, 0); /* a hint that lies too high is none */
	check(p > 0 && p < 0x80000000L);
	check_errno(map(0, 3UL << 30, rw, anon | MAP_32BIT, -1, 0), ENOMEM);
	check(map(high, PAGE, rw, anon | MAP_32BIT | MAP_FIXED, -1, 0) == high);
}

static void
populates(void)
{
	volatile unsigned char *p = (void *)map(0, 8 * PAGE, rw, anon | MAP_POPULATE, -1, 0);
	long before = faults_minor();

	check((long)p != -1);
	for (int i = 0; i < 8; i++)
		p[i * PAGE] = 1;
	check(faults_minor() == before);
	check(map(0, 8 * PAGE, PROT_NONE, anon | MAP_POPULATE, -1, 0) != -1); /* cannot be done: no error */
}

static void
grows_down(void)
{
	volatile unsigned char *all = free_range(1024);
	volatile unsigned char *p = all + 1000 * PAGE;

	check(map((uintptr_t)p, PAGE, rw, anon | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == (long)p);
	p[0] = 1;
	p[-1] = 2;
	p[-10 * PAGE] = 3;
	check(p[0] == 1 && p[-1] == 2 && p[-10 * PAGE] == 3);
	check(strcmp(maps_of(p - 12 * PAGE, 13), "2. 11rw") == 0);
	check(mprotect((void *)p, PAGE, PROT_READ | PROT_GROWSDOWN) == 0); /* all of it */
	check(strcmp(maps_of(p - 12 * PAGE, 13), "2. 11r") == 0);
}

static void
zeroes_private(void)
{
	int fd = open("/dev/zero", O_RDONLY);
	volatile unsigned char *p = (void *)map(0, 2 * PAGE, rw, MAP_PRIVATE, fd, 0);

	check(fd >= 0 && (long)p != -1);
	check(p[0] == 0 && p[PAGE] == 0);
	p[0] = 1;
	close(fd);
	p[PAGE] = 2;
	check(p[0] == 1 && p[PAGE] == 2);
}

static void
write_there(void *arg)
{
	volatile unsigned char *p = arg;

	p[PAGE] = 7;
}

static void
zeroes_shared(void)
{
	int fd = open("/dev/zero", O_RDWR);
	int in = open("/dev/zero", O_RDONLY);
	volatile unsigned char *p = (void *)map(0, 2 * PAGE, rw, MAP_SHARED, fd, 0);
	volatile unsigned char *q = (void *)map(0, 2 * PAGE, rw, MAP_SHARED, fd, 0);

	check(fd >= 0 && (long)p != -1 && (long)q != -1);
	child_must_live(write_there, (void *)p);
	check(p[0] == 0 && p[PAGE] == 7);
	check(q[PAGE] == 0); /* each mapping is a memory of its own */
	check_errno(map(0, PAGE, rw, MAP_SHARED, in, 0), EACCES);
	p = (void *)map(0, PAGE, PROT_READ, MAP_SHARED, in, 0);
	check((long)p != -1 && p[0] == 0);
	check_errno(mprotect((void *)p, PAGE, rw), EACCES);
	close(fd);
	close(in);
}

static void
locked(void)
{
	long before = status_kib("VmLck");

	check(map(0, 4 * PAGE, rw, anon | MAP_LOCKED, -1, 0) != -1);
	check(status_kib("VmLck") == before + 16);
}

const struct test_case mmap_errno_cases[] = {
	{"mmap: EINVAL", einval, 0, 0},
	{"mmap: ENOMEM", enomem, 0, 0},
	{"mmap: EEXIST", eexist, 0, 0},
	{"mmap: EBADF and ENODEV", of_descriptors, 0, 0},
	{"mmap: EACCES", eacces, 0, 0},
	{"mmap: EOVERFLOW", of_offsets, 0, 0},
	{"mmap: EOPNOTSUPP, and flags that nobody knows", validates, 0, 0},
	{"munmap: EINVAL", munmap_errors, 0, 0},
	{"brk: refused, and exact to the byte", brk_refuses, 0, 0},
	{"MAP_32BIT lies below 2 GiB", below_2_gib, 0, 0},
	{"MAP_POPULATE leaves no faults", populates, 0, 0},
	{"MAP_GROWSDOWN grows, and PROT_GROWSDOWN reaches its start", grows_down, 0, 0},
	{"/dev/zero mapped privately", zeroes_private, 0, 0},
	{"/dev/zero mapped shared", zeroes_shared, 0, 0},
	{"MAP_LOCKED is seen in VmLck", locked, 0, 0},
	{0},
};
