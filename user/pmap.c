/* SPDX-License-Identifier: MIT */
/*
 * user/pmap.c - the mappings of a process, with what it has of each
 *
 * Idea        /proc/<pid>/smaps, a line for each mapping. Without -x the size that was promised; with it also what is
 *             there (RSS), the fair share of it (PSS), and what was written (Dirty).
 *             pmap [-x] PID...
 * Invariants  none
 * Locks       none
 * Follow      to kernel/fs/procfs_maps.c
 * Tests       tests/guest/proc_tools.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 4096
};

struct mapping {
	unsigned long start;
	char rights[5];
	char name[LINE_MAX_BYTES];
	long size, rss, pss, dirty; /* KiB */
};

static int pmap(const char *pid, int extended);
static int mapping_begins(const char *line, struct mapping *m);
static void mapping_add(const char *line, struct mapping *m);
static void mapping_print(const struct mapping *m, struct mapping *total, int extended);
static void cmdline_print(const char *pid);

int
main(int argc, char **argv)
{
	int extended = 0;
	int failed = 0;
	int c;

	while ((c = getopt(argc, argv, "x")) != -1) {
		if (c != 'x')
			return 1;
		extended = 1;
	}
	if (optind == argc) {
		fprintf(stderr, "usage: pmap [-x] PID...\n");
		return 1;
	}
	for (int i = optind; i < argc; i++)
		failed |= pmap(argv[i], extended);
	return failed;
}

static int
pmap(const char *pid, int extended)
{
	static char line[LINE_MAX_BYTES];
	static struct mapping m, total;
	char path[64];
	int seen = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/smaps", pid);
	f = fopen(path, "r");
	if (!f) {
		fprintf(stderr, "pmap: there is no process %s\n", pid);
		return 1;
	}
	memset(&total, 0, sizeof(total));
	cmdline_print(pid);
	if (extended)
		printf("Address           Kbytes     RSS     PSS   Dirty Mode  Mapping\n");
	while (fgets(line, sizeof(line), f)) {
		static struct mapping next;

		if (!mapping_begins(line, &next)) {
			mapping_add(line, &m);
			continue;
		}
		if (seen++)
			mapping_print(&m, &total, extended);
		m = next;
	}
	if (seen)
		mapping_print(&m, &total, extended);
	fclose(f);
	if (extended)
		printf("total kB         %7ld %7ld %7ld %7ld\n", total.size, total.rss, total.pss, total.dirty);
	else
		printf(" total %16ldK\n", total.size);
	return 0;
}

/* The first line of a mapping is one of maps: two addresses, rights, offset, device, inode, name. */
static int
mapping_begins(const char *line, struct mapping *m)
{
	unsigned long end;
	int at = 0;

	memset(m, 0, sizeof(*m));
	if (sscanf(line, "%lx-%lx %4s %*s %*s %*s%n", &m->start, &end, m->rights, &at) != 3 || !at)
		return 0;
	m->size = (long)(end - m->start) / 1024;
	line += at + strspn(line + at, " ");
	snprintf(m->name, sizeof(m->name), "%.*s", (int)strcspn(line, "\n"), line);
	return 1;
}

/* The others are "Name: number kB". */
static void
mapping_add(const char *line, struct mapping *m)
{
	long kib;
	char name[32];

	if (sscanf(line, "%31[^:]: %ld kB", name, &kib) != 2)
		return;
	if (strcmp(name, "Rss") == 0)
		m->rss = kib;
	else if (strcmp(name, "Pss") == 0)
		m->pss = kib;
	else if (strcmp(name, "Shared_Dirty") == 0 || strcmp(name, "Private_Dirty") == 0)
		m->dirty += kib;
}

static void
mapping_print(const struct mapping *m, struct mapping *total, int extended)
{
	const char *name = *m->name ? m->name : "  [ anon ]";

	total->size += m->size;
	total->rss += m->rss;
	total->pss += m->pss;
	total->dirty += m->dirty;
	if (!extended && strrchr(name, '/'))
		name = strrchr(name, '/') + 1;
	if (extended)
		printf("%016lx %7ld %7ld %7ld %7ld %s  %s\n", m->start, m->size, m->rss, m->pss, m->dirty, m->rights,
		       name);
	else
		printf("%016lx %6ldK %s %s\n", m->start, m->size, m->rights, name);
}

/* "7:   name arguments": the strings of cmdline are separated by NUL. */
static void
cmdline_print(const char *pid)
{
	char path[64];
	char text[512];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	f = fopen(path, "r");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	for (size_t i = 0; i + 1 < n; i++)
		if (!text[i])
			text[i] = ' ';
	text[n] = 0;
	printf("%s:   %s\n", pid, text);
}
