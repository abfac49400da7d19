/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/vmscan.c - watermarks, shrinkers, and the counters of reclaim
 *
 * Idea        Settings are changed, their formulas done again here, and put back. Cases that need pages to leave memory
 *             have the disks of swap.c: vda is a swap area of 256 MiB beside 64 MiB of RAM.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to mm/watermark.c, mm/shrinker.c, mm/kswapd.c, kernel/fs/procfs_zone.c
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
	ZONES_MOST = 5,
	RAM = 64 * MIB,
	LOCKED = 4 * MIB
};

static const char min_path[] = "/proc/sys/vm/min_free_kbytes";
static const char scale_path[] = "/proc/sys/vm/watermark_scale_factor";
static const char ratio_path[] = "/proc/sys/vm/lowmem_reserve_ratio";

/* What zoneinfo says of a zone. */
struct zone {
	long min, low, high, managed;
	long protection[ZONES_MOST];
	int protections;
};

static void
set(const char *path, const char *text)
{
	check(proc_write(path, text) == (long)strlen(text));
}

static int
zones_read(struct zone *zones)
{
	int n = 0;

	for (char *at = proc_text("/proc/zoneinfo"); (at = strstr(at, "        min ")); n++) {
		struct zone *z = &zones[n];

		check(n < ZONES_MOST && sscanf(at, " min %ld low %ld high %ld", &z->min, &z->low, &z->high) == 3);
		at = strstr(at, "managed ");
		z->managed = atol(at + 8);
		at = strstr(at, "protection: (") + 12;
		for (z->protections = 0; *at != ')' && z->protections < ZONES_MOST; at++)
			z->protection[z->protections++] = strtol(at + 1, &at, 10), at -= *at == ')' || *at == ',';
	}
	return n;
}

/* ---- watermarks ---- */

/* With min_free_kbytes and a scale of so many parts of 10000 the marks are those of Linux's formulas. */
static void
marks_must_be(long kbytes, long scale)
{
	struct zone zones[ZONES_MOST];
	long all = 0;
	int n = zones_read(zones);

	for (int i = 0; i < n; i++)
		all += zones[i].managed;
	for (int i = 0; i < n; i++) {
		struct zone *z = &zones[i];
		long min = kbytes / 4 * z->managed / all;
		long step = min / 4 > z->managed * scale / 10000 ? min / 4 : z->managed * scale / 10000;

		if (!z->managed)
			continue;
		check(z->min == min);
		check(z->low == min + step);
		check(z->high == min + 2 * step);
	}
}

static void
marks_follow_formulas(void)
{
	char min[32], scale[32];

	snprintf(min, sizeof(min), "%s", proc_text(min_path));
	snprintf(scale, sizeof(scale), "%s", proc_text(scale_path));
	check(atol(scale) == 10);
	set(min_path, "2048");
	marks_must_be(2048, 10);
	set(scale_path, "500");
	marks_must_be(2048, 500);
	set(min_path, "4000");
	marks_must_be(4000, 500);
	set(scale_path, scale);
	set(min_path, min);
	marks_must_be(atol(min), 10);
}

static void
marks_have_bounds(void)
{
	char min[32];

	snprintf(min, sizeof(min), "%s", proc_text(min_path));
	check_errno(proc_write(scale_path, "0"), EINVAL);
	check_errno(proc_write(scale_path, "3001"), EINVAL);
	check_errno(proc_write(scale_path, "-10"), EINVAL);
	check_errno(proc_write(scale_path, "ten"), EINVAL);
	check_errno(proc_write(min_path, "-1"), EINVAL);
	check_errno(proc_write(min_path, "2147483648"), EINVAL);
	set(scale_path, "3000");
	check(atol(proc_text(scale_path)) == 3000);
	set(scale_path, "1");
	set(scale_path, "10");
	check(strcmp(proc_text(min_path), min) == 0);
}

/* From who could have a higher zone, a zone keeps that zone's size / its ratio. */
static void
low_zones_are_protected(void)
{
	struct zone zones[ZONES_MOST];
	long ratio[ZONES_MOST] = {0};
	char old[64];
	char *at = old;

	snprintf(old, sizeof(old), "%s", proc_text(ratio_path));
	set(ratio_path, old); /* reckons with the zones' sizes of now */
	int n = zones_read(zones);
	for (int i = 0; i < ZONES_MOST; i++)
		ratio[i] = strtol(at, &at, 10);
	check(ratio[0] == 256 && n >= 2);
	for (int i = 0; i < n; i++) {
		long above = 0;

		for (int k = 0; k < zones[i].protections; k++) {
			above += k > i && k < n ? zones[k].managed : 0;
			check(zones[i].protection[k] == (ratio[i] && zones[i].managed ? above / ratio[i] : 0));
		}
	}
	set(ratio_path, "100");
	zones_read(zones);
	check(zones[0].protection[1] == zones[1].managed / 100);
	set(ratio_path, "0");
	zones_read(zones);
	check(zones[0].protection[1] == 0);
	set(ratio_path, old);
	check(strcmp(proc_text(ratio_path), old) == 0);
}

