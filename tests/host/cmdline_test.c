/* SPDX-License-Identifier: MIT */
/*
 * tests/host/cmdline_test.c - who gets which word of the command line
 *
 * Idea        one line a case, as Linux would share it out; then random lines, for ASan to watch
 */
/* sources: kernel/cmdline.c kernel/lib/format.c kernel/lib/string.c */
#include "host.h"

#include <kernel/cmdline.h>

#define STEPS 20000

/* The words that init gets, joined by |, after @line. */
static const char *
joined(const char *line, u32 (*words)(const char **, u32))
{
	static char text[4096];
	const char *word[80];
	u32 n;

	cmdline_init(line);
	n = words(word, 80);
	text[0] = 0;
	for (u32 i = 0; i < n; i++) {
		strcat(text, i ? "|" : "");
		strcat(text, word[i]);
	}
	return text;
}

static void
kernel_words_are_found(void **state)
{
	cmdline_init("console=ttyS0 quiet mem=64M panic=-1 console=tty0 loglevel=");
	assert_string_equal(cmdline_get("console"), "tty0");
	assert_string_equal(cmdline_get("quiet"), "");
	assert_string_equal(cmdline_get("loglevel"), "");
	assert_null(cmdline_get("trace"));
	assert_true(cmdline_has("quiet"));
	assert_false(cmdline_has("debug"));
	assert_int_equal(cmdline_u64("mem", 5), 64 << 20);
	assert_int_equal(cmdline_u64("maxcpus", 5), 5);
	assert_int_equal(cmdline_s64("panic", 0), -1);
}

static void
numbers_that_are_none_give_the_fallback(void **state)
{
	cmdline_init("mem=much maxcpus=4x panic=soon loglevel=99999999999999999999");
	assert_int_equal(cmdline_u64("mem", 7), 7);
	assert_int_equal(cmdline_u64("maxcpus", 8), 8);
	assert_int_equal(cmdline_s64("panic", -2), -2);
	assert_int_equal(cmdline_u64("loglevel", 9), 9);
}

static void
unknown_words_go_to_init(void **state)
{
	const char *line = "quiet single COLOUR=blue -x rw LANG=C a.b=1 a.b -- quiet K=V --  last";

	assert_string_equal(joined(line, cmdline_init_args), "single|-x|quiet|K=V|--|last");
	assert_string_equal(joined(line, cmdline_init_env), "HOME=/|TERM=linux|COLOUR=blue|LANG=C");
	assert_string_equal(joined("TERM=vt100 HOMES=1 TERM=dumb X=a.b", cmdline_init_env),
			    "HOME=/|TERM=dumb|HOMES=1|X=a.b");
}

static void
words_after_dashes_are_not_the_kernels(void **state)
{
	cmdline_init("-- quiet mem=1M");
	assert_false(cmdline_has("quiet"));
	assert_null(cmdline_get("mem"));
}

static void
quotes_keep_blanks(void **state)
{
	cmdline_init("  init=\"/bin/a b\"\t\"root=c d\" quiet\n");
	assert_string_equal(cmdline_get("init"), "/bin/a b");
	assert_string_equal(cmdline_get("root"), "c d");
	assert_true(cmdline_has("quiet"));
	assert_string_equal(cmdline_whole(), "  init=\"/bin/a b\"\t\"root=c d\" quiet\n");
	assert_string_equal(joined("a=\"open end", cmdline_init_env), "HOME=/|TERM=linux|a=open end");
}

static void
dashes_and_underscores_in_keys_are_one(void **state)
{
	cmdline_init("transparent-hugepage=never min-free_kbytes=12");
	assert_string_equal(cmdline_get("transparent_hugepage"), "never");
	assert_int_equal(cmdline_u64("min_free_kbytes", 0), 12);
}

static void
too_much_is_cut(void **state)
{
	char line[3 * CMDLINE_MAX];
	const char *word[CMDLINE_WORDS_MAX + 8];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	cmdline_init(line);
	assert_int_equal(strlen(cmdline_whole()), CMDLINE_MAX - 1);
	assert_int_equal(cmdline_init_args(word, 1), 1);
	for (u32 i = 1; i < sizeof(line) - 1; i += 2)
		line[i] = ' ';
	cmdline_init(line);
	assert_int_equal(cmdline_init_args(word, CMDLINE_WORDS_MAX + 8), CMDLINE_WORDS_MAX);
	assert_int_equal(cmdline_init_args(word, 3), 3);
	assert_int_equal(cmdline_init_env(word, 1), 1);
	assert_int_equal(cmdline_init_env(word, 0), 0);
}

static void
ask_unknown(void *arg)
{
	cmdline_has(arg);
}

static void
a_key_missing_from_the_table_is_noticed(void **state)
{
	assert_true(host_dies(ask_unknown, "no_such_key"));
	assert_false(host_dies(ask_unknown, "quiet"));
}

static void
random_lines_do_no_harm(void **state)
{
	static const char *const pieces[] = {" ", "=", "\"", "--", "quiet", "mem",
					     "a", ".", "\t", "1G", "-",     "panic=-"};
	const char *word[16];
	char line[512];

	for (u32 step = 0; step < STEPS; step++) {
		line[0] = 0;
		for (u64 n = host_below(40); n > 0; n--)
			strcat(line, pieces[host_below(sizeof(pieces) / sizeof(*pieces))]);
		cmdline_init(line);
		assert_true(cmdline_init_args(word, 16) <= 16);
		assert_true(cmdline_init_env(word, 16) <= 16);
		assert_string_equal(cmdline_whole(), line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_words_are_found),   cmocka_unit_test(numbers_that_are_none_give_the_fallback),
		cmocka_unit_test(unknown_words_go_to_init), cmocka_unit_test(words_after_dashes_are_not_the_kernels),
		cmocka_unit_test(quotes_keep_blanks),       cmocka_unit_test(dashes_and_underscores_in_keys_are_one),
		cmocka_unit_test(too_much_is_cut),          cmocka_unit_test(a_key_missing_from_the_table_is_noticed),
		cmocka_unit_test(random_lines_do_no_harm),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
