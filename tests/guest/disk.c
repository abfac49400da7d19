/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/disk.c - disks and their partitions as files
 *
 * Idea        The machine has vda (64 MiB, a GPT with partitions of 10 and 20 MiB), vdb (32 MiB, sector n holds n)
 *             and vdc, which cannot be written. The second group runs on a machine whose vda fails on purpose: sectors
 *             16 to 23 cannot be read, sectors 32 to 39 cannot be written, and whose vdb cannot be flushed.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py, which makes the disks   to kernel/fs/block_file.c, kernel/dev/block.c
 * Tests       none
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>

enum {
	SECTOR = 512,
	VDA = 64 * MIB,
	VDB = 32 * MIB,
	PART1_START = 2048 * SECTOR,
	PART1 = 10 * MIB,
	WRITERS = 4,
	ROUNDS = 200
};

static unsigned char bytes[4 * MIB];

static int
disk_open(const char *name, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/%s", name);
	int fd = open(path, flags | O_CLOEXEC);
	check(fd >= 0);
	return fd;
}

static void
fill(unsigned char *to, size_t n, unsigned int seed)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
}

static bool
filled(const unsigned char *from, size_t n, unsigned int seed)
{
	for (size_t i = 0; i < n; i++)
		if (from[i] != (unsigned char)((seed = seed * 1103515245 + 12345) >> 16))
			return false;
	return true;
}

static void
nodes(void)
{
	struct stat st;

	check(stat("/dev/vda", &st) == 0 && S_ISBLK(st.st_mode));
	unsigned int m = major(st.st_rdev);
	check(minor(st.st_rdev) == 0);
	check(stat("/dev/vda2", &st) == 0 && st.st_rdev == makedev(m, 2));
	check(stat("/dev/vdb", &st) == 0 && st.st_rdev == makedev(m, 16));
	check_errno(stat("/dev/vda3", &st), ENOENT);
}

static void
sizes(void)
{
	int fd = disk_open("vda", O_RDONLY);
	uint64_t size = 0;
	long sectors = 0;
	int sector = 0;

	check(ioctl(fd, BLKGETSIZE64, &size) == 0 && size == VDA);
	check(ioctl(fd, BLKGETSIZE, &sectors) == 0 && sectors == VDA / SECTOR);
	check(ioctl(fd, BLKSSZGET, &sector) == 0 && sector == SECTOR);
	check(lseek(fd, 0, SEEK_END) == VDA);
	close(fd);
	fd = disk_open("vda1", O_RDONLY);
	check(lseek(fd, 0, SEEK_END) == PART1);
	check_errno(ioctl(fd, BLKGETSIZE64, (void *)16), EFAULT);
	check_errno(ioctl(fd, TIOCGWINSZ, bytes), ENOTTY);
	close(fd);
}

/* Sector n of vdb holds n in each of its words. */
static void
contents(void)
{
	int fd = disk_open("vdb", O_RDONLY);

	for (long at = 0; at < VDB; at += sizeof(bytes)) {
		check(pread(fd, bytes, sizeof(bytes), at) == sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes); i += 4) {
			uint32_t word;
			memcpy(&word, bytes + i, 4);
			check(word == (at + i) / SECTOR);
		}
	}
	close(fd);
}

static void
unaligned_reads(void)
{
	int fd = disk_open("vdb", O_RDONLY);

	for (int i = 0; i < ROUNDS; i++) {
		long at = random() % (VDB - MIB);
		long n = 1 + random() % (i % 10 ? 5000 : MIB);
		check(pread(fd, bytes, n, at) == n);
		for (long k = 0; k < n; k++) {
			uint32_t word = (at + k) / SECTOR;
			check(bytes[k] == ((unsigned char *)&word)[(at + k) % 4]);
		}
	}
	close(fd);
}

static void
written(void)
{
	int fd = disk_open("vda2", O_RDWR);

	fill(bytes, sizeof(bytes), 7);
	check(pwrite(fd, bytes, sizeof(bytes), 8 * MIB) == sizeof(bytes));
	check(fsync(fd) == 0);
	memset(bytes, 0, sizeof(bytes));
	check(pread(fd, bytes, sizeof(bytes), 8 * MIB) == sizeof(bytes));
	check(filled(bytes, sizeof(bytes), 7));
	close(fd);
}

