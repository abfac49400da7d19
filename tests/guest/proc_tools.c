/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/proc_tools.c - vmstat, pmap and pagemap say what /proc says
 *
 * Idea        the programs of user/ are run as a person would, and their output is read
 * Follow      to user/vmstat.c, user/pmap.c, user/pagemap.c
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGES = 50
};

static volatile int *word; /* shared */

/* What the program prints; false: it is not there. Ends the case when it fails. */
static bool
output_of(char *const argv[], char *text, size_t size)
{
	int ends[2];
	size_t length = 0;
	ssize_t n;

	if (access(argv[0], X_OK) < 0) {
		note("there is no %s", argv[0]);
		return false;
	}
	check(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execv(argv[0], argv);
		_exit(99);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + length, size - 1 - length)) > 0)
		length += n;
	text[length] = 0;
	close(ends[0]);
	check(child_wait(pid) == 0);
	return true;
}

static void
waits(void *arg)
{
	(void)arg;
	announce(word);
	await(word, 100);
}

static void
pmap_adds_up(void)
{
	static char text[1 << 16];
	char pid_text[16];
	long size, rss, pss, dirty;

	word = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(waits, NULL);
	await(word, 1);
	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	if (output_of((char *[]){"/bin/pmap", "-x", pid_text, NULL}, text, sizeof(text))) {
		char *total = strstr(text, "total kB");
		check(total && sscanf(total, "total kB %ld %ld %ld %ld", &size, &rss, &pss, &dirty) == 4);
		long told = proc_field(proc_pid_text(pid, "status"), "VmRSS");
		check(labs(rss - told) <= (on_tidemark() ? 0 : 300) && pss <= rss && size >= rss);
		check(strstr(text, "[stack]"));
	}
	*word = 100;
	check(child_wait(pid) == 0);
}

static void
pagemap_finds_shared_frames(void)
{
	static char text[1 << 18];
	char mine[16], childs[16];
	long a, b, both;
	volatile unsigned char *p = map_aligned(PAGES * PAGE, PAGE);

	if (!proc_exists("/proc/kpagecount"))
		return;
	for (int i = 0; i < PAGES; i++)
		p[(size_t)i * PAGE] = 1;
	word = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(waits, NULL);
	await(word, 1);
	snprintf(mine, sizeof(mine), "%d", getpid());
	snprintf(childs, sizeof(childs), "%d", pid);
	if (output_of((char *[]){"/bin/pagemap", mine, childs, NULL}, text, sizeof(text))) {
		char *last = strrchr(text, ':') ? text : text;
		for (char *line = text; (line = strchr(line, '\n')) && line[1]; line++)
			last = line + 1;
		check(sscanf(last, "%ld and %ld pages, %ld of them", &a, &b, &both) == 3);
		check(both >= PAGES && both <= a && both <= b);
		check(output_of((char *[]){"/bin/pagemap", childs, NULL}, text, sizeof(text)));
		check(strstr(text, "anon") && strstr(text, " of them mapped by others, too"));
	}
	*word = 100;
	check(child_wait(pid) == 0);
}

static void
vmstat_counts(void)
{
	static char text[1 << 14];
	long running, blocked, swapped, free;

	if (!output_of((char *[]){"/bin/vmstat", "1", "2", NULL}, text, sizeof(text)))
		return;
	char *line = strchr(text, '\n');
	check(line && (line = strchr(line + 1, '\n')));
	check(sscanf(line, " %ld %ld %ld %ld", &running, &blocked, &swapped, &free) == 4);
	check(running >= 0 && free > 0 && free < proc_value("/proc/meminfo", "MemTotal"));
	line = strchr(line + 1, '\n');
	check(line && line[1] && strchr(line + 1, '\n'));
}

/* Since the system started: the counters themselves, a second. */
static void
vmstat_counts_paging(void)
{
	static char text[1 << 14];
	double in, out, faults, major, freed, kswapd, direct, steal, share;

	if (!output_of((char *[]){"/bin/vmstat", "-B", NULL}, text, sizeof(text)))
		return;
	check(strncmp(text, "pgpgin/s pgpgout/s   fault/s  majflt/s  pgfree/s pgscank/s pgscand/s pgsteal/s  %vmeff\n",
		      86) == 0);
	char *line = strchr(text, '\n');
	check(sscanf(line, " %lf %lf %lf %lf %lf %lf %lf %lf %lf", &in, &out, &faults, &major, &freed, &kswapd, &direct,
		     &steal, &share) == 9);
	double uptime = atof(proc_text("/proc/uptime")) + 1;
	check(faults > 0 && faults * uptime >= proc_value("/proc/vmstat", "pgfault") / 2);
	check(freed > 0 && freed * uptime >= proc_value("/proc/vmstat", "pgfree") / 2);
	check(in >= 0 && out >= 0 && major >= 0);
	/* Three figures, each rounded to a whole one. */
	check(steal <= kswapd + direct + 1 && share >= 0 && share <= 100);
}

const struct test_case proc_tools_cases[] = {
	{"pmap -x adds up to what is resident", pmap_adds_up, 0, CASE_STILL},
	{"pagemap finds the frames that fork shares", pagemap_finds_shared_frames, 0, 0},
	{"vmstat prints a line each second", vmstat_counts, 0, 0},
	{"vmstat -B prints paging a second", vmstat_counts_paging, 0, 0},
	{0},
};
