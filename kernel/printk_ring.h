/* SPDX-License-Identifier: MIT */
/*
 * kernel/printk_ring.h - the memory of what was said: a ring of bytes that forgets the oldest messages first
 *
 * Idea        A message is a small header and its text, padded to 8 bytes, laid end to end around the ring. Positions
 *             count bytes since boot and never wrap; the place in the buffer is their remainder.
 *
 *                 buffer   ...|hdr|text..|hdr|text|   free   |hdr|text.....|hdr|te...
 *                                                 ^head      ^tail
 *
 * Invariants  I1  head - tail <= size; both are multiples of 8. Whole messages lie between them.
 *             I2  Messages between tail and head have the numbers oldest to next - 1.
 * Locks       the caller's
 * Follow      from printk.c
 * Tests       tests/host/printk_ring_test.c
 */
#pragma once

#include <kernel/lib/types.h>

/* Bytes of one line as it is kept; the rest is cut. */
#define PRINTK_MAX 512

/* A message as readers get it. */
struct printk_record {
	u64 seq; /* number of the message: 0 is the first since boot */
	u64 ns;  /* clock_ns() when it was said */
	u32 level;
	u32 len;                   /* bytes of text, without NUL */
	char text[PRINTK_MAX + 1]; /* one line, no newline; ends in NUL */
};

struct printk_ring {
	char *buffer;
	u64 size;       /* bytes, a power of two, at least 1024 */
	u64 head;       /* position after the newest message */
	u64 tail;       /* position of the oldest message */
	u64 next;       /* number of the next message */
	u64 oldest;     /* number of the message at tail */
	u64 cursor;     /* position of message cursor_seq, where the last reader stopped */
	u64 cursor_seq; /* oldest <= cursor_seq <= next, or the cursor is not used */
};

/*
 * printk_ring_put - append a message, forgetting as many old ones as it takes
 *
 * @len  bytes of @text, cut to PRINTK_MAX
 *
 * Returns   nothing
 * Context   the ring's guard
 */
void printk_ring_put(struct printk_ring *ring, u64 ns, u32 level, const char *text, u64 len);

/*
 * printk_ring_get - copy message @seq, or the oldest one if that is forgotten
 *
 * Returns   true; false when @seq has not been said yet
 * Context   the ring's guard. Reading in order costs the same for each message
 */
bool printk_ring_get(struct printk_ring *ring, u64 seq, struct printk_record *out);
