/* SPDX-License-Identifier: MIT */
/*
 * user/tide/figures.c - how memory stands, from /proc
 *
 * Idea        zoneinfo, buddyinfo, meminfo and vmstat are small; the map is dear. It is read again only when pages were
 *             taken or given back since, and of a large memory only the first words of each cell.
 * Invariants  none
 * Locks       none
 * Follow      from user/tide.c
 * Tests       tests/guest/test_tide.py
 * See         proc(5); Linux Documentation/admin-guide/mm/pagemap.rst
 */
#include "tide.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TEXT_MAX = 32768,
	LOOKS = 32,      /* words of a cell that are read */
	SLOT_LOOKS = 512 /* bytes of a cell of slots: one each */
};

/* Bits of /proc/kpageflags. */
#define SLAB (1UL << 7)
#define BUDDY (1UL << 10)
#define MMAP (1UL << 11)
#define ANON (1UL << 12)
#define SWAPCACHE (1UL << 13)
#define UPTODATE (1UL << 3)
#define NOPAGE (1UL << 20)
#define PGTABLE (1UL << 26)

static char text[TEXT_MAX];

static bool slurp(const char *path);
static long number_after(const char *label);
static void zones_read(struct figures *f);
static int zone_worst(const struct figures *f);
static void blocks_read(struct figures *f);
static void tasks_read(struct figures *f);
static bool task_read(struct task *task, const char *pid);
static void map_read(struct figures *f, int cells);
static void slots_read(struct figures *f, int cells);
static long slots_count(int fd, long pages);
static enum slot cell_slot(const unsigned char *kinds, long count);
static enum kind cell_kind(const uint64_t *flags, long count);
static enum kind frame_kind(uint64_t flags);

bool
figures_read(struct figures *f, int cells, int slot_cells)
{
	static char vmstat_before[TEXT_MAX];

	if (!slurp("/proc/vmstat") ||
	    (strcmp(text, vmstat_before) == 0 && cells == f->cells && slot_cells == f->slot_cells))
		return false;
	/* Why before the rest: what others do during the look is a change still to be seen. Looking moves nothing. */
	strcpy(vmstat_before, text);
	f->scan_kswapd = number_after("pgscan_kswapd ");
	f->steal_kswapd = number_after("pgsteal_kswapd ");
	f->scan_direct = number_after("pgscan_direct ");
	f->steal_direct = number_after("pgsteal_direct ");
	f->swap_in = number_after("pswpin ");
	f->swap_out = number_after("pswpout ");
	f->faults = number_after("pgfault ");
	f->major = number_after("pgmajfault ");
	f->kills = number_after("oom_kill ");
	slurp("/proc/meminfo");
	f->total_kib = number_after("MemTotal:");
	f->swap_total_kib = number_after("SwapTotal:");
	f->swap_free_kib = number_after("SwapFree:");
	f->swap_cached_kib = number_after("SwapCached:");
	f->active_kib = number_after("\nActive:");
	f->inactive_kib = number_after("\nInactive:");
	f->unevictable_kib = number_after("Unevictable:");
	zones_read(f);
	blocks_read(f);
	tasks_read(f);
	map_read(f, cells);
	slots_read(f, slot_cells);
	return true;
}

static bool
slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	int len = 0;

	text[0] = 0;
	if (fd < 0)
		return false;
	for (ssize_t n; len < TEXT_MAX - 1 && (n = read(fd, text + len, TEXT_MAX - 1 - len)) > 0;)
		len += n;
	close(fd);
	text[len] = 0;
	return len > 0;
}

static long
number_after(const char *label)
{
	const char *s = strstr(text, label);

	return s ? atol(s + strlen(label)) : 0;
}

static void
zones_read(struct figures *f)
{
	struct zone *zone = NULL;
	char *rest = NULL;

	f->zone_count = 0;
	f->free = 0;
	slurp("/proc/zoneinfo");
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char name[16];
		long n;

		if (sscanf(line, "Node %*d, zone %15s", name) == 1 && f->zone_count < ZONES_MAX) {
			zone = &f->zones[f->zone_count++];
			*zone = (struct zone){0};
			strcpy(zone->name, name);
		} else if (!zone) {
			continue;
		} else if (sscanf(line, " pages free %ld", &n) == 1) {
			f->free += zone->free = n;
		} else if (sscanf(line, " min %ld", &n) == 1) {
			zone->min = n;
		} else if (sscanf(line, " low %ld", &n) == 1) {
			zone->low = n;
		} else if (sscanf(line, " high %ld", &n) == 1 && !zone->high) {
			zone->high = n;
		} else if (sscanf(line, " managed %ld", &n) == 1) {
			zone->managed = n;
		}
	}
	f->worst = zone_worst(f);
}

/*
 * Free by high, the least: the zone whose marks come first. Their sum says nothing: kswapd works for Normal while DMA
 * has more to spare than all marks together.
 */
static int
zone_worst(const struct figures *f)
{
	int worst = 0;

	for (int i = 1; i < f->zone_count; i++)
		if (f->zones[i].high &&
		    f->zones[i].free * f->zones[worst].high <= f->zones[worst].free * f->zones[i].high)
			worst = i;
	return worst;
}

