/* SPDX-License-Identifier: MIT */
/*
 * tests/host/policy.c - faults per policy, beside LRU and OPT: `make policy`
 *
 *                 build/host/policy                          the standard strings, in a table
 *                 build/host/policy FRAMES FILE              a recorded string: page numbers, one a line
 *                 build/host/policy trace NAME FRAMES P...   the lists after each access to the pages P...
 *
 * Idea        see policy.h
 * Follow      to policy.h
 * See         docs/mm.md section 10
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

#define FRAMES 1000
#define ACCESSES 100000
#define STRING_MOST 1000000

static struct sim sim;
static u32 string[STRING_MOST];
static u64 state = 1;

static u32
below(u32 n)
{
	u64 x = state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (u32)((x ^ x >> 31) % n);
}

static u32
sequential(u32 t)
{
	return t % 2000;
}

static u32
loop(u32 t)
{
	return t % 1100;
}

static u32
uniform(u32 t)
{
	return below(1250);
}

/* 9 of 10 accesses to a tenth of 1.25 x memory: swap_hotcold of user/mmbench.c. */
static u32
hot_cold(u32 t)
{
	return below(10) ? below(125) : 125 + below(1125);
}

/* The page of rank r with a chance of 1 / r, by the ranks' powers of two. */
static u32
zipf(u32 t)
{
	u32 first = 1U << below(12);
	u32 page = first - 1 + below(first);

	return page < 2000 ? page : zipf(t);
}

/* Nine accesses to a working set, then one of a scan that never comes back soon. */
static u32
scan(u32 t)
{
	return t % 10 ? below(700) : 700 + t / 10 % 4000;
}

static const struct {
	const char *name;
	u32 (*page)(u32 t);
} strings[] = {
	{"sequential, 2 x memory", sequential}, {"loop, 1.1 x memory", loop}, {"random, 1.25 x memory", uniform},
	{"hot/cold 90/10, 1.25 x", hot_cold},   {"Zipf, 2 x memory", zipf},   {"working set and a scan", scan},
};

/* Faults per 1,000 accesses of each, the first @skip of them not counted: memory fills. */
static void
row(const char *name, u32 n, u32 frames, u32 skip)
{
	printf("| %-24s |", name);
	for (u32 p = 0; p < EVICT_POLICY_COUNT; p++) {
		u64 before = 0;

		sim_start(&sim, p, frames);
		for (u32 t = 0; t < n; t++) {
			if (t == skip)
				before = sim.faults;
			sim_access(&sim, string[t]);
		}
		printf(" %5.1f |", (double)(sim.faults - before) * 1000 / (n - skip));
	}
	printf(" %5.1f |", (double)(sim_lru(string, n, frames) - sim_lru(string, skip, frames)) * 1000 / (n - skip));
	printf(" %5.1f |\n", (double)(sim_opt(string, n, frames) - sim_opt(string, skip, frames)) * 1000 / (n - skip));
}

static void
head(void)
{
	printf("| faults per 1,000 accesses |");
	for (u32 p = 0; p < EVICT_POLICY_COUNT; p++)
		printf(" %s |", evict_policy_name(p));
	printf(" LRU | OPT |\n|---|---|---|---|---|---|---|---|\n");
}

static int
recorded(u32 frames, const char *path)
{
	FILE *file = fopen(path, "r");
	u32 n = 0;

	if (!file || !frames) {
		fprintf(stderr, "policy: %s: no such string, or no frames\n", path);
		return 1;
	}
	while (n < STRING_MOST && fscanf(file, "%u", &string[n]) == 1)
		if (string[n++] >= SIM_PAGES)
			return fprintf(stderr, "policy: page %u: must be below %u\n", string[n - 1], SIM_PAGES), 1;
	fclose(file);
	head();
	if (n)
		row(path, n, frames, 0);
	return 0;
}

static int
trace(int argc, char **argv)
{
	enum evict_policy policy = evict_policy_find(argv[2]);

	if (policy == EVICT_POLICY_COUNT || !atoi(argv[3]))
		return fprintf(stderr, "policy: no such policy, or no frames\n"), 1;
	sim_start(&sim, policy, (u32)atoi(argv[3]));
	printf("%s %u\n", argv[2], sim.frames);
	for (int i = 4; i < argc; i++) {
		u32 page = (u32)strtoul(argv[i], NULL, 10) % SIM_PAGES;
		bool fault = sim_access(&sim, page);

		sim_print(&sim, stdout, page, fault);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc > 4 && !strcmp(argv[1], "trace"))
		return trace(argc, argv);
	if (argc == 3)
		return recorded((u32)atoi(argv[1]), argv[2]);
	head();
	for (u32 s = 0; s < sizeof(strings) / sizeof(strings[0]); s++) {
		for (u32 t = 0; t < ACCESSES; t++)
			string[t] = strings[s].page(t);
		row(strings[s].name, ACCESSES, FRAMES, ACCESSES / 10);
	}
	return 0;
}
