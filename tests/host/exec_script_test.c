/* SPDX-License-Identifier: MIT */
/*
 * tests/host/exec_script_test.c - the #! line: interpreter and argument
 *
 * Idea        a table of lines and what execve(2) says of them, then random bytes, where only the invariants count
 */
/* sources: kernel/exec_script.c */
#include "host.h"

#include <kernel/exec_script.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/types.h>

static const struct line {
	const char *text;
	const char *interpreter; /* NULL: -ENOEXEC */
	const char *argument;
} lines[] = {
	{"#!/bin/sh\necho", "/bin/sh", NULL},
	{"#!/bin/sh", "/bin/sh", NULL},
	{"#! \t /bin/sh  \n", "/bin/sh", NULL},
	{"#!/bin/sh -e\n", "/bin/sh", "-e"},
	{"#!/bin/sh -e -x \t\nrest", "/bin/sh", "-e -x"},
	{"#!/bin/sh\t-e", "/bin/sh", "-e"},
	{"#!x\n", "x", NULL},
	{"#!\n", NULL, NULL},
	{"#!", NULL, NULL},
	{"#!   \n/bin/sh\n", NULL, NULL},
};

static void
lines_are_cut_as_the_manual_says(void **state)
{
	for (u32 i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct line *line = &lines[i];
		size_t len = strlen(line->text);
		u8 *bytes = host_copy(line->text, len);
		struct script script;

		assert_true(script_is(bytes, len));
		if (!line->interpreter) {
			assert_int_equal(script_parse(bytes, len, &script), -ENOEXEC);
		} else {
			assert_int_equal(script_parse(bytes, len, &script), 0);
			assert_string_equal(script.interpreter, line->interpreter);
			assert_int_equal(!script.argument, !line->argument);
			if (line->argument)
				assert_string_equal(script.argument, line->argument);
		}
		free(bytes);
	}
}

static void
name_that_may_be_cut_is_refused(void **state)
{
	u8 bytes[SCRIPT_LINE_MAX + 10];
	struct script script;

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "#!", 2);
	assert_int_equal(script_parse(bytes, sizeof(bytes), &script), -ENOEXEC);
	/* The file ends there: nothing was cut. */
	assert_int_equal(script_parse(bytes, SCRIPT_LINE_MAX, &script), 0);
	/* An argument may be cut. */
	bytes[10] = ' ';
	assert_int_equal(script_parse(bytes, sizeof(bytes), &script), 0);
	assert_int_equal(strlen(script.interpreter), 8);
	assert_int_equal(strlen(script.argument), SCRIPT_LINE_MAX - 11);
}

static bool
inside(const struct script *script, const char *s)
{
	return s >= script->line && s + strlen(s) < script->line + sizeof(script->line);
}

static void
random_bytes_give_words_inside_the_line(void **state)
{
	for (u32 i = 0; i < 200000; i++) {
		size_t len = 2 + host_below(SCRIPT_LINE_MAX + 20);
		u8 *bytes = malloc(len);
		struct script script;

		for (size_t k = 0; k < len; k++)
			bytes[k] = (u8) " \t\nab/\0\xff"[host_below(8)];
		memcpy(bytes, "#!", 2);
		if (!script_parse(bytes, len, &script)) {
			assert_true(inside(&script, script.interpreter) && *script.interpreter);
			assert_true(!script.argument || (inside(&script, script.argument) && *script.argument));
		}
		free(bytes);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_cut_as_the_manual_says),
		cmocka_unit_test(name_that_may_be_cut_is_refused),
		cmocka_unit_test(random_bytes_give_words_inside_the_line),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