static void
blocks_read(struct figures *f)
{
	char *rest = NULL;
	int i = 0;

	slurp("/proc/buddyinfo");
	for (char *line = strtok_r(text, "\n", &rest); line && i < f->zone_count; line = strtok_r(NULL, "\n", &rest)) {
		char *s = strstr(line, f->zones[i].name);

		if (!s)
			continue;
		s += strlen(f->zones[i].name);
		for (int order = 0; order < ORDERS; order++)
			f->zones[i].blocks[order] = strtol(s, &s, 10);
		i++;
	}
}

static void
tasks_read(struct figures *f)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	f->task_count = 0;
	while (proc && (entry = readdir(proc)) && f->task_count < TASKS_MAX)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    task_read(&f->tasks[f->task_count], entry->d_name))
			f->task_count++;
	if (proc)
		closedir(proc);
}

/* Kernel threads and zombies, which have no memory, are left out. */
static bool
task_read(struct task *task, const char *pid)
{
	char path[64];
	char *name;

	snprintf(path, sizeof(path), "/proc/%.10s/status", pid);
	if (!slurp(path) || !strstr(text, "VmRSS:"))
		return false;
	*task = (struct task){.pid = atoi(pid)};
	name = strstr(text, "Name:");
	if (name)
		sscanf(name, "Name: %16[^\n]", task->name);
	task->rss = number_after("VmRSS:");
	task->swap = number_after("VmSwap:");
	snprintf(path, sizeof(path), "/proc/%.10s/oom_score", pid);
	task->score = slurp(path) ? atol(text) : 0;
	return true;
}

/* ---- the map ---- */

static void
map_read(struct figures *f, int cells)
{
	static uint64_t flags[LOOKS];
	int fd = open("/proc/kpageflags", O_RDONLY);

	if (fd < 0)
		return;
	if (!f->frames)
		while (pread(fd, flags, 8, f->frames * 8) == 8)
			f->frames += 256; /* to a MiB */
	f->cells = cells;
	f->frames_a_cell = (f->frames + cells - 1) / cells;
	for (int i = 0; i < cells; i++) {
		long first = i * f->frames_a_cell;
		long wanted = f->frames_a_cell < LOOKS ? f->frames_a_cell : LOOKS;
		ssize_t n = first < f->frames ? pread(fd, flags, wanted * 8, first * 8) : 0;

		f->map[i] = n > 0 ? cell_kind(flags, n / 8) : KIND_NOTHING;
	}
	close(fd);
}

/* ---- the map of swap slots ---- */

/* Where there is no swap there are no slots; another kernel has no such file. */
static void
slots_read(struct figures *f, int cells)
{
	static unsigned char kinds[SLOT_LOOKS];
	static long counted_kib;
	int fd = open("/proc/swap_slots", O_RDONLY);

	f->slot_cells = cells;
	if (fd < 0)
		return;
	if (f->swap_total_kib != counted_kib)
		f->slots = slots_count(fd, f->swap_total_kib / 4);
	counted_kib = f->swap_total_kib;
	f->slots_a_cell = (f->slots + cells - 1) / cells;
	for (int i = 0; i < cells; i++) {
		long first = i * f->slots_a_cell;
		long wanted = f->slots_a_cell < SLOT_LOOKS ? f->slots_a_cell : SLOT_LOOKS;
		ssize_t n = first < f->slots ? pread(fd, kinds, wanted, first) : 0;

		f->slot_map[i] = n > 0 ? cell_slot(kinds, n) : SLOT_NEVER;
	}
	close(fd);
}

/* The file's length: pages that fit, and what the headers and bad slots add to that. */
static long
slots_count(int fd, long pages)
{
	char c;

	while (pages && pread(fd, &c, 1, pages) == 1)
		pages++;
	return pages;
}

static enum slot
cell_slot(const unsigned char *kinds, long count)
{
	long votes[SLOTS] = {0};
	enum slot most = SLOT_FREE;

	for (long i = 0; i < count; i++)
		votes[kinds[i] < SLOTS ? kinds[i] : SLOT_NEVER]++;
	for (int kind = 0; kind < SLOTS; kind++)
		if (votes[kind] > votes[most])
			most = kind;
	return most;
}

/* ---- the map of frames ---- */

static enum kind
cell_kind(const uint64_t *flags, long count)
{
	long votes[KINDS] = {0};
	enum kind most = KIND_FREE;

	for (long i = 0; i < count; i++)
		votes[frame_kind(flags[i])]++;
	for (int kind = 0; kind < KINDS; kind++)
		if (votes[kind] > votes[most])
			most = kind;
	return most;
}

static enum kind
frame_kind(uint64_t flags)
{
	if (flags & NOPAGE)
		return KIND_NOTHING;
	if (flags & BUDDY)
		return KIND_FREE;
	if (flags & SLAB)
		return KIND_SLAB;
	if (flags & PGTABLE)
		return KIND_TABLE;
	if (flags & SWAPCACHE)
		return KIND_SWAPCACHE;
	if (flags & ANON)
		return KIND_ANON;
	return flags & (UPTODATE | MMAP) ? KIND_FILE : KIND_KERNEL;
}
