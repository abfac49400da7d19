/* SPDX-License-Identifier: MIT */
/*
 * user/tide/draw.c - the picture
 *
 * Idea        at 80 x 24; more rows go to the map and the tasks, more columns to the past and the map
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

enum {
	TIDE_TOP = 1,
	TIDE_ROWS = 6,
	ZONES_TOP = 7,
	LISTS_TOP = 9,
	MAP_TOP = 12,
	EVENT_ROWS = 3,
	MARK_COLUMNS = 14,
	SLOT_COLUMN = 46
};

static const struct {
	char letter;
	int colour;
	const char *name;
} kinds[KINDS] = {
	{'.', PLAIN, "free"},     {'a', GREEN, "anonymous"},       {'f', BLUE, "file"},
	{'s', YELLOW, "slab"},    {'t', MAGENTA, "page table"},    {'k', CYAN, "kernel"},
	{'c', RED, "swap cache"}, {' ', PLAIN, "no memory there"},
};

/* Of swap slots: free, never to be used, the only copy, a copy of what is in memory, being discarded. */
static const struct {
	char letter;
	int colour;
} slots[SLOTS] = {{'.', PLAIN}, {' ', PLAIN}, {'o', MAGENTA}, {'c', RED}, {'d', CYAN}};

static int sort_by;

static void draw_title(const struct figures *f, const struct view *v);
static void draw_tide(const struct figures *f, const struct view *v);
static long tide_row(long pages, long top);
static void draw_zones(const struct figures *f);
static void draw_lists(const struct figures *f, const struct view *v);
static void draw_slots(const struct figures *f, int row, int column, int width);
static void draw_map(const struct figures *f, int top, int rows);
static void draw_tasks(const struct figures *f, const struct view *v, int top, int rows);
static int task_order(const void *a, const void *b);
static void draw_help(void);

/* In the large map a quarter of the screen is for swap; else it has the end of a row. */
static int
slot_rows(const struct view *v)
{
	return v->map_only ? (screen_rows - 4) / 4 : 1;
}

static int
map_rows(const struct view *v)
{
	return v->map_only ? screen_rows - 4 - slot_rows(v) : 4 + (screen_rows - 24) / 2;
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
	int tasks_top = MAP_TOP + map_rows(v);

	screen_begin();
	draw_title(f, v);
	if (v->help) {
		draw_help();
	} else if (v->map_only) {
		draw_map(f, 1, map_rows(v));
		screen_put(1 + map_rows(v), 0, PLAIN, "above: %ld frames a cell; below: %ld slots of swap a cell",
			   f->frames_a_cell, f->slots_a_cell);
		draw_slots(f, 2 + map_rows(v), 0, screen_columns);
	} else {
		draw_tide(f, v);
		draw_zones(f);
		draw_lists(f, v);
		draw_map(f, MAP_TOP, map_rows(v));
		draw_tasks(f, v, tasks_top, screen_rows - 1 - EVENT_ROWS - tasks_top);
		for (int i = 0; i < EVENT_ROWS; i++)
			screen_put(screen_rows - 2 - i, 0, i ? PLAIN : BOLD, "%s", events_last(i));
	}
	screen_put(screen_rows - 1, 0, REVERSE, "q quit  p pause  s sort  f frame map  h help ");
}

static void
draw_title(const struct figures *f, const struct view *v)
{
	screen_put(0, 0, BOLD | REVERSE, " tide ");
	screen_put(0, 7, PLAIN, "free %ld pages of %ld kB  faults %ld (%ld major)  killed %ld", f->free, f->total_kib,
		   f->faults, f->major, f->kills);
	if (v->paused)
		screen_put(0, screen_columns - 8, RED | BOLD, "PAUSED");
}

/* ---- free memory against its marks ---- */

/* Rows of water for so many pages: the lower half is what lies below high, the upper half four times as much. */
static long
tide_row(long pages, long high)
{
	long half = TIDE_ROWS / 2;
	long rows = high ? pages * half / high : 0;

	if (rows <= half)
		return pages && !rows ? 1 : rows;
	rows = half + (pages - high) * half / (4 * high);
	return rows < TIDE_ROWS ? rows : TIDE_ROWS;
}

static void
draw_tide(const struct figures *f, const struct view *v)
{
	int width = screen_columns - MARK_COLUMNS;
	int bottom = TIDE_TOP + TIDE_ROWS - 1;

	for (int i = 0; i < width && i < v->history_count; i++) {
		long pages = v->history[v->history_count - 1 - i];
		int colour = pages < f->min ? RED : pages < f->low ? YELLOW : pages < f->high ? CYAN : BLUE;

		for (int row = 0; row < tide_row(pages, f->high); row++)
			screen_put(bottom - row, width - 1 - i, colour, "~");
	}
	screen_put(bottom - 2, width + 1, CYAN, "high %ld", f->high);
	screen_put(bottom - 1, width + 1, YELLOW, "low  %ld", f->low);
	screen_put(bottom, width + 1, RED, "min  %ld", f->min);
	screen_put(TIDE_TOP, width + 1, BOLD, "free %ld", f->free);
}

static void
draw_zones(const struct figures *f)
{
	for (int i = 0; i < f->zone_count && i < 2; i++) {
		const struct zone *z = &f->zones[i];
		int column = 34;

		screen_put(ZONES_TOP + i, 0, z->free < z->low ? RED : PLAIN, "%-7s %6ld of %6ld  orders", z->name,
			   z->free, z->managed);
		for (int order = 0; order < ORDERS; order++, column += 4)
			screen_put(ZONES_TOP + i, column, z->blocks[order] ? GREEN : PLAIN, "%3ld",
				   z->blocks[order] < 999 ? z->blocks[order] : 999);
	}
}

static void
draw_lists(const struct figures *f, const struct view *v)
{
	long used = f->swap_total_kib - f->swap_free_kib;

	screen_put(LISTS_TOP, 0, PLAIN, "lists   active %ld kB  inactive %ld kB  unevictable %ld kB", f->active_kib,
		   f->inactive_kib, f->unevictable_kib);
	screen_put(LISTS_TOP + 1, 0, PLAIN, "swap    %ld of %ld kB, cached %ld kB", used, f->swap_total_kib,
		   f->swap_cached_kib);
	draw_slots(f, LISTS_TOP + 1, SLOT_COLUMN, screen_columns - SLOT_COLUMN);
	screen_put(LISTS_TOP + 2, 0, v->kswapd_works ? BOLD | YELLOW : PLAIN, "kswapd%c %ld/%ld",
		   v->kswapd_works ? '*' : ' ', f->steal_kswapd, f->scan_kswapd);
	screen_put(LISTS_TOP + 2, 26, v->direct_works ? BOLD | RED : PLAIN, "direct%c %ld/%ld",
		   v->direct_works ? '*' : ' ', f->steal_direct, f->scan_direct);
	screen_put(LISTS_TOP + 2, 52, PLAIN, "swap in %ld out %ld", f->swap_in, f->swap_out);
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
		"The water is free memory, newest at the right: blue above high, cyan below it,",
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
