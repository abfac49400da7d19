/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/unshare.c - several processors change what they share, at the same moment
 *
 * Idea        page tables shared at fork are copied by whoever writes first, and translations that one processor took
 *             away must be gone on all others. Each case does that many times, with every participant at the same line.
 * Invariants  see guest.h
 * Follow      to mm/share.c, mm/tlb.c
 */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>

enum {
	ROUNDS = 60,
	SIDES = 4,
	PAGES = 40,
	THREADS = 3
};

static const int rw = PROT_READ | PROT_WRITE;
static volatile unsigned char *memory;
static volatile int *line; /* shared: how many stand at the starting line */

static void
unshare_one(void *arg)
{
	uint64_t who = (uintptr_t)arg;

	announce(line);
	while (*line < SIDES)
		;
	for (int i = 0; i < PAGES; i++)
		page_stamp(memory + i * PAGE, who);
	for (int i = 0; i < PAGES; i++)
		check(page_stamped(memory + i * PAGE, who));
	for (int i = PAGES; i < 2 * PAGES; i++)
		check(page_stamped(memory + i * PAGE, 99));
}

/* A parent and its children all write to the same shared table at once. */
static void
all_write_at_once(void)
{
	pid_t pid[SIDES];

	memory = map_aligned(2 * PAGES * PAGE, TABLE);
	line = (volatile int *)map_shared(PAGE);
	for (int round = 0; round < ROUNDS; round++) {
		*line = 0;
		for (int i = 0; i < 2 * PAGES; i++)
			page_stamp(memory + i * PAGE, 99);
		for (uintptr_t i = 1; i < SIDES; i++)
			pid[i] = child_start(unshare_one, (void *)(i + 10));
		unshare_one((void *)10);
		for (int i = 1; i < SIDES; i++)
			check(child_wait(pid[i]) == 0);
	}
}

struct team {
	volatile unsigned char *memory;
	volatile int stop;
	volatile int writes[THREADS];
};

struct member {
	struct team *team;
	int number;
};

static void *
member_writes(void *arg)
{
	struct member *m = arg;
	volatile uint64_t *word = (volatile uint64_t *)m->team->memory + m->number;
	uint64_t count = 0;

	while (!m->team->stop) {
		for (int i = 0; i < PAGES; i++) {
			if (word[i * PAGE / 8] != count)
				fail("thread %d lost a write to page %d: %lu, not %lu", m->number, i,
				     word[i * PAGE / 8], count);
			word[i * PAGE / 8] = count + 1;
		}
		count++;
		m->team->writes[m->number]++;
	}
	return NULL;
}

static void
snapshot_checks(void *arg)
{
	struct team *team = arg;

	/* The other threads are not here: nothing may change any more. */
	for (int n = 0; n < THREADS; n++) {
		volatile uint64_t *word = (volatile uint64_t *)team->memory + n;
		uint64_t first[PAGES];
		for (int i = 0; i < PAGES; i++)
			first[i] = word[i * PAGE / 8];
		sched_yield();
		for (int i = 0; i < PAGES; i++) {
			if (first[i] != word[i * PAGE / 8])
				fail("page %d changes in a child that has one thread", i);
			word[i * PAGE / 8] = 12345;
		}
	}
}

