/* SPDX-License-Identifier: MIT */
/*
 * tests/host/chacha20_test.c - the blocks that RFC 8439 prints
 *
 * Idea        sections 2.3.2 and A.1, test vectors 1 and 2
 */
/* sources: kernel/lib/chacha20.c kernel/lib/string.c */
#include "host.h"

#include <kernel/lib/chacha20.h>

static void
check(const u32 *key, u32 counter, const u32 *nonce, const char *hex)
{
	u8 block[CHACHA20_BLOCK];
	char text[2 * CHACHA20_BLOCK + 1];

	chacha20_block(key, counter, nonce, block);
	for (u32 i = 0; i < CHACHA20_BLOCK; i++)
		snprintf(text + 2 * i, 3, "%02x", block[i]);
	assert_string_equal(text, hex);
}

static void
block_of_section_2_3_2(void **state)
{
	const u32 nonce[CHACHA20_NONCE_WORDS] = {0x09000000, 0x4a000000, 0};
	u32 key[CHACHA20_KEY_WORDS];

	for (u32 i = 0; i < CHACHA20_KEY_WORDS; i++)
		key[i] = 0x03020100 + i * 0x04040404;
	check(key, 1, nonce,
	      "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
	      "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
}

static void
blocks_of_the_zero_key(void **state)
{
	const u32 nonce[CHACHA20_NONCE_WORDS] = {0};
	const u32 key[CHACHA20_KEY_WORDS] = {0};

	check(key, 0, nonce,
	      "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
	      "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
	check(key, 1, nonce,
	      "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
	      "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_of_section_2_3_2),
		cmocka_unit_test(blocks_of_the_zero_key),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
