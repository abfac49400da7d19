/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/bitmap.h - arrays of bits in u64 words
 *
 * Idea        bit i is bit i % 64 of word i / 64. Searches go a word at a time.
 * Invariants  Bits past the end of the map, in its last word, may have any value: no search reports them.
 * Locks       none here, and nothing is atomic: each map names its guard where it is declared
 * Follow      cpu masks, process numbers, swap slots
 * Tests       tests/host/bitmap_test.c
 */
#pragma once

#include <kernel/lib/types.h>

#define BITMAP_WORD_BITS 64
#define BITMAP_WORDS(bits) (((bits) + BITMAP_WORD_BITS - 1) / BITMAP_WORD_BITS)

static inline bool
bitmap_test(const u64 *map, u64 bit)
{
	return map[bit / BITMAP_WORD_BITS] >> (bit % BITMAP_WORD_BITS) & 1;
}

static inline void
bitmap_set(u64 *map, u64 bit)
{
	map[bit / BITMAP_WORD_BITS] |= BIT(bit % BITMAP_WORD_BITS);
}

static inline void
bitmap_clear(u64 *map, u64 bit)
{
	map[bit / BITMAP_WORD_BITS] &= ~BIT(bit % BITMAP_WORD_BITS);
}

/*
 * bitmap_find_set, bitmap_find_zero - the first such bit at or after @from in a map of @bits bits
 *
 * Returns   its number; @bits when there is none, or when @from >= @bits
 * Context   any; the map's guard
 */
u64 bitmap_find_set(const u64 *map, u64 bits, u64 from);
u64 bitmap_find_zero(const u64 *map, u64 bits, u64 from);
