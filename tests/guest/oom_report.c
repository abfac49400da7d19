/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/oom_report.c - what is told of a kill, and the settings that change it
 *
 * Idea        The log has Linux's lines with the numbers of /proc/meminfo; a counter and an event tell of each kill.
 *             What ends the machine are groups of their own.
 * Invariants  see guest.h
 * Follow      to mm/oom_report.c, mm/oom_meminfo.c, kernel/fs/procfs_sysctl.c
 * Tests       tests/guest/test_oom.py runs what ends the machine
 */
#include "guest.h"
#include "hogs.h"
#include "procfile.h"
#include "tracedev.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

static void
kill_is_counted(void)
{
	begin();
	long before = kills();
	pid_t pid = holder_start(500, 500);
	int events = trace_open("oom_kill", O_NONBLOCK);

	ask_for_a_kill();
	check(child_wait(pid) == SIGKILL);
	check(kills() == before + 1);
	must_be_told_of(events, pid);
}

/* Kills until there is a whole report: of many in a row the log has only some. Returns the victim. */
static pid_t
kill_with_report(void)
{
	char line[64];

	for (;;) {
		klogctl(LOG_CLEAR, NULL, 0);
		pid_t pid = holder_start(500, 321);
		ask_for_a_kill();
		check(child_wait(pid) == SIGKILL);
		snprintf(line, sizeof(line), "Killed process %d (", pid);
		check(log_comes(line));
		if (strstr(log_text(), " invoked oom-killer: "))
			return pid;
		for (int i = 0; i < 100; i++)
			nap();
	}
}

static void
report_is_linux_s(void)
{
	char line[160];

	begin();
	pid_t pid = kill_with_report();
	const char *text = log_text();
	const char *order[] = {" invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=",
			       "CPU: ",
			       "Call Trace:",
			       "Mem-Info:",
			       "active_anon:",
			       "Node 0 active_anon:",
			       " writeback_tmp:",
			       "Node 0 DMA free:",
			       " reserved_highatomic:",
			       " active_anon:",
			       " inactive_anon:",
			       " active_file:",
			       " inactive_file:",
			       " unevictable:",
			       " writepending:",
			       " present:",
			       " managed:",
			       " mlocked:",
			       " bounce:",
			       " free_pcp:",
			       " local_pcp:",
			       " free_cma:",
			       "lowmem_reserve[]:",
			       "Node 0 DMA: ",
			       "total pagecache pages",
			       "Free swap  = ",
			       "Total swap = ",
			       "pages RAM",
			       "pages reserved",
			       "Tasks state (memory values in pages):",
			       "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
			       "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),",
			       ",global_oom,task_memcg=/,task=",
			       "Out of memory: Killed process ",
			       " total-vm:",
			       "kB, anon-rss:",
			       "kB, file-rss:",
			       "kB, shmem-rss:",
			       "kB, UID:0 pgtables:",
			       "kB oom_score_adj:321"};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const char *at = strstr(text, order[i]);
		if (!at)
			fail("the log lacks, at its place: %s", order[i]);
		text = at + 1;
	}
	if (!on_tidemark())
		return;
	snprintf(line, sizeof(line), "Out of memory: why %d (", pid);
	check(strstr(log_text(), line) && strstr(log_text(), "Out of memory: next would be "));
}

/* The number behind the @nth @label of the log, which begins at its newest Mem-Info. */
static long
told(const char *label, int nth)
{
	const char *at = strstr(log_text(), "Mem-Info:");

	for (int i = 0; at && i <= nth; i++) {
		at = strstr(at, label);
		at = at ? at + strlen(label) : NULL;
	}
	if (!at)
		fail("the log has no %s, or not so many", label);
	return atol(at);
}

/* What a line of /proc/meminfo says, in pages. */
static long
meminfo(const char *name)
{
	return proc_value("/proc/meminfo", name) / (PAGE / 1024);
}

static void
must_be_near(const char *what, long a, long b)
{
	long most = on_tidemark() ? 16 : 256; /* Linux moves pages to their lists by the batch */

	if (labs(a - b) > most)
		fail("%s: %ld and %ld", what, a, b);
}

static void
ends(void *arg)
{
	(void)arg;
}

/* Thousands of mappings that come and go: a few of their slabs stay, empty, until somebody needs the memory. */
static void
leave_empty_slabs(void)
{
	unsigned char *p = (unsigned char *)map_private(4000 * PAGE);

	for (int i = 0; i < 4000; i += 2)
		check(mprotect(p + i * PAGE, PAGE, PROT_NONE) == 0);
	check(munmap(p, 4000 * PAGE) == 0);
}

