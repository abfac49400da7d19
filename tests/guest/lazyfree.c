/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/lazyfree.c - MADV_FREE: pages that stay until somebody needs them
 *
 * Idea        MADV_PAGEOUT takes a page that was given up for certain, and needs no swap for it. What was written
 *             meanwhile must survive that; what was not reads as zeroes afterwards. Cases under pressure fill the
 *             memory in a child. The counters pglazyfree and pglazyfreed tell what happened.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to mm/lazyfree.c, mm/rmap_lazy.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include "swapping.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
	PAGES = 64,
	SIZE = PAGES * PAGE
};

static long
events(const char *name)
{
	return proc_value("/proc/vmstat", name);
}

/* A mapping of its own in smaps. */
static volatile unsigned char *
stamped_alone(size_t bytes, uint64_t who)
{
	volatile unsigned char *p = map_aligned(bytes, PAGE);

	pages_stamp(p, bytes, who);
	return p;
}

static bool
is_zero(volatile unsigned char *page)
{
	for (int i = 0; i < PAGE; i++)
		if (page[i])
			return false;
	return true;
}

static void
give_up(volatile unsigned char *p, size_t bytes)
{
	check(madvise((void *)p, bytes, MADV_FREE) == 0);
}

/* Linux gathers pages on each processor before they move to a list: others may still be gathered. */
static void
take(volatile unsigned char *p, size_t bytes)
{
	check(madvise((void *)p, bytes, MADV_PAGEOUT) == 0);
}

/* ---- while nobody needs the memory ---- */

static void
stays_until_needed(void)
{
	volatile unsigned char *p = stamped_alone(SIZE, 10);
	long given = events("pglazyfree");

	give_up(p, SIZE);
	check(resident(p, SIZE) == PAGES);
	must_be_stamped(p, SIZE, 10);
	check(!on_tidemark() || events("pglazyfree") == given + PAGES);
	give_up(p, SIZE);
	check(!on_tidemark() || events("pglazyfree") == given + PAGES);
}

static void
smaps_shows_it(void)
{
	volatile unsigned char *p = stamped_alone(SIZE, 20);

	check(proc_field(smaps_find(0, p), "LazyFree") == 0);
	give_up(p, SIZE);
	char *text = smaps_find(0, p);
	long lazy = proc_field(text, "LazyFree");
	check(lazy == SIZE / 1024 || (!on_tidemark() && lazy <= SIZE / 1024));
	check(proc_field(text, "Rss") == SIZE / 1024 && proc_field(text, "Anonymous") == SIZE / 1024);
	check(proc_field(text, "Private_Clean") == SIZE / 1024 && proc_field(text, "Private_Dirty") == 0);
	p[0] = 1;
	p[PAGE] = 1;
	text = smaps_find(0, p);
	check(proc_field(text, "Private_Dirty") == 8);
	check(lazy - proc_field(text, "LazyFree") == 8 || !on_tidemark());
}

static void
refused(void)
{
	volatile unsigned char *shared = map_shared(SIZE);
	volatile unsigned char *locked = stamped_alone(SIZE, 30);
	int fd = file_make("/tmp/lazyfree", SIZE);
	void *file = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	check(file != MAP_FAILED && mlock((void *)locked, SIZE) == 0);
	check_errno(madvise((void *)shared, SIZE, MADV_FREE), EINVAL);
	check_errno(madvise(file, SIZE, MADV_FREE), EINVAL);
	check_errno(madvise((void *)locked, SIZE, MADV_FREE), EINVAL);
	check_errno(madvise((char *)locked + 1, PAGE, MADV_FREE), EINVAL);
	munmap((void *)shared, PAGE);
	check_errno(madvise((void *)shared, PAGE, MADV_FREE), ENOMEM);
	close(fd);
	unlink("/tmp/lazyfree");
}

/* ---- taken ---- */

static void
taken_reads_zero(void)
{
	volatile unsigned char *p = stamped_alone(SIZE, 40);
	long freed = events("pglazyfreed");

	give_up(p, SIZE);
	take(p, SIZE);
	long gone = PAGES - resident(p, SIZE);
	check(gone == PAGES || (!on_tidemark() && gone >= 0));
	check(events("pglazyfreed") - freed >= gone);
	for (size_t i = 0; i < SIZE; i += PAGE)
		check(is_zero(p + i) || (!on_tidemark() && page_stamped(p + i, 40 + i / PAGE)));
}

