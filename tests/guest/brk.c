/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/brk.c - the heap's end moves as asked, to the byte
 *
 * Idea        the system call itself, which returns the end of the heap: unchanged means refused
 * Invariants  see guest.h
 * Follow      to mm/brk.c
 */
#include "guest.h"
#include <sys/resource.h>
#include <sys/syscall.h>

static uintptr_t
brk_to(uintptr_t end)
{
	return syscall(SYS_brk, end);
}

static void
tells(void)
{
	uintptr_t end = brk_to(0);

	check(end > 0x1000);
	check(brk_to(0) == end);
	check(brk_to(1) == end);
}

static void
grows(void)
{
	uintptr_t end = brk_to(0);
	volatile unsigned char *p = (volatile unsigned char *)((end + PAGE - 1) & ~(uintptr_t)(PAGE - 1));

	check(brk_to((uintptr_t)p + 3 * PAGE) == (uintptr_t)p + 3 * PAGE);
	for (int i = 0; i < 3 * PAGE; i++)
		check(p[i] == 0);
	p[0] = p[3 * PAGE - 1] = 1;
	check(!can_read(p + 3 * PAGE));
	check(brk_to(end) == end);
	check(!can_read(p));
}

static void
unaligned(void)
{
	uintptr_t end = brk_to(0);

	for (int i = 1; i < 3 * PAGE; i += 997) {
		check(brk_to(end + i) == end + i);
		check(brk_to(0) == end + i);
		*(volatile unsigned char *)(end + i - 1) = 1;
	}
	check(brk_to(end) == end);
}

static void
shrinks_and_grows_zeroed(void)
{
	uintptr_t end = (brk_to(0) + PAGE - 1) & ~(uintptr_t)(PAGE - 1);

	check(brk_to(end + 2 * PAGE) == end + 2 * PAGE);
	*(volatile int *)(end + PAGE) = 77;
	check(brk_to(end + PAGE) == end + PAGE);
	check(brk_to(end + 2 * PAGE) == end + 2 * PAGE);
	check(*(volatile int *)(end + PAGE) == 0);
}

static void
refused(void)
{
	uintptr_t end = brk_to(0);

	check(brk_to(0x7ffffffff000) == end);
	check(brk_to(-PAGE) == end);
	check(brk_to(0xffff800000000000) == end);
	check(brk_to(end) == end);
}

static void
neighbour(void)
{
	uintptr_t end = (brk_to(0) + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	void *wall = (void *)(end + 4 * PAGE);
	uintptr_t now = brk_to(0);

	check(mmap(wall, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == wall);
	check(brk_to(end + 5 * PAGE) == now);
	check(brk_to(end + 2 * PAGE) == end + 2 * PAGE);
	*(volatile int *)(end + PAGE) = 1;
}

static void
data_limit(void)
{
	struct rlimit none = {0, 0};
	uintptr_t end = brk_to(0);

	if (setrlimit(RLIMIT_DATA, &none) < 0)
		return;
	uintptr_t after = brk_to(end + MIB);
	/* Tidemark stores this limit and does not enforce it. */
	check(after == end || after == end + MIB);
}

static void
child_heap(void *arg)
{
	uintptr_t end = *(uintptr_t *)arg;

	check(brk_to(0) == end);
	check(*(volatile int *)(end - 8) == 4711);
	*(volatile int *)(end - 8) = 1;
	check(brk_to(end - PAGE) == end - PAGE);
}

static void
inherited(void)
{
	uintptr_t end = brk_to(0) + 2 * PAGE;

	end &= ~(uintptr_t)7;
	check(brk_to(end) == end);
	*(volatile int *)(end - 8) = 4711;
	child_must_live(child_heap, &end);
	check(brk_to(0) == end && *(volatile int *)(end - 8) == 4711);
}

const struct test_case brk_cases[] = {
	{"brk of nothing tells the end of the heap", tells, 0, 0},
	{"the heap grows by zeroed pages and shrinks again", grows, 0, 0},
	{"the heap's end is kept to the byte", unaligned, 0, 0},
	{"what the heap gave up comes back zeroed", shrinks_and_grows_zeroed, 0, 0},
	{"an absurd end of the heap is refused", refused, 0, 0},
	{"the heap stops at its neighbour", neighbour, 0, 0},
	{"RLIMIT_DATA is accepted", data_limit, 0, 0},
	{"a child inherits the heap and moves its own end", inherited, 0, 0},
	{0},
};