/* The lines of a node and of a zone, in Linux's order. */
static void
zones_have_linux_lines(void)
{
	static const char *const lines[] = {
		"Node 0, zone      DMA\n",   "  per-node stats\n",
		"\n      nr_inactive_anon ", "\n      nr_active_anon ",
		"\n      nr_unevictable ",   "\n  pages free     ",
		"\n        boost    0\n",    "        min      ",
		"\n        low      ",       "\n        high     ",
		"\n        spanned  ",       "\n        present  ",
		"\n        managed  ",       "\n        protection: (0, ",
		"\n      nr_free_pages ",    "\n  pagesets\n    cpu: 0\n              count: ",
		"\n              high:  ",   "\n              batch: ",
		"\n  start_pfn:           ", "\nNode 0, zone ",
	};
	char *at = proc_text("/proc/zoneinfo");

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *found = strstr(at, lines[i]);

		if (!found)
			fail("zoneinfo has no line \"%s\" where Linux has it", lines[i]);
		at = found + (lines[i][0] == '\n' && lines[i][strlen(lines[i]) - 1] != '\n');
	}
}

/* ---- shrinkers ---- */

static long
events(const char *name)
{
	return proc_value("/proc/vmstat", name);
}

static void
ends_at_once(void *arg)
{
	(void)arg;
}

/* Tasks that have ended, and files that are closed, leave caches behind. */
static void
caches_let_go(void)
{
	static const char path[] = "/proc/sys/vm/drop_caches";
	int fd[200];

	for (int i = 0; i < 4; i++)
		child_must_live(ends_at_once, NULL);
	for (int i = 0; i < 200; i++)
		check((fd[i] = open("/proc/self/stat", O_RDONLY)) >= 0);
	for (int i = 0; i < 200; i++)
		close(fd[i]);
	long scanned = events("slabs_scanned");
	long slab = events("drop_slab"), pagecache = events("drop_pagecache");
	long free = free_pages();
	set(path, "1");
	check(events("drop_pagecache") == pagecache + 1 && events("drop_slab") == slab);
	check(!on_tidemark() || events("slabs_scanned") == scanned);
	set(path, "2");
	check(events("drop_pagecache") == pagecache + 1 && events("drop_slab") == slab + 1);
	check(events("slabs_scanned") > scanned);
	check(!on_tidemark() || free_pages() > free);
	check(!on_tidemark() || proc_value("/proc/meminfo", "SReclaimable") <= 256);
	set(path, "3");
	check(events("drop_pagecache") == pagecache + 2 && events("drop_slab") == slab + 2);
}

static void
reclaimable_adds_up(void)
{
	char *text = strdup(proc_text("/proc/meminfo"));

	check(proc_field(text, "Slab") == proc_field(text, "SReclaimable") + proc_field(text, "SUnreclaim"));
	check(proc_field(text, "KReclaimable") >= proc_field(text, "SReclaimable"));
	check(proc_field(text, "Active") == proc_field(text, "Active(anon)") + proc_field(text, "Active(file)"));
	check(proc_field(text, "Inactive") == proc_field(text, "Inactive(anon)") + proc_field(text, "Inactive(file)"));
}

/* ---- counters, with a swap area ---- */

static void
fills(void *arg)
{
	size_t bytes = *(size_t *)arg;
	volatile unsigned char *p = map_private(bytes);

	for (size_t i = 0; i < bytes; i += PAGE)
		page_stamp(p + i, i);
	for (size_t i = 0; i < bytes; i += PAGE)
		check(page_stamped(p + i, i));
}

static void
press(size_t bytes)
{
	child_must_live(fills, &bytes);
}