/* A partition is a window of its disk. */
static void
window(void)
{
	int part = disk_open("vda1", O_RDWR);
	int whole = disk_open("vda", O_RDONLY);

	fill(bytes, 3 * SECTOR, 11);
	check(pwrite(part, bytes, 3 * SECTOR, PART1 - 3 * SECTOR) == 3 * SECTOR);
	fsync(part);
	memset(bytes, 0, 3 * SECTOR);
	check(pread(whole, bytes, 3 * SECTOR, PART1_START + PART1 - 3 * SECTOR) == 3 * SECTOR);
	check(filled(bytes, 3 * SECTOR, 11));
	close(part);
	close(whole);
}

/* What lies beside the bytes that are written stays. */
static void
unaligned_writes(void)
{
	static unsigned char model[64 * SECTOR], now[64 * SECTOR];
	int fd = disk_open("vda1", O_RDWR);

	fill(model, sizeof(model), 3);
	check(pwrite(fd, model, sizeof(model), 0) == sizeof(model));
	for (int i = 0; i < ROUNDS; i++) {
		long at = random() % (sizeof(model) - 1);
		long n = 1 + random() % (sizeof(model) - at);
		if (i % 3)
			n = n % 700 + 1 > (long)sizeof(model) - at ? 1 : n % 700 + 1;
		fill(model + at, n, i);
		check(pwrite(fd, model + at, n, at) == n);
	}
	check(pread(fd, now, sizeof(now), 0) == sizeof(now));
	check(memcmp(now, model, sizeof(now)) == 0);
	close(fd);
}

static void
end(void)
{
	int fd = disk_open("vda1", O_RDWR);

	check(pread(fd, bytes, 4096, PART1 - 100) == 100);
	check(pread(fd, bytes, 4096, PART1) == 0);
	check(pwrite(fd, bytes, 4096, PART1 - 100) == 100);
	check_errno(pwrite(fd, bytes, 1, PART1), ENOSPC);
	check(pread(fd, bytes, 0, 5) == 0);
	close(fd);
}

static void
read_only(void)
{
	int set = 0;

	int fd = disk_open("vdc", O_RDWR);
	check(ioctl(fd, BLKROGET, &set) == 0 && set == 1);
	check(read(fd, bytes, 4096) == 4096);
	check_errno(write(fd, bytes, 4096), EPERM);
	check_errno(write(fd, bytes, 0), EPERM);
	close(fd);
}

/* Who has opened one exclusively keeps others from doing so; plain opens are free. A disk and its parts are one. */
static void
exclusive(void)
{
	int fd = disk_open("vda1", O_RDWR | O_EXCL);
	int other = disk_open("vda2", O_RDONLY | O_EXCL);

	check(!(fcntl(fd, F_GETFL) & O_EXCL));
	check_errno(open("/dev/vda1", O_RDONLY | O_EXCL), EBUSY);
	check_errno(open("/dev/vda", O_RDONLY | O_EXCL), EBUSY);
	check_errno(swapon("/dev/vda1", 0), EBUSY);
	close(disk_open("vda1", O_RDWR));
	close(disk_open("vda", O_RDWR));
	int copy = dup(fd);
	close(fd);
	check_errno(open("/dev/vda1", O_RDONLY | O_EXCL), EBUSY);
	close(copy);
	close(disk_open("vda1", O_RDONLY | O_EXCL));
	close(other);
	fd = disk_open("vda", O_RDONLY | O_EXCL);
	check_errno(open("/dev/vda2", O_RDONLY | O_EXCL), EBUSY);
	close(fd);
}

static void
wild(void)
{
	int fd = disk_open("vda2", O_RDWR);
	unsigned char *page = (unsigned char *)map_private(2 * PAGE);

	check_errno(read(fd, (void *)8, 4096), EFAULT);
	check_errno(write(fd, (void *)8, 4096), EFAULT);
	check(munmap(page + PAGE, PAGE) == 0);
	fill(bytes, 2 * PAGE, 21);
	check(pwrite(fd, bytes, 2 * PAGE, 0) == 2 * PAGE);
	memset(page, 'x', PAGE);
	check(pwrite(fd, page + 100, PAGE, 0) == PAGE - 100);
	check(pread(fd, bytes + 2 * PAGE, 2 * PAGE, 0) == 2 * PAGE);
	check(bytes[2 * PAGE] == 'x' && bytes[2 * PAGE + PAGE - 101] == 'x');
	check(memcmp(bytes + 2 * PAGE + PAGE - 100, bytes + PAGE - 100, PAGE + 100) == 0);
	close(fd);
}

