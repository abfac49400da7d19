/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/crc32.h - the checksum of GPT headers, gzip and Ethernet
 *
 * Idea        The polynomial 0x04c11db7, bits reflected, bit by bit: it runs over a few kilobytes at boot.
 * Invariants  none
 * Locks       none
 * Follow      from kernel/dev/partition.c
 * Tests       tests/host/partition_test.c
 */
#pragma once

#include <kernel/lib/types.h>

/* crc32 - of @n bytes; @crc is 0, or the result for the bytes before them. Context: pure. */
u32 crc32(u32 crc, const void *bytes, u64 n);
