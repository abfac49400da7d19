/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/pathname.c - cutting paths into components: text only
 *
 * Idea        see pathname.h
 * Invariants  none
 * Locks       none: pure
 * Follow      from path.c
 * Tests       tests/host/pathname_test.c
 */
#include <kernel/fs/pathname.h>

#include <kernel/fs/abi.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>

u32
pathname_next(const char *buf, u32 *pos, const char **name, bool *slash)
{
	u32 i = *pos;
	u32 len = 0;

	while (buf[i] == '/')
		i++;
	*name = buf + i;
	while (buf[i + len] && buf[i + len] != '/')
		len++;
	i += len;
	*slash = buf[i] == '/';
	while (buf[i] == '/')
		i++;
	*pos = i;
	return len;
}

enum path_last
pathname_kind(const char *name, u32 len)
{
	if (len == 0)
		return LAST_ROOT;
	if (len == 1 && name[0] == '.')
		return LAST_DOT;
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return LAST_UP;
	return LAST_NAME;
}

void
pathname_open(char *buf, u32 *pos)
{
	u32 size = strlen(buf + *pos) + 1;

	assert(*pos + size <= PATH_MAX);
	memmove(buf + PATH_MAX - size, buf + *pos, size);
	*pos = PATH_MAX - size;
}

void
pathname_close(char *buf, u32 len, u32 pos)
{
	assert(len <= pos && pos < PATH_MAX);
	memmove(buf + len, buf + pos, PATH_MAX - pos);
}
