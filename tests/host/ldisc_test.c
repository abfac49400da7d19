/* SPDX-License-Identifier: MIT */
/*
 * tests/host/ldisc_test.c - what is typed against what is shown and what is read
 *
 * Idea        A case types a text and compares the echo and the lines that a program reads, with what Linux shows. Then
 *             random settings and bytes: the indices stay in order, what is read is what was typed, and what a screen
 *             shows of a line that was edited at random is the line.
 */
/* sources: kernel/dev/ldisc.c kernel/dev/ldisc_output.c kernel/lib/string.c */
#include "host.h"

#include <kernel/dev/ldisc.h>

#define TEXT_MAX 20000

static const char keep_sane[] = "some \t text\r\n of a \b program \x1b[6n";

static struct ldisc *l;
static char shown[TEXT_MAX];
static char got[TEXT_MAX];

static int
fresh(void **state)
{
	l = malloc(sizeof(*l));
	ldisc_init(l);
	return 0;
}

static int
stale(void **state)
{
	free(l);
	return 0;
}

/* Returns the last signal. */
static int
type(const char *text)
{
	int last = 0;
	int sig;

	for (; *text; text++) {
		assert_true(ldisc_room(l) > 0);
		sig = ldisc_input(l, (u8)*text);
		last = sig ? sig : last;
	}
	return last;
}

/* All that is pending for the line. */
static const char *
screen(void)
{
	const u8 *bytes;
	u32 len = 0;
	u32 n;

	while ((n = ldisc_pending(l, &bytes))) {
		memcpy(shown + len, bytes, n);
		len += n;
		ldisc_sent(l, n);
	}
	shown[len] = 0;
	return shown;
}

/* One read of at most @max bytes. */
static const char *
read_most(u32 max)
{
	bool more;
	u32 n = ldisc_read(l, (u8 *)got, max, &more);

	got[n] = 0;
	return got;
}

static const char *
read_line(void)
{
	return read_most(sizeof(got) - 1);
}

static void
settings(u32 iflag, u32 oflag, u32 lflag)
{
	struct termios2 t = l->tios;

	t.c_iflag = iflag;
	t.c_oflag = oflag;
	t.c_lflag = lflag;
	ldisc_set(l, &t);
}

#define LOCAL (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN)

static void
lines_come_whole(void **state)
{
	type("one\rtw");
	assert_true(ldisc_readable(l, 1));
	assert_int_equal(ldisc_bytes_ready(l), 4);
	assert_string_equal(screen(), "one\r\ntw");
	assert_string_equal(read_line(), "one\n");
	assert_false(ldisc_readable(l, 1));
	type("o\nthree\n");
	assert_string_equal(read_most(2), "tw");
	assert_string_equal(read_most(20), "o\n");
	assert_string_equal(read_line(), "three\n");
}

static void
erase_takes_one_character(void **state)
{
	type("ab\x7f"
	     "c\x7f\x7f\x7f\x7f"
	     "x\n");
	assert_string_equal(screen(), "ab\b \bc\b \b\b \bx\r\n");
	assert_string_equal(read_line(), "x\n");
}

static void
erase_of_a_control_character_takes_two_columns(void **state)
{
	type("\x16\x01"
	     "b\x7f\x7f\n");
	assert_string_equal(screen(), "^\b^Ab\b \b\b \b\b \b\r\n");
	assert_string_equal(read_line(), "\n");
}

static void
erase_of_a_tab_goes_back_to_where_it_began(void **state)
{
	ldisc_write(l, (const u8 *)"$ ", 2);
	type("abc\t\x7f");
	assert_string_equal(screen(), "$ abc\t\b\b\b");
	type("\t\t\x7f");
	assert_string_equal(screen(), "\t\t\b\b\b\b\b\b\b\b");
	assert_int_equal(l->column, 8);
	settings(ICRNL, OPOST | ONLCR | XTABS, LOCAL);
	type("\t");
	assert_string_equal(screen(), "        ");
}

