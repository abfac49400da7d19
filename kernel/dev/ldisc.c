/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/ldisc.c - the line discipline: what is typed, up to the reader
 *
 * Idea        see ldisc.h. A typed byte passes three sieves, each of which may keep it: translate (ISTRIP, CR and NL),
 *             control (flow and signals), and with ICANON edit (erase, kill, quote, end of line). What is left is
 *             stored and echoed. The echo goes through the same output processing as what programs print.
 * Invariants  see ldisc.h
 * Locks       none
 * Follow      from dev/tty.c, dev/console.c   to ldisc_output.c
 * Tests       tests/host/ldisc_test.c
 */
#include <kernel/dev/ldisc.h>

#include <kernel/dev/ldisc_output.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/signal.h>

#define LINE_END 0x100 /* flag of an entry: the last byte of a line */
#define MARK_EOF 0x300 /* an entry of its own: ^D. Without ICANON it reads as a zero byte, as on Linux */

static bool line_is_open(const struct ldisc *l);
static bool translate(const struct ldisc *l, u8 *byte);
static bool flow_control(struct ldisc *l, u8 byte);
static int signal_of(const struct ldisc *l, u8 byte);
static void signal_typed(struct ldisc *l, u8 byte);
static bool edit(struct ldisc *l, u8 byte);
static bool edit_extended(struct ldisc *l, u8 byte);
static bool ends_line(const struct ldisc *l, u8 byte);
static void line_finish(struct ldisc *l, u16 entry);
static void type(struct ldisc *l, u8 byte);
static void store(struct ldisc *l, u16 entry);
static void erase_char(struct ldisc *l);
static void erase_word(struct ldisc *l);
static void erase_line(struct ldisc *l);
static u32 last_char(const struct ldisc *l, u8 *byte);
static void take_back(struct ldisc *l, u32 first, u8 byte);
static void take_back_tab(struct ldisc *l);
static void reprint(struct ldisc *l);

/* ---- the line's side ---- */

void
ldisc_init(struct ldisc *l)
{
	*l = (struct ldisc){.tios = {
				    .c_iflag = ICRNL | IXON,
				    .c_oflag = OPOST | ONLCR,
				    .c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
				    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
				    .c_cc = {[VINTR] = 'C' & 0x1f,
					     [VQUIT] = '\\' & 0x1f,
					     [VERASE] = 0x7f,
					     [VKILL] = 'U' & 0x1f,
					     [VEOF] = 'D' & 0x1f,
					     [VMIN] = 1,
					     [VSTART] = 'Q' & 0x1f,
					     [VSTOP] = 'S' & 0x1f,
					     [VSUSP] = 'Z' & 0x1f,
					     [VREPRINT] = 'R' & 0x1f,
					     [VDISCARD] = 'O' & 0x1f,
					     [VWERASE] = 'W' & 0x1f,
					     [VLNEXT] = 'V' & 0x1f},
				    .c_ispeed = 115200,
				    .c_ospeed = 115200,
			    }};
}

u32
ldisc_room(const struct ldisc *l)
{
	u32 used = READ_ONCE(l->head) - READ_ONCE(l->tail);

	return line_is_open(l) ? LDISC_INPUT : LDISC_INPUT - min_u64(used, LDISC_INPUT);
}

/* Is a line being edited, and none finished before it? Then only typing can bring matters on. */
static bool
line_is_open(const struct ldisc *l)
{
	return on_local(l, ICANON) && READ_ONCE(l->line) == READ_ONCE(l->tail);
}

int
ldisc_input(struct ldisc *l, u8 byte)
{
	int sig;

	if (!(l->tios.c_cflag & CREAD) || !translate(l, &byte))
		return 0;
	if (l->literal) {
		l->literal = false;
		type(l, byte);
		return 0;
	}
	if (flow_control(l, byte))
		return 0;
	sig = signal_of(l, byte);
	if (sig)
		signal_typed(l, byte);
	else if (!on_local(l, ICANON) || !edit(l, byte))
		type(l, byte);
	assertf(l->line - l->tail <= l->head - l->tail && l->head - l->tail <= LDISC_INPUT, "tail %u line %u head %u",
		l->tail, l->line, l->head);
	return sig;
}

/* False: the byte is dropped. What ^V protects keeps its case and its CR or NL. */
static bool
translate(const struct ldisc *l, u8 *byte)
{
	if (on_input(l, ISTRIP))
		*byte &= 0x7f;
	if (l->literal)
		return true;
	if (on_input(l, IUCLC) && on_local(l, IEXTEN) && *byte >= 'A' && *byte <= 'Z')
		*byte |= 0x20;
	if (*byte == '\r') {
		if (on_input(l, IGNCR))
			return false;
		if (on_input(l, ICRNL))
			*byte = '\n';
	} else if (*byte == '\n' && on_input(l, INLCR)) {
		*byte = '\r';
	}
	return true;
}

