/* SPDX-License-Identifier: MIT */
/*
 * user/vmstat.c - what memory and processors did, a line at a time
 *
 * Idea        counters only grow: the difference between two moments is what happened between them. The first line is
 *             since the system started. All numbers come from /proc/stat, /proc/vmstat and /proc/meminfo.
 *             vmstat [-B | -s] [seconds [count]]
 *
 *                 procs  r: run or wait for a CPU   b: sleep for a device
 *                 memory swpd, free, buff, cache in KiB
 *                 vm     pf: faults a second   maj: of those, with a wait for a device   al, fr: frames taken, given
 *                 back system in: interrupts a second   cs: switches of tasks a second
 *                 cpu    us, sy, id: percent of the time in programs, in the kernel, and idle
 *
 *             -B: paging, in the columns of sar -B: KiB read from and written to disks, faults, frames that were freed,
 *             pages that kswapd (k) and programs (d) looked at, pages that reclaim freed, and the share of the pages
 *             looked at that was freed. -s: the sums, once.
 *
 * Invariants  none
 * Locks       none
 * Follow      to kernel/fs/procfs_cpu.c, kernel/fs/procfs_mm.c
 * Tests       tests/guest/proc_tools.c
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	HEADER_EVERY = 20,
	FILE_MAX = 1 << 16
};

/* What only grows. */
struct counters {
	long user, system, idle; /* in 1/100 s */
	long interrupts, switches;
	long faults, major, taken, freed;
	long in, out, scan_kswapd, scan_direct, steal;
};

static void sums_print(void);
static void header_print(void);
static void paging_print(const struct counters *now, const struct counters *before, double seconds);
static void line_print(const struct counters *now, const struct counters *before, double seconds);
static void counters_read(struct counters *c);
static const char *file_read(const char *path);
static long value(const char *text, const char *name);
static double uptime(void);

static bool paging, sums;

int
main(int argc, char **argv)
{
	struct counters before = {0};
	struct counters now;
	double last = 0, at;

	if (argc > 1 && argv[1][0] == '-' && strchr("Bs", argv[1][1])) {
		paging = argv[1][1] == 'B';
		sums = argv[1][1] == 's';
		argc--;
		argv++;
	}
	long delay = argc > 1 ? atol(argv[1]) : 0;
	long count = argc > 2 ? atol(argv[2]) : delay ? -1 : 1;
	if ((argc > 1 && delay <= 0) || (argc > 2 && count <= 0) || argc > 3) {
		fprintf(stderr, "usage: vmstat [-B | -s] [seconds [count]]\n");
		return 1;
	}
	if (sums) {
		sums_print();
		return 0;
	}
	for (long line = 0; line != count; line++) {
		if (line)
			nanosleep(&(struct timespec){.tv_sec = delay}, NULL);
		if (line % HEADER_EVERY == 0)
			header_print();
		counters_read(&now);
		at = uptime();
		(paging ? paging_print : line_print)(&now, &before, at > last ? at - last : 1);
		fflush(stdout);
		before = now;
		last = at;
	}
	return 0;
}

