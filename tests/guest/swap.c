/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/swap.c - pages that leave memory and come back
 *
 * Idea        The machine has 64 MiB of RAM; vda is a swap area of 256 MiB, vdb a second of 16 MiB, vdc has no header,
 *             vdd one of version 2, vde one that promises more pages than the disk has, vdf one with bad pages. A case
 *             that needs swap turns it on and off again; after it every slot is free (the ledger).
 *             Pages are evicted for certain by MADV_PAGEOUT.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to mm/swap.c, mm/reclaim.c, mm/swap_leaf.c, kernel/sys_swap.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include "swapping.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

enum {
	RAM = 64 * MIB,
	SMALL = 64 * PAGE,
	SHARED = RAM / 4 * 3, /* and four sevenths of it for those who break it */
	WORKERS = 4,
	FUTEX_WAIT = 0
};

static void
setting(const char *name, long value)
{
	char path[80], text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", value);

	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	int fd = open(path, O_WRONLY);
	check(fd >= 0 && write(fd, text, n) == n);
	close(fd);
}

/* Lines of /proc/swaps below the first. */
static int
areas(void)
{
	char text[2048] = "";
	int fd = open("/proc/swaps", O_RDONLY);
	int lines = -1;

	check(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	for (char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	return lines;
}

/* Page by page, each found as it was: what comes in is dirty at once, and goes out anew. */
static void
restamp(volatile unsigned char *p, size_t bytes, uint64_t was, uint64_t who)
{
	for (size_t i = 0; i < bytes; i += PAGE) {
		check(page_stamped(p + i, was + i / PAGE));
		page_stamp(p + i, who + i / PAGE);
	}
}

/* How many bytes of /proc/swap_slots are @kind; -1: there is no such file. Any kind: 256. */
static long
slots_of_kind(int kind)
{
	static unsigned char kinds[3000];
	int fd = open("/proc/swap_slots", O_RDONLY);
	long count = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, kinds, sizeof(kinds))) > 0)
		for (ssize_t i = 0; i < n; i++)
			count += kind == 256 || kinds[i] == kind;
	check(n == 0);
	close(fd);
	return count;
}

/* ---- turning it on and off ---- */

static void
on_off(void)
{
	struct sysinfo before, info;

	sysinfo(&before);
	swap_on("/dev/vda");
	check(areas() == 1);
	check(sysinfo(&info) == 0 && info.totalswap * info.mem_unit == 256 * MIB - PAGE);
	check(info.freeswap == info.totalswap && before.totalswap == 0);
	check(figure("SwapTotal:") == 256 * 1024 - 4 && figure("SwapFree:") == 256 * 1024 - 4);
	swap_off("/dev/vda");
	check(areas() == 0 && figure("SwapTotal:") == 0);
}

/* What is in an area belongs to the kernel, and the area to nobody else. */
static void
area_is_not_written(void)
{
	static const unsigned char zeroes[PAGE];
	unsigned char header[PAGE];
	int fd = open("/dev/vdb", O_RDWR | O_EXCL);

	check(fd >= 0);
	check_errno(swapon("/dev/vdb", 0), EBUSY);
	close(fd);
	swap_on("/dev/vdb");
	fd = open("/dev/vdb", O_RDWR);
	check(fd >= 0);
	check_errno(write(fd, zeroes, PAGE), ETXTBSY);
	check_errno(write(fd, zeroes, 0), ETXTBSY);
	check(pread(fd, header, PAGE, 0) == PAGE && !memcmp(header + PAGE - 10, "SWAPSPACE2", 10));
	check_errno(open("/dev/vdb", O_RDONLY | O_EXCL), EBUSY);
	swap_off("/dev/vdb");
	check(pwrite(fd, header, PAGE, 0) == PAGE);
	close(fd);
	fd = open("/dev/vdb", O_RDWR | O_EXCL);
	check(fd >= 0 && close(fd) == 0);
}

