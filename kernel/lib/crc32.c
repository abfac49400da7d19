/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/crc32.c - the checksum of GPT headers
 *
 * Idea        see crc32.h
 * Invariants  none
 * Locks       none
 * Follow      from kernel/dev/partition.c
 * Tests       tests/host/partition_test.c
 */
#include <kernel/lib/crc32.h>

#define POLYNOMIAL 0xedb88320U

u32
crc32(u32 crc, const void *bytes, u64 n)
{
	const u8 *b = bytes;

	crc = ~crc;
	while (n--) {
		crc ^= *b++;
		for (u32 bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return ~crc;
}
