/* SPDX-License-Identifier: MIT */
/*
 * tests/host/format_test.c - format() against the C library's snprintf, and the number parsers
 *
 * Idea        Random conversions with all flags, widths, precisions and lengths, into buffers of random sizes.
 *             What differs from C on purpose (%p, NULL strings, unknown conversions) has cases of its own.
 */
/* sources: kernel/lib/format.c kernel/lib/string.c */
#include "host.h"

#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>

#define STEPS 400000
#define TEXT 128

/* The formats are made at run time: the compiler cannot check them. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static void
results_compare(const char *fmt, size_t size, const char *ours, int our_len, const char *theirs, int their_len)
{
	if (our_len == their_len && (!size || !strcmp(ours, theirs)))
		return;
	fail_msg("\"%s\" into %zu bytes: \"%s\" (%d), C: \"%s\" (%d)", fmt, size, size ? ours : "", our_len,
		 size ? theirs : "", their_len);
}

static void both(size_t size, const char *fmt, ...) __printf(2, 3);

/* Formats with both, into blocks of exactly @size bytes. */
static void
both(size_t size, const char *fmt, ...)
{
	char *ours = malloc(size);
	char *theirs = malloc(size);
	int our_len, their_len;
	va_list args;

	va_start(args, fmt);
	our_len = format_va(size ? ours : NULL, size, fmt, args);
	va_end(args);
	va_start(args, fmt);
	their_len = vsnprintf(theirs, size, fmt, args);
	va_end(args);
	results_compare(fmt, size, ours, our_len, theirs, their_len);
	free(ours);
	free(theirs);
}

/* Appends a conversion with random flags, width and precision. Flags that C leaves undefined for it are not used. */
static void
spec_random(char *fmt, const char *flags, const char *length, char conversion)
{
	char *p = fmt + sprintf(fmt, "<%%");

	for (const char *f = flags; *f; f++) {
		if (host_below(3) == 0)
			*p++ = *f;
	}
	if (host_below(2))
		p += sprintf(p, "%d", (int)host_below(30));
	if (conversion != 'c' && host_below(3) == 0)
		p += host_below(8) ? sprintf(p, ".%d", (int)host_below(26)) : sprintf(p, ".");
	sprintf(p, "%s%c> %%%%", length, conversion);
}

static void
integers_agree_with_the_library(void **state)
{
	static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "t", "j"};
	static const char conversions[] = "diuxXo";

	for (u32 i = 0; i < STEPS; i++) {
		u32 length = host_below(ARRAY_SIZE(lengths));
		char conversion = conversions[host_below(6)];
		bool is_signed = conversion == 'd' || conversion == 'i';
		u64 value = host_below(20) ? host_random_size() : 0;
		size_t size = host_below(3) ? TEXT : host_below(40);
		char fmt[64];

		if (host_below(2))
			value = -value;
		spec_random(fmt, is_signed ? "-0+ " : conversion == 'u' ? "-0" : "-0#", lengths[length], conversion);
		if (length < 3)
			both(size, fmt, (int)value);
		else
			both(size, fmt, value);
	}
}

static void
strings_agree_with_the_library(void **state)
{
	for (u32 i = 0; i < STEPS / 4; i++) {
		char text[24] = {0};
		char fmt[64];

		for (u32 k = 0; k < host_below(sizeof(text)); k++)
			text[k] = 'a' + host_below(26);
		spec_random(fmt, "-", "", 's');
		both(host_below(2) ? TEXT : host_below(30), fmt, text);
		spec_random(fmt, "-", "", 'c');
		both(host_below(2) ? TEXT : host_below(30), fmt, (int)host_below(256));
	}
}

static void
stars_take_arguments(void **state)
{
	for (u32 i = 0; i < 20000; i++) {
		int width = (int)host_below(40) - 20;
		int precision = (int)host_below(30) - 5;

		both(TEXT, "%*.*d|%-*x|%.*s|%*c", width, precision, (int)host_random(), width, (int)host_random(),
		     precision, "some text that is cut", width, 'x');
	}
}

static void
several_conversions_keep_their_order(void **state)
{
	const char *volatile nothing = "";

	both(TEXT, "%d %s %lx %c %hhx%% %zu", -5, "five", 0xffff888000000000UL, '!', (u8)44, (size_t)12);
	both(TEXT, "%ld %lu %d %u", INT64_MIN, UINT64_MAX, INT32_MIN, UINT32_MAX);
	both(TEXT, nothing);
	both(TEXT, "plain");
	both(TEXT, "%s", "");
}

static void
result_check(const char *want, const char *got, int len)
{
	assert_string_equal(got, want);
	assert_int_equal(len, strlen(want));
}

