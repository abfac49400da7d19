/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/cow.c - copy on write: fork shares every page, and nobody notices
 *
 * Idea        parent and child write on either side, in every order, across generations and after the mapping has
 *             changed
 * Invariants  see guest.h
 * Follow      to mm/fault.c (fault_cow), mm/share.c
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
	PAGES = 600
}; /* more than one page table lists */

static volatile unsigned char *memory;
static volatile int *turn; /* shared: what has happened so far */

static void
memory_make(void)
{
	memory = map_aligned(PAGES * PAGE, TABLE);
	turn = (volatile int *)map_shared(PAGE);
	for (int i = 0; i < PAGES; i++)
		page_stamp(memory + i * PAGE, i + 1);
}

/* Pages [from, to) must bear @who, or each its own number + 1 when @who is 0. */
static void
memory_check(int from, int to, uint64_t who)
{
	for (int i = from; i < to; i++)
		if (!page_stamped(memory + i * PAGE, who ? who : (uint64_t)i + 1))
			fail("page %d is not as it ought to be (%lu)", i, who);
}

static void
memory_write(int from, int to, uint64_t who)
{
	for (int i = from; i < to; i++)
		page_stamp(memory + i * PAGE, who);
}

static void
child_writes_all(void *arg)
{
	(void)arg;
	memory_check(0, PAGES, 0);
	memory_write(0, PAGES, 7777);
	memory_check(0, PAGES, 7777);
}

static void
child_writes(void)
{
	memory_make();
	child_must_live(child_writes_all, NULL);
	memory_check(0, PAGES, 0);
}

static void
child_looks_late(void *arg)
{
	(void)arg;
	await(turn, 1);
	memory_check(0, PAGES, 0);
}

static void
parent_writes(void)
{
	memory_make();
	pid_t pid = child_start(child_looks_late, NULL);
	memory_write(0, PAGES, 8888);
	announce(turn);
	check(child_wait(pid) == 0);
	memory_check(0, PAGES, 8888);
}

static void
child_writes_odd(void *arg)
{
	(void)arg;
	for (int i = 1; i < PAGES; i += 2)
		page_stamp(memory + i * PAGE, 555);
	announce(turn);
	await(turn, 2);
	for (int i = 0; i < PAGES; i++)
		check(page_stamped(memory + i * PAGE, i % 2 ? 555 : i + 1));
}

static void
both_write(void)
{
	memory_make();
	pid_t pid = child_start(child_writes_odd, NULL);
	await(turn, 1);
	for (int i = 0; i < PAGES; i += 2)
		page_stamp(memory + i * PAGE, 444);
	announce(turn);
	check(child_wait(pid) == 0);
	for (int i = 0; i < PAGES; i++)
		check(page_stamped(memory + i * PAGE, i % 2 ? i + 1 : 444));
}

static void
generation_three(void *arg)
{
	(void)arg;
	memory_check(0, 200, 0);
	memory_check(200, 400, 2);
	memory_check(400, PAGES, 0);
	memory_write(100, 300, 3);
	announce(turn);
	await(turn, 3);
	memory_check(0, 100, 0);
	memory_check(100, 300, 3);
	memory_check(300, 400, 2);
	memory_check(400, PAGES, 0);
}

static void
generation_two(void *arg)
{
	(void)arg;
	memory_write(200, 400, 2);
	pid_t pid = child_start(generation_three, NULL);
	await(turn, 1);
	memory_check(0, 200, 0);
	memory_check(200, 400, 2);
	memory_write(0, PAGES, 22);
	announce(turn);
	await(turn, 3);
	memory_check(0, PAGES, 22);
	check(child_wait(pid) == 0);
	memory_check(0, PAGES, 22);
}

static void
three_generations(void)
{
	memory_make();
	pid_t pid = child_start(generation_two, NULL);
	await(turn, 2);
	memory_check(0, PAGES, 0);
	memory_write(0, PAGES, 1);
	announce(turn);
	check(child_wait(pid) == 0);
	memory_check(0, PAGES, 1);
}

