/* SPDX-License-Identifier: MIT */
/*
 * tests/host/disk_age_test.c - when is a request lost?
 *
 * Idea        Looks once a second at a disk that forgets a request, one that is slow but answers, and one whose whole
 *             machine the host stops for an hour.
 */
#include "host.h"

#include <kernel/dev/disk_age.h>

#define TIMEOUT (30 * NS_PER_SEC)

/* Looks a second apart until the verdict; returns their number. */
static u32
looks_until_lost(struct disk_age *age, u64 oldest, u64 *now, u32 most)
{
	u32 n = 0;

	while (n < most && !disk_age_look(age, oldest, *now += NS_PER_SEC, TIMEOUT))
		n++;
	return n;
}

static void
forgets(void **state)
{
	struct disk_age age = {0};
	u64 now = 5;

	assert_int_equal(looks_until_lost(&age, 7, &now, 1000), 31);
	assert_true(now > TIMEOUT && now < TIMEOUT + 3 * NS_PER_SEC);
}

static void
answers_slowly(void **state)
{
	struct disk_age age = {0};
	u64 now = 0;

	for (u64 serial = 1; serial < 1000; serial++)
		assert_int_equal(looks_until_lost(&age, serial, &now, 25), 25);
	assert_true(looks_until_lost(&age, 999, &now, 1000) < 10);
}

static void
idles(void **state)
{
	struct disk_age age = {0};
	u64 now = 0;

	for (u32 i = 0; i < 100; i++)
		assert_false(disk_age_look(&age, 0, now += NS_PER_SEC, TIMEOUT));
	assert_int_equal(looks_until_lost(&age, 1, &now, 1000), 31);
	assert_false(disk_age_look(&age, 0, now, TIMEOUT));
	assert_false(disk_age_look(&age, 2, now += 100 * NS_PER_SEC, TIMEOUT));
}

/* The clock jumps; what was in flight has its thirty seconds still. */
static void
stopped_by_the_host(void **state)
{
	struct disk_age age = {0};
	u64 now = 0;

	assert_int_equal(looks_until_lost(&age, 1, &now, 10), 10);
	now += 3600 * NS_PER_SEC;
	assert_false(disk_age_look(&age, 1, now, TIMEOUT));
	assert_true(looks_until_lost(&age, 1, &now, 1000) >= 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgets),
		cmocka_unit_test(answers_slowly),
		cmocka_unit_test(idles),
		cmocka_unit_test(stopped_by_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
