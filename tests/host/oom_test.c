/* SPDX-License-Identifier: MIT */
/*
 * tests/host/oom_test.c - whom the OOM killer chooses
 *
 * Idea        The score is pure and compared with Linux's formula. The choice runs over processes that the test makes
 *             up: each has an address space whose figures it sets.
 * Follow      from machine.h   to mm/oom.c
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#include "machine_user.h"

#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/vmstat.h>

#define PROCESSES 40
#define FRAMES 3000

static struct oom_candidate processes[PROCESSES];
static struct mm mms[PROCESSES];
static u32 process_count;
static s32 killed; /* the last; 0: none */
static s32 self;   /* who asks; 0: a thread of the kernel */
static u32 reports;
static bool told; /* a kill was counted by the time of its first signal */
static bool kill_fails, mark, possible;

void
oom_process_each(void (*visit)(struct oom_candidate *c, void *arg), void *arg)
{
	for (u32 i = 0; i < process_count; i++) {
		struct oom_candidate c = processes[i];

		oom_measure(&c);
		visit(&c, arg);
	}
}

bool
oom_process_self(struct oom_candidate *out)
{
	if (!self)
		return false;
	*out = processes[self - 1];
	oom_measure(out);
	return true;
}

bool
oom_process_kill(s32 pid, void (*certain)(void *arg), void *arg)
{
	s64 kills = vmstat_sum(VM_OOM_KILL);

	killed = pid;
	if (kill_fails)
		return false;
	if (mark)
		oom_mark_victim(&mms[pid - 1]);
	if (certain)
		certain(arg);
	told = vmstat_sum(VM_OOM_KILL) == kills + 1;
	return true;
}

bool
page_alloc_possible(u32 order, u32 flags)
{
	return possible;
}

void
oom_report_kill(const char *message, const struct oom_candidate *victim)
{
	reports++;
}

static void
forget_all(void)
{
	memset(processes, 0, sizeof(processes));
	memset(mms, 0, sizeof(mms));
	process_count = 0;
	killed = self = 0;
	reports = 0;
	told = false;
	sysctl_oom_kill_allocating_task = 0;
	kill_fails = mark = possible = false;
}

static int
setup(void **state)
{
	machine_start(FRAMES, host_random());
	forget_all();
	return 0;
}

static struct oom_candidate *
add(u64 rss, u64 tables, s32 adj)
{
	struct oom_candidate *c = &processes[process_count];

	atomic64_set(&mms[process_count].rss[RSS_ANON], (s64)rss / 2);
	atomic64_set(&mms[process_count].rss[RSS_SHMEM], (s64)(rss - rss / 2));
	atomic64_set(&mms[process_count].tables, (s64)tables);
	c->mm = &mms[process_count++];
	c->pid = (s32)process_count;
	c->adj = adj;
	snprintf(c->comm, sizeof(c->comm), "proc%u", process_count);
	return c;
}

static void
score_is_linux_s(void **state)
{
	struct oom_candidate c = {.mm = &mms[0], .anon = 700, .shmem = 290, .file = 10, .tables = 20};

	assert_int_equal(oom_score(&c, 100000), 1020);
	c.adj = 500;
	assert_int_equal(oom_score(&c, 100000), 1020 + 50000);
	c.adj = -500;
	assert_int_equal(oom_score(&c, 100000), 1020 - 50000);
	c.adj = OOM_ADJ_MAX;
	assert_int_equal(oom_score(&c, 100999), 1020 + 100000); /* Linux divides first */
	c.adj = OOM_ADJ_MIN;
	assert_true(oom_score(&c, 100000) == OOM_NEVER);
	c.adj = -999;
	assert_int_equal(oom_score(&c, 100000), 1020 - 99900);
	c.adj = 0;
	c.unkillable = true;
	assert_true(oom_score(&c, 100000) == OOM_NEVER);
	c.unkillable = false;
	c.mm = NULL;
	assert_true(oom_score(&c, 100000) == OOM_NEVER);
	c.mm = &mms[0];
	c.anon = c.shmem = c.file = c.tables = 0;
	assert_int_equal(oom_score(&c, 0), 0);
	c.anon = 1UL << 40; /* 4 PiB */
	c.adj = OOM_ADJ_MAX;
	assert_int_equal(oom_score(&c, 1UL << 40), (1L << 40) + 1000 * ((1L << 40) / 1000));
}

