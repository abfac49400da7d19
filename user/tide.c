/* SPDX-License-Identifier: MIT */
/*
 * user/tide.c - tide: memory, as it ebbs and flows, on any ANSI terminal from 80 x 24
 *
 * Idea        Waits for a key, an event of the kernel, or the end of a step of time, and draws. A step is a quarter of
 *             a second while something changes; while nothing does, only /proc/vmstat is looked at, once a second, and
 *             nothing is sent.
 *
 *                 q quit   p pause   s sort tasks by rss, swap, oom_score   f the frame map in full   h help
 *
 * Invariants  the terminal is given back as it was, also on SIGINT and SIGTERM
 * Locks       none
 * Follow      to user/tide/tide.h
 * Tests       tests/guest/test_tide.py
 */
#include "tide/tide.h"
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	STEP_MS = 250,
	STEP_IDLE_MS = 1000
};

static volatile sig_atomic_t ended, resized;
static struct figures figures;
static struct view view;

static void signals_take(void);
static void on_signal(int signal);
static bool key(char c);
static bool step(void);
static void history_add(const struct zone *z);

int
main(void)
{
	struct pollfd wait[2] = {{.fd = 0, .events = POLLIN}, {.fd = events_open(), .events = POLLIN}};
	int timeout = STEP_MS;
	char c;

	/* Why: who watches memory run out must not wait for it. Only what is touched; it does without, too. */
	mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	signals_take();
	screen_open();
	step();
	while (!ended) {
		/* Events are read at the next step, not each by itself: a flood of them is not worth a picture each. */
		if (poll(wait, 1, timeout) > 0 && (read(0, &c, 1) != 1 || !key(c)))
			break;
		if (resized)
			screen_resize();
		resized = 0;
		timeout = view.paused ? -1 : step() ? STEP_MS : STEP_IDLE_MS;
		draw(&figures, &view);
		screen_show();
	}
	screen_close();
	return 0;
}

/* Without SA_RESTART: poll ends. */
static void
signals_take(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGWINCH, &action, NULL);
}

static void
on_signal(int signal)
{
	if (signal == SIGWINCH)
		resized = 1;
	else
		ended = 1;
}

/* Returns false for quit. */
static bool
key(char c)
{
	if (view.help && c != 'q') {
		view.help = false;
		return true;
	}
	if (c == 'p')
		view.paused = !view.paused;
	else if (c == 's')
		view.sort = (view.sort + 1) % 3;
	else if (c == 'f')
		view.map_only = !view.map_only;
	else if (c == 'h')
		view.help = true;
	return c != 'q';
}

/* Looks at memory. Returns true when something has changed. */
static bool
step(void)
{
	long kswapd = figures.scan_kswapd;
	long direct = figures.scan_direct;
	bool events = events_read();
	bool changed = figures_read(&figures, draw_map_cells(&view), draw_slot_cells(&view));

	view.kswapd_works = figures.scan_kswapd != kswapd;
	view.direct_works = figures.scan_direct != direct;
	if (changed)
		history_add(&figures.zones[figures.worst]);
	return changed || events;
}

static void
history_add(const struct zone *z)
{
	if (view.history_count == HISTORY) {
		memmove(view.history, view.history + 1, (HISTORY - 1) * sizeof(view.history[0]));
		view.history_count--;
	}
	view.history[view.history_count++] =
		(struct water){.free = z->free, .min = z->min, .low = z->low, .high = z->high};
}
