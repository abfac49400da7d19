/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/ldisc.h - the line discipline: what a terminal makes of the bytes that are typed and printed
 *
 * Idea        Bytes of the line go in at one side and come out for programs at the other, edited as the termios say;
 *             bytes of programs, and the echo of what is typed, go through a second ring the other way. It is a
 *             machine without any surroundings: no lock, no clock, no process; a signal is a number that it returns.
 *             So it compiles unchanged into a host test.
 *
 *                 line --ldisc_input--> [ in: finished | being edited | free ] --ldisc_read--> program
 *                            | echo
 *                            v
 *                 line <--ldisc_pending- [ out ] <--ldisc_write-- program
 *
 *             The input ring, whose entries are bytes with flags:
 *
 *                 tail              line              head
 *                  v                 v                 v
 *                 [finished lines    |being edited     |free ...]
 *
 *             The last byte of a finished line bears LINE_END; ^D leaves MARK_EOF, which is no byte at all.
 *             Simple: no parity, no breaks, no delays after control characters, no ECHOPRT.
 * Invariants  I1  tail <= line <= head <= tail + LDISC_INPUT, counted without wrapping.
 *             I2  Without ICANON line == head.
 *             I3  out_tail <= out_head <= out_tail + LDISC_OUTPUT, likewise.
 * Locks       none: the owner's (tty->lock). ldisc_readable, ldisc_room and ldisc_unsent may be called without it, to
 *             decide about sleeping.
 * Follow      from dev/tty.c, dev/console.c   to ldisc.c, ldisc_output.c
 * Tests       tests/host/ldisc_test.c, tests/guest/tty.c
 * See         termios(3); docs of BSD's tty(4)
 */
#pragma once

#include <kernel/dev/termios.h>

#define LDISC_INPUT 4096  /* entries, a power of two: the longest line, its end included, as on Linux */
#define LDISC_OUTPUT 4096 /* bytes, a power of two */

struct ldisc {
	struct termios2 tios;
	u32 tail, line, head; /* of in */
	u32 column;           /* where the next byte of output appears */
	u32 line_column;      /* where the line being edited begins */
	bool literal;         /* the next byte is taken as it is (^V came before) */
	bool stopped;         /* no output: VSTOP was typed */
	bool held;            /* no output: a program said TCOOFF */
	u32 out_tail, out_head;
	u16 in[LDISC_INPUT];
	u8 out[LDISC_OUTPUT];
};

/* ldisc_init - empty, with the settings of a fresh terminal. */
void ldisc_init(struct ldisc *l);

/* ---- the line's side ---- */

/* Bytes that ldisc_input can take now. While nobody could read a line yet, it always takes more: see ldisc_input. */
u32 ldisc_room(const struct ldisc *l);

/*
 * ldisc_input - @byte was typed
 *
 * The caller has seen room. In a line that has reached the size of the ring each further byte replaces the last, so
 * that its end still fits.
 *
 * Returns   0, or a signal for the foreground group
 */
int ldisc_input(struct ldisc *l, u8 byte);

/* ldisc_pending - what the line should get next: returns the number of bytes at *@bytes, 0 for nothing now. */
u32 ldisc_pending(const struct ldisc *l, const u8 **bytes);

/* ldisc_sent - the first @n bytes of that are sent. */
void ldisc_sent(struct ldisc *l, u32 n);

/* ---- the programs' side ---- */

/* Is there something to read: a line, or without ICANON @least bytes (at least 1)? */
bool ldisc_readable(const struct ldisc *l, u32 least);

/*
 * ldisc_read - move input to @buf: of one line at most, or without ICANON what there is
 *
 * Returns   bytes moved, at most @max; *@more false: the line ends here (after ^D perhaps with no byte)
 */
u32 ldisc_read(struct ldisc *l, u8 *buf, u32 max, bool *more);

/* ldisc_write - a program's output. Returns the bytes taken: less than @n when the ring is nearly full. */
u32 ldisc_write(struct ldisc *l, const u8 *buf, u32 n);

/* Bytes of output that are not sent yet. */
u32 ldisc_unsent(const struct ldisc *l);

/* Is there room for a program's output? */
bool ldisc_writable(const struct ldisc *l);

/* What FIONREAD tells: bytes that can be read; marks of ^D do not count. */
u32 ldisc_bytes_ready(const struct ldisc *l);

/* ldisc_set - new settings. What was being edited is input when ICANON goes; what is unread is a line when it comes. */
void ldisc_set(struct ldisc *l, const struct termios2 *tios);

/* ldisc_send_control - put STOP or START on the line (TCIOFF, TCION); 0, a character that is off, does nothing. */
void ldisc_send_control(struct ldisc *l, u8 byte);

/* Throw away what is unread, and what is unsent. */
void ldisc_flush_input(struct ldisc *l);
void ldisc_flush_output(struct ldisc *l);
