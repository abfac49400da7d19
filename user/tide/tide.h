/* SPDX-License-Identifier: MIT */
/*
 * user/tide/tide.h - what the parts of tide know of each other
 *
 * Idea        figures.c reads /proc into struct figures, events.c keeps the last words of /dev/trace, draw.c puts both
 *             on a screen of cells, screen.c sends the cells that differ from what the terminal shows. user/tide.c has
 *             the keys and the clock.
 * Invariants  none
 * Locks       none
 * Follow      from user/tide.c
 * Tests       tests/guest/test_tide.py
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	ZONES_MAX = 4,
	ORDERS = 11,
	TASKS_MAX = 64,
	HISTORY = 512,
	MAP_MAX = 8192,   /* cells */
	SLOTS_MAX = 4096, /* cells, of swap */
	EVENT_TEXT = 160
};

/* ---- screen.c ---- */

enum colour {
	PLAIN = 0,
	RED = 1,
	GREEN = 2,
	YELLOW = 3,
	BLUE = 4,
	MAGENTA = 5,
	CYAN = 6,
	WHITE = 7,
	BOLD = 8,
	REVERSE = 16
};

extern int screen_rows, screen_columns;

/* Takes the terminal (raw, its second screen), learns its size anew, gives it back as it was. */
void screen_open(void);
void screen_resize(void);
void screen_close(void);
/* An empty picture; text in it, cut at the edge; and out with what has changed. Returns the bytes that were sent. */
void screen_begin(void);
void screen_put(int row, int column, int colour, const char *format, ...) __attribute__((format(printf, 4, 5)));
long screen_show(void);

/* ---- figures.c ---- */

enum kind {
	KIND_FREE,
	KIND_ANON,
	KIND_FILE,
	KIND_SLAB,
	KIND_TABLE,
	KIND_KERNEL,
	KIND_SWAPCACHE,
	KIND_NOTHING, /* no RAM there */
	KINDS
};

enum slot { /* as /proc/swap_slots has them */
	SLOT_FREE,
	SLOT_NEVER,  /* the header, or bad */
	SLOT_ALONE,  /* a page that is nowhere else */
	SLOT_CACHED, /* a page that is in memory too */
	SLOT_STALE,  /* being discarded */
	SLOTS
};

struct zone {
	char name[16];
	long free, min, low, high, managed;
	long blocks[ORDERS];
};

struct task {
	int pid;
	char name[17];
	long rss, swap; /* KiB */
	long score;
};

struct figures {
	struct zone zones[ZONES_MAX];
	int zone_count;
	int worst; /* zone: it has the least above its marks */
	long free; /* pages, of all zones */
	long total_kib, swap_total_kib, swap_free_kib, swap_cached_kib;
	long active_kib, inactive_kib, unevictable_kib;
	long scan_kswapd, steal_kswapd, scan_direct, steal_direct, swap_in, swap_out, faults, major, kills;
	struct task tasks[TASKS_MAX];
	int task_count;
	long frames, frames_a_cell;
	int cells;
	unsigned char map[MAP_MAX]; /* enum kind */
	long slots, slots_a_cell;
	int slot_cells;
	unsigned char slot_map[SLOTS_MAX]; /* enum slot */
};

/*
 * Reads everything, with maps of at most so many cells of frames and of swap slots. Returns false when nothing has
 * changed: *f is as it was.
 */
bool figures_read(struct figures *f, int cells, int slot_cells);

/* ---- events.c ---- */

/* Opens /dev/trace, if there is one. Returns its descriptor or -1. */
int events_open(void);
/* Takes what is there. Returns true when there was something. */
bool events_read(void);
/*
 * The last event of each kind: the @n-th of these, from the newest on, in words, good until the next call; "" when
 * there is none.
 */
const char *events_last(int n);

/* ---- draw.c ---- */

/* Free memory of the zone that was worst then, against its own marks. */
struct water {
	long free, min, low, high;
};

struct view {
	bool paused, help, map_only;
	int sort;                      /* 0 rss, 1 swap, 2 score */
	struct water history[HISTORY]; /* the newest last */
	int history_count;
	bool kswapd_works, direct_works;
};

void draw(const struct figures *now, struct view *view);
int draw_map_cells(const struct view *view);
int draw_slot_cells(const struct view *view);
