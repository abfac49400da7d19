/* SPDX-License-Identifier: MIT */
/*
 * tests/host/ksyms_test.c - from an address to a function's name
 *
 * Idea        a table of three functions inside an array that plays the kernel's text
 */
/* sources: kernel/ksyms.c kernel/lib/format.c kernel/lib/string.c */
#include "host.h"

#include <kernel/ksyms.h>

/* The symbols that the linker script and iso/ksyms.py make. */
__asm__(".data\n"
	".balign 8\n"
	".globl __text_start, __text_end, __init_start, __init_text_end\n"
	".globl ksym_addrs, ksym_count, ksym_name_off, ksym_name_blob\n"
	"__text_start: .skip 100\n"
	"__text_end: .skip 100\n"
	"__init_start: .skip 50\n"
	"__init_text_end: .balign 8\n"
	"ksym_addrs: .quad __text_start + 8, __text_start + 20, __text_start + 60\n"
	"ksym_count: .long 3\n"
	"ksym_name_off: .long 0, 6, 10\n"
	"ksym_name_blob: .asciz \"first\", \"two\", \"third\"\n");

extern const char __text_start[];

static void
check(u64 place, const char *name, u64 offset)
{
	u64 found_offset = 0;
	const char *found = ksym_lookup((u64)__text_start + place, &found_offset);

	assert_non_null(found);
	assert_string_equal(found, name);
	assert_int_equal(found_offset, offset);
}

static void
addresses_find_their_function(void **state)
{
	check(8, "first", 0);
	check(19, "first", 11);
	check(20, "two", 0);
	check(59, "two", 39);
	check(60, "third", 0);
	check(99, "third", 39);
	/* The boot's own functions lie apart. */
	check(200, "third", 140);
	check(249, "third", 189);
}

static void
addresses_outside_find_none(void **state)
{
	u64 offset;

	assert_null(ksym_lookup((u64)__text_start + 7, &offset));
	assert_null(ksym_lookup((u64)__text_start - 1, &offset));
	assert_null(ksym_lookup((u64)__text_start + 100, &offset));
	assert_null(ksym_lookup((u64)__text_start + 199, &offset));
	assert_null(ksym_lookup((u64)__text_start + 250, &offset));
	assert_null(ksym_lookup(0, &offset));
	assert_null(ksym_lookup(~0UL, &offset));
}

static void
names_are_formatted(void **state)
{
	char text[32];

	assert_string_equal(ksym_format((u64)__text_start + 21, text, sizeof(text)), "two+0x1");
	assert_string_equal(ksym_format(0x1234, text, sizeof(text)), "0x1234");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_find_their_function),
		cmocka_unit_test(addresses_outside_find_none),
		cmocka_unit_test(names_are_formatted),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