static void
the_largest_is_chosen(void **state)
{
	s64 kills = vmstat_sum(VM_OOM_KILL);

	add(10, 3, 0);
	add(500, 3, 0);
	add(499, 3, 0);
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 2);
	assert_int_equal(vmstat_sum(VM_OOM_KILL), kills + 1);
	assert_true(told);
	assert_int_equal(reports, 1);
}

static void
tables_count_too(void **state)
{
	add(100, 3, 0);
	add(50, 60, 0);
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 2);
}

static void
swapped_pages_count_too(void **state)
{
	add(100, 3, 0);
	add(50, 3, 0);
	atomic64_set(&mms[1].rss[RSS_SWAP], 51);
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 2);
}

/* What lies in tables that fork shares stays when one user ends; figures that are off never go below nothing. */
static void
what_others_keep_does_not_count(void **state)
{
	struct oom_candidate c = {.mm = &mms[0], .anon = 100, .tables = 4, .kept = 90};

	assert_int_equal(oom_score(&c, 1000), 14);
	c.kept = 105;
	assert_int_equal(oom_score(&c, 1000), 0);
	c.adj = 10;
	assert_int_equal(oom_score(&c, 1000), 10);
}

/* Linux: (1000 + points * 1000 / total) * 2 / 3. */
static void
points_are_linux_s(void **state)
{
	assert_int_equal(oom_points(OOM_NEVER, 1000), 0);
	assert_int_equal(oom_points(0, 16000), 666);
	assert_int_equal(oom_points(16000, 16000), 1333);
	assert_int_equal(oom_points(32000, 16000), 2000);
	assert_int_equal(oom_points(-15984, 16000), 0);
	assert_int_equal(oom_points(-8000, 16000), 333);
	assert_int_equal(oom_points(5, 0), 0);
}

static void
of_two_equal_ones_the_later(void **state)
{
	add(100, 3, 0);
	add(100, 3, 0);
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 2);
}

static void
a_memory_that_is_spent_is_passed_over(void **state)
{
	add(100, 3, 0);
	add(10, 3, 0);
	mark = true;
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 1);
	oom_victim_done(&mms[0]); /* the reaper gave up */
	oom_victim_done(&mms[0]); /* and its end comes at last: counted once */
	assert_int_equal(oom_victims(), 0);
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 2);
	oom_victim_done(&mms[1]);
}

static void
who_asks_dies_if_that_is_wanted(void **state)
{
	add(100, 3, 0);
	add(10, 3, 0);
	sysctl_oom_kill_allocating_task = 1;
	self = 2;
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 2);
	assert_true(told);
	assert_int_equal(reports, 1);
	processes[1].adj = OOM_ADJ_MIN; /* must not be chosen: then a search */
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 1);
	self = 0; /* the kernel itself asks */
	killed = 0;
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 1);
	self = 2;
	processes[1].adj = 0;
	assert_true(oom_kill(OOM_BY_HAND, 0)); /* nobody asked for memory */
	assert_int_equal(killed, 1);
}

static void
who_is_dying_already_is_helped_without_a_word(void **state)
{
	s64 kills = vmstat_sum(VM_OOM_KILL);

	add(100, 3, 0)->dying = true;
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 1);
	assert_int_equal(reports, 0);
	assert_int_equal(vmstat_sum(VM_OOM_KILL), kills);
	sysctl_oom_kill_allocating_task = 1;
	self = 1;
	killed = 0;
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 1);
	assert_int_equal(reports, 0);
	assert_int_equal(vmstat_sum(VM_OOM_KILL), kills);
}

