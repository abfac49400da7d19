/* SPDX-License-Identifier: MIT */
/*
 * tests/host/swap_window_test.c - how many slots to read when one is wanted
 *
 * Idea        The table of swap_window.h line by line, then what a row of reads makes of it.
 */
#include "host.h"

#include <mm/swap_window.h>

static void
lines(void **state)
{
	assert_int_equal(swap_window(0, false, 1, 3), 1);
	assert_int_equal(swap_window(0, true, 1, 3), 2);
	assert_int_equal(swap_window(1, false, 1, 3), 4);
	assert_int_equal(swap_window(2, false, 1, 3), 4);
	assert_int_equal(swap_window(3, false, 1, 3), 8);
	assert_int_equal(swap_window(30, false, 1, 5), 32);
	assert_int_equal(swap_window(31, false, 1, 6), 64);
}

static void
limits(void **state)
{
	for (u32 hits = 0; hits < 3000; hits++) {
		assert_int_equal(swap_window(hits, true, 1024, 0), 1);
		assert_true(swap_window(hits, false, 4096, 3) <= 8);
		assert_true(swap_window(hits, false, 4096, 31) <= 1U << SWAP_WINDOW_MOST);
		assert_true(is_pow2(swap_window(hits, hits & 1, 64, 31)));
	}
}

/* A scan in order opens it at once; random reads close it in as many steps as it has bits. */
static void
opens_and_closes(void **state)
{
	u32 window = 1;
	u32 reads = 0;

	for (u32 i = 0; i < 5; i++)
		window = swap_window(window - 1, true, window, 5);
	assert_int_equal(window, 32);
	for (; window > 1; reads++)
		window = swap_window(0, false, window, 5);
	assert_int_equal(reads, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(limits),
					   cmocka_unit_test(opens_and_closes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
