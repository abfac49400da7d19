/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/oom.c - whom the OOM killer chooses, and who dies with the chosen one
 *
 * Idea        Who is chosen is asked with sysrq f, which kills the worst of all without the need to use up memory.
 * Invariants  see guest.h
 * Follow      to mm/oom.c, mm/oom_score.c, kernel/oom_hooks.c, kernel/oom_adj.c
 * Tests       tests/host/oom_test.c has the choice alone
 */
#include "guest.h"
#include "hogs.h"
#include "procfile.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

enum {
	TRIES = 400,
	NOBODY = 1000 /* a user */
};

#define ADJ "/proc/self/oom_score_adj"

/* ---- scores ---- */

static void
score_follows_memory(void)
{
	long pages = free_pages() / 4;
	int before = score_of(0);

	check(before >= 600 && before <= 700); /* of what is next to nothing, two thirds of 1,000 */
	touch(map_private(pages * PAGE), pages);
	int more = score_of(0) - before;
	check(more > 100 && more <= 170);
}

static void
score_follows_adjustment(void)
{
	int before = score_of(0);

	adj_set(0, 300);
	check(score_of(0) - before >= 185 && score_of(0) - before <= 201);
	adj_set(0, -300);
	check(before - score_of(0) >= 185 && before - score_of(0) <= 201);
	adj_set(0, -999);
	check(score_of(0) < 60);
	adj_set(0, -1000);
	check(score_of(0) == 0);
}

static void
init_has_no_score(void)
{
	int before = adj_of(1);

	check(score_of(1) == 0);
	adj_set(1, 1000);
	check(score_of(1) == 0);
	adj_set(1, before);
}

static void
shares_all(void *arg)
{
	(void)arg;
	announce(&word[0]);
	await(&word[1], 1);
}

/* What both have neither gives back when it dies. Linux, where fork shares no tables, counts it for both. */
static void
shared_tables_do_not_count(void)
{
	long pages = free_pages() / 4;
	volatile unsigned char *p;
	int small, alone;

	begin();
	small = score_of(0);
	p = map_aligned(pages * PAGE, TABLE);
	touch(p, pages);
	alone = score_of(0);
	check(alone > small + 100);
	pid_t pid = child_start(shares_all, NULL);
	await(&word[0], 1);
	if (on_tidemark())
		check(score_of(0) < small + 20 && score_of(pid) < small + 20);
	else
		check(score_of(pid) > small + 90);
	announce(&word[1]);
	check(child_wait(pid) == 0);
	check(score_of(0) > alone - 10);
}

/* ---- choices ---- */

static void
largest_is_chosen(void)
{
	begin();
	pid_t small = holder_start(500, 0);
	pid_t large = holder_start(2000, 0);
	pid_t middle = holder_start(1000, 0);

	ask_for_a_kill();
	check(waitpid(large, &(int){0}, 0) == large);
	must_live(small);
	must_live(middle);
}

static void
adjustment_beats_size(void)
{
	begin();
	pid_t large = holder_start(2000, 0);
	pid_t small = holder_start(10, 1000);

	ask_for_a_kill();
	check(child_wait(small) == SIGKILL);
	must_live(large);
}

static void
never_means_never(void)
{
	begin();
	pid_t large = holder_start(2000, -1000);
	pid_t small = holder_start(500, 0);

	ask_for_a_kill();
	check(child_wait(small) == SIGKILL);
	must_live(large);
}

static void
less_likely_still_possible(void)
{
	begin();
	adj_set(0, -1000);
	pid_t hardly = holder_start(2000, -900);
	pid_t never = holder_start(2000, -1000);

	ask_for_a_kill();
	check(child_wait(hardly) == SIGKILL);
	must_live(never);
}

static void
parent_decides_for_child(void)
{
	begin();
	pid_t one = holder_start(500, 0);
	pid_t two = holder_start(500, 0);

	adj_set(one, 900);
	check(adj_of(one) == 900 && adj_of(two) == 0);
	ask_for_a_kill();
	check(child_wait(one) == SIGKILL);
	must_live(two);
}

