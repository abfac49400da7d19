/* SPDX-License-Identifier: MIT */
/*
 * tests/host/virtq_test.c - a virtqueue against a device made of a few lines
 *
 * Idea        The device follows the standard: it takes heads from the available ring, walks the chain, and returns
 *             heads in any order. Random additions and returns, with and without tables and event indices; a doorbell
 *             or an interrupt that is suppressed though it was needed makes the device or the driver wait for ever,
 *             which is seen.
 */
/* sources: kernel/dev/virtq.c */
#include "host.h"

#include <kernel/dev/virtq.h>

#define ROUNDS 200000
#define MOST 8 /* buffers in a chain */

static u16 size;
static bool indirect, event_idx;
static struct virtq q;
static u8 *memory;
static struct virtq_desc table[VIRTQ_SIZE_MAX][MOST];

/* The device. */
static u16 taken; /* of the available ring */
static u16 held[VIRTQ_SIZE_MAX];
static u32 held_count;
static bool device_sleeps; /* until the doorbell rings */
static bool interrupt_due;

static void
start(u16 descriptors, bool tables, bool events)
{
	size = descriptors;
	indirect = tables;
	event_idx = events;
	free(memory);
	memory = aligned_alloc(16, round_up(virtq_bytes(size), 16));
	memset(memory, 0, virtq_bytes(size));
	virtq_init(&q, size, memory, tables, events);
	taken = 0;
	held_count = 0;
	device_sleeps = true;
	interrupt_due = false;
}

static u16 *
avail_event(void)
{
	return (u16 *)&q.used->ring[size];
}

/* Walks a chain and checks that it says @n buffers of 512 bytes at 4096 * token + 512 * i. */
static void
chain_check(u16 head)
{
	const struct virtq_desc *d = &q.desc[head];
	u64 token = (u64)q.token[head];
	u32 n = 0;

	if (d->flags & 4) {
		u32 many = d->len / sizeof(*d);

		d = (const struct virtq_desc *)d->pa;
		for (n = 0; n < many; n++) {
			assert_int_equal(d[n].pa, token * 4096 + 512 * n);
			assert_int_equal(!!(d[n].flags & 1), n + 1 < many);
		}
		return;
	}
	for (;; d = &q.desc[d->next], n++) {
		assert_true(n < MOST);
		assert_int_equal(d->pa, token * 4096 + 512 * n);
		assert_int_equal(d->len, 512);
		if (!(d->flags & 1))
			return;
	}
}

/* Takes everything; then sleeps, after a last look. */
static void
device_take(void)
{
	for (;;) {
		while (taken != q.avail->idx) {
			u16 head = q.avail->ring[taken++ % size];

			chain_check(head);
			held[held_count++] = head;
		}
		if (event_idx)
			*avail_event() = taken;
		if (taken == q.avail->idx)
			break;
	}
	device_sleeps = true;
}

static void
device_return(void)
{
	u32 i = host_below(held_count);
	u16 before = q.used->idx;
	u16 used_event = q.avail->ring[size];

	q.used->ring[before % size].id = held[i];
	q.used->idx = before + 1;
	held[i] = held[--held_count];
	if (!event_idx || (u16)(before + 1 - used_event - 1) < 1)
		interrupt_due = true;
}

static bool
driver_add(u64 token)
{
	struct virtq_buf bufs[MOST];
	u32 reads = 1 + host_below(MOST / 2);
	u32 writes = 1 + host_below(MOST / 2 - 1);

	for (u32 i = 0; i < reads + writes; i++)
		bufs[i] = (struct virtq_buf){token * 4096 + 512 * i, 512};
	return virtq_add(&q, bufs, reads, writes, table[token - 1], (u64)table[token - 1], (void *)token);
}

static void
play(u16 descriptors, bool tables, bool events)
{
	bool flying[VIRTQ_SIZE_MAX + 1] = {0};
	u64 token;

	start(descriptors, tables, events);
	for (int round = 0; round < ROUNDS; round++) {
		for (u32 i = host_below(4); i; i--) {
			token = 1 + host_below(size);
			if (!flying[token])
				flying[token] = driver_add(token);
		}
		if (virtq_show(&q))
			device_sleeps = false;
		if (!device_sleeps)
			device_take();
		assert_int_equal(taken, q.avail->idx); /* a doorbell was not missing */
		for (u32 i = host_below(4); i && held_count; i--)
			device_return();
		if (!interrupt_due) {
			assert_int_equal(q.seen, q.used->idx); /* nor an interrupt */
			continue;
		}
		interrupt_due = false;
		while ((token = (u64)virtq_take(&q))) {
			assert_true(flying[token]);
			flying[token] = false;
		}
	}
	while (held_count)
		device_return();
	while (virtq_take(&q))
		;
	assert_int_equal(q.free_count, size);
}

static void
direct(void **state)
{
	play(16, false, false);
	play(256, false, false);
}

static void
direct_events(void **state)
{
	play(16, false, true);
}

static void
tables_events(void **state)
{
	play(16, true, true);
	play(256, true, true);
	play(1, true, true);
}

static void
full(void **state)
{
	start(8, false, false);
	for (u64 token = 1; token <= 8; token++)
		if (!driver_add(token))
			break;
	assert_false(driver_add(8));
	assert_true(q.free_count < MOST);
}

/* A head that is out of range, or not in flight, is passed over; what follows is not lost. */
static void
wild_device(void **state)
{
	start(16, true, true);
	assert_true(driver_add(1));
	virtq_show(&q);
	q.used->ring[0].id = 77777;
	q.used->ring[1].id = 9;
	q.used->ring[2].id = q.avail->ring[0];
	q.used->ring[2].len = 333;
	q.used->idx = 3;
	assert_int_equal((u64)virtq_take(&q), 1);
	assert_int_equal(q.written, 333);
	assert_null(virtq_take(&q));
	assert_int_equal(q.free_count, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(direct), cmocka_unit_test(direct_events), cmocka_unit_test(tables_events),
		cmocka_unit_test(full),   cmocka_unit_test(wild_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
