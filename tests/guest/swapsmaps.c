/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/swapsmaps.c - whose share of swap is how large
 *
 * Idea        The machine and the disks of swap.c. A family of processes inherits memory that is out: each of them has
 *             all of it (Swap, VmSwap), and their shares (SwapPss) are the slots. fork lets them use the same page
 *             tables until somebody writes nearby; the figures are the same before and after.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to kernel/fs/procfs_maps.c, mm/rmap_users.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include "swapping.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	SPAN = 2 * MIB, /* what one page table maps */
	OUT = MIB,
	OUT_KB = OUT / 1024,
	MOST = 4 /* processes of a family */
};

static volatile unsigned char *memory; /* its first half is out, its second half was never touched */

/* What the family does in step: number @step, by the child of that number. */
static volatile struct {
	int ready;
	int part[MOST]; /* the child may write into the second half */
	int parted;
	int touch; /* the first child may read half of what is out */
	int touched;
	int end;
} * turn;

static long
swap_used(void)
{
	const char *text = proc_text("/proc/meminfo");

	return proc_field(text, "SwapTotal:") - proc_field(text, "SwapFree:");
}

/* Out it goes; what Linux did not manage at once (a page on its way to a list) the next call does. */
static void
all_out(void)
{
	for (int i = 0; i < 100 && proc_field(smaps_find(0, memory), "Swap:") < OUT_KB; i++)
		check(madvise((void *)memory, OUT, MADV_PAGEOUT) == 0);
	check(proc_field(smaps_find(0, memory), "Swap:") == OUT_KB);
}

static void
member(void *arg)
{
	int self = (int)(long)arg;

	announce(&turn->ready);
	await(&turn->part[self], 1);
	memory[OUT + (size_t)self * PAGE] = 1;
	announce(&turn->parted);
	if (self == 0) {
		await(&turn->touch, 1);
		must_be_stamped(memory, OUT / 2, 0);
		announce(&turn->touched);
	}
	await(&turn->end, 1);
}

/* Each member has all of it, and an equal share of the slots. */
static void
check_equal(const pid_t *pid, int children, long vm_swap)
{
	for (int i = -1; i < children; i++) {
		pid_t who = i < 0 ? 0 : pid[i];
		char *text = smaps_find(who, memory);
		check(proc_field(text, "Swap:") == OUT_KB);
		check(proc_field(text, "SwapPss:") == OUT_KB / (children + 1));
		check(proc_field(proc_pid_text(who, "status"), "VmSwap:") == vm_swap);
	}
}

/* The slots are shared out, to the last one. A share is told in whole KiB: each may be almost one more. */
static void
check_sum(const pid_t *pid, int children)
{
	long sum = proc_field(smaps_find(0, memory), "SwapPss:");

	for (int i = 0; i < children; i++)
		sum += proc_field(smaps_find(pid[i], memory), "SwapPss:");
	if (sum > OUT_KB || sum < OUT_KB - children)
		fail("the shares of %d processes make %ld KiB of %d", children + 1, sum, OUT_KB);
}

static void
family_of(int children)
{
	pid_t pid[MOST];

	turn = (void *)map_shared(PAGE);
	memory = map_aligned(SPAN, SPAN);
	swap_on("/dev/vda");
	pages_stamp(memory, OUT, 0);
	all_out();
	long vm_swap = proc_value("/proc/self/status", "VmSwap:");
	check(vm_swap >= OUT_KB && proc_field(smaps_find(0, memory), "SwapPss:") == OUT_KB);
	/* Linux's CPUs keep slots at hand, which count as used. */
	check(swap_used() >= OUT_KB && (!on_tidemark() || swap_used() == vm_swap));
	for (int i = 0; i < children; i++)
		pid[i] = child_start(member, (void *)(long)i);
	await(&turn->ready, children);
	check_equal(pid, children, vm_swap);
	/* One after the other parts from the table; the one left has it alone. */
	for (int i = 0; i < children; i++) {
		turn->part[i] = 1;
		await(&turn->parted, i + 1);
		check_sum(pid, children);
	}
	check_equal(pid, children, vm_swap);
	/* What the first child has in memory is no share of its own any more. */
	turn->touch = 1;
	await(&turn->touched, 1);
	check(proc_field(smaps_find(pid[0], memory), "Rss:") >= OUT_KB / 2);
	check_sum(pid, children);
	turn->end = 1;
	for (int i = 0; i < children; i++)
		check(child_wait(pid[i]) == 0);
	all_out();
	check(proc_field(smaps_find(0, memory), "SwapPss:") == OUT_KB);
	must_be_stamped(memory, OUT, 0);
	check(munmap((void *)memory, SPAN) == 0);
	swap_off("/dev/vda");
}

static void
parent_and_child(void)
{
	family_of(1);
}

static void
parent_and_three(void)
{
	family_of(3);
}

static void
waits(void *arg)
{
	(void)arg;
	announce(&turn->ready);
	await(&turn->end, 1);
}

/* Pages of one word take no slot on Tidemark; Linux knows no difference. */
static void
pages_of_a_word(void)
{
	pid_t pid;

	turn = (void *)map_shared(PAGE);
	memory = map_aligned(SPAN, SPAN);
	swap_on("/dev/vda");
	memset((void *)memory, 0x5a, OUT);
	all_out();
	check(proc_field(smaps_find(0, memory), "SwapPss:") == OUT_KB);
	pid = child_start(waits, NULL);
	await(&turn->ready, 1);
	check_sum(&pid, 1);
	turn->end = 1;
	check(child_wait(pid) == 0);
	check(munmap((void *)memory, SPAN) == 0);
	swap_off("/dev/vda");
}

const struct test_case swapsmaps_cases[] = {
	{"a parent and a child share what is out half and half, in one table or two", parent_and_child, 0, CASE_NAMED},
	{"four processes share what is out in quarters, in one table or four", parent_and_three, 0,
	 CASE_NAMED | CASE_SMP},
	{"pages of one word count as pages", pages_of_a_word, 0, CASE_NAMED},
	{0},
};