/* The middle generation is gone when the youngest writes. */
static void
grandchild_alone(void *arg)
{
	(void)arg;
	await(turn, 1);
	memory_check(0, PAGES, 0);
	memory_write(0, PAGES, 9);
	memory_check(0, PAGES, 9);
	announce(turn);
}

static void
middle_goes(void *arg)
{
	(void)arg;
	child_start(grandchild_alone, NULL);
}

static void
middle_generation_dies(void)
{
	memory_make();
	child_must_live(middle_goes, NULL);
	memory_write(0, 50, 5);
	announce(turn);
	await(turn, 2);
	memory_check(0, 50, 5);
	memory_check(50, PAGES, 0);
}

static void
nothing(void *arg)
{
	(void)arg;
}

static void
last_owner_reuses(void)
{
	memory_make();
	child_must_live(nothing, NULL);
	/* The parent is the last owner of every page again: writing must take no further frame. */
	long before = free_pages();
	memory_write(0, PAGES, 4);
	check(before - free_pages() < PAGES / 4);
	memory_check(0, PAGES, 4);
}

static void
child_unmaps_middle(void *arg)
{
	(void)arg;
	check(munmap((void *)(memory + 100 * PAGE), 450 * PAGE) == 0);
	memory_check(0, 100, 0);
	memory_check(550, PAGES, 0);
	memory_write(0, 100, 6);
	memory_write(550, PAGES, 6);
	check(!can_read(memory + 100 * PAGE) && !can_read(memory + 549 * PAGE));
}

static void
child_munmap(void)
{
	memory_make();
	child_must_live(child_unmaps_middle, NULL);
	memory_check(0, PAGES, 0);
}

static void
parent_munmap(void)
{
	memory_make();
	pid_t pid = child_start(child_looks_late, NULL);
	check(munmap((void *)(memory + 10 * PAGE), 500 * PAGE) == 0);
	memory_write(0, 10, 3);
	announce(turn);
	check(child_wait(pid) == 0);
	memory_check(0, 10, 3);
	memory_check(510, PAGES, 0);
	check(!can_read(memory + 10 * PAGE) && !can_read(memory + 509 * PAGE));
}

static void
child_protects(void *arg)
{
	(void)arg;
	check(mprotect((void *)(memory + 20 * PAGE), 500 * PAGE, PROT_READ) == 0);
	announce(turn);
	await(turn, 2);
	memory_check(0, PAGES, 0);
	check(!can_write(memory + 20 * PAGE) && !can_write(memory + 519 * PAGE));
	check(can_write(memory + 19 * PAGE) && can_write(memory + 520 * PAGE));
	check(mprotect((void *)(memory + 20 * PAGE), 500 * PAGE, PROT_READ | PROT_WRITE) == 0);
	memory_write(0, PAGES, 12);
	memory_check(0, PAGES, 12);
}

static void
child_mprotect(void)
{
	memory_make();
	pid_t pid = child_start(child_protects, NULL);
	await(turn, 1);
	memory_write(0, PAGES, 11);
	announce(turn);
	check(child_wait(pid) == 0);
	memory_check(0, PAGES, 11);
}