/* Each writes its own bytes of the same sectors, which must not undo the others'. */
static void
writer(void *arg)
{
	long self = (long)arg;
	int fd = disk_open("vda1", O_RDWR);
	unsigned char own[64];

	for (int i = 0; i < ROUNDS; i++) {
		memset(own, (int)(self * 50 + i % 50), sizeof(own));
		check(pwrite(fd, own, sizeof(own), (i % 16) * SECTOR + self * 64) == sizeof(own));
	}
	close(fd);
}

static void
writers(void)
{
	pid_t child[WRITERS];

	for (long i = 0; i < WRITERS; i++)
		child[i] = child_start(writer, (void *)i);
	for (int i = 0; i < WRITERS; i++)
		check(child_wait(child[i]) == 0);
	int fd = disk_open("vda1", O_RDONLY);
	check(pread(fd, bytes, 16 * SECTOR, 0) == 16 * SECTOR);
	close(fd);
	for (int s = 0; s < 16; s++) {
		int last = ROUNDS - 1;
		while (last % 16 != s)
			last--;
		for (int w = 0; w < WRITERS; w++)
			for (int i = 0; i < 64; i++)
				check(bytes[s * SECTOR + w * 64 + i] == w * 50 + last % 50);
	}
}

static void
reader(void *arg)
{
	unsigned char *mine = bytes + (long)arg * MIB;
	int fd = disk_open("vdb", O_RDONLY);

	for (int i = 0; i < 8; i++) {
		long at = ((long)arg * 8 + i) % 31 * MIB;
		check(pread(fd, mine, MIB, at) == MIB);
		for (long k = 0; k < MIB; k += SECTOR) {
			uint32_t word;
			memcpy(&word, mine + k, 4);
			check(word == (at + k) / SECTOR);
		}
	}
	close(fd);
}

static void
readers(void)
{
	pid_t child[WRITERS];

	for (long i = 0; i < WRITERS; i++)
		child[i] = child_start(reader, (void *)i);
	for (int i = 0; i < WRITERS; i++)
		check(child_wait(child[i]) == 0);
}

/* reads, sectors read, writes, sectors written of one line of /proc/diskstats. */
static void
stats(const char *name, unsigned long out[4])
{
	char line[256], found[32];
	FILE *f = fopen("/proc/diskstats", "r");

	check(f != NULL);
	memset(out, 0xff, 4 * sizeof(*out));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*u %*u %31s %lu %*u %lu %*u %lu %*u %lu", found, &out[0], &out[1], &out[2],
			   &out[3]) == 5 &&
		    strcmp(found, name) == 0)
			break;
	fclose(f);
	check(strcmp(found, name) == 0);
}

static void
diskstats(void)
{
	unsigned long before[4], after[4], whole_before[4], whole_after[4];
	int fd = disk_open("vda2", O_RDWR);

	stats("vda2", before);
	stats("vda", whole_before);
	check(pwrite(fd, bytes, 8 * SECTOR, 0) == 8 * SECTOR);
	check(fsync(fd) == 0);
	stats("vda2", after);
	stats("vda", whole_after);
	check(after[3] - before[3] == 8 && after[2] > before[2]);
	check(whole_after[3] - whole_before[3] == 8);
	close(fd);
}

static void
partitions(void)
{
	char text[1024] = "";
	int fd = open("/proc/partitions", O_RDONLY);

	check(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	check(strncmp(text, "major minor  #blocks  name\n\n", 28) == 0);
	check(strstr(text, "      65536 vda\n") && strstr(text, "      10240 vda1\n") &&
	      strstr(text, "      20480 vda2\n"));
}

/* Requests of one kind that one line of /proc/diskstats counts as done: column 18 are the flushes. */
static unsigned long
flushes(const char *name)
{
	char line[256], found[32];
	unsigned long n = 0;
	FILE *f = fopen("/proc/diskstats", "r");

	check(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*u %*u %31s %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %lu", found,
			   &n) == 2 &&
		    strcmp(found, name) == 0)
			break;
	fclose(f);
	check(strcmp(found, name) == 0);
	return n;
}

static void
flushed(void)
{
	int fd = disk_open("vda", O_RDWR);
	unsigned long before = flushes("vda");

	check(pwrite(fd, bytes, PAGE, 40 * MIB) == PAGE);
	check(fsync(fd) == 0 && flushes("vda") > before);
	before = flushes("vda");
	check(pwrite(fd, bytes, PAGE, 40 * MIB) == PAGE);
	check(fdatasync(fd) == 0 && flushes("vda") > before);
	check(syncfs(fd) == 0);
	check_errno(syncfs(-1), EBADF);
	sync();
	close(fd);
}

