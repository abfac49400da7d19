/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/huffman.c - canonical Huffman codes, as deflate uses them
 *
 * Idea        Codes are handed out in the order of length, then symbol. So the codes of length n, written as
 *             numbers with the first bit on top, are one interval; followed by ones or zeros up to 15 bits, the
 *             intervals of all lengths lie side by side and ascend:
 *
 *               0 ............ limit[1] ...... limit[2] ... limit[3] .. 2^15
 *
 *             The stream has the first bit of a code lowest, hence the reversals.
 * Invariants  none beyond huffman.h
 * Locks       none
 * Follow      from inflate.c
 * Tests       tests/host/inflate_test.c
 * See         RFC 1951, 3.2.2
 */
#include <kernel/lib/errno.h>
#include <kernel/lib/huffman.h>
#include <kernel/lib/string.h>

static bool counts_ok(const u16 *count, u32 used, bool one_is_enough);
static void fast_fill(struct huffman *h, u32 code, u32 length, u32 symbol);
static u32 reverse15(u32 bits);

int
huffman_make(struct huffman *h, const u8 *length, u32 symbols, bool one_is_enough)
{
	u16 count[HUFFMAN_BITS_MAX + 1] = {0};
	u32 next[HUFFMAN_BITS_MAX + 1]; /* the next code of each length */
	u32 code = 0, place = 0;

	for (u32 i = 0; i < symbols; i++)
		count[length[i]]++;
	if (!counts_ok(count, symbols - count[0], one_is_enough))
		return -EINVAL;
	memset(h->fast, 0, sizeof(h->fast));
	for (u32 n = 1; n <= HUFFMAN_BITS_MAX; n++) {
		code <<= 1;
		next[n] = code;
		h->bias[n] = (s32)place - (s32)code;
		code += count[n];
		place += count[n];
		h->limit[n] = code << (HUFFMAN_BITS_MAX - n);
	}
	for (u32 i = 0; i < symbols; i++) {
		u32 n = length[i];

		if (!n)
			continue;
		h->symbol[(s32)next[n] + h->bias[n]] = i;
		if (n <= HUFFMAN_FAST_BITS)
			fast_fill(h, next[n], n, i);
		next[n]++;
	}
	return 0;
}

u32
huffman_entry_slow(const struct huffman *h, u64 bits)
{
	u32 code = reverse15(bits & 0x7fff);
	u32 length = HUFFMAN_FAST_BITS + 1;

	while (length <= HUFFMAN_BITS_MAX && code >= h->limit[length])
		length++;
	if (length > HUFFMAN_BITS_MAX)
		return HUFFMAN_SYMBOLS << HUFFMAN_LENGTH_BITS;
	return h->symbol[(s32)(code >> (HUFFMAN_BITS_MAX - length)) + h->bias[length]] << HUFFMAN_LENGTH_BITS | length;
}

/* @count[n]: codes of n bits; @used: all of them. If all have one bit and some are left over, there is one or none. */
static bool
counts_ok(const u16 *count, u32 used, bool one_is_enough)
{
	s32 left = 1;

	for (u32 n = 1; n <= HUFFMAN_BITS_MAX; n++) {
		left = left * 2 - count[n];
		if (left < 0)
			return false;
	}
	return !left || (one_is_enough && used == count[1]);
}

/* Every value whose first @length bits are @code leads to @symbol. */
static void
fast_fill(struct huffman *h, u32 code, u32 length, u32 symbol)
{
	u32 first = reverse15(code << (HUFFMAN_BITS_MAX - length));

	for (u32 i = first; i < 1 << HUFFMAN_FAST_BITS; i += 1 << length)
		h->fast[i] = symbol << HUFFMAN_LENGTH_BITS | length;
}

static u32
reverse15(u32 bits)
{
	bits = (bits & 0x5555) << 1 | (bits >> 1 & 0x5555);
	bits = (bits & 0x3333) << 2 | (bits >> 2 & 0x3333);
	bits = (bits & 0x0f0f) << 4 | (bits >> 4 & 0x0f0f);
	bits = (bits & 0x00ff) << 8 | bits >> 8;
	return bits >> 1;
}