static void
written_survives(void)
{
	volatile unsigned char *p = stamped_alone(SIZE, 50);

	give_up(p, SIZE);
	for (size_t i = 0; i < SIZE; i += 2 * PAGE)
		page_stamp(p + i, 70 + i / PAGE);
	take(p, SIZE);
	for (size_t i = 0; i < SIZE; i += 2 * PAGE) {
		check(page_stamped(p + i, 70 + i / PAGE));
		check(is_zero(p + i + PAGE) || (!on_tidemark() && page_stamped(p + i + PAGE, 51 + i / PAGE)));
	}
	/* And again: what was revived can be given up once more. */
	give_up(p, SIZE);
	take(p, SIZE);
	check(!on_tidemark() || is_zero(p));
}

/* The kernel writes through its own map, where no processor sets a dirty bit. */
static void
written_by_others_survives(void)
{
	volatile unsigned char *p = stamped_alone(SIZE, 60);
	char text[] = "not to be lost";
	struct iovec from = {text, sizeof(text)};
	int ends[2];

	check(pipe(ends) == 0 && write(ends[1], text, sizeof(text)) == sizeof(text));
	give_up(p, SIZE);
	for (int i = 0; i < PAGES / 2; i++) {
		struct iovec to = {(char *)p + i * PAGE, sizeof(text)};
		check(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == sizeof(text));
	}
	check(read(ends[0], (char *)p + SIZE / 2, sizeof(text)) == sizeof(text));
	take(p, SIZE);
	for (int i = 0; i <= PAGES / 2; i++)
		check(memcmp((char *)p + i * PAGE, text, sizeof(text)) == 0);
}

static void
locked_later_stays(void)
{
	volatile unsigned char *p = stamped_alone(SIZE, 80);

	give_up(p, SIZE);
	check(mlock((void *)p, SIZE) == 0);
	check_errno(madvise((void *)p, SIZE, MADV_PAGEOUT), EINVAL);
	check(resident(p, SIZE) == PAGES);
	check(munlock((void *)p, SIZE) == 0);
	for (size_t i = 0; i < SIZE; i += PAGE)
		check(page_stamped(p + i, 80 + i / PAGE) || is_zero(p + i));
}

static void
moved_and_unmapped(void)
{
	volatile unsigned char *p = stamped_alone(SIZE, 90);
	volatile unsigned char *to = map_aligned(SIZE, PAGE);

	give_up(p, SIZE);
	p[0] = 99;
	to = mremap((void *)p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	check(to != MAP_FAILED);
	take(to, SIZE);
	check(to[0] == 99);
	check(!on_tidemark() || resident(to, SIZE) == 1);
	give_up(to, SIZE);
	check(munmap((void *)to, SIZE / 2) == 0);
	take(to + SIZE / 2, SIZE / 2);
	check(mprotect((char *)to + SIZE / 2, SIZE / 2, PROT_NONE) == 0);
}

/* ---- shared with a child ---- */

static volatile unsigned char *family;

static void
child_writes(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < SIZE; i += PAGE) {
		check(page_stamped(family + i, 100 + i / PAGE));
		page_stamp(family + i, 300 + i / PAGE);
	}
	take(family, SIZE);
	must_be_stamped(family, SIZE, 300);
}

/* What a child has is not the parent's to give up: its pages stay until both are done with them. */
static void
given_up_beside_a_child(void)
{
	int ends[2];
	char byte;

	family = stamped_alone(SIZE, 100);
	check(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		check(read(ends[0], &byte, 1) == 1);
		child_writes(NULL);
		_exit(0);
	}
	give_up(family, SIZE);
	take(family, SIZE);
	check(write(ends[1], "x", 1) == 1);
	check(child_wait(pid) == 0);
	for (size_t i = 0; i < SIZE; i += PAGE)
		check(page_stamped(family + i, 100 + i / PAGE) || is_zero(family + i));
}

static void
child_takes(void *arg)
{
	(void)arg;
	family[0] = 1; /* a table of its own */
	take(family, SIZE);
	for (size_t i = 2 * PAGE; i < SIZE; i += PAGE)
		check(page_stamped(family + i, 200 + i / PAGE) || is_zero(family + i));
	pages_stamp(family, SIZE, 400);
	must_be_stamped(family, SIZE, 400);
}

/* Given up before fork: each reads old contents or zeroes, and what either writes is its own. */
static void
given_up_before_fork(void)
{
	family = stamped_alone(SIZE, 200);
	give_up(family, SIZE);
	page_stamp(family + PAGE, 500);
	child_must_live((void (*)(void *))child_takes, NULL);
	check(page_stamped(family + PAGE, 500));
	take(family, SIZE);
	check(page_stamped(family + PAGE, 500));
	for (size_t i = 2 * PAGE; i < SIZE; i += PAGE)
		check(page_stamped(family + i, 200 + i / PAGE) || is_zero(family + i));
}

