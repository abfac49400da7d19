/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/proc_mem.c - what memory is used for: meminfo, vmstat, buddyinfo, pagetypeinfo, zoneinfo, slabinfo,
 *                          vmallocinfo
 *
 * Idea        a known amount is taken and given back, and each figure moves by that much. Linux counts in batches of
 *             some pages a processor; there the figures may be off by a few of these.
 * Follow      to kernel/fs/procfs_mm.c, kernel/fs/procfs_zone.c
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGES = 1000
};

static volatile int *word; /* shared */

/* How far a gauge of the system, in pages, may be off: nothing here, where nobody else runs. */
static long
slack(void)
{
	return on_tidemark() ? 8 : 20000;
}

static long
mem_pages(const char *field)
{
	return proc_value("/proc/meminfo", field) / 4;
}

static void
anonymous_moves(void)
{
	long anon = mem_pages("AnonPages");
	long nr = proc_value("/proc/vmstat", "nr_anon_pages");
	volatile unsigned char *p = map_aligned(PAGES * PAGE, PAGE);

	for (int i = 0; i < PAGES; i++)
		p[(size_t)i * PAGE] = 1;
	check(labs(mem_pages("AnonPages") - anon - PAGES) <= slack());
	check(labs(proc_value("/proc/vmstat", "nr_anon_pages") - nr - PAGES) <= slack());
	munmap((void *)p, PAGES * PAGE);
	check(labs(mem_pages("AnonPages") - anon) <= slack());
}

static void
free_moves(void)
{
	long free = mem_pages("MemFree");
	long available = mem_pages("MemAvailable");
	volatile unsigned char *p = map_aligned(PAGES * PAGE, PAGE);

	for (int i = 0; i < PAGES; i++)
		p[(size_t)i * PAGE] = 1;
	/* Two tables at least, and what is kept for the next fault. */
	check(labs(free - mem_pages("MemFree") - PAGES) <= slack() + 64);
	check(labs(available - mem_pages("MemAvailable") - PAGES) <= slack() + 64);
	check(mem_pages("MemAvailable") <= mem_pages("MemTotal"));
	long frames = proc_value("/proc/vmstat", "nr_free_pages");
	check(!on_tidemark() || labs(mem_pages("MemFree") - frames) <= slack() + 64);
}

static void
shared_moves(void)
{
	long shmem = mem_pages("Shmem");
	long cached = mem_pages("Cached");
	long mapped = mem_pages("Mapped");
	volatile unsigned char *p = map_shared(PAGES * PAGE);

	for (int i = 0; i < PAGES; i++)
		p[(size_t)i * PAGE] = 1;
	check(labs(mem_pages("Shmem") - shmem - PAGES) <= slack());
	check(labs(mem_pages("Cached") - cached - PAGES) <= slack());
	check(labs(mem_pages("Mapped") - mapped - PAGES) <= slack());
	munmap((void *)p, PAGES * PAGE);
	check(labs(mem_pages("Shmem") - shmem) <= slack());
}

static void
file_is_cached(void)
{
	long cached = mem_pages("Cached");
	int fd = file_make("/tmp/proc_mem", PAGES * PAGE);

	check(labs(mem_pages("Cached") - cached - PAGES) <= slack());
	close(fd);
	unlink("/tmp/proc_mem");
	check(labs(mem_pages("Cached") - cached) <= slack());
}

