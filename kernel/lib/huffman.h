/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/huffman.h - canonical Huffman codes, as deflate uses them
 *
 * Idea        A code of up to HUFFMAN_FAST_BITS bits is one table look-up. Longer ones, which are rare because they are
 *             long, are found by comparison: the codes of one length are an interval, and the intervals ascend.
 *             Simple: no second-level tables: 2 KiB a code instead of 5, and nearly as fast.
 *
 *               entry       symbol << 4 | length;  in the table 0: no code of up to HUFFMAN_FAST_BITS bits begins so
 *
 * Invariants  no code is the beginning of another
 * Locks       none
 * Follow      from inflate.c
 * Tests       tests/host/inflate_test.c
 * See         RFC 1951, 3.2.2
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

#define HUFFMAN_FAST_BITS 10
#define HUFFMAN_BITS_MAX 15
#define HUFFMAN_SYMBOLS 288
#define HUFFMAN_LENGTH_BITS 4 /* of an entry */
#define HUFFMAN_LENGTH_MASK 15

struct huffman {
	u16 fast[1 << HUFFMAN_FAST_BITS]; /* entry by the next bits */
	u32 limit[HUFFMAN_BITS_MAX +
		  1]; /* first value of 15 bits, first bit on top, that is no code of up to this length */
	s32 bias[HUFFMAN_BITS_MAX + 1]; /* code of this length + bias = place in symbol */
	u16 symbol[HUFFMAN_SYMBOLS];    /* ordered by code */
};

/*
 * huffman_make - make @h the canonical code in which symbol i < @symbols has length[i] bits, 0 for none
 *
 * Returns   0; -EINVAL when no such code exists, or codes are left over. With @one_is_enough a single code of one bit,
 *           or none at all, is right too: a block may have just one distance
 * Context   any
 */
int huffman_make(struct huffman *h, const u8 *length, u32 symbols, bool one_is_enough);

/* As huffman_entry, for a code that is longer than HUFFMAN_FAST_BITS. */
u32 huffman_entry_slow(const struct huffman *h, u64 bits);

/*
 * huffman_entry - the code that @bits begin with; bit 0 is the first
 *
 * Returns   the entry; HUFFMAN_SYMBOLS with length 0 when no code begins so
 * Context   any
 */
static inline u32
huffman_entry(const struct huffman *h, u64 bits)
{
	u32 entry = h->fast[bits & ((1 << HUFFMAN_FAST_BITS) - 1)];

	return likely(entry) ? entry : huffman_entry_slow(h, bits);
}
