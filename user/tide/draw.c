/* SPDX-License-Identifier: MIT */
/*
 * user/tide/draw.c - the picture
 *
 * Idea        at 80 x 24; of more rows each part has its share, more columns go to the past and the map
 *
 *                  0      title            12..15 map of frames
 *                  1..6   the tide         16..19 tasks
 *                  7..8   zones, orders    20..22 last events
 *                  9..11  lists, swap, who works; 23 keys
 *
 * Invariants  none
 * Locks       none
 * Follow      from user/tide.c   to screen.c
 * Tests       tests/guest/test_tide.py
 */
#include "tide.h"
#include <stdlib.h>
#include <string.h>

enum {
	TIDE_TOP = 1,
	ZONE_ROWS = 2,
	LIST_ROWS = 3,
	MARK_COLUMNS = 14,
	SLOT_COLUMN = 46
};

static const struct {
	char letter;
	int colour;
	const char *name;
} kinds[KINDS] = {
	{'.', PLAIN, "free"},
	{'a', GREEN | REVERSE, "anonymous"},
	{'f', BLUE | REVERSE, "file"},
	{'s', YELLOW | REVERSE, "slab"},
	{'t', MAGENTA | REVERSE, "page table"},
	{'k', CYAN | REVERSE, "kernel"},
	{'c', RED | REVERSE, "swap cache"},
	{' ', PLAIN, "no memory there"},
};

/* Of swap slots: free, never to be used, the only copy, a copy of what is in memory, being discarded. */
static const struct {
	char letter;
	int colour;
} slots[SLOTS] = {{'.', PLAIN}, {' ', PLAIN}, {'o', MAGENTA | REVERSE}, {'c', RED | REVERSE}, {'d', CYAN | REVERSE}};

static int sort_by;

static void draw_title(const struct figures *f);
static void draw_tide(const struct figures *f, const struct view *v);
static long tide_row(long pages, long high);
static int mark_colour(long free, long min, long low, long high);
static void draw_zones(const struct figures *f);
static void draw_lists(const struct figures *f, const struct view *v);
static void draw_slots(const struct figures *f, int row, int column, int width);
static void draw_map(const struct figures *f, int top, int rows);
static void draw_kinds(int row);
static void draw_tasks(const struct figures *f, const struct view *v, int top, int rows);
static int task_order(const void *a, const void *b);
static void draw_help(void);

/* What a screen of more than 24 rows has to share out. */
static int
spare_rows(void)
{
	return screen_rows > 24 ? screen_rows - 24 : 0;
}

static int
tide_rows(void)
{
	return 6 + spare_rows() / 8 * 2;
}

static int
event_rows(void)
{
	return 3 + spare_rows() / 6;
}

/* Where the zones begin; two rows of them, three of lists, then the map. */
static int
zones_top(void)
{
	return TIDE_TOP + tide_rows();
}

/* In the large map a quarter of the screen is for swap; else it has the end of a row. */
static int
slot_rows(const struct view *v)
{
	return v->map_only ? (screen_rows - 4) / 4 : 1;
}

static int
map_rows(const struct view *v)
{
	return v->map_only ? screen_rows - 4 - slot_rows(v) : 4 + spare_rows() / 3;
}

int
draw_map_cells(const struct view *v)
{
	int cells = map_rows(v) * screen_columns;

	return cells < MAP_MAX ? cells : MAP_MAX;
}

int
draw_slot_cells(const struct view *v)
{
	int cells = v->map_only ? slot_rows(v) * screen_columns : screen_columns - SLOT_COLUMN;

	return cells < 1 ? 1 : cells < SLOTS_MAX ? cells : SLOTS_MAX;
}