/* Each page that is looked at, or freed, counts twice: by who did it, and by its kind. */
static void
kinds_and_causes_agree(void)
{
	static const char *const names[] = {"pgscan_kswapd",  "pgscan_direct",  "pgscan_anon",  "pgscan_file",
					    "pgsteal_kswapd", "pgsteal_direct", "pgsteal_anon", "pgsteal_file"};
	long n[8];

	check(swapon("/dev/vda", 0) == 0);
	for (int i = 0; i < 8; i++)
		n[i] = events(names[i]);
	press(RAM / 4 * 5);
	check(swapoff("/dev/vda") == 0);
	for (int i = 0; i < 8; i++)
		n[i] = events(names[i]) - n[i];
	check(n[0] + n[1] == n[2] + n[3] || !on_tidemark());
	check(n[4] + n[5] == n[6] + n[7] || !on_tidemark());
	check(n[0] > 0 && n[4] > 0 && n[2] > 0 && n[6] > 0);
	check(n[4] + n[5] <= n[0] + n[1] && n[4] + n[5] >= RAM / 4 / PAGE);
	check(n[3] == 0 || !on_tidemark());
}

/* What a disk moves is what swap moves: nothing else uses it here. */
static void
transfers_are_counted(void)
{
	check(swapon("/dev/vda", 0) == 0);
	long in = events("pgpgin"), out = events("pgpgout");
	long pages_in = events("pswpin"), pages_out = events("pswpout");
	press(RAM / 4 * 5);
	check(swapoff("/dev/vda") == 0);
	in = events("pgpgin") - in;
	out = events("pgpgout") - out;
	pages_in = events("pswpin") - pages_in;
	pages_out = events("pswpout") - pages_out;
	check(pages_in > 0 && pages_out >= RAM / 4 / PAGE);
	check(in == 4 * pages_in || (!on_tidemark() && in >= 4 * pages_in));
	check(out == 4 * pages_out || (!on_tidemark() && out >= 4 * pages_out));
}

/* kswapd runs when it is called, and once more for each time that it was wanted again at once. */
static void
kswapd_is_counted(void)
{
	check(swapon("/dev/vda", 0) == 0);
	long runs = events("pageoutrun");
	long low = events("kswapd_low_wmark_hit_quickly"), high = events("kswapd_high_wmark_hit_quickly");
	press(RAM / 4 * 5);
	check(swapoff("/dev/vda") == 0);
	runs = events("pageoutrun") - runs;
	low = events("kswapd_low_wmark_hit_quickly") - low;
	high = events("kswapd_high_wmark_hit_quickly") - high;
	check(runs > 0 && low >= 0 && high >= 0);
	check(low + high <= runs);
}

/* Reclaim puts aside what is locked, once; munlock brings it back. */
static void
locked_pages_are_put_aside(void)
{
	check(swapon("/dev/vda", 0) == 0);
	volatile unsigned char *p = map_private(LOCKED);
	long culled = events("unevictable_pgs_culled"), rescued = events("unevictable_pgs_rescued");
	for (size_t i = 0; i < LOCKED; i += PAGE)
		page_stamp(p + i, i);
	check(mlock((void *)p, LOCKED) == 0);
	press(RAM / 4 * 5);
	culled = events("unevictable_pgs_culled") - culled;
	check(culled > 0 && (culled <= LOCKED / PAGE + 64 || !on_tidemark()));
	for (size_t i = 0; i < LOCKED; i += PAGE)
		check(page_stamped(p + i, i));
	check(munlock((void *)p, LOCKED) == 0);
	check(events("unevictable_pgs_rescued") > rescued);
	check(swapoff("/dev/vda") == 0);
}

const struct test_case vmscan_cases[] = {
	{"the marks of each zone follow Linux's formulas", marks_follow_formulas, 0, 0},
	{"the numbers behind the marks have Linux's bounds", marks_have_bounds, 0, 0},
	{"a low zone is protected from who could have a higher one", low_zones_are_protected, 0, 0},
	{"zoneinfo has Linux's lines in Linux's order", zones_have_linux_lines, 0, 0},
	{"drop_caches lets kernel caches go, and counts", caches_let_go, 0, 0},
	{"what can be reclaimed adds up in meminfo", reclaimable_adds_up, 0, 0},
	{"pages scanned and stolen: causes and kinds agree", kinds_and_causes_agree, 0, CASE_NAMED},
	{"pgpgin and pgpgout count what the disk moves", transfers_are_counted, 0, CASE_NAMED},
	{"each run of kswapd is counted, and the quick ones", kswapd_is_counted, 0, CASE_NAMED},
	{"locked pages are put aside by reclaim and rescued by munlock", locked_pages_are_put_aside, 0, CASE_NAMED},
	{0},
};