static void
init_is_never_chosen(void)
{
	begin();
	int before = adj_of(1);
	pid_t pid = holder_start(500, 1);

	adj_set(1, 1000);
	ask_for_a_kill();
	int status = child_wait(pid);
	adj_set(1, before);
	check(status == SIGKILL);
}

static void
nobody_to_kill(void)
{
	begin();
	klogctl(LOG_CLEAR, NULL, 0);
	adj_set(0, -1000);
	pid_t pid = holder_start(500, -1000);

	ask_for_a_kill();
	check(log_comes("OOM request ignored. No task eligible"));
	must_live(pid);
}

static void
two_requests(void)
{
	begin();
	pid_t first = holder_start(2000, 0);
	pid_t second = holder_start(1000, 0);
	pid_t third = holder_start(500, 0);

	ask_for_a_kill();
	check(child_wait(first) == SIGKILL);
	ask_for_a_kill();
	check(child_wait(second) == SIGKILL);
	must_live(third);
}

/* ---- who may say what ---- */

static void
adj_is_inherited(void)
{
	begin();
	adj_set(0, 77);
	pid_t pid = child_start(shares_all, NULL);
	await(&word[0], 1);
	check(adj_of(pid) == 77);
	adj_set(0, 78);
	check(adj_of(pid) == 77); /* from now on each has its own */
	announce(&word[1]);
	check(child_wait(pid) == 0);
}