static bool
flow_control(struct ldisc *l, u8 byte)
{
	if (!on_input(l, IXON))
		return false;
	if (is_char(l, byte, VSTART)) {
		l->stopped = false;
		return true;
	}
	if (is_char(l, byte, VSTOP)) {
		l->stopped = true;
		return true;
	}
	if (on_input(l, IXANY))
		l->stopped = false;
	return false;
}

static int
signal_of(const struct ldisc *l, u8 byte)
{
	if (!on_local(l, ISIG))
		return 0;
	if (is_char(l, byte, VINTR))
		return SIGINT;
	if (is_char(l, byte, VQUIT))
		return SIGQUIT;
	return is_char(l, byte, VSUSP) ? SIGTSTP : 0;
}

static void
signal_typed(struct ldisc *l, u8 byte)
{
	if (!on_local(l, NOFLSH)) {
		ldisc_flush_input(l);
		ldisc_flush_output(l);
	}
	if (on_input(l, IXON))
		l->stopped = false;
	if (on_local(l, ECHO))
		ldisc_echo(l, byte);
}

/* True: the byte has done its work and is not part of the line. */
static bool
edit(struct ldisc *l, u8 byte)
{
	if (is_char(l, byte, VERASE)) {
		erase_char(l);
		return true;
	}
	if (is_char(l, byte, VKILL)) {
		erase_line(l);
		return true;
	}
	if (on_local(l, IEXTEN) && edit_extended(l, byte))
		return true;
	if (is_char(l, byte, VEOF)) {
		line_finish(l, MARK_EOF);
		return true;
	}
	if (!ends_line(l, byte))
		return false;
	if (byte == '\n' && on_local(l, ECHO | ECHONL))
		ldisc_output(l, byte);
	else if (byte != '\n' && on_local(l, ECHO))
		ldisc_echo(l, byte);
	line_finish(l, byte | LINE_END);
	return true;
}

static bool
edit_extended(struct ldisc *l, u8 byte)
{
	if (is_char(l, byte, VWERASE)) {
		erase_word(l);
		return true;
	}
	if (is_char(l, byte, VLNEXT)) {
		l->literal = true;
		if (on_local(l, ECHO) && on_local(l, ECHOCTL)) {
			ldisc_put(l, '^');
			ldisc_put(l, '\b');
		}
		return true;
	}
	if (is_char(l, byte, VREPRINT) && on_local(l, ECHO)) {
		reprint(l);
		return true;
	}
	return false;
}

static bool
ends_line(const struct ldisc *l, u8 byte)
{
	return byte == '\n' || is_char(l, byte, VEOL) || (is_char(l, byte, VEOL2) && on_local(l, IEXTEN));
}

static void
line_finish(struct ldisc *l, u16 entry)
{
	store(l, entry);
	WRITE_ONCE(l->line, l->head);
}

/* An ordinary byte. */
static void
type(struct ldisc *l, u8 byte)
{
	bool canonical = on_local(l, ICANON);

	if (on_local(l, ECHO)) {
		if (l->line == l->head)
			l->line_column = l->column;
		if (byte == '\n' && !canonical)
			ldisc_output(l, byte);
		else
			ldisc_echo(l, byte);
	}
	store(l, byte);
	if (!canonical)
		WRITE_ONCE(l->line, l->head);
}

/* In a line that fills the ring the last byte gives way. */
static void
store(struct ldisc *l, u16 entry)
{
	u32 at = l->head;

	if (at - l->tail == LDISC_INPUT) {
		if (l->line == at)
			return; /* the caller saw no room */
		at--;
	}
	l->in[at % LDISC_INPUT] = entry;
	WRITE_ONCE(l->head, at + 1);
}

/* ---- erasing ---- */

static bool
in_word(u8 byte)
{
	return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '_' ||
	       byte >= 0x80;
}

static void
erase_char(struct ldisc *l)
{
	u8 byte;
	u32 first = last_char(l, &byte);

	if (first == l->head)
		return;
	if (on_local(l, ECHO) && !on_local(l, ECHOE)) {
		WRITE_ONCE(l->head, first);
		ldisc_echo(l, l->tios.c_cc[VERASE]);
		return;
	}
	take_back(l, first, byte);
}

/* Back over what is no word, then over one word. */
static void
erase_word(struct ldisc *l)
{
	bool word = false;
	u8 byte;

	for (u32 first = last_char(l, &byte); first != l->head; first = last_char(l, &byte)) {
		if (word && !in_word(byte))
			break;
		word = word || in_word(byte);
		take_back(l, first, byte);
	}
}

