/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec_script.h - the first line of a script: #!interpreter argument
 *
 * Idea        The line names a program and at most one argument, which is all the rest of the line, blanks inside
 *             included.
 * Invariants  none
 * Locks       none
 * Follow      from exec.c
 * Tests       tests/host/exec_script_test.c
 * See         execve(2), "Interpreter scripts"; Linux fs/binfmt_script.c for lines that are too long
 */
#pragma once

#include <kernel/lib/types.h>

#define SCRIPT_LINE_MAX 256 /* bytes that are looked at, #! included */

struct script {
	char line[SCRIPT_LINE_MAX + 1];
	const char *interpreter; /* into line */
	const char *argument;    /* into line; NULL: none */
};

/* Do these first bytes of a file begin a script? */
static inline bool
script_is(const u8 *bytes, size_t len)
{
	return len >= 2 && bytes[0] == '#' && bytes[1] == '!';
}

/*
 * script_parse - cut the first line of the file that begins with @bytes into words
 *
 * Returns   0; -ENOEXEC no interpreter, or a line so long that its name may be cut
 * Context   pure
 */
int script_parse(const u8 *bytes, size_t len, struct script *out);