/* Read-only before the fork, writable after it: the write must still copy. */
static void
child_makes_writable(void *arg)
{
	(void)arg;
	check(mprotect((void *)memory, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
	memory_write(0, PAGES, 13);
}

static void
protect_before_fork(void)
{
	memory_make();
	check(mprotect((void *)memory, PAGES * PAGE, PROT_READ) == 0);
	child_must_live(child_makes_writable, NULL);
	memory_check(0, PAGES, 0);
	check(!can_write(memory));
	check(mprotect((void *)memory, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
	memory_write(0, PAGES, 14);
}

static void
child_replaces(void *arg)
{
	void *start = (void *)(memory + 100 * PAGE);

	(void)arg;
	check(mmap(start, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == start);
	for (int i = 100; i < 200; i++)
		check(memory[i * PAGE] == 0);
	memory_check(0, 100, 0);
	memory_check(200, PAGES, 0);
	memory_write(0, PAGES, 15);
}

static void
child_maps_over(void)
{
	memory_make();
	child_must_live(child_replaces, NULL);
	memory_check(0, PAGES, 0);
}

static void
child_touches_rest(void *arg)
{
	(void)arg;
	for (int i = 0; i < 64; i++)
		check(memory[i * PAGE] == (i % 2 ? 0 : 5));
	for (int i = 0; i < 64; i++)
		memory[i * PAGE] = 6;
}

/* Holes in a shared table: pages that neither side had touched at the fork. */
static void
untouched_at_fork(void)
{
	memory = map_aligned(64 * PAGE, TABLE);
	for (int i = 0; i < 64; i += 2)
		memory[i * PAGE] = 5;
	child_must_live(child_touches_rest, NULL);
	for (int i = 0; i < 64; i++)
		check(memory[i * PAGE] == (i % 2 ? 0 : 5));
}

/* The zero frame in a shared table: reads in the child, then writes on both sides. */
static void
child_reads_zero(void *arg)
{
	(void)arg;
	for (int i = 0; i < 64; i++)
		check(memory[i * PAGE] == 0);
	for (int i = 0; i < 64; i++)
		memory[i * PAGE] = 1;
	announce(turn);
	await(turn, 2);
	for (int i = 0; i < 64; i++)
		check(memory[i * PAGE] == 1 && memory[i * PAGE + 1] == 0);
}

static void
zero_frame_at_fork(void)
{
	memory = map_private(64 * PAGE);
	turn = (volatile int *)map_shared(PAGE);
	for (int i = 0; i < 64; i++)
		check(memory[i * PAGE] == 0);
	pid_t pid = child_start(child_reads_zero, NULL);
	await(turn, 1);
	for (int i = 0; i < 64; i++)
		check(memory[i * PAGE] == 0);
	for (int i = 0; i < 64; i++)
		memory[i * PAGE + 1] = 2;
	announce(turn);
	check(child_wait(pid) == 0);
	for (int i = 0; i < 64; i++)
		check(memory[i * PAGE] == 0 && memory[i * PAGE + 1] == 2);
}

static void
child_writes_shared(void *arg)
{
	volatile unsigned char *shared = arg;

	for (int i = 0; i < PAGES; i++)
		check(shared[i * PAGE] == (i < 300 ? i % 250 + 1 : 0));
	for (int i = 0; i < PAGES; i++)
		shared[i * PAGE + 1] = 9;
}

static void
shared_stays_shared(void)
{
	volatile unsigned char *shared = map_shared(PAGES * PAGE);

	/* Half of it exists at the fork, the other half comes into being in the child. */
	for (int i = 0; i < 300; i++)
		shared[i * PAGE] = i % 250 + 1;
	child_must_live(child_writes_shared, (void *)shared);
	for (int i = 0; i < PAGES; i++)
		check(shared[i * PAGE + 1] == 9 && shared[i * PAGE] == (i < 300 ? i % 250 + 1 : 0));
}

static void
grandchild_shared(void *arg)
{
	announce(arg);
	child_must_live((void (*)(void *))announce, arg);
	announce(arg);
}

static void
shared_over_generations(void)
{
	volatile int *word = (volatile int *)map_shared(PAGE);

	child_must_live(grandchild_shared, (void *)word);
	announce(word);
	check(*word == 4);
}

static void
child_writes_file(void *arg)
{
	volatile unsigned char *p = arg;

	check(p[0] == 1 && p[PAGE] == 50 && p[2 * PAGE] == 3);
	p[0] = p[PAGE] = p[2 * PAGE] = 60;
}

static void
file_private_fork(void)
{
	int fd = file_make("/tmp/cow", 3 * PAGE);
	volatile unsigned char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	unsigned char byte;

	check(p != MAP_FAILED && unlink("/tmp/cow") == 0);
	check(p[0] == 1);
	p[PAGE] = 50;
	child_must_live(child_writes_file, (void *)p);
	check(p[0] == 1 && p[PAGE] == 50 && p[2 * PAGE] == 3);
	check(pread(fd, &byte, 1, 0) == 1 && byte == 1);
	close(fd);
}

static void
kernel_writes_child(void *arg)
{
	(void)arg;
	int fd = open("/dev/zero", O_RDONLY);
	check(fd >= 0);
	check(read(fd, (void *)memory, PAGES * PAGE) == PAGES * PAGE);
	close(fd);
	for (int i = 0; i < PAGES * PAGE; i++)
		if (memory[i] != 0)
			fail("byte %d is not what the kernel wrote", i);
}

/* A system call that writes to a shared page must copy it as well. */
static void
kernel_writes(void)
{
	memory_make();
	child_must_live(kernel_writes_child, NULL);
	memory_check(0, PAGES, 0);
}

static int in_data = 1;
static int in_bss;

static void
child_writes_globals(void *arg)
{
	int *on_stack = arg;

	check(in_data == 2 && in_bss == 3 && *on_stack == 4);
	in_data = in_bss = *on_stack = 100;
}

static void
globals_and_stack(void)
{
	int on_stack = 4;

	in_data = 2;
	in_bss = 3;
	child_must_live(child_writes_globals, &on_stack);
	check(in_data == 2 && in_bss == 3 && on_stack == 4);
}

static void
fork_is_cheap(void)
{
	enum {
		MANY = 4096
	}; /* 16 MiB */
	volatile unsigned char *p = map_private(MANY * PAGE);

	for (int i = 0; i < MANY; i++)
		p[i * PAGE] = 1;
	long before = free_pages();
	pid_t pid = child_start(nothing, NULL);
	check(before - free_pages() < MANY / 8);
	check(child_wait(pid) == 0);
}

static void
siblings_write(void *arg)
{
	uint64_t who = (uintptr_t)arg;

	memory_check(0, PAGES, 0);
	for (int round = 0; round < 3; round++) {
		memory_write(0, PAGES, who + round);
		memory_check(0, PAGES, who + round);
	}
}

static void
eight_siblings(void)
{
	pid_t pid[8];

	memory_make();
	for (uintptr_t i = 0; i < 8; i++)
		pid[i] = child_start(siblings_write, (void *)(i * 100 + 1000));
	for (int i = 0; i < 8; i++)
		check(child_wait(pid[i]) == 0);
	memory_check(0, PAGES, 0);
}

const struct test_case cow_cases[] = {
	{"what a child writes its parent never sees", child_writes, 0, CASE_SMP},
	{"what a parent writes its child never sees", parent_writes, 0, CASE_SMP},
	{"parent and child write to different pages of the same tables", both_write, 0, CASE_SMP},
	{"three generations each see their own memory", three_generations, 0, CASE_SMP},
	{"a grandchild owns its memory when the middle generation has gone", middle_generation_dies, 0, CASE_SMP},
	{"the last owner of a page writes without a copy", last_owner_reuses, 0, 0},
	{"a child unmaps the middle of what it inherited, the parent keeps it", child_munmap, 0, 0},
	{"a parent unmaps the middle of what it shares, the child keeps it", parent_munmap, 0, 0},
	{"a child protects what it inherited, the parent writes on", child_mprotect, 0, 0},
	{"memory read-only at the fork and writable later is copied on write", protect_before_fork, 0, 0},
	{"a child maps over what it inherited, the parent keeps it", child_maps_over, 0, 0},
	{"pages untouched at the fork come into being on each side alone", untouched_at_fork, 0, 0},
	{"pages of the zero frame at the fork are written on each side alone", zero_frame_at_fork, 0, 0},
	{"shared anonymous memory stays shared over fork, also where untouched", shared_stays_shared, 0, 0},
	{"shared anonymous memory is one across three generations", shared_over_generations, 0, 0},
	{"a private file mapping is copied on write over fork", file_private_fork, 0, 0},
	{"a system call that writes to inherited memory copies it", kernel_writes, 0, 0},
	{"globals and stack are each process's own after fork", globals_and_stack, 0, 0},
	{"fork of 16 MiB takes few frames", fork_is_cheap, 0, 0},
	{"eight siblings write to the same inherited pages at once", eight_siblings, 0, CASE_SMP},
	{0},
};