static void
refused(void)
{
	int fd = open("/tmp/file", O_CREAT | O_RDWR, 0600);

	check_errno(swapon("/dev/nothing", 0), ENOENT);
	check_errno(swapon((char *)8, 0), EFAULT);
	check_errno(swapon("/tmp/file", 0), EINVAL);
	check_errno(swapon("/dev/vda", 0x80000), EINVAL);
	check_errno(swapon("/dev/vdc", 0), EINVAL);
	check_errno(swapon("/dev/vdd", 0), EINVAL);
	check_errno(swapon("/dev/vde", 0), EINVAL);
	check_errno(swapoff("/dev/vda"), EINVAL);
	check_errno(swapoff("/dev/nothing"), ENOENT);
	swap_on("/dev/vda");
	check_errno(swapon("/dev/vda", 0), EBUSY);
	swap_off("/dev/vda");
	close(fd);
	unlink("/tmp/file");
	check(areas() == 0);
}

static bool
log_says(const char *what)
{
	enum {
		READ_LOG = 3
	};
	static char text[256 * 1024];

	check(klogctl(READ_LOG, text, sizeof(text) - 1) >= 0);
	return strstr(text, what);
}

/* The pages that the header of vdf calls bad can neither be read nor written. All others are used. */
static void
bad_pages(void)
{
	static const size_t bad[] = {0, 1, 7, 8, 100, 255};
	enum {
		SLOTS = 256,
		GOOD = SLOTS - sizeof(bad) / sizeof(bad[0])
	};
	unsigned char kinds[SLOTS + 1];
	long size, used;

	swap_on("/dev/vdf");
	check(sscanf(strstr(proc_text("/proc/swaps"), "/dev/vdf"), "%*s %*s %ld", &size) == 1);
	check(size == GOOD * PAGE / 1024);
	volatile unsigned char *p = stamped(SLOTS * PAGE, 1);
	page_out(p, SLOTS * PAGE);
	check(sscanf(strstr(proc_text("/proc/swaps"), "/dev/vdf"), "%*s %*s %*d %ld", &used) == 1);
	check(used <= size && (used == size || !on_tidemark()));
	int fd = open("/proc/swap_slots", O_RDONLY);
	if (fd >= 0) {
		size_t n = 0;

		check(read(fd, kinds, sizeof(kinds)) == SLOTS);
		for (size_t i = 0; i < SLOTS; i++) {
			n += n < sizeof(bad) / sizeof(bad[0]) && bad[n] == i;
			check(kinds[i] == (n && bad[n - 1] == i ? 1 : 2));
		}
		close(fd);
	}
	must_be_stamped(p, SLOTS * PAGE, 1);
	check(!log_says("-error on swap-device")); /* nobody reads or writes there: the disk cannot */
	swap_off("/dev/vdf");
}

static void
off_brings_back(void)
{
	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(8 * MIB, 100);
	page_out(p, 8 * MIB);
	check(figure("SwapFree:") <= 256 * 1024 - 8 * 1024);
	swap_off("/dev/vda");
	must_be_stamped(p, 8 * MIB, 100);
}

static void
fill_ram(void *arg)
{
	stamped(RAM * 3 / 2, 7);
	announce(arg);
	for (;;)
		pause();
}

static void
off_without_room(void)
{
	volatile int *word = (volatile int *)map_shared(PAGE);
	pid_t child;

	if (!on_tidemark())
		return; /* there the OOM killer takes who asks for swapoff */
	swap_on("/dev/vda");
	child = child_start(fill_ram, (void *)word);
	await(word, 1);
	check_errno(swapoff("/dev/vda"), ENOMEM);
	check(areas() == 1);
	kill(child, SIGKILL);
	child_wait(child);
	swap_off("/dev/vda");
}

