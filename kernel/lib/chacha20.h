/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/chacha20.h - the ChaCha20 block function: 64 bytes that nobody can foretell who does not know the key
 *
 * Idea        see chacha20.c
 * Invariants  none
 * Locks       none: pure
 * Follow      from kernel/random.c
 * Tests       tests/host/chacha20_test.c
 * See         RFC 8439, 2.3
 */
#pragma once

#include <kernel/lib/types.h>

#define CHACHA20_KEY_WORDS 8
#define CHACHA20_NONCE_WORDS 3
#define CHACHA20_BLOCK 64 /* bytes */

/*
 * chacha20_block - the block number @counter of the stream that @key and @nonce name
 *
 * Returns   the block in @out
 * Context   any
 */
void chacha20_block(const u32 key[CHACHA20_KEY_WORDS], u32 counter, const u32 nonce[CHACHA20_NONCE_WORDS],
		    u8 out[CHACHA20_BLOCK]);