/* What vmstat -s of other systems prints, as far as it is about memory. */
static void
sums_print(void)
{
	static const struct {
		const char *file, *name, *words;
	} lines[] = {
		{"/proc/meminfo", "MemTotal:", "K total memory"},
		{"/proc/meminfo", "Active:", "K active memory"},
		{"/proc/meminfo", "Inactive:", "K inactive memory"},
		{"/proc/meminfo", "MemFree:", "K free memory"},
		{"/proc/meminfo", "SwapTotal:", "K total swap"},
		{"/proc/meminfo", "SwapFree:", "K free swap"},
		{"/proc/vmstat", "pgpgin", "K paged in"},
		{"/proc/vmstat", "pgpgout", "K paged out"},
		{"/proc/vmstat", "pswpin", "pages swapped in"},
		{"/proc/vmstat", "pswpout", "pages swapped out"},
		{"/proc/vmstat", "pgfault", "faults"},
		{"/proc/vmstat", "pgmajfault", "major faults"},
		{"/proc/stat", "intr", "interrupts"},
		{"/proc/stat", "ctxt", "CPU context switches"},
		{"/proc/stat", "processes", "forks"},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		printf("%13ld %s\n", value(file_read(lines[i].file), lines[i].name), lines[i].words);
}

static void
header_print(void)
{
	if (paging) {
		printf("pgpgin/s pgpgout/s   fault/s  majflt/s  pgfree/s pgscank/s pgscand/s pgsteal/s  %%vmeff\n");
		return;
	}
	printf("procs -----------memory---------- -------------vm------------ --system-- ---cpu---\n");
	printf(" r  b   swpd   free   buff  cache     pf  maj     al     fr    in    cs  us  sy  id\n");
}

static void
paging_print(const struct counters *now, const struct counters *before, double seconds)
{
	long scanned = now->scan_kswapd - before->scan_kswapd + now->scan_direct - before->scan_direct;
	long stolen = now->steal - before->steal;

	printf("%8.0f %9.0f %9.0f ", (now->in - before->in) / seconds, (now->out - before->out) / seconds,
	       (now->faults - before->faults) / seconds);
	printf("%9.0f %9.0f %9.0f ", (now->major - before->major) / seconds, (now->freed - before->freed) / seconds,
	       (now->scan_kswapd - before->scan_kswapd) / seconds);
	printf("%9.0f %9.0f %7.2f\n", (now->scan_direct - before->scan_direct) / seconds, stolen / seconds,
	       scanned ? 100.0 * stolen / scanned : 0.0);
}

static void
line_print(const struct counters *now, const struct counters *before, double seconds)
{
	long user = now->user - before->user;
	long system = now->system - before->system;
	long idle = now->idle - before->idle;
	long all = user + system + idle > 0 ? user + system + idle : 1;
	long running, blocked;
	const char *text;

	text = file_read("/proc/stat");
	running = value(text, "procs_running") - 1; /* not counting this program */
	blocked = value(text, "procs_blocked");
	printf("%2ld %2ld ", running > 0 ? running : 0, blocked);
	text = file_read("/proc/meminfo");
	printf("%6ld %6ld %6ld %6ld ", value(text, "SwapTotal:") - value(text, "SwapFree:"), value(text, "MemFree:"),
	       value(text, "Buffers:"), value(text, "Cached:") + value(text, "SReclaimable:"));
	printf("%6.0f %4.0f %6.0f %6.0f ", (now->faults - before->faults) / seconds,
	       (now->major - before->major) / seconds, (now->taken - before->taken) / seconds,
	       (now->freed - before->freed) / seconds);
	printf("%5.0f %5.0f ", (now->interrupts - before->interrupts) / seconds,
	       (now->switches - before->switches) / seconds);
	printf("%3ld %3ld %3ld\n", user * 100 / all, system * 100 / all, idle * 100 / all);
}

static void
counters_read(struct counters *c)
{
	const char *text = file_read("/proc/stat");
	long user = 0, nice = 0;

	*c = (struct counters){0};
	sscanf(text, "cpu %ld %ld %ld %ld", &user, &nice, &c->system, &c->idle);
	c->user = user + nice;
	c->interrupts = value(text, "intr");
	c->switches = value(text, "ctxt");
	text = file_read("/proc/vmstat");
	c->faults = value(text, "pgfault");
	c->major = value(text, "pgmajfault");
	c->taken = value(text, "pgalloc_dma") + value(text, "pgalloc_dma32") + value(text, "pgalloc_normal");
	c->freed = value(text, "pgfree");
	c->in = value(text, "pgpgin");
	c->out = value(text, "pgpgout");
	c->scan_kswapd = value(text, "pgscan_kswapd");
	c->scan_direct = value(text, "pgscan_direct");
	c->steal = value(text, "pgsteal_kswapd") + value(text, "pgsteal_direct");
}

/* The file as a string that lasts until the next call; empty when there is none. */
static const char *
file_read(const char *path)
{
	static char text[FILE_MAX];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = 0;
	return text;
}

/* The number behind @name at the start of a line; 0 when there is no such line. */
static long
value(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 && line[length] == ' ')
			return atol(line + length);
	}
	return 0;
}

static double
uptime(void)
{
	return atof(file_read("/proc/uptime"));
}