/* ---- memory is short ---- */

static void
needs_memory(void *arg)
{
	size_t bytes = *(size_t *)arg;
	volatile unsigned char *p = map_private(bytes);

	for (size_t i = 0; i < bytes; i += PAGE)
		p[i] = 1;
}

/* Three quarters of what is free are given up; a child then needs as much: it lives, and nobody is killed. */
static void
taken_before_anybody_dies(void)
{
	size_t bytes = (size_t)proc_value("/proc/meminfo", "MemAvailable") * 1024 / 4 * 3 / PAGE * PAGE;
	long kills = events("oom_kill"), freed = events("pglazyfreed");

	volatile unsigned char *p = map_private(bytes);
	for (size_t i = 0; i < bytes; i += PAGE)
		page_stamp(p + i, i);
	give_up(p, bytes);
	page_stamp(p, 7);
	child_must_live(needs_memory, &bytes);
	check(events("oom_kill") == kills);
	check(events("pglazyfreed") > freed + (long)(bytes / PAGE / 4));
	check(page_stamped(p, 7));
	for (size_t i = PAGE; i < bytes; i += PAGE)
		check(page_stamped(p + i, i) || is_zero(p + i));
}

/* ---- several processors ---- */

static volatile int stop;

static void *
takes_all_the_time(void *arg)
{
	volatile unsigned char *p = arg;

	while (!stop) {
		madvise((void *)p, SIZE, MADV_PAGEOUT);
		sched_yield();
	}
	return NULL;
}

/* One gives up and writes, another takes: what was written last is there, whatever was taken in between. */
static void
writers_and_takers(void)
{
	volatile unsigned char *p = stamped_alone(SIZE, 0);
	pthread_t thread;

	check(pthread_create(&thread, NULL, takes_all_the_time, (void *)p) == 0);
	for (uint64_t round = 1; round <= 60; round++) {
		give_up(p, SIZE);
		pages_stamp(p, SIZE, round * 1000);
		must_be_stamped(p, SIZE, round * 1000);
	}
	stop = 1;
	check(pthread_join(thread, NULL) == 0);
	must_be_stamped(p, SIZE, 60 * 1000);
}

/* ---- with swap ---- */

static void
with_swap(void)
{
	swap_on("/dev/vda");
	volatile unsigned char *p = stamped_alone(SIZE, 600);
	long out = events("pswpout");
	take(p, SIZE / 2);
	/* Half is out, or on its way: it comes back as zeroes, and its slots are free. */
	give_up(p, SIZE);
	take(p, SIZE);
	must_be_out(p, SIZE);
	check(events("pswpout") - out <= PAGES / 2 || !on_tidemark());
	for (size_t i = 0; i < SIZE; i += PAGE)
		check(is_zero(p + i) || !on_tidemark());
	page_stamp(p, 700);
	take(p, SIZE);
	check(page_stamped(p, 700));
	swap_off("/dev/vda");
	check(page_stamped(p, 700));
	/* What has just been written to the disk is in nobody's list until reclaim takes notice: mm_check makes it. */
	mm_settle();
	give_up(p, SIZE);
	take(p, SIZE);
	check(is_zero(p) || !on_tidemark());
}

const struct test_case lazyfree_cases[] = {
	{"memory that was given up stays until it is needed", stays_until_needed, 0, CASE_STILL},
	{"smaps shows what was given up, until it is written", smaps_shows_it, 0, CASE_STILL},
	{"what is shared, of a file or locked cannot be given up", refused, 0, 0},
	{"what is taken reads as zeroes", taken_reads_zero, 0, CASE_STILL},
	{"what was written since survives", written_survives, 0, 0},
	{"what the kernel wrote since survives", written_by_others_survives, 0, 0},
	{"what is locked later stays", locked_later_stays, 0, 0},
	{"pages that were given up move and go like others", moved_and_unmapped, 0, CASE_STILL},
	{"what a child shares is not given up for it", given_up_beside_a_child, 0, CASE_SMP},
	{"given up before fork: each has its own afterwards", given_up_before_fork, 0, CASE_SMP},
	{"without swap it is taken before anybody is killed", taken_before_anybody_dies, 0, CASE_SMP},
	{"one gives up and writes, another takes", writers_and_takers, 0, CASE_SMP},
	{"with swap it goes without being written, and its slots too", with_swap, 0, CASE_NAMED | CASE_STILL},
	{0},
};