static long
priority_of(const char *path)
{
	char text[2048] = "";
	int fd = open("/proc/swaps", O_RDONLY);
	long priority;

	check(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && close(fd) == 0);
	check(strstr(text, path) && sscanf(strstr(text, path), "%*s %*s %*s %*s %ld", &priority) == 1);
	return priority;
}

/* Who asks for no priority comes below all that are on; when one goes, those below it move up. */
static void
numbered_priorities(void)
{
	for (int round = 0; round < 3; round++) {
		swap_on("/dev/vda");
		swap_on("/dev/vdb");
		swap_on("/dev/vdf");
		check(priority_of("/dev/vda") == -2 && priority_of("/dev/vdb") == -3 && priority_of("/dev/vdf") == -4);
		swap_off("/dev/vdb");
		check(priority_of("/dev/vda") == -2 && priority_of("/dev/vdf") == -3);
		swap_on_first("/dev/vdb", 7);
		check(priority_of("/dev/vdb") == 7 && priority_of("/dev/vdf") == -3);
		swap_off("/dev/vda");
		check(priority_of("/dev/vdf") == -2);
		swap_off("/dev/vdb");
		swap_off("/dev/vdf");
	}
}

/* A header that calls each page bad, or says that there are none. */
static void
empty_area(void)
{
	static uint32_t header[PAGE / 4], other[PAGE / 4];
	int fd = open("/dev/vdb", O_RDWR);

	check(fd >= 0 && pread(fd, header, PAGE, 0) == PAGE);
	memcpy(other, header, PAGE);
	for (int bad = 0; bad <= 2; bad++) {
		other[257] = 2; /* last_page */
		other[258] = bad;
		other[384] = 1; /* badpages */
		other[385] = 2;
		check(pwrite(fd, other, PAGE, 0) == PAGE);
		if (bad == 2) {
			check_errno(swapon("/dev/vdb", 0), EINVAL);
			continue;
		}
		swap_on("/dev/vdb");
		check(figure("SwapTotal:") == (2 - bad) * 4);
		swap_off("/dev/vdb");
	}
	other[257] = 0;
	check(pwrite(fd, other, PAGE, 0) == PAGE);
	check_errno(swapon("/dev/vdb", 0), EINVAL);
	check(pwrite(fd, header, PAGE, 0) == PAGE && close(fd) == 0);
}