/* One thread forks again and again while its fellows write: no write may be lost, none may reach a child. */
static void
fork_among_writers(void)
{
	struct team team = {.memory = map_aligned(PAGES * PAGE, TABLE)};
	struct member member[THREADS];
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++) {
		member[i] = (struct member){&team, i};
		check(pthread_create(&thread[i], NULL, member_writes, &member[i]) == 0);
	}
	for (int round = 0; round < ROUNDS; round++)
		child_must_live(snapshot_checks, &team);
	for (int i = 0; i < THREADS; i++)
		await(&team.writes[i], 1);
	team.stop = 1;
	for (int i = 0; i < THREADS; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

/* ---- shoot-down: what one thread takes away is gone for the other ---- */

enum loss {
	LOSS_UNMAP,
	LOSS_PROTECT,
	LOSS_READ_ONLY
};

struct victim {
	volatile unsigned char *page;
	enum loss loss;
	volatile int looking;
	volatile int lost;
};

static void *
victim_looks(void *arg)
{
	struct victim *v = arg;

	announce(&v->looking);
	while (!v->lost) {
		if (v->loss == LOSS_READ_ONLY)
			*v->page = 1;
		else
			(void)*v->page;
	}
	/* The other thread has come back from its call: this access must be the last. */
	if (v->loss == LOSS_READ_ONLY)
		*v->page = 1;
	else
		(void)*v->page;
	fail("an access succeeded after the page was taken away");
}

/*
 * The looking thread dies of SIGSEGV, and with it the process: before `lost` is set because the page vanished under
 * it, or right afterwards.
 */
static void
take_away(void *arg)
{
	struct victim v = {.page = map_private(PAGE), .loss = *(enum loss *)arg};
	pthread_t thread;

	*v.page = 1;
	check(pthread_create(&thread, NULL, victim_looks, &v) == 0);
	await(&v.looking, 1);
	for (int i = 0; i < 3; i++)
		sched_yield();
	if (v.loss == LOSS_UNMAP)
		check(munmap((void *)v.page, PAGE) == 0);
	if (v.loss == LOSS_PROTECT)
		check(mprotect((void *)v.page, PAGE, PROT_NONE) == 0);
	if (v.loss == LOSS_READ_ONLY)
		check(mprotect((void *)v.page, PAGE, PROT_READ) == 0);
	v.lost = 1;
	pthread_join(thread, NULL);
}

static void
shoot_down(enum loss loss)
{
	for (int i = 0; i < 20; i++)
		child_must_die(take_away, &loss, SIGSEGV);
}

static void
shoot_down_unmap(void)
{
	shoot_down(LOSS_UNMAP);
}

static void
shoot_down_protect(void)
{
	shoot_down(LOSS_PROTECT);
}

static void
shoot_down_read_only(void)
{
	shoot_down(LOSS_READ_ONLY);
}

struct reader {
	volatile unsigned char *page;
	volatile int generation; /* what the page holds at least */
	volatile int stop;
	volatile int seen;
};

static void *
reader_runs(void *arg)
{
	struct reader *r = arg;

	while (!r->stop) {
		int before = r->generation;
		int value = *(volatile int *)r->page;
		/* 0: the fresh page before its first write. */
		if (value != 0 && value < before)
			fail("a reader saw generation %d after %d had replaced it", value, before);
		r->seen++;
	}
	return NULL;
}

/* MAP_FIXED over a page that another thread reads all the time: the old frame must never be seen again. */
static void
replace_under_reader(void)
{
	struct reader r = {.page = map_private(PAGE)};
	pthread_t thread;

	check(pthread_create(&thread, NULL, reader_runs, &r) == 0);
	await(&r.seen, 1);
	for (int i = 1; i <= 400; i++) {
		void *p = mmap((void *)r.page, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		check(p == r.page);
		*(volatile int *)r.page = i;
		r.generation = i;
	}
	r.stop = 1;
	check(pthread_join(thread, NULL) == 0);
}

/* ---- one address space, many changes at once ---- */

static void *
mapper_runs(void *arg)
{
	for (int i = 0; i < 150; i++) {
		size_t bytes = (i % 20 + 1) * PAGE;
		volatile unsigned char *p = map_private(bytes);
		for (size_t at = 0; at < bytes; at += PAGE)
			p[at] = i + 1;
		if (i % 3 == 0)
			check(mprotect((void *)p, PAGE, PROT_READ) == 0);
		for (size_t at = 0; at < bytes; at += PAGE)
			check(p[at] == (unsigned char)(i + 1));
		check(munmap((void *)p, bytes) == 0);
	}
	return arg;
}

static void
threads_map_at_once(void)
{
	pthread_t thread[SIDES];

	for (int i = 0; i < SIDES; i++)
		check(pthread_create(&thread[i], NULL, mapper_runs, NULL) == 0);
	for (int i = 0; i < SIDES; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

static void
mapper_process(void *arg)
{
	threads_map_at_once();
	(void)arg;
}

static void
processes_and_threads(void)
{
	pid_t pid[SIDES];

	for (int i = 0; i < SIDES; i++)
		pid[i] = child_start(mapper_process, NULL);
	for (int i = 0; i < SIDES; i++)
		check(child_wait(pid[i]) == 0);
}

/* A thread unmaps while another faults in the same range: each access succeeds or kills the child; nothing else. */
static void *
toucher_runs(void *arg)
{
	volatile unsigned char *p = arg;

	for (;;)
		for (int i = 0; i < PAGES; i++)
			p[i * PAGE] = i;
	return NULL;
}

static void
unmap_under_toucher(void *arg)
{
	volatile unsigned char *p = map_private(PAGES * PAGE);
	pthread_t thread;

	(void)arg;
	check(pthread_create(&thread, NULL, toucher_runs, (void *)p) == 0);
	for (int i = 0; i < 5; i++)
		sched_yield();
	for (int i = PAGES - 1; i >= 0; i--)
		munmap((void *)(p + i * PAGE), PAGE);
	pthread_join(thread, NULL);
}

static void
fault_against_unmap(void)
{
	for (int i = 0; i < 30; i++)
		child_must_die(unmap_under_toucher, NULL, SIGSEGV);
}

static void
yield(void *arg)
{
	(void)arg;
	sched_yield();
}

static void
exits_while_others_fork(void *arg)
{
	memory[0] = (uintptr_t)arg;
	child_must_live(yield, NULL);
	memory[PAGE] = (uintptr_t)arg;
	check(memory[0] == (unsigned char)(uintptr_t)arg);
}

static void
fork_exit_storm(void)
{
	pid_t pid[SIDES];

	memory = map_private(PAGES * PAGE);
	for (int i = 0; i < PAGES; i++)
		memory[i * PAGE] = 200;
	for (int round = 0; round < ROUNDS; round++) {
		for (uintptr_t i = 0; i < SIDES; i++)
			pid[i] = child_start(exits_while_others_fork, (void *)(i + 1));
		for (int i = 0; i < SIDES; i++)
			check(child_wait(pid[i]) == 0);
		for (int i = 0; i < PAGES; i++)
			check(memory[i * PAGE] == 200);
	}
}

const struct test_case unshare_cases[] = {
	{"four processes write to one shared page table at the same moment", all_write_at_once, 0, CASE_SMP},
	{"a thread forks while others write: no write is lost, none reaches the child", fork_among_writers, 0,
	 CASE_SMP},
	{"a page unmapped by one thread is gone for the other", shoot_down_unmap, 0, CASE_SMP},
	{"a page made PROT_NONE by one thread is gone for the other", shoot_down_protect, 0, CASE_SMP},
	{"a page made read-only by one thread cannot be written by the other", shoot_down_read_only, 0, CASE_SMP},
	{"a page replaced by MAP_FIXED shows no reader its old frame", replace_under_reader, 0, CASE_SMP},
	{"four threads map, write, protect and unmap at once", threads_map_at_once, 0, CASE_SMP},
	{"four processes of four threads map and unmap at once", processes_and_threads, 0, CASE_SMP},
	{"faults and munmap in one range at once end in SIGSEGV only", fault_against_unmap, 0, CASE_SMP},
	{"processes fork and exit at once on shared tables", fork_exit_storm, 0, CASE_SMP},
	{0},
};
