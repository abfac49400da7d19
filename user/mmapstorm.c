/* SPDX-License-Identifier: MIT */
/*
 * user/mmapstorm.c - mappings, until there may be no more of them
 *
 * Idea        single pages whose neighbours have other rights, so that no two become one vma. Nothing is touched: what
 *             runs out is not memory but vm.max_map_count, and what it costs is the kernel's own: a vma each.
 * Invariants  none
 * Locks       none
 * Follow      to mm/mmap.c, mm/vma.c, mm/vma_edit.c
 * Tests       tests/guest/test_guest.py, tests/guest/test_demo.py
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

enum {
	PAGE = 4096
};

static long
free_kib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return info.freeram * info.mem_unit / 1024;
}

int
main(void)
{
	long before = free_kib();
	long count = 0;

	while (mmap(NULL, PAGE, count % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		count++;
	int error = errno; /* printf may want a mapping, too */
	printf("mmapstorm: %ld mappings, then %s; %ld bytes of kernel memory each\n", count, strerror(error),
	       (before - free_kib()) * 1024 / (count ? count : 1));
	return 0;
}
