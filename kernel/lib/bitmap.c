/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/bitmap.c - searches in bit arrays
 *
 * Idea        A search for a zero is a search for a set bit in the inverted words.
 * Invariants  none
 * Locks       none
 * Follow      bitmap.h
 * Tests       tests/host/bitmap_test.c
 * See         none
 */
#include <kernel/lib/bitmap.h>

/* The first bit at or after @from that is set in the words of @map, each exclusive-or'ed with @invert. */
static inline u64
find(const u64 *map, u64 bits, u64 from, u64 invert)
{
	u64 i = from / BITMAP_WORD_BITS;
	u64 word;

	if (from >= bits)
		return bits;
	word = (map[i] ^ invert) & (~0UL << (from % BITMAP_WORD_BITS));
	while (!word) {
		if (++i >= BITMAP_WORDS(bits))
			return bits;
		word = map[i] ^ invert;
	}
	return min_u64(i * BITMAP_WORD_BITS + __builtin_ctzl(word), bits);
}

u64
bitmap_find_set(const u64 *map, u64 bits, u64 from)
{
	return find(map, bits, from, 0);
}

u64
bitmap_find_zero(const u64 *map, u64 bits, u64 from)
{
	return find(map, bits, from, ~0UL);
}
