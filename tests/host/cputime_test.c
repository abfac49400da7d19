/* SPDX-License-Identifier: MIT */
/*
 * tests/host/cputime_test.c - kernel/cputime_split.c: the division of an exact time
 *
 * Idea        A task of random habits is sampled at random; at each step what is told must add up, follow the samples,
 *             and never go back.
 * Follow      to kernel/cputime_split.c
 */
/* sources: kernel/cputime_split.c */
#include "host.h"
#include <kernel/cputime.h>

static void
without_samples(void **state)
{
	struct cputime seen = {0};

	cputime_split(7000, &(struct cputime){0, 0}, &seen);
	assert_int_equal(seen.utime_ns, 7000);
	assert_int_equal(seen.stime_ns, 0);
}

static void
in_proportion(void **state)
{
	struct cputime seen = {0};

	cputime_split(1000000, &(struct cputime){300, 100}, &seen);
	assert_int_equal(seen.utime_ns, 750000);
	assert_int_equal(seen.stime_ns, 250000);
}

/* A century, and samples beyond 32 bits. */
static void
large_numbers(void **state)
{
	u64 century = 100UL * 365 * 86400 * 1000000000;
	struct cputime seen = {0};

	cputime_split(century, &(struct cputime){century / 2, century / 2}, &seen);
	assert_int_equal(seen.utime_ns + seen.stime_ns, century);
	assert_true(seen.stime_ns >= century / 2 - century / 1000000 && seen.stime_ns <= century / 2);
}

static void
never_back(void **state)
{
	for (u32 game = 0; game < 2000; game++) {
		struct cputime samples = {0};
		struct cputime seen = {0};
		u64 runtime = 0;

		for (u32 i = 0; i < 200; i++) {
			struct cputime before = seen;

			runtime += host_random() % 3000000;
			if (host_random() % 2)
				samples.utime_ns = max_u64(samples.utime_ns, runtime - samples.stime_ns);
			else
				samples.stime_ns = max_u64(samples.stime_ns, runtime - samples.utime_ns);
			runtime += host_random() % 3000000;
			cputime_split(runtime, &samples, &seen);
			assert_int_equal(seen.utime_ns + seen.stime_ns, runtime);
			assert_true(seen.utime_ns >= before.utime_ns && seen.stime_ns >= before.stime_ns);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_samples),
		cmocka_unit_test(in_proportion),
		cmocka_unit_test(large_numbers),
		cmocka_unit_test(never_back),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
