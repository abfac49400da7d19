/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/ldisc_output.c - the line discipline: what is shown, of programs and as echo
 *
 * Idea        Output processing (OPOST) knows in which column the next byte appears, because tabs and their erasure
 *             depend on it. Programs leave some room in the ring to the echo.
 * Invariants  see ldisc.h
 * Locks       none
 * Follow      from dev/ldisc.c, dev/tty.c, dev/console.c
 * Tests       tests/host/ldisc_test.c
 */
#include <kernel/dev/ldisc_output.h>

#include <kernel/panic.h>

#define ECHO_RESERVE 128 /* bytes of the output ring that programs leave to the echo */

static void output_newline(struct ldisc *l);
static void output_return(struct ldisc *l);
static void output_tab(struct ldisc *l);

/* Control characters show as ^X. */
void
ldisc_echo(struct ldisc *l, u8 byte)
{
	if (!shows_as_two(l, byte)) {
		ldisc_output(l, byte);
		return;
	}
	ldisc_put(l, '^');
	ldisc_put(l, byte ^ 0x40);
	l->column += 2;
}

void
ldisc_output(struct ldisc *l, u8 byte)
{
	if (!on_output(l, OPOST)) {
		ldisc_put(l, byte);
		return;
	}
	switch (byte) {
	case '\n':
		output_newline(l);
		return;
	case '\r':
		output_return(l);
		return;
	case '\t':
		output_tab(l);
		return;
	case '\b':
		l->column -= l->column > 0;
		break;
	default:
		if (on_output(l, OLCUC) && byte >= 'a' && byte <= 'z')
			byte &= ~0x20;
		if (!is_control(byte) && !is_continuation(l, byte))
			l->column++;
		break;
	}
	ldisc_put(l, byte);
}

static void
output_newline(struct ldisc *l)
{
	if (on_output(l, ONLCR))
		ldisc_put(l, '\r');
	if (on_output(l, ONLCR | ONLRET))
		l->column = 0;
	l->line_column = l->column;
	ldisc_put(l, '\n');
}

static void
output_return(struct ldisc *l)
{
	if (on_output(l, ONOCR) && !l->column)
		return;
	if (on_output(l, OCRNL)) {
		if (on_output(l, ONLRET))
			l->column = 0;
		ldisc_put(l, '\n');
		return;
	}
	l->column = 0;
	ldisc_put(l, '\r');
}

static void
output_tab(struct ldisc *l)
{
	u32 blanks = TAB_STOP - l->column % TAB_STOP;

	l->column += blanks;
	if ((l->tios.c_oflag & TABDLY) != XTABS) {
		ldisc_put(l, '\t');
		return;
	}
	for (; blanks; blanks--)
		ldisc_put(l, ' ');
}

/* The echo of one who types into a line that takes no output is lost. */
void
ldisc_put(struct ldisc *l, u8 byte)
{
	if (ldisc_unsent(l) < LDISC_OUTPUT)
		l->out[l->out_head++ % LDISC_OUTPUT] = byte;
}

u32
ldisc_pending(const struct ldisc *l, const u8 **bytes)
{
	u32 at = l->out_tail % LDISC_OUTPUT;

	*bytes = l->out + at;
	return l->stopped || l->held ? 0 : min_u64(ldisc_unsent(l), LDISC_OUTPUT - at);
}

void
ldisc_sent(struct ldisc *l, u32 n)
{
	assertf(n <= ldisc_unsent(l), "%u bytes were sent of %u", n, ldisc_unsent(l));
	WRITE_ONCE(l->out_tail, l->out_tail + n);
}

u32
ldisc_write(struct ldisc *l, const u8 *buf, u32 n)
{
	u32 done = 0;

	for (; done < n && ldisc_writable(l); done++)
		ldisc_output(l, buf[done]);
	return done;
}

bool
ldisc_writable(const struct ldisc *l)
{
	return ldisc_unsent(l) + TAB_STOP + ECHO_RESERVE <= LDISC_OUTPUT;
}

u32
ldisc_unsent(const struct ldisc *l)
{
	return READ_ONCE(l->out_head) - READ_ONCE(l->out_tail);
}

void
ldisc_send_control(struct ldisc *l, u8 byte)
{
	if (byte)
		ldisc_put(l, byte);
}

void
ldisc_flush_output(struct ldisc *l)
{
	WRITE_ONCE(l->out_tail, l->out_head);
}
