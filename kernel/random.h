/* SPDX-License-Identifier: MIT */
/*
 * kernel/random.h - numbers that cannot be foretold
 *
 * Idea        see random.c
 * Invariants  see random.c
 * Locks       random.c's own
 * Follow      from exec_stack.c, fs/devfs.c, syscall.c (getrandom)   to random.c
 * Tests       tests/guest/random.c
 * See         getrandom(2), random(4)
 */
#pragma once

#include <kernel/lib/types.h>

struct io;

/*
 * random_fill - @n random bytes
 *
 * Returns   nothing
 * Context   any but interrupts; the first call seeds the generator and may take some milliseconds
 */
void random_fill(void *buf, u64 n);

/*
 * random_add - stir in @n bytes that somebody thinks are hard to guess; the generator never gets worse by it
 *
 * Returns   nothing
 * Context   any but interrupts
 */
void random_add(const void *bytes, u64 n);

/*
 * random_read - fill the buffers of @io; a reader of gigabytes can be interrupted
 * random_write - stir in what the buffers of @io hold
 *
 * Returns   bytes; -EFAULT, -EINTR when there were none yet
 * Context   may sleep
 */
s64 random_read(struct io *io);
s64 random_write(struct io *io);