/* ---- a disk that fails ---- */

static void
bad_read(void)
{
	int fd = disk_open("vda", O_RDONLY);

	check_errno(pread(fd, bytes, 4096, 16 * SECTOR), EIO);
	check(pread(fd, bytes, 4096, 0) == 4096);
	check(pread(fd, bytes, 4096, 24 * SECTOR) == 4096);
	close(fd);
}

static void
bad_write(void)
{
	int fd = disk_open("vda", O_RDWR | O_SYNC); /* Linux writes later, without */

	check_errno(pwrite(fd, bytes, 4096, 32 * SECTOR), EIO);
	check(pwrite(fd, bytes, 4096, 40 * SECTOR) == 4096);
	close(fd);
}

static void
bad_flush(void)
{
	int fd = disk_open("vdb", O_RDWR);

	check(pwrite(fd, bytes, PAGE, 0) == PAGE);
	check_errno(fsync(fd), EIO);
	check(pwrite(fd, bytes, PAGE, 0) == PAGE);
	check_errno(fdatasync(fd), EIO);
	sync();
	close(fd);
}

/* What came before the bad sectors is not lost. */
static void
part_of_a_read(void)
{
	int fd = disk_open("vda", O_RDONLY);

	check(pread(fd, bytes, MIB, 0) == 16 * SECTOR);
	check(pread(fd, bytes, 4096, 15 * SECTOR) == SECTOR);
	check_errno(pread(fd, bytes, MIB, 16 * SECTOR), EIO);
	check(pread(fd, bytes, MIB, 24 * SECTOR) == MIB - 24 * SECTOR);
	close(fd);
}

/* ---- a disk that takes longer than the kernel waits ---- */

/* The host lets 8 KiB a second through: after the first write every other one is too late. */
static void
lost(void)
{
	int fd = disk_open("vda", O_RDWR);
	long n = 0;

	for (int i = 0; i < 10 && n >= 0; i++)
		n = pwrite(fd, bytes, 65536, 0);
	check(n < 0 && errno == EIO);
	check(pread(fd, bytes, 4096, 0) == 4096);
	close(fd);
}

const struct test_case disk_cases[] = {
	{"disks and partitions have nodes with Linux's numbers", nodes, 0, CASE_NAMED},
	{"a disk tells its size, and a partition its own", sizes, 0, CASE_NAMED},
	{"every sector of a disk is read from its place", contents, 0, CASE_NAMED},
	{"a read may begin and end anywhere", unaligned_reads, 0, CASE_NAMED},
	{"what was written is there after fsync", written, 0, CASE_NAMED},
	{"a partition shows its part of the disk", window, 0, CASE_NAMED},
	{"a write of a few bytes leaves its neighbours alone", unaligned_writes, 0, CASE_NAMED},
	{"reads and writes end at the end of the device", end, 0, CASE_NAMED},
	{"a disk that cannot be written says EPERM to a write", read_only, 0, CASE_NAMED},
	{"O_EXCL: one has the disk or partition, the next gets EBUSY", exclusive, 0, CASE_NAMED},
	{"wild pointers are EFAULT, and half a write ends at the byte", wild, 0, CASE_NAMED},
	{"writers of the same sectors do not undo one another", writers, 0, CASE_NAMED | CASE_SMP},
	{"readers on all processors get their own sectors", readers, 0, CASE_NAMED | CASE_SMP},
	{"diskstats counts what was transferred", diskstats, 0, CASE_NAMED},
	{"partitions lists disks and partitions", partitions, 0, CASE_NAMED},
	{"fsync, fdatasync and sync empty the disk's cache", flushed, 0, CASE_NAMED},
	{0},
};

const struct test_case disk_error_cases[] = {
	{"a sector that cannot be read is EIO, and the disk goes on", bad_read, 0, CASE_NAMED},
	{"a sector that cannot be written is EIO, and the disk goes on", bad_write, 0, CASE_NAMED},
	{"a flush that fails is an error of fsync and fdatasync", bad_flush, 0, CASE_NAMED},
	{"a read across a bad sector ends before its page, and the next one is EIO", part_of_a_read, 0, CASE_NAMED},
	{0},
};

const struct test_case disk_lost_cases[] = {
	{"a request that is never answered is EIO, and the disk goes on", lost, 0, CASE_NAMED},
	{0},
};
