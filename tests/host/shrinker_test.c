/* SPDX-License-Identifier: MIT */
/*
 * tests/host/shrinker_test.c - caches give back in proportion to the priority
 *
 * Idea        One cache of numbers: what it is asked for is added up. The arithmetic is Linux's (do_shrink_slab).
 */
/* sources: mm/shrinker.c mm/vmstat.c */
#include "host.h"

#include <mm/shrinker.h>
#include <mm/vmstat.h>

u32 cpu_online = 1;

static u64 have, asked, calls;
static bool stuck;

static u64
count(void)
{
	return have;
}

static void
scan(struct shrink_control *sc)
{
	calls++;
	asked += sc->want;
	if (stuck)
		return;
	sc->scanned = min_u64(sc->want, have);
	have -= sc->scanned;
	sc->frames = sc->scanned / 2;
}

static struct shrinker cache = {.name = "cache", .count = count, .scan = scan, .seeks = SHRINK_SEEKS};

static int
fresh(void **state)
{
	have = asked = calls = 0;
	stuck = false;
	atomic64_set(&cache.deferred, 0);
	return 0;
}

static void
what_is_due_follows_the_priority(void **state)
{
	assert_int_equal(shrink_due(4096, 2, 12), 2);
	assert_int_equal(shrink_due(4095, 2, 12), 0);
	assert_int_equal(shrink_due(1000, 2, 0), 2000);
	assert_int_equal(shrink_due(1000, 4, 1), 500);
	assert_int_equal(shrink_due(1000, 0, 12), 500);
}

static void
everything_goes_at_the_last_priority(void **state)
{
	s64 before = vmstat_sum(VM_SLABS_SCANNED);

	have = 1000;
	assert_int_equal(shrink_caches(0), 500);
	assert_int_equal(have, 0);
	assert_int_equal(vmstat_sum(VM_SLABS_SCANNED) - before, 1000);
	assert_int_equal(shrink_caches(0), 0);
	have = 5; /* fewer than a batch */
	shrink_caches(0);
	assert_int_equal(have, 0);
}

static void
what_fills_no_batch_is_owed(void **state)
{
	have = 100 * 1024; /* at priority 12: 50 a time; owed at priority 12 counts for 1/4096 */
	for (u32 i = 0; i < 10; i++)
		shrink_caches(12);
	assert_int_equal(calls, 0);
	assert_int_equal(atomic64_read(&cache.deferred), 500);
	shrink_caches(1);
	assert_true(calls > 0 && asked > 100 * 1024 / 2);
}

static void
a_cache_that_cannot_give_is_left_alone(void **state)
{
	have = 1000;
	stuck = true;
	assert_int_equal(shrink_caches(0), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(atomic64_read(&cache.deferred), 2000); /* and never more than twice what there is */
	shrink_caches(0);
	assert_int_equal(atomic64_read(&cache.deferred), 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_due_follows_the_priority, fresh),
		cmocka_unit_test_setup(everything_goes_at_the_last_priority, fresh),
		cmocka_unit_test_setup(what_fills_no_batch_is_owed, fresh),
		cmocka_unit_test_setup(a_cache_that_cannot_give_is_left_alone, fresh),
	};

	shrinker_register(&cache);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