static void
erase_of_utf8_takes_all_its_bytes(void **state)
{
	settings(ICRNL | IUTF8, OPOST | ONLCR, LOCAL);
	type("a\xc3\xa9\xe2\x82\xac\x7f\x7f");
	assert_string_equal(screen(), "a\xc3\xa9\xe2\x82\xac\b \b\b \b");
	type("b\n");
	assert_string_equal(read_line(), "ab\n");
	type("\xa9\x7f\n"); /* the tail of a character is not erased by itself */
	assert_string_equal(read_line(), "\xa9\n");
}

static void
word_erase(void **state)
{
	type("echo a_b1  ,.\x17");
	assert_string_equal(screen(), "echo a_b1  ,.\b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \b");
	type("x\n");
	assert_string_equal(read_line(), "echo x\n");
}

static void
kill_three_ways(void **state)
{
	type("ab\x15");
	assert_string_equal(screen(), "ab\b \b\b \b");
	settings(ICRNL, OPOST | ONLCR, LOCAL & ~ECHOKE);
	type("ab\x15");
	assert_string_equal(screen(), "ab^U\r\n");
	settings(ICRNL, OPOST | ONLCR, LOCAL & ~(ECHOKE | ECHOK));
	type("ab\x15"
	     "c\n");
	assert_string_equal(screen(), "ab^Uc\r\n");
	assert_string_equal(read_line(), "c\n");
}

static void
quoting_and_reprinting(void **state)
{
	assert_int_equal(type("a\x16\x03"
			      "b\x12"),
			 0);
	assert_string_equal(screen(), "a^\b^Cb^R\r\na^Cb");
	type("\x16\n.\n");
	assert_string_equal(screen(), "^\b^J.\r\n");
	assert_string_equal(read_line(), "a\x03"
					 "b\n.\n");
	settings(ICRNL, OPOST | ONLCR, LOCAL & ~IEXTEN);
	type("\x16x\n");
	assert_string_equal(read_line(), "\x16x\n");
}

static void
end_of_file(void **state)
{
	type("ab\x04");
	assert_string_equal(screen(), "ab");
	assert_int_equal(ldisc_bytes_ready(l), 2);
	assert_string_equal(read_line(), "ab");
	assert_false(ldisc_readable(l, 1));
	type("\x04");
	assert_true(ldisc_readable(l, 1));
	assert_string_equal(read_line(), "");
	assert_false(ldisc_readable(l, 1));
	type("abc\x04"
	     "d\n");
	assert_string_equal(read_most(3), "abc"); /* the mark right behind goes too */
	assert_string_equal(read_most(9), "d\n");
}

static void
other_ends_of_line(void **state)
{
	struct termios2 t = l->tios;

	t.c_cc[VEOL] = ';';
	t.c_cc[VEOL2] = '!';
	ldisc_set(l, &t);
	type("a;b!c\n");
	assert_string_equal(read_line(), "a;");
	assert_string_equal(read_line(), "b!");
	assert_string_equal(read_line(), "c\n");
}

static void
signals_flush(void **state)
{
	ldisc_write(l, (const u8 *)"unsent", 6);
	assert_int_equal(type("done\nhalf\x03"), SIGINT);
	assert_string_equal(screen(), "^C");
	assert_false(ldisc_readable(l, 1));
	assert_int_equal(type("\x1c"), SIGQUIT);
	assert_int_equal(type("\x1a"), SIGTSTP);
	assert_string_equal(screen(), "^Z");
	settings(ICRNL, OPOST | ONLCR, LOCAL | NOFLSH);
	assert_int_equal(type("kept\n\x03"), SIGINT);
	assert_string_equal(read_line(), "kept\n");
	settings(ICRNL, OPOST | ONLCR, LOCAL & ~ISIG);
	assert_int_equal(type("\x03\n"), 0);
	assert_string_equal(read_line(), "\x03\n");
}

