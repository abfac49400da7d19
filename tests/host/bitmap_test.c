/* SPDX-License-Identifier: MIT */
/*
 * tests/host/bitmap_test.c - bit arrays against arrays of bool
 *
 * Idea        Maps of every size up to four words, in blocks of exactly that size; sparse, dense and mixed.
 */
/* sources: kernel/lib/bitmap.c */
#include "host.h"

#include <kernel/lib/bitmap.h>

#define BITS_MAX 260

static u64
model_find(const bool *model, u64 bits, u64 from, bool value)
{
	while (from < bits && model[from] != value)
		from++;
	return from < bits ? from : bits;
}

static void
map_run(u64 bits, u64 steps)
{
	u64 *map = calloc(BITMAP_WORDS(bits), sizeof(u64));
	bool model[BITS_MAX] = {false};
	u64 bias = 1 + host_below(20);

	for (u64 i = 0; i < steps; i++) {
		u64 bit = host_below(bits);
		u64 from = host_below(bits + 3);

		model[bit] = host_below(21) < bias;
		if (model[bit])
			bitmap_set(map, bit);
		else
			bitmap_clear(map, bit);
		/* Bits past the end are nobody's. */
		if (bits % BITMAP_WORD_BITS)
			map[bits / BITMAP_WORD_BITS] ^= 1UL << 63;
		assert_int_equal(bitmap_test(map, bit), model[bit]);
		assert_int_equal(bitmap_find_set(map, bits, from), model_find(model, bits, from, true));
		assert_int_equal(bitmap_find_zero(map, bits, from), model_find(model, bits, from, false));
	}
	for (u64 bit = 0; bit < bits; bit++)
		assert_int_equal(bitmap_test(map, bit), model[bit]);
	free(map);
}

static void
map_agrees_with_an_array(void **state)
{
	for (u64 bits = 1; bits <= BITS_MAX; bits++)
		map_run(bits, 3000);
}

static void
empty_map_has_no_bit(void **state)
{
	assert_int_equal(bitmap_find_set(NULL, 0, 0), 0);
	assert_int_equal(bitmap_find_zero(NULL, 0, 0), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_agrees_with_an_array),
		cmocka_unit_test(empty_map_has_no_bit),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