/* The area with the higher priority is filled first. */
static void
priorities(void)
{
	long used_b;

	swap_on_first("/dev/vda", 1);
	swap_on_first("/dev/vdb", 2);
	check(areas() == 2);
	volatile unsigned char *p = stamped(4 * MIB, 3);
	page_out(p, 4 * MIB);
	char text[2048] = "";
	int fd = open("/proc/swaps", O_RDONLY);
	check(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	check(sscanf(strstr(text, "/dev/vdb"), "%*s %*s %*s %ld", &used_b) == 1 && used_b >= 4 * 1024);
	volatile unsigned char *q = stamped(16 * MIB, 5);
	page_out(q, 16 * MIB);
	must_be_stamped(p, 4 * MIB, 3);
	must_be_stamped(q, 16 * MIB, 5);
	swap_off("/dev/vdb");
	must_be_stamped(p, 4 * MIB, 3);
	swap_off("/dev/vda");
}

/* ---- out and in ---- */

static void
out_and_in(void)
{
	struct rusage before, after;

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(SMALL, 9);
	page_out(p, SMALL);
	getrusage(RUSAGE_SELF, &before);
	check(page_stamped(p, 9));
	getrusage(RUSAGE_SELF, &after);
	check(!on_tidemark() || after.ru_majflt == before.ru_majflt + 1);
	must_be_stamped(p, SMALL, 9);
	swap_off("/dev/vda");
}

/* The difference that reading @p, which is out, makes; how many faults waited for the disk. */
static long
read_back(volatile unsigned char *p, size_t bytes, uint64_t who, long *ahead, long *hits)
{
	long in = figure("pswpin"), major = figure("pgmajfault");
	struct rusage before, after;

	*ahead = figure("swap_ra");
	*hits = figure("swap_ra_hit");
	getrusage(RUSAGE_SELF, &before);
	must_be_stamped(p, bytes, who);
	getrusage(RUSAGE_SELF, &after);
	major = figure("pgmajfault") - major;
	*ahead = figure("swap_ra") - *ahead;
	*hits = figure("swap_ra_hit") - *hits;
	check(!on_tidemark() || figure("pswpin") - in == (long)(bytes / PAGE));
	check(after.ru_majflt - before.ru_majflt == major);
	return major;
}

/* Every page comes from the disk once: wanted by a fault that waits for it, or ahead of one that finds it. */
static void
counters(void)
{
	const long pages = MIB / PAGE;
	long ahead, hits;

	swap_on("/dev/vda");
	for (int round = 0; round < 2; round++) {
		setting("page-cluster", round ? 3 : 0);
		volatile unsigned char *p = stamped(MIB, 11);
		long out = figure("pswpout");
		page_out(p, MIB);
		check(figure("pswpout") - out == pages);
		long major = read_back(p, MIB, 11, &ahead, &hits);
		if (!on_tidemark())
			continue; /* it has them in its swap cache */
		if (round == 0)
			check(major == pages && ahead == 0 && hits == 0);
		else
			check(major + ahead == pages && hits == ahead && ahead > pages / 2);
		munmap((void *)p, MIB);
	}
	swap_off("/dev/vda");
}

/* A page that was only read since it came back is dropped without being written again. */
static void
clean_again(void)
{
	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(MIB, 13);
	page_out(p, MIB);
	must_be_stamped(p, MIB, 13);
	long out = figure("pswpout");
	page_out(p, MIB);
	check(figure("pswpout") == out);
	must_be_stamped(p, MIB, 13);
	pages_stamp(p, MIB, 77);
	page_out(p, MIB);
	check(!on_tidemark() || figure("pswpout") == out + 256);
	must_be_stamped(p, MIB, 77);
	swap_off("/dev/vda");
}

static void
willneed(void)
{
	struct rusage before, after;

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(SMALL, 15);
	page_out(p, SMALL);
	check(madvise((void *)p, SMALL, MADV_WILLNEED) == 0);
	getrusage(RUSAGE_SELF, &before);
	must_be_stamped(p, SMALL, 15);
	getrusage(RUSAGE_SELF, &after);
	check(after.ru_majflt == before.ru_majflt);
	swap_off("/dev/vda");
}

static void
gone_while_out(void)
{
	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(4 * MIB, 17);
	page_out(p, 4 * MIB);
	check(munmap((void *)p, MIB) == 0);
	check(madvise((void *)(p + MIB), MIB, MADV_DONTNEED) == 0);
	check(p[MIB] == 0);
	check(mprotect((void *)(p + 2 * MIB), MIB, PROT_NONE) == 0);
	check(!can_read(p + 2 * MIB));
	check(mprotect((void *)(p + 2 * MIB), MIB, PROT_READ) == 0);
	must_be_stamped(p + 2 * MIB, 2 * MIB, 17 + 2 * 256);
	check(!can_write(p + 2 * MIB));
	volatile unsigned char *q = mremap((void *)(p + 3 * MIB), MIB, 2 * MIB, MREMAP_MAYMOVE);
	check(q != MAP_FAILED);
	page_out(q, MIB);
	q = mremap((void *)q, 2 * MIB, 3 * MIB, MREMAP_MAYMOVE);
	check(q != MAP_FAILED);
	must_be_stamped(q, MIB, 17 + 3 * 256);
	swap_off("/dev/vda");
}

/* ---- fork ---- */

static void
grandchild(void *arg)
{
	volatile unsigned char *p = arg;

	check(page_stamped(p, 19) && page_stamped(p + PAGE, 2000));
	must_be_stamped(p + 2 * PAGE, SMALL - 2 * PAGE, 21);
	page_stamp(p, 3000);
	check(page_stamped(p, 3000));
}

static void
child(void *arg)
{
	volatile unsigned char *p = arg;

	must_be_stamped(p, SMALL / 2, 19);
	page_stamp(p + PAGE, 2000);
	child_must_live(grandchild, arg);
	check(page_stamped(p, 19) && page_stamped(p + PAGE, 2000));
}

/* Entries are shared with the table, copied with it, and each of the three has its own contents afterwards. */
static void
family(void)
{
	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(SMALL, 19);
	page_out(p, SMALL);
	child_must_live(child, (void *)p);
	must_be_stamped(p, SMALL, 19);
	page_out(p, SMALL);
	must_be_stamped(p, SMALL, 19);
	swap_off("/dev/vda");
}

static void
reads_all(void *arg)
{
	must_be_stamped(arg, SMALL, 23);
}

/* A page that many map leaves all of them at once, and comes back for all. */
static void
shared_by_many(void)
{
	pid_t pid[8];

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(SMALL, 23);
	page_out(p, SMALL);
	for (int i = 0; i < 8; i++)
		pid[i] = child_start(reads_all, (void *)p);
	for (int i = 0; i < 8; i++)
		check(child_wait(pid[i]) == 0);
	must_be_stamped(p, SMALL, 23);
	swap_off("/dev/vda");
}

static void
writes_all(void *arg)
{
	for (size_t i = 0; i < SMALL; i += PAGE) {
		check(page_stamped((volatile unsigned char *)arg + i, 25 + i / PAGE));
		page_stamp((volatile unsigned char *)arg + i, 5000 + i);
	}
	for (size_t i = 0; i < SMALL; i += PAGE)
		check(page_stamped((volatile unsigned char *)arg + i, 5000 + i));
}

static void
cow_of_swapped(void)
{
	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(SMALL, 25);
	page_out(p, SMALL);
	child_must_live(writes_all, (void *)p);
	must_be_stamped(p, SMALL, 25);
	child_must_live(writes_all, (void *)p);
	must_be_stamped(p, SMALL, 25);
	swap_off("/dev/vda");
}

/* ---- system calls on memory that is out ---- */

static void
buffers(void)
{
	int fd = open("/tmp/buffer", O_CREAT | O_RDWR | O_TRUNC, 0600);
	int ends[2];

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(2 * PAGE, 27);
	volatile unsigned char *q = stamped(2 * PAGE, 99);
	page_out(p, 2 * PAGE);
	check(write(fd, (void *)p, 2 * PAGE) == 2 * PAGE);
	page_out(q, 2 * PAGE);
	check(pread(fd, (void *)q, 2 * PAGE, 0) == 2 * PAGE);
	must_be_stamped(q, 2 * PAGE, 27);
	page_out(p, 2 * PAGE);
	page_out(q, 2 * PAGE);
	check(pipe(ends) == 0);
	check(write(ends[1], (void *)p, PAGE) == PAGE && read(ends[0], (void *)(q + PAGE), PAGE) == PAGE);
	check(page_stamped(q + PAGE, 27));
	page_out(p, 2 * PAGE);
	check(syscall(SYS_futex, p, FUTEX_WAIT, -1, NULL) < 0 && errno == EAGAIN);
	close(fd);
	close(ends[0]);
	close(ends[1]);
	unlink("/tmp/buffer");
	swap_off("/dev/vda");
}

static void
reads_twice(void *arg)
{
	volatile unsigned char *p = stamped(8 * MIB, 49);

	(void)arg;
	page_out(p, 8 * MIB);
	must_be_stamped(p, 8 * MIB, 49); /* in memory, and in their slots as well */
}

/* Without anybody settling accounts. */
static void
gone_with_the_program(void)
{
	swap_on("/dev/vda");
	long free = figure("SwapFree:");
	child_must_live(reads_twice, NULL);
	check(!on_tidemark() || figure("SwapFree:") >= free - 256);
	check(figure("SwapCached:") < 256);
	swap_off("/dev/vda");
}

static void
mincore_knows(void)
{
	unsigned char in[SMALL / PAGE];

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(SMALL, 29);
	check(mincore((void *)p, SMALL, in) == 0 && (in[0] & 1));
	page_out(p, SMALL);
	check(mincore((void *)p, SMALL, in) == 0);
	check(!on_tidemark() || (!(in[0] & 1) && !(in[SMALL / PAGE - 1] & 1)));
	must_be_stamped(p, SMALL, 29);
	swap_off("/dev/vda");
}

/* VmSwap, smaps and pagemap say where the pages are. */
static void
figures_of_a_process(void)
{
	char line[256];
	uint64_t word = 0;
	long swap = -1, vm_swap = -1;
	unsigned long start = 0;

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(MIB, 47);
	page_out(p, MIB);
	FILE *f = fopen("/proc/self/smaps", "r");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned long first, end;
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
			start = first;
		else if (start == (unsigned long)p)
			sscanf(line, "Swap: %ld kB", &swap);
	}
	fclose(f);
	check(swap == 1024);
	f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmSwap: %ld kB", &vm_swap);
	fclose(f);
	check(vm_swap >= 1024 && vm_swap < 2048);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	check(pread(fd, &word, 8, (unsigned long)p / PAGE * 8) == 8);
	check(word >> 62 == 1 && (word & 31) == 0 && (word >> 5 & 0xffffffffffff) > 0);
	close(fd);
	must_be_stamped(p, MIB, 47);
	swap_off("/dev/vda");
}

