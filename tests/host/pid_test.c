/* SPDX-License-Identifier: MIT */
/*
 * tests/host/pid_test.c - numbers of processes: every number is free, or carried
 *
 * Idea        Random nodes come and go; a model counts how many carry each number and kind.
 */
/* sources: kernel/pid.c kernel/lib/bitmap.c */
#include "host.h"

#include <kernel/lib/errno.h>
#include <kernel/lib/types.h>
#include <kernel/pid.h>

#define NODES 4000
#define KINDS 4

static struct pid_node nodes[NODES];
static bool attached[NODES];
static u8 carriers[PID_MAX][KINDS];

static u32
carried(s32 nr)
{
	u32 n = 0;

	for (u32 kind = 0; kind < KINDS; kind++)
		n += carriers[nr][kind];
	return n;
}

/* The first round gives 1, 2, 3 ...; when all are gone there is an error; the next starts above the reserved ones. */
static void
numbers_come_in_order_and_run_out(void **state)
{
	pid_init();
	for (s32 nr = 1; nr < PID_MAX; nr++)
		assert_int_equal(pid_alloc(), nr);
	assert_int_equal(pid_alloc(), -EAGAIN);
	pid_free(7);
	assert_int_equal(pid_alloc(), -EAGAIN);
	pid_free(PID_RESERVED + 5);
	pid_free(PID_MAX - 1);
	assert_int_equal(pid_alloc(), PID_RESERVED + 5);
	assert_int_equal(pid_alloc(), PID_MAX - 1);
	for (s32 nr = 1; nr < PID_MAX; nr++)
		if (nr != 7)
			pid_free(nr);
}

/* A group outlives the process it is named after, and keeps the number. */
static void
number_of_a_living_group_is_not_given_away(void **state)
{
	struct pid_node process = {0};
	struct pid_node own = {0};
	struct pid_node member = {0};
	s32 nr;

	nr = pid_alloc();
	pid_attach(&process, PID_PROCESS, nr);
	pid_attach(&own, PID_GROUP, nr);
	pid_attach(&member, PID_GROUP, nr);
	pid_detach(&process);
	pid_detach(&own);
	assert_null(pid_find(PID_PROCESS, nr));
	assert_ptr_equal(pid_find(PID_GROUP, nr), &member);
	assert_int_equal(pid_next_used(nr - 1), nr);
	for (s32 i = 0; i < 2 * PID_MAX; i++) {
		s32 other = pid_alloc();

		assert_int_not_equal(other, nr);
		pid_free(other);
	}
	pid_detach(&member);
	assert_int_not_equal(pid_next_used(nr - 1), nr);
}

static void
random_step(u32 i)
{
	struct pid_node *node = &nodes[i];

	if (attached[i]) {
		carriers[node->nr][node->kind]--;
		pid_detach(node);
	} else {
		u32 other = (u32)host_below(NODES);
		enum pid_kind kind = (enum pid_kind)host_below(KINDS);
		s32 nr;

		/* Join somebody's group or session, or be new. */
		if (kind >= PID_GROUP && attached[other])
			nr = nodes[other].nr;
		else
			nr = pid_alloc();
		pid_attach(node, kind, nr);
		carriers[nr][kind]++;
	}
	attached[i] = !attached[i];
}

static void
numbers_are_used_exactly_while_carried(void **state)
{
	for (u32 step = 0; step < 300000; step++) {
		s32 nr = 1 + (s32)host_below(PID_MAX - 1);
		enum pid_kind kind = (enum pid_kind)host_below(KINDS);
		u32 n = 0;

		random_step((u32)host_below(NODES));
		for (struct pid_node *node = pid_find(kind, nr); node; node = pid_next(node), n++)
			assert_true(node->nr == nr && node->kind == kind);
		assert_int_equal(n, carriers[nr][kind]);
		assert_int_equal(pid_next_used(nr - 1) == nr, carried(nr) > 0);
	}
	for (u32 i = 0; i < NODES; i++)
		if (attached[i])
			pid_detach(&nodes[i]);
	assert_int_equal(pid_next_used(0), 0);
}

static void
what_is_no_number_is_not_found(void **state)
{
	assert_null(pid_find(PID_PROCESS, 0));
	assert_null(pid_find(PID_PROCESS, -1));
	assert_null(pid_find(PID_PROCESS, PID_MAX));
	assert_null(pid_find(PID_PROCESS, INT32_MIN));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_in_order_and_run_out),
		cmocka_unit_test(number_of_a_living_group_is_not_given_away),
		cmocka_unit_test(numbers_are_used_exactly_while_carried),
		cmocka_unit_test(what_is_no_number_is_not_found),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