static void
erase_line(struct ldisc *l)
{
	bool visibly = on_local(l, ECHOK) && on_local(l, ECHOKE) && on_local(l, ECHOE);
	u8 byte;

	if (l->head == l->line)
		return;
	if (on_local(l, ECHO) && visibly) {
		for (u32 first = last_char(l, &byte); first != l->head; first = last_char(l, &byte))
			take_back(l, first, byte);
		return;
	}
	WRITE_ONCE(l->head, l->line);
	if (!on_local(l, ECHO))
		return;
	ldisc_echo(l, l->tios.c_cc[VKILL]);
	if (on_local(l, ECHOK))
		ldisc_output(l, '\n');
}

/* Where the last character of the line being edited begins, and its first byte; head: there is none that is whole. */
static u32
last_char(const struct ldisc *l, u8 *byte)
{
	u32 at = l->head;

	while (at != l->line) {
		*byte = (u8)l->in[--at % LDISC_INPUT];
		if (!is_continuation(l, *byte))
			return at;
	}
	return l->head;
}

/* Removes the character at @first, which is the last, from line and screen. */
static void
take_back(struct ldisc *l, u32 first, u8 byte)
{
	u32 columns = 1;

	WRITE_ONCE(l->head, first);
	if (!on_local(l, ECHO))
		return;
	if (byte == '\t') {
		take_back_tab(l);
		return;
	}
	if (is_control(byte))
		columns = on_local(l, ECHOCTL) ? 2 : 0;
	for (; columns; columns--) {
		ldisc_put(l, '\b');
		ldisc_put(l, ' ');
		ldisc_put(l, '\b');
		l->column -= l->column > 0;
	}
}

/* How far a tab reached follows from what stands between it and the tab, or the line's beginning, before it. */
static void
take_back_tab(struct ldisc *l)
{
	u32 columns = 0;
	u32 at = l->head;
	u8 byte = 0;

	while (at != l->line && byte != '\t') {
		byte = (u8)l->in[--at % LDISC_INPUT];
		if (shows_as_two(l, byte))
			columns += 2;
		else if (!is_control(byte) && !is_continuation(l, byte))
			columns++;
	}
	if (byte != '\t')
		columns += l->line_column;
	for (u32 n = TAB_STOP - columns % TAB_STOP; n; n--) {
		ldisc_put(l, '\b');
		l->column -= l->column > 0;
	}
}

static void
reprint(struct ldisc *l)
{
	ldisc_echo(l, l->tios.c_cc[VREPRINT]);
	ldisc_output(l, '\n');
	for (u32 at = l->line; at != l->head; at++)
		ldisc_echo(l, (u8)l->in[at % LDISC_INPUT]);
}

/* ---- the programs' side ---- */

bool
ldisc_readable(const struct ldisc *l, u32 least)
{
	if (on_local(l, ICANON))
		return READ_ONCE(l->line) != READ_ONCE(l->tail);
	return READ_ONCE(l->head) - READ_ONCE(l->tail) >= max_u64(least, 1);
}

/* A ^D right behind what the reader asked for ends this read, not the next. */
u32
ldisc_read(struct ldisc *l, u8 *buf, u32 max, bool *more)
{
	bool canonical = on_local(l, ICANON);
	u32 n = 0;
	u16 entry = 0;

	while (n < max && l->tail != l->line && (!canonical || !(entry & LINE_END))) {
		entry = l->in[l->tail % LDISC_INPUT];
		WRITE_ONCE(l->tail, l->tail + 1);
		if (!canonical || entry != MARK_EOF)
			buf[n++] = (u8)entry;
	}
	if (canonical && n == max && !(entry & LINE_END) && l->tail != l->line &&
	    l->in[l->tail % LDISC_INPUT] == MARK_EOF) {
		WRITE_ONCE(l->tail, l->tail + 1);
		entry = MARK_EOF;
	}
	*more = !canonical || !(entry & LINE_END);
	return n;
}

u32
ldisc_bytes_ready(const struct ldisc *l)
{
	u32 n = l->line - l->tail;

	if (!on_local(l, ICANON))
		return n;
	for (u32 at = l->tail; at != l->line; at++)
		n -= l->in[at % LDISC_INPUT] == MARK_EOF;
	return n;
}

void
ldisc_set(struct ldisc *l, const struct termios2 *tios)
{
	bool changed = (l->tios.c_lflag ^ tios->c_lflag) & ICANON;

	l->tios = *tios;
	if (!on_input(l, IXON))
		l->stopped = false;
	if (!changed)
		return;
	l->literal = false;
	WRITE_ONCE(l->line, l->head);
	if (on_local(l, ICANON) && l->head != l->tail)
		l->in[(l->head - 1) % LDISC_INPUT] |= LINE_END;
}

void
ldisc_flush_input(struct ldisc *l)
{
	WRITE_ONCE(l->tail, l->head);
	WRITE_ONCE(l->line, l->head);
	l->literal = false;
}
