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
#include "swapping.h"
#include "tracedev.h"
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>

enum {
	ZONES_MOST = 5,
	RAM = 64 * MIB,
	LOCKED = 4 * MIB,
	ROOM = 10 * MIB,
	HOT = 12 * MIB,
	STEP = MIB / 4,
	COLD = 96 * MIB
};

static const char min_path[] = "/proc/sys/vm/min_free_kbytes";
static const char scale_path[] = "/proc/sys/vm/watermark_scale_factor";
static const char ratio_path[] = "/proc/sys/vm/lowmem_reserve_ratio";

/* What zoneinfo says of a zone. */
struct zone {
	long free, min, low, high, managed;
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

	for (char *at = proc_text("/proc/zoneinfo"); (at = strstr(at, "\n  pages free ")); n++) {
		struct zone *z = &zones[n];

		check(n < ZONES_MOST && sscanf(at, " pages free %ld boost %*d min %ld low %ld high %ld", &z->free,
					       &z->min, &z->low, &z->high) == 4);
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
	check(!on_tidemark() || events("slabs_scanned") > scanned);
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

/* What /proc/vmstat counted between two moments. */
static char *tally_before, *tally_after;

static void
tally_begin(void)
{
	check((tally_before = strdup(proc_text("/proc/vmstat"))));
}

static void
tally_end(void)
{
	check((tally_after = strdup(proc_text("/proc/vmstat"))));
}

static long
moved(const char *name)
{
	return proc_field(tally_after, name) - proc_field(tally_before, name);
}

/* What the events of a run add up to. */
static struct sums {
	long direct, runs, sleeps;              /* direct reclaims; runs of kswapd, and when it slept after them */
	long active, inactive, freed, isolated; /* pages of batches: taken, become inactive; freed; looked at */
	long written, wakeups, lost;
	bool awake, ended; /* kswapd; the task @last */
} sums;

static void
sums_add(const struct record *r, pid_t last)
{
	switch (r->event) {
	case TRACE_mm_vmscan_direct_reclaim_begin:
		sums.direct++;
		break;
	case TRACE_mm_vmscan_wakeup_kswapd:
		sums.wakeups++;
		break;
	case TRACE_mm_vmscan_kswapd_wake:
		sums.runs++;
		sums.awake = true;
		break;
	case TRACE_mm_vmscan_kswapd_sleep:
		sums.sleeps++;
		sums.awake = false;
		break;
	case TRACE_mm_vmscan_lru_isolate:
		sums.isolated += (long)r->value[1];
		break;
	case TRACE_mm_vmscan_lru_shrink_active:
		sums.active += (long)r->value[0];
		sums.inactive += (long)r->value[1];
		break;
	case TRACE_mm_vmscan_lru_shrink_inactive:
		sums.freed += (long)r->value[1];
		break;
	case TRACE_swap_out:
		sums.written += (long)r->value[1];
		break;
	case TRACE_exit:
		sums.ended |= (pid_t)r->value[0] == last;
		break;
	case TRACE_lost:
		sums.lost += (long)r->value[1];
		break;
	}
}

/* Runs @run in a child, and counts and adds up what happens until it has ended and kswapd sleeps. */
static void
watched(void (*run)(void *), void *arg)
{
	static struct record r[1024];
	int fd = trace_open("scan,reclaim,swap_out,exit", 0);

	tally_begin();
	pid_t child = child_start(run, arg);
	while (fd >= 0 && (!sums.ended || sums.awake)) {
		ssize_t n = read(fd, r, sizeof(r));

		check(n > 0);
		for (size_t i = 0; i < n / sizeof(r[0]); i++)
			sums_add(&r[i], child);
	}
	check(child_wait(child) == 0);
	proc_text(on_tidemark() ? "/proc/mm_check" : "/proc/vmstat"); /* what was written is let go of */
	tally_end();
	if (fd >= 0)
		close(fd);
	check(sums.lost == 0);
}

static void
fills_too_much(void *arg)
{
	size_t bytes = RAM / 4 * 5;

	(void)arg;
	fills(&bytes);
}

/* Pages that a program sends out are none that reclaim has looked for, nor any that it has taken. */
static void
advice_is_no_steal(void)
{
	static const char *const names[] = {"pgscan_kswapd",  "pgscan_direct",  "pgscan_anon",
					    "pgsteal_kswapd", "pgsteal_direct", "pgsteal_anon"};

	check(swapon("/dev/vda", 0) == 0);
	volatile unsigned char *p = stamped(MIB, 1);
	tally_begin();
	page_out(p, MIB); /* written, and let go of */
	must_be_out(p, MIB);
	must_be_stamped(p, MIB, 1);
	page_out(p, MIB); /* clean */
	tally_end();
	check(moved("pswpout") >= MIB / PAGE);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (moved(names[i]))
			fail("%s moved by %ld", names[i], moved(names[i]));
	must_be_stamped(p, MIB, 1);
	check(swapoff("/dev/vda") == 0);
}

/*
 * Each page that is looked at, or freed, counts twice: by who did it, and by its kind. What the disk moves is what swap
 * moves, since nothing else uses it here. Who has to reclaim himself has stalled, once each time. A page that was
 * written goes to the end of its list, and leaves. kswapd runs when it is called, and once more for each time that it
 * was wanted again at once.
 */
static void
counts_agree(void)
{
	check(swapon("/dev/vda", 0) == 0);
	watched(fills_too_much, NULL);
	check(swapoff("/dev/vda") == 0);
	long scanned = moved("pgscan_anon") + moved("pgscan_file"),
	     stolen = moved("pgsteal_anon") + moved("pgsteal_file");
	check(moved("pgscan_kswapd") > 0 && moved("pgsteal_kswapd") > 0);
	check(moved("pgscan_anon") > 0 && moved("pgsteal_anon") >= RAM / 4 / PAGE);
	check(stolen <= scanned);
	check(moved("pswpin") > 0 && moved("pswpout") >= RAM / 4 / PAGE);
	check(moved("pgpgin") >= 4 * moved("pswpin") && moved("pgpgout") >= 4 * moved("pswpout"));
	check(moved("pageoutrun") > 0);
	if (!on_tidemark())
		return;
	check(moved("pgscan_kswapd") + moved("pgscan_direct") == scanned && moved("pgscan_file") == 0);
	check(moved("pgsteal_kswapd") + moved("pgsteal_direct") == stolen && moved("pgsteal_file") == 0);
	check(moved("pgpgin") == 4 * moved("pswpin") && moved("pgpgout") == 4 * moved("pswpout"));
	check(moved("pswpout") == sums.written && moved("pgrotated") == sums.written);
	check(moved("pgscan_anon") + moved("pgrefill") == sums.isolated);
	check(moved("allocstall_dma") + moved("allocstall_normal") == sums.direct);
	check(moved("pageoutrun") == sums.runs);
	check(proc_field(tally_after, "nr_isolated_anon") == 0 && proc_field(tally_after, "nr_writeback") == 0);
	check(sums.wakeups > 0 && moved("kswapd_low_wmark_hit_quickly") > 0);
	check(sums.runs ==
	      sums.sleeps + moved("kswapd_low_wmark_hit_quickly") + moved("kswapd_high_wmark_hit_quickly"));
}

/* The largest zone as it is now. */
static struct zone
main_zone(void)
{
	struct zone zones[ZONES_MOST];
	int n = zones_read(zones), most = 0;

	for (int i = 1; i < n; i++)
		if (zones[i].managed > zones[most].managed)
			most = i;
	return zones[most];
}

static size_t
take(volatile unsigned char *p)
{
	for (size_t i = 0; i < STEP; i += PAGE)
		page_stamp(p + i, i);
	return STEP;
}

/* The next event of kswapd, its start or its sleep; 0: none yet. */
static int
kswapd_event(int fd)
{
	struct record r;
	ssize_t n = read(fd, &r, sizeof(r));

	check(n == (ssize_t)sizeof(r) || (n < 0 && errno == EAGAIN));
	return n > 0 ? r.event : 0;
}

/*
 * With marks far apart: whenever kswapd has reached high, pages are taken until half of what is between low and high is
 * left, and no more. When kswapd looks again after a moment, it is below high. It may have looked before, and sleep.
 */
static void
just_below_high(void *arg)
{
	int fd = trace_open("mm_vmscan_kswapd_wake,mm_vmscan_kswapd_sleep", O_NONBLOCK);
	volatile unsigned char *p = map_private(2 * COLD);
	size_t used = 0;
	long low, high;

	(void)arg;
	do {
		while (kswapd_event(fd) != TRACE_mm_vmscan_kswapd_wake && used < COLD)
			used += take(p + used);
		low = events("kswapd_low_wmark_hit_quickly");
		high = events("kswapd_high_wmark_hit_quickly");
		while (!kswapd_event(fd) && used < COLD) {
			struct zone z = main_zone();

			for (long n = z.free < z.high ? 0 : (z.high - z.low) / 2; n > 0; n -= STEP / PAGE)
				used += take(p + used);
			sched_yield();
		}
	} while (events("kswapd_high_wmark_hit_quickly") == high && used < COLD);
	check(used < COLD && events("kswapd_high_wmark_hit_quickly") == high + 1);
	check(events("kswapd_low_wmark_hit_quickly") == low);
}

static void
soon_below_high(void)
{
	char scale[32];

	if (!on_tidemark())
		return;
	snprintf(scale, sizeof(scale), "%s", proc_text(scale_path));
	set(scale_path, "500");
	check(swapon("/dev/vda", 0) == 0);
	int status = child_run(just_below_high, NULL);
	check(swapoff("/dev/vda") == 0);
	set(scale_path, scale);
	check(status == 0);
}

/* ---- the active list ---- */

static void
touch(volatile unsigned char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		(void)p[i];
}

static size_t
pages_out(volatile unsigned char *p, size_t bytes)
{
	static unsigned char in[HOT / PAGE];
	size_t out = 0;

	check(mincore((void *)p, bytes, in) == 0);
	for (size_t i = 0; i < bytes / PAGE; i++)
		out += !(in[i] & 1);
	return out;
}

/* Since @before, pages became active and inactive as often as the counters say: those that are active are left. */
static bool
active_adds_up(const char *before)
{
	char *now = proc_text("/proc/vmstat");
	long sum = 0;

	static const struct {
		const char *name;
		int sign;
	} terms[] = {{"nr_active_anon", -1}, {"pgactivate", 1}, {"workingset_activate_anon", 1}, {"pgdeactivate", -1}};
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		sum += terms[i].sign * (proc_field(now, terms[i].name) - proc_field(before, terms[i].name));
	return sum == 0;
}

/*
 * In a memory of ROOM: hot pages beside fresh ones that are used once. The hot ones become active, until they are more
 * than the others; then nobody wants them, and some become inactive, and leave; then they are wanted again, and are
 * known.
 */
static void
hot_beside_cold(void *arg)
{
	size_t rest = (size_t)free_pages() * PAGE;
	size_t used = 0;

	(void)arg;
	if (rest > ROOM) {
		volatile unsigned char *locked = map_private(rest - ROOM);

		check(mlock((void *)locked, rest - ROOM) == 0);
	}
	volatile unsigned char *hot = map_private(HOT), *cold = map_private(COLD);
	char *before = strdup(proc_text("/proc/vmstat"));
	for (size_t i = 0; i < HOT; i += PAGE)
		page_stamp(hot + i, i);
	while (used < COLD && events("nr_active_anon") <= events("nr_inactive_anon")) {
		used += take(cold + used);
		touch(hot, HOT);
	}
	while (used < COLD && pages_out(hot, HOT) < 64) {
		used += take(cold + used);
	}
	check(used < COLD);
	for (size_t i = 0; i < HOT; i += PAGE)
		check(page_stamped(hot + i, i));
	for (int i = 0; on_tidemark() && !active_adds_up(before); i++)
		check(i < 1000 && sched_yield() == 0); /* kswapd has pages in its hands */
}

static void
active_pages_are_counted(void)
{
	static const char *const names[] = {"pgrefill",
					    "pgdeactivate",
					    "pgactivate",
					    "workingset_refault_anon",
					    "workingset_activate_anon",
					    "workingset_restore_anon"};

	check(swapon("/dev/vda", 0) == 0);
	watched(hot_beside_cold, NULL);
	check(swapoff("/dev/vda") == 0);
	for (size_t i = 0; on_tidemark() && i < sizeof(names) / sizeof(names[0]); i++)
		if (moved(names[i]) <= 0)
			fail("%s did not move", names[i]);
	check(moved("workingset_activate_anon") <= moved("workingset_refault_anon"));
	check(moved("workingset_restore_anon") <= moved("workingset_activate_anon"));
	if (!on_tidemark())
		return;
	check(moved("pgrefill") == sums.active && moved("pgdeactivate") == sums.inactive);
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
	{"pages that go on a program's advice are neither scanned nor stolen", advice_is_no_steal, 0, CASE_NAMED},
	{"under pressure each counter of reclaim moves by its events", counts_agree, 0, CASE_NAMED},
	{"kswapd that is below high again soon is counted", soon_below_high, 0, CASE_NAMED},
	{"pages that become active, inactive, and known again are counted", active_pages_are_counted, 0, CASE_NAMED},
	{"locked pages are put aside by reclaim and rescued by munlock", locked_pages_are_put_aside, 0, CASE_NAMED},
	{0},
};
