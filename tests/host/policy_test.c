/* SPDX-License-Identifier: MIT */
/*
 * tests/host/policy_test.c - the policies on small strings, access by access, and what they owe each other
 *
 * Idea        tests/host/policy/NAME holds the state of the lists after each access to a short string, reviewed by
 *             hand; `build/host/policy trace NAME FRAMES PAGES...` prints such a file. The rest are laws: OPT is never
 *             beaten, no page is lost when policies change, FIFO shows Belady's anomaly.
 */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
/* sources: kernel/lib/string.c */
#include "host.h"

#include <mm/balance.h>

#include "policy.h"

#define LENGTH 20000

static const u32 anomaly[] = {1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
static struct sim sim;

/* The first line of a reference file: "policy frames". Then as sim_print. */
static void
replay(const char *name)
{
	char path[100], word[32], line[200], mine[200];
	FILE *file;
	u32 frames, lines = 0;

	snprintf(path, sizeof(path), "tests/host/policy/%s.txt", name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_int_equal(sscanf(line, "%31s %u", word, &frames), 2);
	sim_start(&sim, evict_policy_find(word), frames);
	while (fgets(line, sizeof(line), file)) {
		u32 access = (u32)strtoul(line, NULL, 10);
		FILE *out = fmemopen(mine, sizeof(mine), "w");

		sim_print(&sim, out, access, sim_access(&sim, access));
		fclose(out);
		assert_string_equal(mine, line);
		lines++;
	}
	fclose(file);
	assert_true(lines >= 12);
}

static void
reference_answers(void **state)
{
	for (u32 p = 0; p < EVICT_POLICY_COUNT; p++)
		replay(evict_policy_name(p));
}

static u64
faults_of(enum evict_policy policy, u32 frames, const u32 *string, u32 n)
{
	sim_start(&sim, policy, frames);
	for (u32 t = 0; t < n; t++)
		sim_access(&sim, string[t]);
	return sim.faults;
}

static void
more_memory_more_faults(void **state)
{
	assert_int_equal(faults_of(EVICT_FIFO, 3, anomaly, 12), 9);
	assert_int_equal(faults_of(EVICT_FIFO, 4, anomaly, 12), 10);
	assert_int_equal(sim_lru(anomaly, 12, 3), 10);
	assert_int_equal(sim_lru(anomaly, 12, 4), 8);
	assert_int_equal(sim_opt(anomaly, 12, 3), 7);
	assert_int_equal(sim_opt(anomaly, 12, 4), 6);
}

static void
nobody_beats_opt(void **state)
{
	static u32 string[LENGTH];

	for (u32 t = 0; t < LENGTH; t++)
		string[t] = (u32)(host_below(10) ? host_below(40) : 40 + host_below(160));
	for (u32 p = 0; p < EVICT_POLICY_COUNT; p++)
		for (u32 frames = 20; frames < 200; frames += 30)
			assert_true(faults_of(p, frames, string, LENGTH) >= sim_opt(string, LENGTH, frames));
}

/* Every list's length is its count, each page knows its list, and all are there. */
static void
must_be_whole(void)
{
	u32 found = 0;

	for (u32 n = 0; n < EVICT_LISTS; n++) {
		struct page *page;
		u64 count = 0;

		list_for_each (page, &sim.set.lists[n], link) {
			assert_int_equal(evict_list_of(page), n);
			count++;
		}
		assert_int_equal(count, sim.set.count[n]);
		assert_true(!count || sim.set.lists_used & BIT(n));
		found += (u32)count;
	}
	assert_int_equal(found, sim.resident);
}

static void
a_switch_loses_nothing(void **state)
{
	sim_start(&sim, 0, 100);
	for (u32 t = 0; t < LENGTH; t++) {
		sim_access(&sim, (u32)host_below(150));
		if (host_below(50))
			continue;
		evict_switch(&sim.set, (enum evict_policy)host_below(EVICT_POLICY_COUNT));
		must_be_whole();
	}
}

/* A page that comes back sooner than the active ones are many; also where the age has wrapped. */
static void
refaults(void **state)
{
	assert_int_equal(refault_decide(shadow_make(100, false), 150, 50), REFAULT_NEAR);
	assert_int_equal(refault_decide(shadow_make(100, false), 151, 50), REFAULT_FAR);
	assert_int_equal(refault_decide(shadow_make(100, true), 150, 50), REFAULT_RESTORE);
	assert_int_equal(refault_decide(shadow_make(BIT(30) - 10, false), BIT(30) + 40, 50), REFAULT_NEAR);
	assert_int_equal(refault_decide(shadow_make(BIT(30) - 10, false), BIT(30) + 41, 50), REFAULT_FAR);
	assert_true(shadow_make(0, false));
}

/* The table of mm/balance.h. */
static void
shares(void **state)
{
	struct balance b = {.swap = false, .files_tiny = true, .swappiness = 60};
	struct shares s = balance_decide(&b);

	assert_true(s.anon == 0 && s.file == 1);
	b.swap = true;
	s = balance_decide(&b);
	assert_true(s.anon == 1 && s.file == 0);
	b.files_tiny = false;
	s = balance_decide(&b);
	assert_true(s.anon == 60 && s.file == 140);
	b.cost_anon = 1000;
	s = balance_decide(&b);
	assert_true(s.anon * 140 < s.file * 60);
	b.desperate = true;
	s = balance_decide(&b);
	assert_true(s.anon == 1 && s.file == 1);
	b.swappiness = 0;
	s = balance_decide(&b);
	assert_true(s.anon == 0 && s.file == 1);
	b = (struct balance){.swap = true, .swappiness = 200};
	s = balance_decide(&b);
	assert_true(s.anon == 200 && s.file == 0);
}

static void
names(void **state)
{
	for (u32 p = 0; p < EVICT_POLICY_COUNT; p++)
		assert_int_equal(evict_policy_find(evict_policy_name(p)), p);
	assert_int_equal(evict_policy_find(""), EVICT_POLICY_COUNT);
	assert_int_equal(evict_policy_find("fif"), EVICT_POLICY_COUNT);
	assert_int_equal(evict_policy_find("fifo2"), EVICT_POLICY_COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_answers),
		cmocka_unit_test(more_memory_more_faults),
		cmocka_unit_test(nobody_beats_opt),
		cmocka_unit_test(a_switch_loses_nothing),
		cmocka_unit_test(refaults),
		cmocka_unit_test(shares),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
