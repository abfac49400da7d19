/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/pathname.h - cutting paths into components: text only
 *
 * Idea        A walk owns a buffer of PATH_MAX bytes. Components are cut off from its front; the target of a symbolic
 *             link is put before what is left, in the same buffer:
 *
 *                 buf   usr/lib/link/../x          pos behind "link": the rest is "/../x"
 *                 open .............. /../x pathname_open moves the rest to the end and says how much room is before
 *                 it close target/../x pathname_close joins both
 *
 * Invariants  none
 * Locks       none: pure
 * Follow      from path.c
 * Tests       tests/host/pathname_test.c
 */
#pragma once

#include <kernel/lib/types.h>

/* What a component is. */
enum path_last {
	LAST_NAME, /* an ordinary name */
	LAST_DOT,  /* "." */
	LAST_UP,   /* ".." */
	LAST_ROOT, /* there was none: the path is "/" or empty */
};

/*
 * pathname_next - cut the next component off @buf at *pos
 *
 * Returns its length, *name its start; *pos then stands behind it and all '/' that follow, and *slash tells whether
 * there
 *           were any. 0: no component is left
 * Context   any
 */
u32 pathname_next(const char *buf, u32 *pos, const char **name, bool *slash);

/* pathname_kind - what the component of @len bytes is; LAST_ROOT for @len 0. Context: any. */
enum path_last pathname_kind(const char *name, u32 len);

/*
 * pathname_open - move the string at buf + *pos to the end of the PATH_MAX bytes of @buf
 *
 * Returns   nothing; *pos is where it is now, which is also the room before it
 * Context   any
 */
void pathname_open(char *buf, u32 *pos);

/*
 * pathname_close - join the @len bytes at the start of @buf, which are less than @pos, with the string at @pos
 *
 * Context   any; the result is terminated, since the string is
 */
void pathname_close(char *buf, u32 len, u32 pos);