/* Runs as a user: what is written through @fd, opened by root, is still judged by who writes. */
static void
as_a_user(void *arg)
{
	int fd = (intptr_t)arg;
	int legacy = open("/proc/self/oom_adj", O_RDWR);

	check(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	check(write(fd, "300", 3) == 3); /* more likely: always */
	check(write(fd, "200", 3) == 3); /* less, but not below what root has given */
	check(write(fd, "100", 3) == 3);
	check_errno(write(fd, "99", 2), EACCES);
	check_errno(write(fd, "-1000", 5), EACCES);
	check(atoi(proc_text(ADJ)) == 100);
	check(write(fd, "1000", 4) == 4);
	check_errno(write(legacy, "3", 1), EACCES); /* the old file: never down */
	check(write(fd, "100", 3) == 3);
	check(write(legacy, "15", 2) == 2);
	check(atoi(proc_text(ADJ)) == 1000);
}

static void
sets_own_floor(void *arg)
{
	adj_set(0, 100);
	as_a_user((void *)(intptr_t)open(ADJ, O_RDWR));
	(void)arg;
}

static void
users_may_not_lower(void)
{
	child_must_live(sets_own_floor, NULL);
}

static void
old_scale(void)
{
	check(proc_write("/proc/self/oom_adj", "5") == 1);
	check(adj_of(0) == 5 * 1000 / 17);
	check(proc_write("/proc/self/oom_adj", "15") == 2);
	check(adj_of(0) == 1000);
	adj_set(0, 0);
}

static int
shares_memory(void *arg)
{
	(void)arg;
	announce(&word[0]);
	while (!word[1])
		nap();
	return 0;
}

static pid_t
clone_vm(int flags)
{
	unsigned char *stack = (unsigned char *)map_private(16 * PAGE);
	int before = word[0];
	pid_t pid = clone(shares_memory, stack + 16 * PAGE, CLONE_VM | flags | SIGCHLD, NULL);

	check(pid > 0);
	await(&word[0], before + 1);
	return pid;
}

static void
pair_has_one_value(void)
{
	begin();
	pid_t pid = clone_vm(0);

	adj_set(0, 120);
	check(adj_of(pid) == 120);
	adj_set(pid, 130);
	check(adj_of(0) == 130);
	must_live(pid);
}

/* ---- who dies together ---- */

static void
pair_starts(void *arg)
{
	(void)arg;
	touch(map_private(2000 * PAGE), 2000);
	word[2] = clone_vm(CLONE_PARENT);
	announce(&word[3]);
	while (!word[1])
		nap();
}

static void
pairs_die_together(void)
{
	begin();
	pid_t other = holder_start(500, 0);
	pid_t first = child_start(pair_starts, NULL);

	await(&word[3], 1);
	ask_for_a_kill();
	int status;
	check(waitpid(first, &status, 0) == first && status == SIGKILL);
	check(waitpid(word[2], &status, __WALL) == word[2] && status == SIGKILL);
	must_live(other);
}

static void
vfork_parent(void *arg)
{
	(void)arg;
	touch(map_private(2000 * PAGE), 2000);
	pid_t pid = vfork();
	if (pid == 0) {
		word[2] = getpid();
		word[4] = score_of(getpid()); /* it is its parent's memory */
		adj_set(getpid(), 0);
		announce(&word[3]);
		while (!word[1])
			nap();
		_exit(0);
	}
	check(pid > 0);
}

static void
vfork_pairs_die_together(void)
{
	begin();
	pid_t other = holder_start(500, 0);
	pid_t parent = child_start(vfork_parent, NULL);
	char path[64];

	await(&word[3], 1);
	check(word[4] == 0);
	ask_for_a_kill();
	check(child_wait(parent) == SIGKILL);
	/* An orphan now: init buries it. */
	snprintf(path, sizeof(path), "/proc/%d/status", word[2]);
	for (int i = 0; i < TRIES && proc_exists(path); i++) {
		char *state = strstr(proc_text(path), "State:");
		if (!state || state[7] == 'Z')
			break;
		nap();
	}
	must_live(other);
}

static void *
naps_on(void *arg)
{
	for (;;)
		nap();
	return arg;
}

static void
many_threads(void *arg)
{
	pthread_t thread;

	(void)arg;
	touch(map_private(2000 * PAGE), 2000);
	for (int i = 0; i < 8; i++)
		check(pthread_create(&thread, NULL, naps_on, NULL) == 0);
	announce(&word[0]);
	pause();
}

static void
all_threads_die(void)
{
	begin();
	pid_t pid = child_start(many_threads, NULL);

	await(&word[0], 1);
	ask_for_a_kill();
	check(child_wait(pid) == SIGKILL);
}

const struct test_case oom_cases[] = {
	{"oom_score grows with memory, on Linux's scale", score_follows_memory, 0, CASE_STILL},
	{"oom_score follows oom_score_adj, and is 0 at -1000", score_follows_adjustment, 0, 0},
	{"init has no score, whatever it is told", init_has_no_score, 0, 0},
	{"memory whose tables fork shares does not count while both live", shared_tables_do_not_count, 0, CASE_STILL},
	{"of three the largest is chosen", largest_is_chosen, 0, 0},
	{"oom_score_adj 1000 is chosen before who is larger", adjustment_beats_size, 0, 0},
	{"oom_score_adj -1000 is not chosen, and the next one is", never_means_never, 0, 0},
	{"oom_score_adj -900 is chosen when all others are at -1000", less_likely_still_possible, 0, 0},
	{"a parent decides between its children", parent_decides_for_child, 0, 0},
	{"init is not chosen, even at 1000", init_is_never_chosen, 0, 0},
	{"when nobody may be killed sysrq f says so", nobody_to_kill, 0, 0},
	{"a second request kills the next", two_requests, 0, 0},
	{"oom_score_adj is inherited by fork, and each has its own", adj_is_inherited, 0, 0},
	{"a user may raise oom_score_adj, and lower it to what root gave", users_may_not_lower, 0, 0},
	{"oom_adj still works, on its old scale", old_scale, 0, 0},
	{"processes that share memory have one oom_score_adj", pair_has_one_value, 0, 0},
	{"processes that share memory die together", pairs_die_together, 0, CASE_SMP},
	{"a vfork child has no score of its own, and dies with its parent", vfork_pairs_die_together, 0, CASE_SMP},
	{"all threads of the chosen one die", all_threads_die, 0, CASE_SMP},
	{0},
};
