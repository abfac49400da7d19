/* SPDX-License-Identifier: MIT */
/*
 * tests/host/trace_ring_test.c - readers of a ring that is being written
 *
 * Idea        a writer and a reader in all proportions: what is read and what is counted as lost make up what was
 *             written; and a copy that was overwritten while it was made is never given out
 */
/* sources: kernel/trace_ring.c kernel/trace_text.c kernel/lib/format.c kernel/lib/string.c */
#include "host.h"

#include <kernel/trace_ring.h>

#define SIZE 16

static struct trace_record records[SIZE];

static void
write_one(struct trace_ring *ring, enum trace_event event, u64 a)
{
	struct trace_record *r = trace_ring_slot(ring);

	*r = (struct trace_record){.ns = ring->next, .event = (u16)event, .value = {a, ~a, 0}};
	trace_ring_done(ring);
}

/* Every record is read once, in order, or is counted. */
static void
read_and_lost_make_up_what_was_written(void **state)
{
	struct trace_ring ring = {.size = SIZE, .record = records};
	struct trace_reader reader = {.mask = 1UL << TRACE_fork};
	struct trace_record r;
	u64 expected = 0, lost = 0;

	for (u32 round = 0; round < 2000; round++) {
		for (u32 n = (u32)(host_random() % (2 * SIZE)); n; n--)
			write_one(&ring, TRACE_fork, ring.next);
		for (u32 n = (u32)(host_random() % (2 * SIZE)); n && trace_ring_read(&reader, 3, &ring, &r); n--) {
			if (r.event == TRACE_lost) {
				assert_int_equal(r.value[0], 3);
				expected += r.value[1];
				lost += r.value[1];
				assert_int_equal(r.value[2], lost);
				continue;
			}
			assert_int_equal(r.value[0], expected);
			assert_int_equal(r.value[1], ~expected);
			expected++;
		}
		assert_true(expected <= ring.next);
	}
	while (trace_ring_read(&reader, 3, &ring, &r))
		expected += r.event == TRACE_lost ? r.value[1] : 1;
	assert_int_equal(expected, ring.next);
	assert_true(lost > 0);
}

/* Of a full ring, the oldest place is the one that is written next: it is not given out. */
static void
the_place_that_may_be_written_is_not_read(void **state)
{
	struct trace_ring ring = {.size = SIZE, .record = records};
	struct trace_reader reader = {.mask = 1UL << TRACE_fork};
	struct trace_record r;

	for (u32 i = 0; i < SIZE; i++)
		write_one(&ring, TRACE_fork, i);
	assert_int_equal(trace_ring_oldest(&ring), 1);
	assert_true(trace_ring_read(&reader, 0, &ring, &r));
	assert_int_equal(r.event, TRACE_lost);
	assert_int_equal(r.value[1], SIZE / 2);
	assert_true(trace_ring_read(&reader, 0, &ring, &r));
	assert_int_equal(r.value[0], SIZE / 2);
}

static void
events_that_nobody_chose_are_passed_over(void **state)
{
	struct trace_ring ring = {.size = SIZE, .record = records};
	struct trace_reader reader = {.mask = 1UL << TRACE_exec};
	struct trace_record r;

	write_one(&ring, TRACE_fork, 1);
	assert_false(trace_ring_read(&reader, 0, &ring, &r));
	write_one(&ring, TRACE_fork, 2);
	write_one(&ring, TRACE_exec, 3);
	assert_true(trace_ring_read(&reader, 0, &ring, &r));
	assert_int_equal(r.value[0], 3);
	assert_int_equal(reader.lost[0], 0);
}

static void
a_string_becomes_its_first_characters(void **state)
{
	struct trace_record r = {.event = TRACE_fault_classify, .value = {1, 2, (u64) "SPURIOUS"}};

	trace_record_pack(&r);
	assert_memory_equal(&r.value[2], "SPURIOUS", 8);
	r.value[2] = (u64) "COW";
	trace_record_pack(&r);
	assert_memory_equal(&r.value[2], "COW\0\0\0\0\0", 8);
	assert_int_equal(r.value[0], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_and_lost_make_up_what_was_written),
		cmocka_unit_test(the_place_that_may_be_written_is_not_read),
		cmocka_unit_test(events_that_nobody_chose_are_passed_over),
		cmocka_unit_test(a_string_becomes_its_first_characters),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
