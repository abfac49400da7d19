/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec_script.c - cutting a #! line into interpreter and argument
 *
 * Idea        see exec_script.h
 * Invariants  interpreter and argument are terminated strings inside line
 * Locks       none
 * Follow      from exec.c   to kernel/lib/string.h
 * Tests       tests/host/exec_script_test.c
 */
#include <kernel/exec_script.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>

static char *skip_blanks(char *at);
static char *skip_word(char *at);
static void trim_end(char *start);

int
script_parse(const u8 *bytes, size_t len, struct script *out)
{
	size_t n = len < SCRIPT_LINE_MAX ? len : SCRIPT_LINE_MAX;
	char *newline;
	char *name;
	char *after;

	memcpy(out->line, bytes, n);
	out->line[n] = 0;
	newline = strchr(out->line, '\n');
	if (newline)
		*newline = 0;
	name = skip_blanks(out->line + 2);
	after = skip_word(name);
	/* A name that runs to the end of what is looked at may be cut: it must not run as another. */
	if (after == name || (after == out->line + SCRIPT_LINE_MAX && len > SCRIPT_LINE_MAX))
		return -ENOEXEC;
	out->interpreter = name;
	out->argument = NULL;
	if (*after) {
		*after = 0;
		after = skip_blanks(after + 1);
		trim_end(after);
		if (*after)
			out->argument = after;
	}
	return 0;
}

static char *
skip_blanks(char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

static char *
skip_word(char *at)
{
	while (*at && *at != ' ' && *at != '\t')
		at++;
	return at;
}

static void
trim_end(char *start)
{
	char *end = start + strlen(start);

	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
}
