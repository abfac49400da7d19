/* SPDX-License-Identifier: MIT */
/*
 * tests/host/printk_ring_test.c - the ring of messages against a list that forgets nothing
 *
 * Idea        Message n has a length and contents that follow from n, so that whatever comes out can be checked by its
 *             number alone. The model is arithmetic: how many of the newest fit.
 */
/* sources: kernel/printk_ring.c kernel/lib/string.c */
#include "host.h"

#include <kernel/printk_ring.h>

#define SIZE 4096
#define STEPS 20000

static u64
length_of(u64 seq)
{
	return seq * 2654435761u % (PRINTK_MAX + 40);
}

static void
put(struct printk_ring *ring, u64 seq)
{
	u64 len = length_of(seq);
	char *text = malloc(len);

	for (u64 i = 0; i < len; i++)
		text[i] = (char)('a' + (seq + i) % 26);
	printk_ring_put(ring, seq * 1000, seq % 8, text, len);
	free(text);
}

static void
check(struct printk_ring *ring, u64 seq)
{
	struct printk_record r;
	u64 len = length_of(seq) > PRINTK_MAX ? PRINTK_MAX : length_of(seq);

	assert_true(printk_ring_get(ring, seq, &r));
	assert_int_equal(r.seq, seq);
	assert_int_equal(r.ns, seq * 1000);
	assert_int_equal(r.level, seq % 8);
	assert_int_equal(r.len, len);
	assert_int_equal(strlen(r.text), len);
	for (u64 i = 0; i < len; i++)
		assert_int_equal(r.text[i], 'a' + (seq + i) % 26);
}

/* The number of the oldest message that must still be there when @next have been put. */
static u64
oldest_of(u64 next)
{
	u64 used = 0;
	u64 seq = next;

	while (seq > 0) {
		u64 len = length_of(seq - 1) > PRINTK_MAX ? PRINTK_MAX : length_of(seq - 1);

		used += 16 + (len + 7) / 8 * 8;
		if (used > SIZE)
			break;
		seq--;
	}
	return seq;
}

static void
newest_messages_stay_whole(void **state)
{
	struct printk_ring ring = {.buffer = malloc(SIZE), .size = SIZE};

	for (u64 seq = 0; seq < STEPS; seq++) {
		put(&ring, seq);
		assert_int_equal(ring.next, seq + 1);
		assert_int_equal(ring.oldest, oldest_of(seq + 1));
		check(&ring, ring.oldest + host_below(ring.next - ring.oldest));
	}
	free(ring.buffer);
}

static void
forgotten_messages_give_the_oldest(void **state)
{
	struct printk_ring ring = {.buffer = malloc(SIZE), .size = SIZE};
	struct printk_record r;

	assert_false(printk_ring_get(&ring, 0, &r));
	for (u64 seq = 0; seq < 500; seq++)
		put(&ring, seq);
	assert_true(printk_ring_get(&ring, 0, &r));
	assert_int_equal(r.seq, ring.oldest);
	assert_false(printk_ring_get(&ring, 500, &r));
	for (u64 seq = ring.oldest; seq < 500; seq++)
		check(&ring, seq);
	check(&ring, ring.oldest);
	free(ring.buffer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_messages_stay_whole),
		cmocka_unit_test(forgotten_messages_give_the_oldest),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