static void
locked_stays(void)
{
	struct rusage before, after;

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(SMALL, 31);
	check(mlock((void *)p, SMALL) == 0);
	volatile unsigned char *q = stamped(RAM * 3 / 2, 33);
	/* Why twice: the program's own text lies in a file in memory, and may be out. */
	getrusage(RUSAGE_SELF, &before);
	must_be_stamped(q + RAM * 3 / 2 - PAGE, PAGE, 33 + RAM * 3 / 2 / PAGE - 1);
	getrusage(RUSAGE_SELF, &before);
	must_be_stamped(p, SMALL, 31);
	getrusage(RUSAGE_SELF, &after);
	check(after.ru_majflt == before.ru_majflt);
	check(munlock((void *)p, SMALL) == 0);
	check(munmap((void *)q, RAM * 3 / 2) == 0);
	swap_off("/dev/vda");
}

/* ---- more than there is ---- */

static void
three_times_ram(void)
{
	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(RAM * 3, 35);
	restamp(p, RAM * 3, 35, 900000);
	must_be_stamped(p, RAM * 3, 900000);
	check(munmap((void *)p, RAM * 3) == 0);
	swap_off("/dev/vda");
}

static void
worker(void *arg)
{
	uint64_t who = (uint64_t)arg << 32;
	volatile unsigned char *p = stamped(RAM / 2, who);

	restamp(p, RAM / 2, who, who + 10);
	must_be_stamped(p, RAM / 2, who + 10);
}

