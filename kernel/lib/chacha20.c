/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/chacha20.c - the ChaCha20 block function
 *
 * Idea        Sixteen words in a square: four that are always the same, eight of key, a counter, three of nonce. Ten
 *             times the four columns are stirred, then the four diagonals; at last the words from before are added, so
 *             that the stirring cannot be undone. Additions, rotations and exclusive ors only: it takes the same time
 *             whatever the key is.
 *
 *                  0  1  2  3    constants
 *                  4  5  6  7    key
 *                  8  9 10 11    key
 *                 12 13 14 15    counter, nonce
 * Invariants  none
 * Locks       none: pure
 * Follow      from kernel/random.c
 * Tests       tests/host/chacha20_test.c
 * See         RFC 8439, 2.1 to 2.3
 */
#include <kernel/lib/chacha20.h>
#include <kernel/lib/string.h>

#define STATE_WORDS 16
#define DOUBLE_ROUNDS 10

/* Which words each quarter round stirs: the columns, then the diagonals. */
static const u8 quarters[8][4] = {
	{0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
	{0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14},
};

static void quarter_round(u32 *a, u32 *b, u32 *c, u32 *d);
static u32 rotate(u32 x, u32 bits);

void
chacha20_block(const u32 key[CHACHA20_KEY_WORDS], u32 counter, const u32 nonce[CHACHA20_NONCE_WORDS],
	       u8 out[CHACHA20_BLOCK])
{
	u32 start[STATE_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}; /* "expand 32-byte k" */
	u32 x[STATE_WORDS];

	memcpy(start + 4, key, CHACHA20_KEY_WORDS * sizeof(u32));
	start[12] = counter;
	memcpy(start + 13, nonce, CHACHA20_NONCE_WORDS * sizeof(u32));
	memcpy(x, start, sizeof(x));
	for (u32 i = 0; i < DOUBLE_ROUNDS * 8; i++) {
		const u8 *q = quarters[i % 8];

		quarter_round(&x[q[0]], &x[q[1]], &x[q[2]], &x[q[3]]);
	}
	for (u32 i = 0; i < STATE_WORDS; i++)
		x[i] += start[i];
	/* The stream is made of little-endian words, as this machine's are. */
	memcpy(out, x, sizeof(x));
}

static void
quarter_round(u32 *a, u32 *b, u32 *c, u32 *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 16);
	*c += *d;
	*b = rotate(*b ^ *c, 12);
	*a += *b;
	*d = rotate(*d ^ *a, 8);
	*c += *d;
	*b = rotate(*b ^ *c, 7);
}

static u32
rotate(u32 x, u32 bits)
{
	return x << bits | x >> (32 - bits);
}
