/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/limits.c - where an address space must stop growing
 *
 * Idea        each limit is set in the child that the case is, and met by every call that it concerns
 * Invariants  see guest.h
 * Follow      to mm/mmap.c, mm/mprotect.c, mm/brk.c, mm/mremap.c, kernel/rlimit.c
 */
#include "maps.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static const int rw = PROT_READ | PROT_WRITE;
static const int anon = MAP_PRIVATE | MAP_ANONYMOUS;

static void
limit_set(int resource, rlim_t value)
{
	struct rlimit limit;

	check(getrlimit(resource, &limit) == 0);
	limit.rlim_cur = value;
	check(setrlimit(resource, &limit) == 0);
}

static bool
maps_anon(size_t bytes, int prot, int flags)
{
	return mmap(NULL, bytes, prot, flags | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

/* What a program has of private writable memory, in bytes. */
static rlim_t
data_now(void)
{
	return (rlim_t)status_kib("VmData") * 1024;
}

static void
data_of_mmap(void)
{
	data_now(); /* whatever it maps, it has mapped now */
	limit_set(RLIMIT_DATA, data_now() + 16 * PAGE);
	check(maps_anon(8 * PAGE, rw, MAP_PRIVATE));
	check(!maps_anon(16 * PAGE, rw, MAP_PRIVATE) && errno == ENOMEM);
	check(maps_anon(64 * PAGE, PROT_READ, MAP_PRIVATE));
	check(maps_anon(64 * PAGE, rw, MAP_SHARED));
	check(maps_anon(64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE));
	check(maps_anon(4 * PAGE, rw, MAP_PRIVATE));
}

static void
data_in_place(void)
{
	void *p = mmap(NULL, 64 * PAGE, rw, anon, -1, 0);

	check(p != MAP_FAILED);
	limit_set(RLIMIT_DATA, data_now());
	check(mmap(p, 64 * PAGE, rw, anon | MAP_FIXED, -1, 0) == p);
	check_errno((long)mmap(p, 128 * PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
	check(can_write(p));
}

static void
data_of_mprotect(void)
{
	char *p = mmap(NULL, 64 * PAGE, PROT_READ, anon, -1, 0);

	check(p != MAP_FAILED);
	limit_set(RLIMIT_DATA, data_now() + 16 * PAGE);
	check_errno(mprotect(p, 64 * PAGE, rw), ENOMEM);
	check(!can_write(p));
	check(mprotect(p, 8 * PAGE, rw) == 0 && can_write(p + 7 * PAGE));
	check(mprotect(p, 8 * PAGE, PROT_READ) == 0);
	check(mprotect(p + 8 * PAGE, 12 * PAGE, rw) == 0); /* what was given back can be taken again */
}

static void
data_of_brk(void)
{
	uintptr_t end = syscall(SYS_brk, 0);

	limit_set(RLIMIT_DATA, data_now());
	check((uintptr_t)syscall(SYS_brk, end + 1024 * PAGE) == end);
	limit_set(RLIMIT_DATA, RLIM_INFINITY);
	check((uintptr_t)syscall(SYS_brk, end + 1024 * PAGE) == end + 1024 * PAGE);
}

static void
data_of_mremap(void)
{
	void *p = mmap(NULL, 8 * PAGE, rw, anon, -1, 0);

	check(p != MAP_FAILED);
	limit_set(RLIMIT_DATA, data_now() + 4 * PAGE);
	check_errno((long)mremap(p, 8 * PAGE, 64 * PAGE, MREMAP_MAYMOVE), ENOMEM);
	check(mremap(p, 8 * PAGE, 10 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
}

static void
space_of_all(void)
{
	size_t used = (size_t)status_kib("VmSize") * 1024;
	uintptr_t end = syscall(SYS_brk, 0);
	char *p;

	limit_set(RLIMIT_AS, used + 32 * PAGE);
	check(!maps_anon(64 * PAGE, PROT_NONE, MAP_PRIVATE) && errno == ENOMEM);
	check(!maps_anon(64 * PAGE, rw, MAP_SHARED) && errno == ENOMEM);
	check((uintptr_t)syscall(SYS_brk, end + 64 * PAGE) == end);
	p = mmap(NULL, 8 * PAGE, rw, anon, -1, 0);
	check(p != MAP_FAILED);
	check_errno((long)mremap(p, 8 * PAGE, 64 * PAGE, MREMAP_MAYMOVE), ENOMEM);
	check(mmap(p, 8 * PAGE, PROT_READ, anon | MAP_FIXED, -1, 0) == p);
}

static void
counters_move(void)
{
	long data = status_kib("VmData");
	long size = status_kib("VmSize");
	void *p = mmap(NULL, MIB, rw, anon, -1, 0);

	check(p != MAP_FAILED);
	check(status_kib("VmData") == data + 1024 && status_kib("VmSize") == size + 1024);
	check(mprotect(p, MIB / 2, PROT_READ) == 0);
	check(status_kib("VmData") == data + 512 && status_kib("VmSize") == size + 1024);
	check(mmap(NULL, MIB, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	check(status_kib("VmData") == data + 512 && status_kib("VmSize") == size + 2048);
	check(munmap(p, MIB) == 0);
	check(status_kib("VmData") == data && status_kib("VmSize") == size + 1024);
}

/* ---- vm.max_map_count ---- */

static int
map_count_max(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY);

	if (fd < 0)
		return 65530;
	check(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atoi(text);
}

/* Cuts pages out of a range until no more vmas may be had. Returns the range. */
static char *
use_up_maps(int max)
{
	size_t bytes = (size_t)(max + 64) * PAGE;
	char *p = mmap(NULL, bytes, PROT_NONE, anon | MAP_NORESERVE, -1, 0);
	size_t i = PAGE;

	check(p != MAP_FAILED);
	while (i < bytes && mprotect(p + i, PAGE, PROT_READ) == 0)
		i += 2 * PAGE;
	check(i < bytes && errno == ENOMEM);
	/* A page in the middle needs two. There may be room for one: the rest of the range. */
	(void)!mprotect(p + i, bytes - i, PROT_READ);
	return p;
}

static void
too_many_maps(void)
{
	int max = map_count_max();
	char *p;
	void *q;

	if (max > 200000)
		return; /* a Linux that was told otherwise */
	q = mmap(NULL, 3 * PAGE, rw, anon, -1, 0);
	check(q != MAP_FAILED);
	p = use_up_maps(max);
	int count = maps_count();
	check(count >= max - 2 && count <= max + 1);         /* Linux shows the vsyscall page beside them */
	check_errno(munmap((char *)q + PAGE, PAGE), ENOMEM); /* a hole */
	check_errno((long)mremap(q, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p), ENOMEM);
	check(munmap((char *)q + 2 * PAGE, PAGE) == 0);  /* an end: no vma more */
	check(mprotect(p + PAGE, PAGE, PROT_NONE) == 0); /* two less */
	check(munmap(p, 64 * PAGE) == 0);
	check(mprotect(p + 64 * PAGE, PAGE, PROT_WRITE) == 0);
}

/* ---- vm.mmap_min_addr ---- */

static void
low_addresses(void)
{
	void *p = mmap((void *)PAGE, PAGE, rw, anon, -1, 0);

	/* A hint that is too low is raised; address 0 is for whoever asks for exactly that and is root. */
	check(p != MAP_FAILED && (uintptr_t)p >= 0x10000);
	p = mmap(NULL, PAGE, rw, anon | MAP_FIXED, -1, 0);
	check(p == NULL || errno == EPERM);
	if (p == NULL)
		check(munmap(p, PAGE) == 0);
}

const struct test_case limits_cases[] = {
	{"RLIMIT_DATA: mmap of private writable memory, and of nothing else", data_of_mmap, 0, 0},
	{"RLIMIT_DATA: what is replaced does not count", data_in_place, 0, 0},
	{"RLIMIT_DATA: mprotect makes data", data_of_mprotect, 0, 0},
	{"RLIMIT_DATA: brk", data_of_brk, 0, 0},
	{"RLIMIT_DATA: mremap", data_of_mremap, 0, 0},
	{"RLIMIT_AS: mmap, brk and mremap", space_of_all, 0, 0},
	{"VmData and VmSize are moved by what they name", counters_move, 0, 0},
	{"vm.max_map_count: cutting ends, taking ends away does not", too_many_maps, 0, 0},
	{"vm.mmap_min_addr: a low hint is raised", low_addresses, 0, 0},
	{0},
};