static void
workers(void)
{
	pid_t pid[WORKERS];

	swap_on("/dev/vda");
	for (long i = 0; i < WORKERS; i++)
		pid[i] = child_start(worker, (void *)(i + 1));
	for (int i = 0; i < WORKERS; i++)
		check(child_wait(pid[i]) == 0);
	swap_off("/dev/vda");
}

/* Families that break their copies while everything is on its way to and from the disk. */
static void
family_worker(void *arg)
{
	volatile unsigned char *p = arg;

	for (size_t i = (size_t)getpid() % 7 * PAGE; i < SHARED; i += 7 * PAGE)
		page_stamp(p + i, 1000000 + i / PAGE);
	for (size_t i = 0; i < SHARED; i += PAGE)
		check(page_stamped(p + i, i / PAGE % 7 == (size_t)getpid() % 7 ? 1000000 + i / PAGE : 37 + i / PAGE));
}

static void
families(void)
{
	pid_t pid[WORKERS];

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(SHARED, 37);
	for (int i = 0; i < WORKERS; i++)
		pid[i] = child_start(family_worker, (void *)p);
	for (int i = 0; i < WORKERS; i++)
		check(child_wait(pid[i]) == 0);
	must_be_stamped(p, SHARED, 37);
	check(munmap((void *)p, SHARED) == 0);
	swap_off("/dev/vda");
}

