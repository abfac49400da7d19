/* SPDX-License-Identifier: MIT */
/*
 * tests/host/pathname_test.c - cutting paths: cases by hand, then random paths against a plain splitter
 *
 * Idea        A walk that follows symbolic links is played on text alone, and must end with the components that the
 *             model, which builds strings, ends with.
 */
/* sources: kernel/fs/pathname.c kernel/lib/string.c */
#include "host.h"

#include <kernel/fs/abi.h>
#include <kernel/fs/pathname.h>

#define STEPS 20000

static char *buf; /* PATH_MAX bytes, so that ASan sees one byte too many */

static void
expect(const char *path, const char *const *want, u32 count, bool slash_at_end)
{
	const char *name;
	bool slash = false;
	u32 pos = 0;
	u32 len;

	strcpy(buf, path);
	for (u32 i = 0; i < count; i++) {
		len = pathname_next(buf, &pos, &name, &slash);
		assert_int_equal(len, strlen(want[i]));
		assert_memory_equal(name, want[i], len);
	}
	assert_int_equal(slash, slash_at_end);
	assert_int_equal(pathname_next(buf, &pos, &name, &slash), 0);
	assert_int_equal(buf[pos], 0);
}

static void
components_are_cut(void **state)
{
	static const char *const usr[] = {"usr", "lib", "..", "x"};

	expect("", usr, 0, false);
	expect("///", usr, 0, false);
	expect("usr", usr, 1, false);
	expect("usr/", usr, 1, true);
	expect("/usr//lib///", usr, 2, true);
	expect("usr/lib/../x", usr, 4, false);
}

static void
kinds_are_told(void **state)
{
	assert_int_equal(pathname_kind("", 0), LAST_ROOT);
	assert_int_equal(pathname_kind(".", 1), LAST_DOT);
	assert_int_equal(pathname_kind("..", 2), LAST_UP);
	assert_int_equal(pathname_kind("...", 3), LAST_NAME);
	assert_int_equal(pathname_kind(".a", 2), LAST_NAME);
	assert_int_equal(pathname_kind("a.", 2), LAST_NAME);
	assert_int_equal(pathname_kind("../x", 2), LAST_UP);
}

static void
fill(char *to, u32 len)
{
	for (u32 i = 0; i < len; i++)
		to[i] = "ab/."[host_below(4)];
	to[len] = 0;
}

/* Target and rest, of all lengths that fit and some that do not. */
static void
links_are_spliced(void **state)
{
	char rest[PATH_MAX];
	char target[PATH_MAX];
	u32 rest_len;
	u32 target_len;
	u32 front;
	u32 pos;

	for (u32 i = 0; i < STEPS; i++) {
		rest_len = host_below(i % 4 ? 40 : PATH_MAX);
		front = host_below(PATH_MAX - rest_len);
		target_len = host_below(i % 3 ? 40 : PATH_MAX);
		fill(rest, rest_len);
		fill(target, target_len);
		memset(buf, 'x', front);
		strcpy(buf + front, rest);
		pos = front;
		pathname_open(buf, &pos);
		assert_int_equal(pos, PATH_MAX - rest_len - 1);
		assert_string_equal(buf + pos, rest);
		if (target_len > pos)
			continue; /* the walk says ENAMETOOLONG */
		memcpy(buf, target, target_len);
		pathname_close(buf, target_len, pos);
		assert_int_equal(strlen(buf), target_len + rest_len);
		assert_memory_equal(buf, target, target_len);
		assert_string_equal(buf + target_len, rest);
	}
}

/* Joining the components again gives the path without its surplus slashes. */
static void
random_paths_are_cut(void **state)
{
	char want[PATH_MAX];
	char got[PATH_MAX];
	const char *name;
	bool slash;
	u32 pos;
	u32 len;
	u32 n;

	for (u32 i = 0; i < STEPS; i++) {
		fill(buf, host_below(60));
		n = 0;
		for (u32 k = 0; buf[k]; k++) {
			if (buf[k] != '/' || (n && want[n - 1] != '/'))
				want[n++] = buf[k];
		}
		if (n && want[n - 1] == '/')
			n--;
		want[n] = 0;
		n = pos = 0;
		while ((len = pathname_next(buf, &pos, &name, &slash))) {
			if (n)
				got[n++] = '/';
			memcpy(got + n, name, len);
			n += len;
			assert_true(slash == (name[len] == '/'));
		}
		got[n] = 0;
		assert_string_equal(got, want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_are_cut),
		cmocka_unit_test(kinds_are_told),
		cmocka_unit_test(links_are_spliced),
		cmocka_unit_test(random_paths_are_cut),
	};

	host_start();
	buf = malloc(PATH_MAX);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
