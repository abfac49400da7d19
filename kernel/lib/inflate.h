/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/inflate.h - from gzip back to bytes
 *
 * Idea        One member is decoded from memory to memory in one call, for the initrd at boot. The output buffer is
 *             the window: no copy, no state between calls.
 * Invariants  none
 * Locks       none, but the tables are one static area: one caller at a time (boot)
 * Follow      from the unpacking of the initrd
 * Tests       tests/host/inflate_test.c
 * See         RFC 1951 (deflate), RFC 1952 (gzip)
 */
#pragma once

#include <kernel/lib/types.h>

/*
 * gunzip - decode the gzip member that starts at @src
 *
 * Input of any content is safe: nothing is read outside @src, nothing written outside @dst. Checksum and length of
 * the member are verified. Another member, padding or anything else may follow it.
 *
 * Returns   0, the bytes written in *out_len and the bytes of the member in *consumed; -EINVAL not gzip, corrupt or cut
 *           off; -ENOSPC more than @cap bytes come out. After an error @dst holds some bytes, and the results are 0
 * Context   any; one caller at a time
 */
int gunzip(const u8 *src, size_t len, u8 *dst, size_t cap, size_t *out_len, size_t *consumed);

/*
 * gunzip_size_hint - the decoded size that the last four of @len bytes claim
 *
 * A claim, no more: true for an honest single member that ends at @src + @len and holds less than 4 GiB. gunzip()
 * decides.
 *
 * Returns   the size in bytes; 0 when @src does not begin as gzip or is too short
 * Context   any
 */
size_t gunzip_size_hint(const u8 *src, size_t len);