static void *
toucher(void *arg)
{
	volatile unsigned char *p = arg;

	for (int round = 0; round < 40; round++)
		must_be_stamped(p, SMALL, 39);
	return NULL;
}

/* One thread evicts what the others read. */
static void
eviction_and_faults(void)
{
	pthread_t thread[3];

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(SMALL, 39);
	for (int i = 0; i < 3; i++)
		check(pthread_create(&thread[i], NULL, toucher, (void *)p) == 0);
	for (int i = 0; i < 200; i++)
		check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
	for (int i = 0; i < 3; i++)
		check(pthread_join(thread[i], NULL) == 0);
	must_be_stamped(p, SMALL, 39);
	swap_off("/dev/vda");
}

static void
thrower(void *arg)
{
	volatile unsigned char *p = stamped(4 * MIB, 41);

	check(madvise((void *)p, 4 * MIB, MADV_PAGEOUT) == 0);
	if ((long)arg % 2)
		check(munmap((void *)p, 4 * MIB) == 0);
	/* or ends while its pages are being written */
}

static void
eviction_and_the_end(void)
{
	pid_t pid[WORKERS];

	swap_on("/dev/vda");
	for (int round = 0; round < 10; round++) {
		for (long i = 0; i < WORKERS; i++)
			pid[i] = child_start(thrower, (void *)i);
		for (int i = 0; i < WORKERS; i++)
			check(child_wait(pid[i]) == 0);
	}
	swap_off("/dev/vda");
}

