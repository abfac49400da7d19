/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/swappart.c - swap areas on partitions
 *
 * Idea        The machine has vda (24 MiB) with a GPT: vda1, 8 MiB, is a swap area, vda2, 8 MiB, is not; and vdb (24
 *             MiB) with an MBR: vdb1, 8 MiB, and the logical partition vdb5, 8 MiB, are swap areas. The first MiB of
 *             vdb, where the MBR leaves room for it, bears the header of a third one, over the whole disk.
 *             What lies outside of a partition must not change while it is in use.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py, disks.py   to kernel/sys_swap.c, kernel/dev/partition.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>

enum {
	AREA = 8 * MIB,
	DISK = 24 * MIB,
	SIZE = 4 * MIB,
	FIRST = MIB /* where the first partition begins */
};

static unsigned char *
disk_read(const char *path, size_t from, size_t bytes)
{
	unsigned char *text = malloc(bytes);
	int fd = open(path, O_RDONLY);

	check(text && fd >= 0 && pread(fd, text, bytes, (off_t)from) == (ssize_t)bytes);
	close(fd);
	return text;
}

/* Kilobytes of @path that /proc/swaps calls used; -1: it is no area. */
static long
used(const char *path)
{
	char name[64];
	long size, taken, found = -1;
	FILE *f = fopen("/proc/swaps", "r");

	check(f != NULL);
	if (!fgets((char[256]){0}, 256, f))
		fail("/proc/swaps is empty");
	while (fscanf(f, "%63s %*s %ld %ld %*d", name, &size, &taken) == 3)
		if (strcmp(name, path) == 0) {
			check(size == AREA / 1024 - 4);
			found = taken;
		}
	fclose(f);
	return found;
}

static void
out_and_back(const char *path)
{
	volatile unsigned char *p = map_private(SIZE);
	long before = used(path);

	for (size_t i = 0; i < SIZE; i += PAGE)
		page_stamp(p + i, i);
	check(madvise((void *)p, SIZE, MADV_PAGEOUT) == 0);
	check(used(path) - before >= SIZE / 1024 / 2);
	for (size_t i = 0; i < SIZE; i += PAGE)
		check(page_stamped(p + i, i));
	munmap((void *)p, SIZE);
}

/* Swap on @path, a partition of @disk that begins at @from: all around it stays as it is. */
static void
use(const char *disk, const char *path, size_t from)
{
	size_t end = from + AREA;
	unsigned char *front = disk_read(disk, 0, from), *back = disk_read(disk, end, DISK - end);

	check(swapon(path, 0) == 0);
	out_and_back(path);
	check(swapoff(path) == 0);
	check(used(path) == -1);
	unsigned char *front_now = disk_read(disk, 0, from), *back_now = disk_read(disk, end, DISK - end);
	check(memcmp(front, front_now, from) == 0);
	check(memcmp(back, back_now, DISK - end) == 0);
}

static void
gpt(void)
{
	int fd = open("/dev/vda2", O_RDWR);
	static unsigned char text[PAGE];

	memset(text, 0xa5, sizeof(text));
	for (int i = 0; i < 64; i++)
		check(pwrite(fd, text, PAGE, i * PAGE) == PAGE);
	close(fd);
	check_errno(swapon("/dev/vda2", 0), EINVAL);
	use("/dev/vda", "/dev/vda1", FIRST);
}

static void
primary(void)
{
	use("/dev/vdb", "/dev/vdb1", FIRST);
}

static void
logical(void)
{
	use("/dev/vdb", "/dev/vdb5", FIRST + AREA + MIB);
}

static void
together(void)
{
	static const char *const paths[] = {"/dev/vda1", "/dev/vdb1", "/dev/vdb5"};
	volatile unsigned char *p = map_private(3 * SIZE);

	for (int i = 0; i < 3; i++)
		check(swapon(paths[i], SWAP_FLAG_PREFER | 5) == 0);
	for (size_t i = 0; i < 3 * SIZE; i += PAGE)
		page_stamp(p + i, i);
	check(madvise((void *)p, 3 * SIZE, MADV_PAGEOUT) == 0);
	for (int i = 0; i < 3; i++)
		check(used(paths[i]) > 1024);
	check(swapoff(paths[1]) == 0);
	for (size_t i = 0; i < 3 * SIZE; i += PAGE)
		check(page_stamped(p + i, i));
	check(swapoff(paths[0]) == 0 && swapoff(paths[2]) == 0);
}

/* A device is claimed by one user: a partition keeps its disk, and the disk its partitions. */
static void
claimed(void)
{
	check(swapon("/dev/vdb1", 0) == 0);
	check_errno(swapon("/dev/vdb1", 0), EBUSY);
	check_errno(swapon("/dev/vdb", 0), EBUSY);
	check(swapon("/dev/vdb5", 0) == 0);
	check(swapoff("/dev/vdb1") == 0);
	check_errno(swapon("/dev/vdb", 0), EBUSY);
	check(swapoff("/dev/vdb5") == 0);
	check(swapon("/dev/vdb", 0) == 0);
	check_errno(swapon("/dev/vdb1", 0), EBUSY);
	check_errno(swapon("/dev/vdb5", 0), EBUSY);
	check_errno(swapoff("/dev/vdb1"), EINVAL);
	check(swapoff("/dev/vdb") == 0);
}

const struct test_case swappart_cases[] = {
	{"a partition of a GPT as swap, and nothing else is touched", gpt, 0, CASE_NAMED},
	{"a primary partition of an MBR as swap, and nothing else is touched", primary, 0, CASE_NAMED},
	{"a logical partition as swap, and nothing else is touched", logical, 0, CASE_NAMED},
	{"three partitions of two disks share the load", together, 0, CASE_NAMED},
	{"a partition in use keeps its disk from being used as a whole, and the other way round", claimed, 0,
	 CASE_NAMED},
	{0},
};
