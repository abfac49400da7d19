/* SPDX-License-Identifier: MIT */
/*
 * tests/host/string_test.c - memory and string primitives against the C library's
 *
 * Idea        build.mk compiles string.c with tm_ before each name that the C library has too; here the same names
 *             stand for the kernel's functions in its own header, and the library's are behind __builtin_.
 *             Areas begin and end at every offset within a word, inside a larger block whose other bytes must not
 *             change. (ASan does not see what inline assembly reads and writes: the surroundings are compared instead.)
 */
/* sources: kernel/lib/string.c */
#include "host.h"

#define memcpy tm_memcpy
#define memmove tm_memmove
#define memset tm_memset
#define memcmp tm_memcmp
#define strlen tm_strlen
#define strnlen tm_strnlen
#define strcmp tm_strcmp
#define strncmp tm_strncmp
#define strchr tm_strchr
#define strrchr tm_strrchr
#include <kernel/lib/string.h>

#define AREA 160
#define STEPS 300000

static u8 ours[AREA];
static u8 theirs[AREA];

static int
sign(int x)
{
	return (x > 0) - (x < 0);
}

static void
areas_fill(u64 letters)
{
	for (u32 i = 0; i < AREA; i++)
		ours[i] = host_below(letters);
	__builtin_memcpy(theirs, ours, AREA);
}

static void
areas_compare(void)
{
	assert_int_equal(__builtin_memcmp(ours, theirs, AREA), 0);
}

static void
memset_fills_just_its_area(void **state)
{
	for (u32 at = 0; at < 16; at++) {
		for (u32 n = 0; n < AREA - 16; n++) {
			int value = (int)host_random();

			areas_fill(256);
			assert_ptr_equal(memset(ours + at, value, n), ours + at);
			__builtin_memset(theirs + at, value, n);
			areas_compare();
		}
	}
}

static void
memcpy_copies_just_its_area(void **state)
{
	u8 source[AREA];

	for (u32 i = 0; i < STEPS; i++) {
		u32 n = host_below(AREA);
		u32 to = host_below(AREA - n);
		u32 from = host_below(AREA - n);

		areas_fill(256);
		for (u32 k = 0; k < AREA; k++)
			source[k] = i + k;
		assert_ptr_equal(memcpy(ours + to, source + from, n), ours + to);
		__builtin_memcpy(theirs + to, source + from, n);
		areas_compare();
	}
}

static void
memmove_bears_every_overlap(void **state)
{
	for (u32 to = 0; to < 40; to++) {
		for (u32 from = 0; from < 40; from++) {
			for (u32 n = 0; n < 100; n++) {
				areas_fill(256);
				assert_ptr_equal(memmove(ours + to, ours + from, n), ours + to);
				__builtin_memmove(theirs + to, theirs + from, n);
				areas_compare();
			}
		}
	}
}

static void
memcmp_has_the_sign_of_the_first_difference(void **state)
{
	for (u32 i = 0; i < STEPS; i++) {
		u32 n = host_below(40);
		u8 *a = host_copy(ours + host_below(16), n);
		u8 *b = host_copy(a, n);

		if (n) {
			b[host_below(n)] ^= host_random();
			a[host_below(n)] ^= host_random() & host_random() & 0x80;
		}
		assert_int_equal(sign(memcmp(a, b, n)), sign(__builtin_memcmp(a, b, n)));
		free(a);
		free(b);
	}
}

static char *
string_random(void)
{
	char text[32];
	u32 n = host_below(20);

	for (u32 i = 0; i < n; i++)
		text[i] = host_below(3) ? 'a' + host_below(2) : 0x80 + host_below(2);
	text[n] = '\0';
	return host_copy(text, n + 1);
}

static void
strings_agree_with_the_library(void **state)
{
	for (u32 i = 0; i < STEPS; i++) {
		char *a = string_random();
		char *b = host_below(3) ? string_random() : host_copy(a, __builtin_strlen(a) + 1);
		u32 n = host_below(24);
		int c = "ab\x80\x81\0z"[host_below(6)];

		assert_int_equal(strlen(a), __builtin_strlen(a));
		assert_int_equal(strnlen(a, n), n < __builtin_strlen(a) ? n : __builtin_strlen(a));
		assert_int_equal(sign(strcmp(a, b)), sign(__builtin_strcmp(a, b)));
		assert_int_equal(sign(strncmp(a, b, n)), sign(__builtin_strncmp(a, b, n)));
		assert_ptr_equal(strchr(a, c), __builtin_strchr(a, c));
		assert_ptr_equal(strrchr(a, c), __builtin_strrchr(a, c));
		free(a);
		free(b);
	}
}

static void
strnlen_stops_before_the_limit(void **state)
{
	char *text = host_copy("abcd", 4);

	assert_int_equal(strnlen(text, 4), 4);
	assert_int_equal(strncmp(text, "abcdef", 4), 0);
	free(text);
}

static void
strlcpy_cuts_and_tells(void **state)
{
	for (u32 size = 0; size < 12; size++) {
		char *to = malloc(size);
		size_t fits = size && size - 1 < 7 ? size - 1 : 7;

		assert_int_equal(strlcpy(to, "tidemar", size), 7);
		if (size) {
			assert_int_equal(__builtin_strlen(to), fits);
			assert_int_equal(__builtin_memcmp(to, "tidemar", fits), 0);
		}
		free(to);
	}
}

static void
str_starts_returns_the_rest(void **state)
{
	const char *s = "mem=64M";

	assert_ptr_equal(str_starts(s, "mem="), s + 4);
	assert_ptr_equal(str_starts(s, ""), s);
	assert_ptr_equal(str_starts(s, s), s + 7);
	assert_null(str_starts(s, "mem=64M "));
	assert_null(str_starts(s, "maxcpus"));
	assert_null(str_starts("", "a"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(memset_fills_just_its_area),
		cmocka_unit_test(memcpy_copies_just_its_area),
		cmocka_unit_test(memmove_bears_every_overlap),
		cmocka_unit_test(memcmp_has_the_sign_of_the_first_difference),
		cmocka_unit_test(strings_agree_with_the_library),
		cmocka_unit_test(strnlen_stops_before_the_limit),
		cmocka_unit_test(strlcpy_cuts_and_tells),
		cmocka_unit_test(str_starts_returns_the_rest),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