static void
hog(__attribute__((unused)) void *arg)
{
	/* More than RAM and swap: what is asked for is not a promise. */
	volatile unsigned char *p =
		mmap(NULL, 1024UL * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	check(p != MAP_FAILED);
	for (size_t i = 0; i < 1024UL * MIB; i += PAGE)
		p[i] = 1;
}

/* Only when nothing can be reclaimed any more is somebody killed. */
static void
full(void)
{
	swap_on("/dev/vdb");
	long kills = figure("oom_kill");
	child_must_die(hog, NULL, SIGKILL);
	check(figure("oom_kill") == kills + 1);
	volatile unsigned char *p = stamped(RAM / 4 * 3, 43);
	must_be_stamped(p, RAM / 4 * 3, 43);
	check(munmap((void *)p, RAM / 4 * 3) == 0);
	check(figure("oom_kill") == kills + 1);
	swap_off("/dev/vdb");
}

static void
none(void)
{
	volatile unsigned char *p = stamped(SMALL, 45);
	long out = figure("pswpout");

	check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
	must_be_stamped(p, SMALL, 45);
	check(figure("pswpout") == out);
}

#define SWAP CASE_NAMED
#define SWAP_SMP (CASE_NAMED | CASE_SMP)

/* ---- what was promised on the strength of it ---- */

static void
promise_needs_area(void *arg)
{
	const size_t bytes = 32 * MIB;

	(void)arg;
	figure("Committed_AS:");
	swap_on("/dev/vda");
	setting("overcommit_kbytes", figure("Committed_AS:") + 2 * MIB / 1024);
	setting("overcommit_memory", 2);
	volatile unsigned char *p = map_private(bytes);
	check_errno(swapoff("/dev/vda"), ENOMEM);
	check(areas() == 1);
	check(munmap((void *)p, bytes) == 0);
	swap_off("/dev/vda");
}

static void
promises_are_kept(void)
{
	int status = child_run(promise_needs_area, NULL);

	setting("overcommit_memory", 0);
	setting("overcommit_ratio", 50);
	check(status == 0);
}

/* 0 free, 1 header or bad, 2 alone, 3 in memory too. */
static void
slots_are_seen(void)
{
	volatile unsigned char *p = stamped(SMALL, 7);
	long out = slots_of_kind(2);

	if (out < 0)
		return;
	check(slots_of_kind(256) == 0);
	swap_on("/dev/vda");
	check(slots_of_kind(256) == 256 * MIB / PAGE && slots_of_kind(1) == 1);
	check(slots_of_kind(0) == 256 * MIB / PAGE - 1);
	page_out(p, SMALL);
	check(slots_of_kind(2) == SMALL / PAGE);
	p[0] = p[0];
	check(slots_of_kind(2) < SMALL / PAGE);
	must_be_stamped(p, SMALL, 7);
	check(slots_of_kind(2) == 0);
	munmap((void *)p, SMALL);
	swap_off("/dev/vda");
	check(slots_of_kind(256) == 0);
}

const struct test_case swap_cases[] = {
	{"swapon and swapoff, and what /proc and sysinfo say", on_off, 0, SWAP | CASE_STILL},
	{"what is no swap area is refused as on Linux", refused, 0, SWAP},
	{"an area that is on cannot be written or opened exclusively", area_is_not_written, 0, SWAP},
	{"vm.overcommit_memory=2: an area that promises need is not given up", promises_are_kept, 0, SWAP},
	{"bad pages of the header are not used", bad_pages, 0, SWAP},
	{"without swap nothing is evicted", none, 0, SWAP},
	{"a page goes out and comes back with one major fault", out_and_in, 0, SWAP},
	{"each counter moves by exactly its event", counters, 0, SWAP | CASE_STILL},
	{"a clean page is dropped without being written again", clean_again, 0, SWAP | CASE_STILL},
	{"WILLNEED brings pages back", willneed, 0, SWAP},
	{"munmap, DONTNEED, mprotect and mremap of pages that are out", gone_while_out, 0, SWAP},
	{"child and grandchild find swapped pages, and change their own", family, 0, SWAP},
	{"a swapped page comes back for all who share it", shared_by_many, 0, SWAP_SMP},
	{"COW of a swapped page", cow_of_swapped, 0, SWAP},
	{"read, write, pipe and futex on buffers that are out", buffers, 0, SWAP},
	{"slots go with the program, mapped or not", gone_with_the_program, 0, SWAP | CASE_STILL},
	{"mincore tells what is out", mincore_knows, 0, SWAP | CASE_STILL},
	{"VmSwap, smaps and pagemap tell where pages are", figures_of_a_process, 0, SWAP | CASE_STILL},
	{"locked pages stay under pressure", locked_stays, 0, SWAP},
	{"swap_slots tells what each slot holds", slots_are_seen, 0, SWAP | CASE_STILL},
	{"swapoff brings every page back", off_brings_back, 0, SWAP},
	{"swapoff without room is ENOMEM and loses nothing", off_without_room, 0, SWAP},
	{"the area with the higher priority is filled first", priorities, 0, SWAP},
	{"areas without a priority are numbered from -2 down, without holes", numbered_priorities, 0, SWAP},
	{"an area without a good page is none", empty_area, 0, SWAP},
	{"three times the RAM, every byte as it was written", three_times_ram, 0, SWAP_SMP},
	{"several processes that together need twice the RAM", workers, 0, SWAP_SMP},
	{"families that share, break and swap the same pages", families, 0, SWAP_SMP},
	{"threads that read what another evicts", eviction_and_faults, 0, SWAP_SMP},
	{"munmap and exit while pages are being written", eviction_and_the_end, 0, SWAP_SMP},
	{"when swap is full, and only then, somebody is killed", full, 0, SWAP},
	{0},
};