static void
tables_move(void)
{
	long before = mem_pages("PageTables");
	/* More than a small machine has: the promise is not asked for. */
	volatile unsigned char *p =
		mmap(NULL, 64UL * TABLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	check(p != MAP_FAILED);
	madvise((void *)p, 64UL * TABLE, MADV_NOHUGEPAGE);
	for (int i = 0; i < 64; i++)
		p[(size_t)i * TABLE] = 1;
	long grown = mem_pages("PageTables") - before;
	check(grown >= 64 - (on_tidemark() ? 0 : 200) && grown <= 66 + slack());
	munmap((void *)p, 64UL * TABLE);
	check(labs(mem_pages("PageTables") - before) <= slack());
}

static void *
waits(void *arg)
{
	announce(word);
	await(word, 100);
	return arg;
}

static void
stacks_move(void)
{
	pthread_t thread[8];
	long before = proc_value("/proc/meminfo", "KernelStack");
	long used = mem_pages("VmallocUsed");

	word = (volatile int *)map_shared(PAGE);
	for (int i = 0; i < 8; i++)
		check(pthread_create(&thread[i], NULL, waits, NULL) == 0);
	await(word, 8);
	check(proc_value("/proc/meminfo", "KernelStack") >= before + 8 * 16 - (on_tidemark() ? 0 : 2000));
	/* Stacks that a task has left are kept for the next one. */
	check(mem_pages("VmallocUsed") >= used);
	*word = 100;
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
}

static void
slab_moves(void)
{
	enum {
		FILES = 900
	};
	static int fd[FILES];
	long slab = mem_pages("Slab");
	long used = 0, files = proc_exists("/proc/sys/fs/file-nr") ? atol(proc_text("/proc/sys/fs/file-nr")) : 0;
	char *line;

	for (int i = 0; i < FILES; i++)
		check((fd[i] = open("/proc/self/stat", O_RDONLY)) >= 0);
	if (on_tidemark()) {
		check(mem_pages("Slab") >= slab + 30);
		line = strstr(proc_text("/proc/slabinfo"), "\nfile ");
		check(line && sscanf(line, " file %ld", &used) == 1 && used >= FILES);
	}
	check(mem_pages("Slab") <= mem_pages("SReclaimable") + mem_pages("SUnreclaim") + slack());
	check(atol(proc_text("/proc/sys/fs/file-nr")) >= files + FILES - (on_tidemark() ? 0 : 2000));
	for (int i = 0; i < FILES; i++)
		close(fd[i]);
	check(atol(proc_text("/proc/sys/fs/file-nr")) <= files + slack());
}

/* Free frames of all blocks of buddyinfo. */
static long
buddy_frames(void)
{
	long sum = 0, count;
	int n;

	for (char *line = proc_text("/proc/buddyinfo"); *line; line = strchr(line, '\n') + 1) {
		char *at = strstr(line, "zone") + 4;
		at += strspn(at, " ");
		at += strcspn(at, " ");
		for (int order = 0; *at != '\n' && sscanf(at, " %ld%n", &count, &n) == 1; order++, at += n) {
			sum += count << order;
			at += strspn(at + n, " ") && at[n + strspn(at + n, " ")] == '\n' ? strspn(at + n, " ") : 0;
		}
	}
	return sum;
}

static void
buddy_adds_up(void)
{
	long frames = buddy_frames();
	long zones = 0;

	check(frames > 0 && frames <= mem_pages("MemFree") + slack() + 1000);
	for (char *at = proc_text("/proc/zoneinfo"); (at = strstr(at, "  pages free ")); at++)
		zones += atol(at + 13);
	check(labs(zones - frames) <= slack() + 1000);
	volatile unsigned char *p = map_aligned(8 * PAGES * PAGE, PAGE);
	for (int i = 0; i < 8 * PAGES; i++)
		p[(size_t)i * PAGE] = 1;
	long taken = frames - buddy_frames();
	check(labs(taken - 8 * PAGES) <= slack() + 600);
}

static void
zones_have_marks(void)
{
	char *text = proc_text("/proc/zoneinfo");
	long min, low, high, managed = 0;
	char *at = text;

	while ((at = strstr(at, "        min "))) {
		check(sscanf(at, " min %ld low %ld high %ld", &min, &low, &high) == 3);
		check(min <= low && low <= high);
		at = strstr(at, "managed ");
		managed += atol(at + 8);
	}
	check(managed > 0 && (!on_tidemark() || labs(managed - mem_pages("MemTotal")) <= slack()));
}

static void
page_types(void)
{
	char *text = proc_text("/proc/pagetypeinfo");
	long sum = 0, count;

	check(strncmp(text, "Page block order: ", 18) == 0);
	check(strstr(text, "\nFree pages count per migrate type at order       0      1 "));
	check(strstr(text, "\nNumber of blocks type "));
	for (char *line = text; (line = strstr(line, ", type ")); line++) {
		char *at = line + 7;
		int n;
		at += strspn(at, " ");
		at += strcspn(at, " ");
		for (int order = 0; order <= 10 && sscanf(at, " %ld%n", &count, &n) == 1; order++, at += n)
			sum += count << order;
	}
	check(!on_tidemark() || labs(sum - buddy_frames()) <= 600);
}

static void
kernel_ranges(void)
{
	char *text = proc_text("/proc/vmallocinfo");
	unsigned long start, end, size, last = 0;
	int lines = 0;

	for (char *line = text; *line; line = strchr(line, '\n') + 1, lines++) {
		check(sscanf(line, "0x%lx-0x%lx %lu", &start, &end, &size) == 3);
		/* Linux hides the addresses. */
		check(!on_tidemark() || (start < end && end - start == size && start >= last));
		last = end;
	}
	check(lines > 0);
}

static void
totals_hold(void)
{
	char *text = strdup(proc_text("/proc/meminfo"));
	static const char *const names[] = {"MemTotal",   "MemFree",     "MemAvailable", "Buffers",      "Cached",
					    "SwapCached", "SwapTotal",   "SwapFree",     "Dirty",        "Writeback",
					    "AnonPages",  "Mapped",      "Shmem",        "Slab",         "SReclaimable",
					    "SUnreclaim", "KernelStack", "PageTables",   "VmallocTotal", "VmallocUsed",
					    "Percpu",     "DirectMap4k"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check(proc_field(text, names[i]) >= 0);
	check(strncmp(text, "MemTotal:       ", 16) == 0 && strstr(text, " kB\nMemFree:        "));
	check(proc_field(text, "MemFree") < proc_field(text, "MemTotal"));
	check(proc_field(text, "Shmem") <= proc_field(text, "Cached") + 4 * slack());
	long direct = proc_field(text, "DirectMap4k") + proc_field(text, "DirectMap2M");
	direct += proc_field(text, "DirectMap1G") > 0 ? proc_field(text, "DirectMap1G") : 0;
	check(direct >= proc_field(text, "MemTotal"));
	check(strncmp(proc_text("/proc/swaps"), "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", 45) == 0);
}

static void
faults_are_counted(void)
{
	long faults = proc_value("/proc/vmstat", "pgfault");
	volatile unsigned char *p = map_private(PAGES * PAGE);

	for (int i = 0; i < PAGES; i++)
		p[(size_t)i * PAGE] = 1;
	long grown = proc_value("/proc/vmstat", "pgfault") - faults;
	check(grown >= PAGES && (!on_tidemark() || grown < PAGES + 200));
}

const struct test_case proc_mem_cases[] = {
	{"meminfo has Linux's lines, and they fit together", totals_hold, 0, CASE_NO_SWAP},
	{"AnonPages moves by what is touched", anonymous_moves, 0, CASE_SMP | CASE_STILL},
	{"MemFree and MemAvailable move by what is taken", free_moves, 0, CASE_STILL},
	{"Shmem, Cached and Mapped move by shared memory", shared_moves, 0, CASE_SMP | CASE_STILL},
	{"a file in memory is Cached until it is gone", file_is_cached, 0, 0},
	{"PageTables moves by tables", tables_move, 0, 0},
	{"KernelStack moves by threads", stacks_move, 0, 0},
	{"Slab, slabinfo and file-nr move by open files", slab_moves, 0, 0},
	{"the blocks of buddyinfo are the free frames of the zones", buddy_adds_up, 0, CASE_STILL},
	{"zones have three watermarks, and manage all memory", zones_have_marks, 0, 0},
	{"pagetypeinfo counts what buddyinfo counts", page_types, 0, 0},
	{"vmallocinfo lists ranges in order", kernel_ranges, 0, 0},
	{"pgfault counts faults", faults_are_counted, 0, 0},
	{0},
};
