/* SPDX-License-Identifier: MIT */
/*
 * user/tide/screen.c - a screen of cells on an ANSI terminal
 *
 * Idea        Two pictures: what is wanted, what the terminal shows. Only cells that differ are sent, and the cursor
 *             moves only where it is not already.
 * Invariants  after screen_show() the terminal shows `wanted`
 * Locks       none
 * Follow      from draw.c, user/tide.c
 * Tests       tests/guest/test_tide.py
 */
#include "tide.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum {
	ROWS_MAX = 200,
	COLUMNS_MAX = 400,
	OUT_MAX = 32768
};

struct cell {
	char c;
	unsigned char colour;
};

int screen_rows = 24, screen_columns = 80;

static struct cell wanted[ROWS_MAX][COLUMNS_MAX], shown[ROWS_MAX][COLUMNS_MAX];
static struct termios before;
static bool is_open;
static char out[OUT_MAX];
static int out_len;
static long sent;

static void out_flush(void);
static void out_put(const char *format, ...) __attribute__((format(printf, 1, 2)));

void
screen_open(void)
{
	struct termios raw;

	if (tcgetattr(0, &before) == 0) {
		raw = before;
		raw.c_lflag &= ~(ICANON | ECHO);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		tcsetattr(0, TCSANOW, &raw);
		is_open = true;
	}
	out_put("\033[?1049h\033[?25l");
	screen_resize();
}

void
screen_close(void)
{
	out_put("\033[0m\033[?25h\033[?1049l");
	out_flush();
	if (is_open)
		tcsetattr(0, TCSADRAIN, &before);
}

/* A terminal that does not know its size (a serial line) has 80 x 24. */
void
screen_resize(void)
{
	struct winsize size = {0};

	ioctl(1, TIOCGWINSZ, &size);
	screen_rows = size.ws_row ? size.ws_row : 24;
	screen_columns = size.ws_col ? size.ws_col : 80;
	if (screen_rows > ROWS_MAX)
		screen_rows = ROWS_MAX;
	if (screen_columns > COLUMNS_MAX)
		screen_columns = COLUMNS_MAX;
	memset(shown, 0, sizeof(shown));
	out_put("\033[0m\033[2J");
	out_flush();
	for (int row = 0; row < screen_rows; row++)
		for (int column = 0; column < screen_columns; column++)
			shown[row][column].c = ' ';
}

void
screen_begin(void)
{
	for (int row = 0; row < screen_rows; row++)
		for (int column = 0; column < screen_columns; column++)
			wanted[row][column] = (struct cell){.c = ' '};
}

void
screen_put(int row, int column, int colour, const char *format, ...)
{
	char text[COLUMNS_MAX + 1];
	va_list args;

	if (row < 0 || row >= screen_rows)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (const char *s = text; *s && column < screen_columns; s++, column++)
		if (column >= 0)
			wanted[row][column] = (struct cell){.c = *s, .colour = colour};
}

/* Why not the last cell of the last row: some terminals scroll when it is written. */
long
screen_show(void)
{
	int colour = -1;

	sent = 0;
	for (int row = 0; row < screen_rows; row++) {
		int at = -1; /* where the cursor is in this row */

		for (int column = 0; column < screen_columns - (row == screen_rows - 1); column++) {
			const struct cell *w = &wanted[row][column];

			if (memcmp(w, &shown[row][column], sizeof(*w)) == 0)
				continue;
			if (at != column)
				out_put("\033[%d;%dH", row + 1, column + 1);
			if (w->colour != colour)
				out_put("\033[0%s%s;%dm", w->colour & BOLD ? ";1" : "", w->colour & REVERSE ? ";7" : "",
					w->colour & 7 ? 30 + (w->colour & 7) : 39);
			colour = w->colour;
			out_put("%c", w->c);
			at = column + 1;
			shown[row][column] = *w;
		}
	}
	if (sent || out_len)
		out_put("\033[0m");
	out_flush();
	return sent;
}

static void
out_put(const char *format, ...)
{
	va_list args;

	if (out_len > OUT_MAX - 64)
		out_flush();
	va_start(args, format);
	out_len += vsnprintf(out + out_len, OUT_MAX - out_len, format, args);
	va_end(args);
}

static void
out_flush(void)
{
	for (int done = 0; done < out_len;) {
		ssize_t n = write(1, out + done, out_len - done);

		if (n <= 0)
			break;
		done += n;
	}
	sent += out_len;
	out_len = 0;
}