void
draw(const struct figures *f, struct view *v)
{
	int map_top = zones_top() + ZONE_ROWS + LIST_ROWS;
	int tasks_top = map_top + map_rows(v);

	screen_begin();
	draw_title(f);
	if (v->help) {
		draw_help();
	} else if (v->map_only) {
		draw_map(f, 1, map_rows(v));
		screen_put(1 + map_rows(v), 0, PLAIN, "above: %ld frames a cell; below: %ld slots of swap a cell",
			   f->frames_a_cell, f->slots_a_cell);
		draw_slots(f, 2 + map_rows(v), 0, screen_columns);
		draw_kinds(screen_rows - 2);
	} else {
		draw_tide(f, v);
		draw_zones(f);
		draw_lists(f, v);
		draw_map(f, map_top, map_rows(v));
		draw_tasks(f, v, tasks_top, screen_rows - 1 - event_rows() - tasks_top);
		for (int i = 0; i < event_rows(); i++)
			screen_put(screen_rows - 2 - i, 0, i ? PLAIN : BOLD, "%s", events_last(i));
	}
	screen_put(screen_rows - 1, 0, REVERSE, "q quit  p pause  s sort  f frame map  h help ");
	if (v->paused)
		screen_put(screen_rows - 1, screen_columns - 8, RED | BOLD, "PAUSED");
}

static void
draw_title(const struct figures *f)
{
	screen_put(0, 0, BOLD | REVERSE, " tide ");
	screen_put(0, 7, PLAIN, "free %ld of %ld pages  killed %ld  faults %ld, major %ld", f->free, f->total_kib / 4,
		   f->kills, f->faults, f->major);
}

/* ---- free memory against its marks ---- */

/* Rows of water for so many pages: the lower half is what lies below high, the upper half four times as much. */
static long
tide_row(long pages, long high)
{
	long half = tide_rows() / 2;
	long rows = high ? pages * half / high : 0;

	if (rows <= half)
		return pages && !rows ? 1 : rows;
	rows = half + (pages - high) * half / (4 * high);
	return rows < tide_rows() ? rows : tide_rows();
}

static int
mark_colour(long free, long min, long low, long high)
{
	return free < min ? RED : free < low ? YELLOW : free < high ? CYAN : BLUE;
}

static void
draw_tide(const struct figures *f, const struct view *v)
{
	const struct zone *z = &f->zones[f->worst];
	int width = screen_columns - MARK_COLUMNS;
	int bottom = zones_top() - 1, half = bottom - tide_rows() / 2 + 1;

	for (int i = 0; i < width && i < v->history_count; i++) {
		const struct water *w = &v->history[v->history_count - 1 - i];

		int colour = mark_colour(w->free, w->min, w->low, w->high);
		int rows = (int)tide_row(w->free, w->high);

		for (int row = 0; row < rows; row++)
			screen_put(bottom - row, width - 1 - i, row < rows - 1 ? colour | REVERSE : colour, "%c",
				   row < rows - 1 ? ' ' : '~');
	}
	screen_put(TIDE_TOP, width + 1, BOLD, "%s", z->name);
	screen_put(TIDE_TOP + 1, width + 1, mark_colour(z->free, z->min, z->low, z->high), "free %ld", z->free);
	screen_put(half, width + 1, CYAN, "high %ld", z->high);
	screen_put(half + 1, width + 1, YELLOW, "low  %ld", z->low);
	screen_put(half + 2, width + 1, RED, "min  %ld", z->min);
}

static void
draw_zones(const struct figures *f)
{
	for (int i = 0; i < f->zone_count && i < 2; i++) {
		const struct zone *z = &f->zones[i];
		int column = 34;

		screen_put(zones_top() + i, 0,
			   z->free < z->high ? mark_colour(z->free, z->min, z->low, z->high) : PLAIN,
			   "%-7s %6ld of %6ld  orders", z->name, z->free, z->managed);
		for (int order = 0; order < ORDERS; order++, column += 4)
			screen_put(zones_top() + i, column, z->blocks[order] ? GREEN : PLAIN, "%3ld",
				   z->blocks[order] < 999 ? z->blocks[order] : 999);
	}
}