/* Of each kind there is so much that it cannot be missed: 500 pages given up, 400 locked, 600 shared. */
static void
figures_are_those_of_meminfo(void)
{
	volatile unsigned char *given_up = map_private(500 * PAGE), *locked = map_private(400 * PAGE);
	volatile unsigned char *shared = map_shared(600 * PAGE);

	touch(given_up, 500);
	touch(shared, 600);
	check(mlock((void *)locked, 400 * PAGE) == 0);
	check(madvise((void *)given_up, 500 * PAGE, MADV_FREE) == 0);
	leave_empty_slabs();
	check(child_run(ends, NULL) == 0); /* its stack is kept for the next */
	klogctl(LOG_CLEAR, NULL, 0);
	check(proc_write("/proc/sysrq-trigger", "m") == 1);
	check(log_comes("pages reserved"));
	must_be_near("inactive_anon", told(" inactive_anon:", 0), meminfo("Inactive(anon)"));
	must_be_near("inactive_file", told(" inactive_file:", 0), meminfo("Inactive(file)"));
	must_be_near("unevictable", told(" unevictable:", 0), meminfo("Unevictable"));
	must_be_near("slab_reclaimable", told(" slab_reclaimable:", 0), meminfo("SReclaimable"));
	must_be_near("slab_unreclaimable", told(" slab_unreclaimable:", 0), meminfo("SUnreclaim"));
	must_be_near("kernel_misc_reclaimable", told(" kernel_misc_reclaimable:", 0),
		     meminfo("KReclaimable") - meminfo("SReclaimable"));
	if (!on_tidemark())
		return; /* its zones are more, and it keeps caches of files */
	check(told(" inactive_file:", 0) >= 500 && told(" unevictable:", 0) >= 400 && told(" shmem:", 0) >= 600);
	check(told(" kernel_misc_reclaimable:", 0) > 0 && told(" slab_reclaimable:", 0) > 0);
	/* The first is all memory in pages, the second the node, the third and fourth DMA and Normal, in kB. */
	static const char *of_zones[] = {" inactive_anon:", " inactive_file:", " unevictable:"};
	for (int i = 0; i < 3; i++) {
		check(told(of_zones[i], 1) == told(of_zones[i], 0) * (PAGE / 1024));
		must_be_near(of_zones[i], told(of_zones[i], 0),
			     (told(of_zones[i], 2) + told(of_zones[i], 3)) / (PAGE / 1024));
	}
	check(told(" mlocked:", 0) + told(" mlocked:", 1) == told(" unevictable:", 2) + told(" unevictable:", 3));
	must_be_near("free_pcp", told(" free_pcp:", 0),
		     (told(" free_pcp:", 1) + told(" free_pcp:", 2)) / (PAGE / 1024));
}

static void
settings_have_bounds(void)
{
	static const char dump[] = "/proc/sys/vm/oom_dump_tasks";
	static const char panics[] = "/proc/sys/vm/panic_on_oom";
	static const char asker[] = "/proc/sys/vm/oom_kill_allocating_task";

	check(atoi(proc_text(dump)) == 1 && atoi(proc_text(panics)) == 0 && atoi(proc_text(asker)) == 0);
	check_errno(proc_write(panics, "3"), EINVAL);
	check_errno(proc_write(panics, "-1"), EINVAL);
	check(proc_write(panics, "2") == 1 && atoi(proc_text(panics)) == 2);
	check(proc_write(panics, "0") == 1);
	check(proc_write(asker, "1") == 1 && atoi(proc_text(asker)) == 1);
	check(proc_write(asker, "0") == 1);
}

static void
table_can_be_left_out(void)
{
	begin();
	klogctl(LOG_CLEAR, NULL, 0);
	check(proc_write("/proc/sys/vm/oom_dump_tasks", "0") == 1);
	pid_t pid = holder_start(500, 500);
	ask_for_a_kill();
	int status = child_wait(pid);
	check(proc_write("/proc/sys/vm/oom_dump_tasks", "1") == 1);
	check(status == SIGKILL && log_comes("Killed process "));
	check(!strstr(log_text(), "Tasks state"));
}

/* ---- what ends the machine: groups of their own (test_oom.py) ---- */

static void
panic_if_wanted(void)
{
	check(proc_write("/proc/sys/vm/panic_on_oom", "1") == 1);
	child_run(hogs, NULL);
}

static void
panic_in_any_case(void)
{
	check(proc_write("/proc/sys/vm/panic_on_oom", "2") == 1);
	child_run(hogs, NULL);
}

static void
nobody_left(void)
{
	adj_set(0, -1000);
	child_run(hogs, (void *)-1000L);
}

const struct test_case oom_panic_cases[] = {
	{"panic_on_oom 1 ends the machine", panic_if_wanted, 0, CASE_NAMED},
	{0},
};

const struct test_case oom_compulsory_cases[] = {
	{"panic_on_oom 2 ends the machine", panic_in_any_case, 0, CASE_NAMED},
	{0},
};

const struct test_case oom_nobody_cases[] = {
	{"when nobody may be killed the machine ends", nobody_left, 0, CASE_NAMED},
	{0},
};

const struct test_case oom_report_cases[] = {
	{"a kill is counted once in /proc/vmstat, and is one event", kill_is_counted, 0, 0},
	{"the report has Linux's lines, in Linux's order", report_is_linux_s, 0, 0},
	{"what memory is used for: the log has /proc/meminfo's figures, and those of the zones add up",
	 figures_are_those_of_meminfo, 0, CASE_STILL},
	{"panic_on_oom and its neighbours have Linux's bounds", settings_have_bounds, 0, 0},
	{"oom_dump_tasks 0 leaves the table out", table_can_be_left_out, 0, 0},
	{0},
};
