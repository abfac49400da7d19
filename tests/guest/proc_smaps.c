/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/proc_smaps.c - smaps, smaps_rollup, clear_refs: who has how much of which memory
 *
 * Idea        pages are touched, shared by fork, parted again; every figure moves by exactly that
 * Follow      to kernel/fs/procfs_maps.c, mm/rmap_users.c
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGES = 100
};

static volatile int *word; /* shared */
static volatile unsigned char *memory;

static long
smaps_kb(pid_t pid, const char *field)
{
	return proc_field(smaps_find(pid, memory), field);
}

static void
touch_all(void)
{
	for (int i = 0; i < PAGES; i++)
		memory[(size_t)i * PAGE] = i + 1;
}

static void
fields(void)
{
	static const char *const names[] = {"Rss",           "Pss",           "Shared_Clean", "Shared_Dirty",
					    "Private_Clean", "Private_Dirty", "Referenced",   "Anonymous",
					    "LazyFree",      "AnonHugePages", "Swap",         "SwapPss",
					    "Locked"};
	char want[200];

	memory = map_aligned(PAGES * PAGE, PAGE);
	char *text = strdup(smaps_find(0, memory));
	char *line = strchr(text, '\n') + 1;
	snprintf(want, sizeof(want), "%-16s%8d kB\n%-16s%8d kB\n%-16s%8d kB\n%-16s%8d kB\n", "Size:", PAGES * 4,
		 "KernelPageSize:", 4, "MMUPageSize:", 4, "Rss:", 0);
	check(strncmp(line, want, strlen(want)) == 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check(proc_field(text, names[i]) == 0);
	check(strstr(text, "\nVmFlags: rd wr mr mw me "));
	touch_all();
	check(smaps_kb(0, "Size") == PAGES * 4 && smaps_kb(0, "Rss") == PAGES * 4);
	check(smaps_kb(0, "Pss") == PAGES * 4 && smaps_kb(0, "Private_Dirty") == PAGES * 4);
	check(smaps_kb(0, "Anonymous") == PAGES * 4 && smaps_kb(0, "Referenced") == PAGES * 4);
	check(smaps_kb(0, "Shared_Dirty") == 0 && smaps_kb(0, "Private_Clean") == 0);
}

static void
zero_page_is_nobodys(void)
{
	int sum = 0;

	memory = map_aligned(PAGES * PAGE, PAGE);
	for (int i = 0; i < PAGES; i++)
		sum += memory[(size_t)i * PAGE];
	check(sum == 0 && smaps_kb(0, "Rss") == 0 && smaps_kb(0, "Pss") == 0);
}

/* The child writes half of the pages, when it is told. */
static void
writes_half(void *arg)
{
	(void)arg;
	announce(word);
	await(word, 2);
	for (int i = 0; i < PAGES / 2; i++)
		memory[(size_t)i * PAGE] = 7;
	announce(word);
	await(word, 100);
}

static void
pss_is_divided_after_fork(void)
{
	word = (volatile int *)map_shared(PAGE);
	memory = map_aligned(PAGES * PAGE, PAGE);
	touch_all();
	pid_t pid = child_start(writes_half, NULL);
	await(word, 1);
	check(smaps_kb(0, "Pss") == PAGES * 2 && smaps_kb(pid, "Pss") == PAGES * 2);
	check(smaps_kb(0, "Rss") == PAGES * 4 && smaps_kb(pid, "Rss") == PAGES * 4);
	check(smaps_kb(0, "Shared_Dirty") == PAGES * 4 && smaps_kb(0, "Private_Dirty") == 0);
	*word = 2;
	await(word, 3);
	/* Half is still shared, the other half each has alone: 1.5 times the memory in all. */
	check(smaps_kb(0, "Rss") == PAGES * 4 && smaps_kb(pid, "Rss") == PAGES * 4);
	check(smaps_kb(0, "Pss") == PAGES * 3 && smaps_kb(pid, "Pss") == PAGES * 3);
	check(smaps_kb(0, "Shared_Dirty") == PAGES * 2 && smaps_kb(0, "Private_Dirty") == PAGES * 2);
	check(smaps_kb(pid, "Private_Dirty") == PAGES * 2);
	*word = 100;
	check(child_wait(pid) == 0);
	check(smaps_kb(0, "Pss") == PAGES * 4 && smaps_kb(0, "Private_Dirty") == PAGES * 4);
}

static void
waits(void *arg)
{
	(void)arg;
	announce(word);
	await(word, 100);
}

static void
pss_of_many(void)
{
	enum {
		CHILDREN = 3
	};
	pid_t pid[CHILDREN];
	long sum;

	word = (volatile int *)map_shared(PAGE);
	memory = map_aligned(PAGES * PAGE, PAGE);
	touch_all();
	for (int i = 0; i < CHILDREN; i++)
		pid[i] = child_start(waits, NULL);
	await(word, CHILDREN);
	sum = smaps_kb(0, "Pss");
	for (int i = 0; i < CHILDREN; i++)
		sum += smaps_kb(pid[i], "Pss");
	check(sum == PAGES * 4);
	*word = 100;
	for (int i = 0; i < CHILDREN; i++)
		check(child_wait(pid[i]) == 0);
}

static void
shared_mapping(void)
{
	memory = map_shared(PAGES * PAGE);
	touch_all();
	check(smaps_kb(0, "Rss") == PAGES * 4 && smaps_kb(0, "Anonymous") == 0);
	check(strstr(smaps_find(0, memory), "\nVmFlags: rd wr sh mr mw me ms "));
	word = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(waits, NULL);
	await(word, 1);
	/* Linux's fork leaves shared memory out of the child's table: touched there, it counts for both. */
	long sum = smaps_kb(0, "Pss") + smaps_kb(pid, "Pss");
	check(sum == PAGES * 4);
	*word = 100;
	check(child_wait(pid) == 0);
}

static void
rollup(void)
{
	long rss, pss, anon;
	char *text;
	long sum = 0;

	memory = map_aligned(PAGES * PAGE, PAGE);
	touch_all();
	text = proc_text("/proc/self/smaps_rollup");
	rss = proc_field(text, "Rss");
	pss = proc_field(text, "Pss");
	anon = proc_field(text, "Anonymous");
	char *first = strchr(text, '\n');
	check(first - text == 73 + (long)strlen("[rollup]") && strncmp(first - 8, "[rollup]", 8) == 0);
	check(rss >= PAGES * 4 && pss <= rss && anon <= rss && pss >= PAGES * 4);
	check(proc_field(text, "Pss_Anon") + proc_field(text, "Pss_File") + proc_field(text, "Pss_Shmem") <= pss);
	text = proc_text("/proc/self/smaps");
	for (char *at = text; (at = strstr(at, "\nRss:")); at++)
		sum += strtol(at + 5, NULL, 10);
	check(labs(sum - rss) < 400);
}

static void
referenced_is_cleared(void)
{
	memory = map_aligned(PAGES * PAGE, PAGE);
	touch_all();
	check(smaps_kb(0, "Referenced") == PAGES * 4);
	check(proc_write("/proc/self/clear_refs", "1") == 1);
	check(smaps_kb(0, "Referenced") == 0 && smaps_kb(0, "Rss") == PAGES * 4);
	for (int i = 0; i < 10; i++)
		(void)memory[(size_t)i * PAGE];
	/* Linux does not make the processor forget: it may not set the bits again. */
	long again = smaps_kb(0, "Referenced");
	check(again == 40 || (!on_tidemark() && again < 40));
	check(proc_write("/proc/self/clear_refs", "3\n") == 2);
	check(smaps_kb(0, "Referenced") == again); /* that was for files */
	check(proc_write("/proc/self/clear_refs", "2") == 1);
	check(smaps_kb(0, "Referenced") == 0);
	check_errno(proc_write("/proc/self/clear_refs", "0"), EINVAL);
	check_errno(proc_write("/proc/self/clear_refs", "6"), EINVAL);
	check_errno(proc_write("/proc/self/clear_refs", "x"), EINVAL);
	check_errno(read(open("/proc/self/clear_refs", O_RDONLY), (void *)memory, 1), EINVAL);
}

static void
peak_is_reset(void)
{
	volatile unsigned char *p = map_private(500 * PAGE);

	for (int i = 0; i < 500; i++)
		p[(size_t)i * PAGE] = 1;
	munmap((void *)p, 500 * PAGE);
	long high = proc_value("/proc/self/status", "VmHWM");
	check(high >= proc_value("/proc/self/status", "VmRSS") + 450 * 4);
	check(proc_write("/proc/self/clear_refs", "5") == 1);
	check(proc_value("/proc/self/status", "VmHWM") <= high - 450 * 4);
}

const struct test_case proc_smaps_cases[] = {
	{"smaps counts touched pages in Linux's lines", fields, 0, CASE_STILL},
	{"pages that were only read are the zero page and count for nobody", zero_page_is_nobodys, 0, 0},
	{"after fork the Pss of both is the memory, and parting a page moves it", pss_is_divided_after_fork, 0,
	 CASE_STILL},
	{"the Pss of four processes adds up to the memory", pss_of_many, 0, CASE_STILL},
	{"shared memory is shared in smaps", shared_mapping, 0, CASE_STILL},
	{"smaps_rollup is the sum of smaps", rollup, 0, 0},
	{"clear_refs clears Referenced, and an access sets it again", referenced_is_cleared, 0, CASE_SMP | CASE_STILL},
	{"clear_refs 5 resets the peak", peak_is_reset, 0, CASE_STILL},
	{0},
};