static void
draw_lists(const struct figures *f, const struct view *v)
{
	int top = zones_top() + ZONE_ROWS;
	long used = f->swap_total_kib - f->swap_free_kib;

	screen_put(top, 0, PLAIN, "lists   active %ld kB  inactive %ld kB  unevictable %ld kB", f->active_kib,
		   f->inactive_kib, f->unevictable_kib);
	screen_put(top + 1, 0, PLAIN, "swap    %ld of %ld kB, cached %ld kB", used, f->swap_total_kib,
		   f->swap_cached_kib);
	draw_slots(f, top + 1, SLOT_COLUMN, screen_columns - SLOT_COLUMN);
	screen_put(top + 2, 0, v->kswapd_works ? BOLD | YELLOW : PLAIN, "kswapd%c %ld/%ld", v->kswapd_works ? '*' : ' ',
		   f->steal_kswapd, f->scan_kswapd);
	screen_put(top + 2, 26, v->direct_works ? BOLD | RED : PLAIN, "direct%c %ld/%ld", v->direct_works ? '*' : ' ',
		   f->steal_direct, f->scan_direct);
	screen_put(top + 2, 52, PLAIN, "swap in %ld out %ld", f->swap_in, f->swap_out);
}

/* The cells of swap, in rows of @width. */
static void
draw_slots(const struct figures *f, int row, int column, int width)
{
	for (int i = 0; f->slots && i < f->slot_cells; i++)
		screen_put(row + i / width, column + i % width, slots[f->slot_map[i]].colour, "%c",
			   slots[f->slot_map[i]].letter);
}

static void
draw_map(const struct figures *f, int top, int rows)
{
	for (int i = 0; i < f->cells && i < rows * screen_columns; i++)
		screen_put(top + i / screen_columns, i % screen_columns, kinds[f->map[i]].colour, "%c",
			   kinds[f->map[i]].letter);
}

static void
draw_kinds(int row)
{
	for (int kind = 0, column = 0; kind < KIND_NOTHING; kind++) {
		screen_put(row, column, kinds[kind].colour, "%c", kinds[kind].letter);
		screen_put(row, column + 2, PLAIN, "%s", kinds[kind].name);
		column += (int)strlen(kinds[kind].name) + 4;
	}
}

/* ---- tasks ---- */

static void
draw_tasks(const struct figures *f, const struct view *v, int top, int rows)
{
	static const char *const by[] = {"rss", "swap", "score"};
	struct task sorted[TASKS_MAX];

	for (int i = 0; i < f->task_count; i++)
		sorted[i] = f->tasks[i];
	sort_by = v->sort;
	qsort(sorted, f->task_count, sizeof(sorted[0]), task_order);
	screen_put(top, 0, BOLD, "    pid name               rss kB   swap kB oom_score   by %s", by[v->sort]);
	for (int i = 0; i < rows - 1 && i < f->task_count; i++)
		screen_put(top + 1 + i, 0, PLAIN, "%7d %-16s %8ld  %8ld  %8ld", sorted[i].pid, sorted[i].name,
			   sorted[i].rss, sorted[i].swap, sorted[i].score);
}

static int
task_order(const void *a, const void *b)
{
	const struct task *x = a, *y = b;
	long left = sort_by == 0 ? x->rss : sort_by == 1 ? x->swap : x->score;
	long right = sort_by == 0 ? y->rss : sort_by == 1 ? y->swap : y->score;

	return left > right ? -1 : left < right ? 1 : x->pid - y->pid;
}

static void
draw_help(void)
{
	static const char *const lines[] = {
		"The water is free memory of the zone that has the least above its marks, the",
		"newest at the right: blue above high, cyan below it,",
		"yellow below low (kswapd is at work), red below min (programs must reclaim).",
		"Zones: free frames, and blocks of 2^0 to 2^10 frames.",
		"kswapd, direct: pages taken back / looked at; * while they are at it.",
		"Map: a cell is so many frames, drawn as what most of them are:",
	};
	int row = 2;

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		screen_put(row++, 2, PLAIN, "%s", lines[i]);
	for (int kind = 0; kind < KIND_NOTHING; kind++)
		screen_put(row++, 6, kinds[kind].colour, "%c  %s", kinds[kind].letter, kinds[kind].name);
	screen_put(row++, 2, PLAIN, "Swap: o only there, c in memory too, d being discarded, . free");
	screen_put(row, 2, PLAIN, "Any key goes back.");
}