static void
flow_is_stopped_and_started(void **state)
{
	type("a\x13"
	     "b");
	assert_string_equal(screen(), "");
	assert_int_equal(ldisc_unsent(l), 2);
	type("\x11");
	assert_string_equal(screen(), "ab");
	type("\x13\x03"); /* a signal starts it as well */
	assert_string_equal(screen(), "^C");
	type("\x13");
	settings(ICRNL, OPOST, LOCAL);
	type("\x13");
	assert_string_equal(screen(), "^S");
	settings(ICRNL | IXON | IXANY, OPOST, LOCAL);
	type("\x13x");
	assert_string_equal(screen(), "x");
	l->held = true;
	type("y");
	assert_string_equal(screen(), "");
	l->held = false;
	assert_string_equal(screen(), "y");
}

static void
translations_of_input(void **state)
{
	settings(INLCR, OPOST, ICANON);
	type("a\nb\rc\x04");
	assert_string_equal(read_line(), "a\rb\rc");
	settings(IGNCR, OPOST, ICANON);
	type("a\rb\n");
	assert_string_equal(read_line(), "ab\n");
	settings(ISTRIP | IUCLC, OPOST, ICANON | IEXTEN);
	type("\xc1"
	     "B\n");
	assert_string_equal(read_line(), "ab\n");
}

static void
translations_of_output(void **state)
{
	const u8 text[] = "\ra\tb\r\nc";

	settings(ICRNL, OPOST | ONLCR | ONOCR | XTABS, LOCAL);
	ldisc_write(l, text, sizeof(text) - 1);
	assert_string_equal(screen(), "a       b\r\r\nc");
	settings(ICRNL, OPOST | OCRNL | OLCUC, LOCAL);
	ldisc_write(l, text, sizeof(text) - 1);
	assert_string_equal(screen(), "\nA\tB\n\nC");
	settings(ICRNL, 0, LOCAL);
	ldisc_write(l, text, sizeof(text) - 1);
	assert_string_equal(screen(), "\ra\tb\r\nc");
}

static void
echo_or_not(void **state)
{
	settings(ICRNL, OPOST | ONLCR, ICANON);
	type("secret\n");
	assert_string_equal(screen(), "");
	settings(ICRNL, OPOST | ONLCR, ICANON | ECHONL);
	type("secret\n");
	assert_string_equal(screen(), "\r\n");
	settings(ICRNL, OPOST | ONLCR, ICANON | ECHO);
	type("\x01\n");
	assert_string_equal(screen(), "\x01\r\n");
}

static void
raw_and_back(void **state)
{
	type("half");
	settings(0, 0, 0);
	assert_true(ldisc_readable(l, 4));
	assert_false(ldisc_readable(l, 5));
	assert_string_equal(read_most(2), "ha");
	type("\x03\x7f\r\x04");
	assert_string_equal(read_most(99), "lf\x03\x7f\r\x04");
	type("ab");
	settings(ICRNL, 0, ICANON);
	assert_true(ldisc_readable(l, 1));
	type("cd\n");
	assert_string_equal(read_line(), "ab");
	assert_string_equal(read_line(), "cd\n");
}

static void
a_line_of_the_size_of_the_ring_can_still_be_ended(void **state)
{
	settings(ICRNL, 0, ICANON);
	for (u32 i = 0; i < 10000; i++)
		type("x");
	type("\n");
	assert_int_equal(strlen(read_line()), LDISC_INPUT);
	assert_int_equal(got[LDISC_INPUT - 1], '\n');
}

static void
typing_ahead_waits_for_the_reader(void **state)
{
	u32 typed = 0;
	u32 seen = 0;

	settings(ICRNL, 0, ICANON);
	for (; typed < 100000; typed++) {
		if (!ldisc_room(l))
			seen += strlen(read_line());
		ldisc_input(l, typed % 10 == 9 ? '\n' : 'a' + typed % 10);
	}
	while (ldisc_readable(l, 1))
		seen += strlen(read_line());
	assert_int_equal(seen, typed);
}