static void
the_adjustment_decides(void **state)
{
	add(1000, 3, -500);
	add(10, 3, 0);
	add(1, 3, 10); /* 1 % of 3000 frames */
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 3);
}

static void
nobody_is_killed_when_nobody_may_be(void **state)
{
	add(1000, 3, OOM_ADJ_MIN);
	add(1000, 3, 0)->unkillable = true;
	add(1000, 3, OOM_ADJ_MAX)->mm = NULL;
	assert_false(oom_kill(0, 0));
	assert_int_equal(killed, 0);
	process_count = 0;
	assert_false(oom_kill(0, 0));
}

static void
a_score_below_zero_is_better_than_none(void **state)
{
	add(1, 1, -900);
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 1);
}

static void
one_victim_at_a_time(void **state)
{
	add(100, 3, 0);
	add(90, 3, 0);
	mark = true;
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 1);
	killed = 0;
	assert_true(oom_kill(0, 0)); /* hope, but no second victim */
	assert_int_equal(killed, 0);
	oom_mark_victim(&mms[0]); /* marking twice counts once */
	oom_victim_done(&mms[0]);
	oom_victim_done(&mms[1]); /* was none */
	processes[0].mm = NULL;
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 2);
	oom_victim_done(&mms[1]);
}

static void
memory_that_came_back_meanwhile_saves_all(void **state)
{
	add(100, 3, 0);
	possible = true;
	assert_true(oom_kill(0, 0));
	assert_int_equal(killed, 0);
}

static void
a_victim_that_is_gone_already_is_hope(void **state)
{
	s64 kills = vmstat_sum(VM_OOM_KILL);

	add(100, 3, 0);
	kill_fails = true;
	assert_true(oom_kill(0, 0));
	sysctl_oom_kill_allocating_task = 1;
	self = 1;
	assert_true(oom_kill(0, 0));
	assert_int_equal(vmstat_sum(VM_OOM_KILL), kills);
	assert_int_equal(reports, 0);
}

static void
random_choices_match_a_search(void **state)
{
	bool same = true;

	for (u32 n = 0; n < 2000 && same; n++) {
		s64 best = OOM_NEVER;
		s32 want = 0;

		forget_all();
		for (u32 i = host_below(PROCESSES); i; i--) {
			struct oom_candidate *c = add(host_below(50), host_below(5), (s32)host_below(41) - 20);

			c->unkillable = !host_below(6);
			if (!host_below(8))
				c->adj = OOM_ADJ_MIN;
			if (!host_below(10))
				c->mm = NULL;
		}
		for (u32 i = 0; i < process_count; i++) {
			struct oom_candidate *c = &processes[i];
			s64 score = c->mm ? (s64)mm_rss(c->mm) + c->mm->tables.value + c->adj * (FRAMES / 1000) : 0;

			if (c->unkillable || !c->mm || c->adj == OOM_ADJ_MIN || score < best)
				continue;
			best = score;
			want = c->pid;
		}
		same = oom_kill(0, 0) == (want != 0) && killed == want;
	}
	assert_true(same);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(score_is_linux_s),
		CASE(the_largest_is_chosen),
		CASE(tables_count_too),
		CASE(swapped_pages_count_too),
		CASE(what_others_keep_does_not_count),
		CASE(points_are_linux_s),
		CASE(of_two_equal_ones_the_later),
		CASE(a_memory_that_is_spent_is_passed_over),
		CASE(who_asks_dies_if_that_is_wanted),
		CASE(who_is_dying_already_is_helped_without_a_word),
		CASE(the_adjustment_decides),
		CASE(nobody_is_killed_when_nobody_may_be),
		CASE(a_score_below_zero_is_better_than_none),
		CASE(one_victim_at_a_time),
		CASE(memory_that_came_back_meanwhile_saves_all),
		CASE(a_victim_that_is_gone_already_is_hope),
		CASE(random_choices_match_a_search),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