static void
what_differs_from_c(void **state)
{
	char buf[TEXT];
	const char *volatile null = NULL; /* volatile: the compiler is not to see it */
	const char *odd = "%q %5y %", *end = "a%", *long_end = "a%-08.3l";

	result_check("0xffff888000001000", buf, format(buf, TEXT, "%p", (void *)0xffff888000001000UL));
	result_check("0x0", buf, format(buf, TEXT, "%p", null));
	result_check("    0x10", buf, format(buf, TEXT, "%8p", (void *)16));
	result_check("(null)", buf, format(buf, TEXT, "%s", null));
	result_check("(nu", buf, format(buf, TEXT, "%.3s", null));
	result_check("%q %5y %", buf, format(buf, TEXT, odd, 1, 2));
	result_check("a%", buf, format(buf, TEXT, end));
	result_check("a%-08.3l", buf, format(buf, TEXT, long_end));
}

static void
precision_bounds_what_is_read(void **state)
{
	char *text = host_copy("abc", 3);
	char buf[TEXT];

	result_check("abc", buf, format(buf, TEXT, "%.3s", text));
	free(text);
}

/* Parses with ours and with strtoull, whose leniency (blanks, signs) the strings avoid. */
static void
parse_compare(const char *s, int base)
{
	const char *end = NULL;
	char *their_end;
	u64 value = 4711;
	u64 theirs = strtoull(s, &their_end, base);
	int err;

	/* C has no error for the range but errno: the largest value can be either. */
	if (theirs == UINT64_MAX)
		return;
	err = parse_u64(s, &end, base, &value);
	if (their_end == s) {
		assert_int_equal(err, -EINVAL);
		assert_int_equal(value, 4711);
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(value, theirs);
	assert_ptr_equal(end, their_end);
	assert_int_equal(parse_u64(s, NULL, base, &value), *end ? -EINVAL : 0);
}

static void
numbers_parse_as_in_c(void **state)
{
	static const char letters[] = "0123456789abcxXzF.";
	static const int bases[] = {0, 8, 10, 16, 36, 2};

	for (u32 i = 0; i < STEPS; i++) {
		char text[24];
		u32 n = host_below(22);

		for (u32 k = 0; k < n; k++)
			text[k] = letters[host_below(host_below(2) ? 10 : sizeof(letters) - 1)];
		text[n] = '\0';
		parse_compare(text, bases[host_below(ARRAY_SIZE(bases))]);
	}
}

static void
numbers_out_of_range_are_told(void **state)
{
	const char *end;
	u64 value = 1;

	assert_int_equal(parse_u64("18446744073709551615", NULL, 10, &value), 0);
	assert_int_equal(value, UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551616x", &end, 10, &value), -ERANGE);
	assert_int_equal(*end, 'x');
	assert_int_equal(parse_u64("99999999999999999999999", NULL, 0, &value), -ERANGE);
	assert_int_equal(parse_u64("0x10000000000000000", NULL, 0, &value), -ERANGE);
	assert_int_equal(parse_u64("", NULL, 0, &value), -EINVAL);
	assert_int_equal(parse_u64("-1", NULL, 0, &value), -EINVAL);
	assert_int_equal(parse_u64(" 1", NULL, 0, &value), -EINVAL);
	assert_int_equal(value, UINT64_MAX);
}

static void
sizes_have_units(void **state)
{
	const char *end;
	u64 value = 7;

	assert_int_equal(parse_size("64M", NULL, &value), 0);
	assert_int_equal(value, 64UL << 20);
	assert_int_equal(parse_size("0x10k,rest", &end, &value), 0);
	assert_int_equal(value, 16 << 10);
	assert_string_equal(end, ",rest");
	assert_int_equal(parse_size("3g", NULL, &value), 0);
	assert_int_equal(value, 3UL << 30);
	assert_int_equal(parse_size("2T", NULL, &value), 0);
	assert_int_equal(value, 2UL << 40);
	assert_int_equal(parse_size("1p", NULL, &value), 0);
	assert_int_equal(value, 1UL << 50);
	assert_int_equal(parse_size("15E", NULL, &value), 0);
	assert_int_equal(value, 15UL << 60);
	assert_int_equal(parse_size("4096", NULL, &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(parse_size("16E", NULL, &value), -ERANGE);
	assert_int_equal(parse_size("99999999999999999999M", &end, &value), -ERANGE);
	assert_int_equal(*end, '\0');
	assert_int_equal(parse_size("64Mx", NULL, &value), -EINVAL);
	assert_int_equal(parse_size("64X", NULL, &value), -EINVAL);
	assert_int_equal(parse_size("M", NULL, &value), -EINVAL);
	assert_int_equal(value, 4096);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_agree_with_the_library),
		cmocka_unit_test(strings_agree_with_the_library),
		cmocka_unit_test(stars_take_arguments),
		cmocka_unit_test(several_conversions_keep_their_order),
		cmocka_unit_test(what_differs_from_c),
		cmocka_unit_test(precision_bounds_what_is_read),
		cmocka_unit_test(numbers_parse_as_in_c),
		cmocka_unit_test(numbers_out_of_range_are_told),
		cmocka_unit_test(sizes_have_units),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