/* A screen of one line that understands what the echo of an edited line uses. */
static void
draw(char *row, u32 *column, const char *bytes)
{
	for (; *bytes; bytes++) {
		if (*bytes == '\b')
			*column -= *column > 0;
		else if (*bytes == '\t')
			*column = (*column / 8 + 1) * 8;
		else
			row[(*column)++] = *bytes;
		assert_true(*column < 2000);
	}
}

/* What a line looks like from column 0. */
static u32
render(char *row, const char *line)
{
	u32 column = 0;

	for (; *line && *line != '\n'; line++) {
		if (*line == '\t') {
			do
				row[column++] = ' ';
			while (column % 8);
		} else if (*line < ' ') {
			row[column++] = '^';
			row[column++] = *line ^ 0x40;
		} else {
			row[column++] = *line;
		}
	}
	return column;
}

static void
the_screen_shows_the_edited_line(void **state)
{
	static const char keys[] = "abc .\t\x01\x7f\x17\x15";
	char row[2000];
	char want[2000];

	for (int round = 0; round < 2000; round++) {
		u32 column = 0;
		u32 width;

		memset(row, ' ', sizeof(row));
		for (u32 n = host_below(60); n; n--) {
			char key[2] = {keys[host_below(host_below(8) ? 7 : sizeof(keys) - 1)], 0};

			type(key);
			draw(row, &column, screen());
			assert_int_equal(column, l->column);
		}
		type("\n");
		screen();
		width = render(want, read_line());
		assert_int_equal(width, column);
		assert_memory_equal(row, want, width);
		for (u32 i = width; i < sizeof(row); i++)
			assert_int_equal(row[i], ' ');
	}
}

static void
random_bytes_and_settings_keep_order(void **state)
{
	static const u32 iflags[] = {ISTRIP, INLCR, IGNCR, ICRNL, IUCLC, IXON, IXANY, IUTF8};
	struct termios2 t;
	bool more;

	for (int step = 0; step < 300000; step++) {
		switch (host_below(24)) {
		case 0:
			t = l->tios;
			t.c_iflag ^= iflags[host_below(ARRAY_SIZE(iflags))];
			t.c_oflag ^= 1u << host_below(14);
			t.c_lflag ^= 1u << host_below(16);
			t.c_cc[host_below(TERMIOS_CHARS)] = host_random();
			ldisc_set(l, &t);
			break;
		case 1:
			ldisc_read(l, (u8 *)got, host_below(300), &more);
			break;
		case 2:
			ldisc_write(l, (const u8 *)keep_sane, host_below(sizeof(keep_sane)));
			break;
		case 3:
			screen();
			break;
		default:
			ldisc_input(l, host_random());
			break;
		}
		assert_true(l->line - l->tail <= l->head - l->tail && l->head - l->tail <= LDISC_INPUT);
		assert_true(ldisc_unsent(l) <= LDISC_OUTPUT);
		if (!(l->tios.c_lflag & ICANON))
			assert_int_equal(l->line, l->head);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, stale)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(lines_come_whole),
		CASE(erase_takes_one_character),
		CASE(erase_of_a_control_character_takes_two_columns),
		CASE(erase_of_a_tab_goes_back_to_where_it_began),
		CASE(erase_of_utf8_takes_all_its_bytes),
		CASE(word_erase),
		CASE(kill_three_ways),
		CASE(quoting_and_reprinting),
		CASE(end_of_file),
		CASE(other_ends_of_line),
		CASE(signals_flush),
		CASE(flow_is_stopped_and_started),
		CASE(translations_of_input),
		CASE(translations_of_output),
		CASE(echo_or_not),
		CASE(raw_and_back),
		CASE(a_line_of_the_size_of_the_ring_can_still_be_ended),
		CASE(typing_ahead_waits_for_the_reader),
		CASE(the_screen_shows_the_edited_line),
		CASE(random_bytes_and_settings_keep_order),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
