/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/stack.c - the stack grows by itself, down to its limit, and not into anything
 *
 * Idea        a child reads below its own stack pointer, as far as the case asks; what it may not reach kills it
 * Invariants  see guest.h
 * Follow      to mm/fault.c (growth), mm/vma.c
 */
#include "guest.h"
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static uintptr_t
stack_here(void)
{
	uintptr_t here;

	__asm__ volatile("mov %%rsp, %0" : "=r"(here));
	return here;
}

static void
limit_set(unsigned long bytes)
{
	struct rlimit limit = {bytes, bytes};

	check(setrlimit(RLIMIT_STACK, &limit) == 0);
}

/* Page after page downwards, like deep calls. */
static void
grow_by(size_t bytes)
{
	uintptr_t here = stack_here();

	for (size_t down = 0; down < bytes; down += PAGE)
		*(volatile unsigned char *)(here - 256 - down) = down / PAGE;
	for (size_t down = 0; down < bytes; down += PAGE)
		check(*(volatile unsigned char *)(here - 256 - down) == (unsigned char)(down / PAGE));
}

static void
grows(void)
{
	grow_by(4 * MIB);
}

static void
grows_at_once(void)
{
	uintptr_t here = stack_here();

	*(volatile unsigned char *)(here - 3 * MIB) = 1;
	check(*(volatile unsigned char *)(here - 2 * MIB) == 0);
}

static void
to_the_limit(void)
{
	limit_set(MIB);
	grow_by(MIB - 64 * 1024);
}

static void
past_the_limit(void)
{
	limit_set(MIB);
	grow_by(MIB + 64 * 1024);
}

static void
far_past_the_limit(void)
{
	*(volatile unsigned char *)(stack_here() - 64 * MIB) = 1;
}

static void
read_grows_too(void)
{
	check(*(volatile unsigned char *)(stack_here() - MIB) == 0);
}

static void
limit_smaller_than_stack(void)
{
	grow_by(2 * MIB);
	limit_set(256 * 1024);
	/* What is there stays there. */
	uintptr_t here = stack_here();
	*(volatile unsigned char *)(here - MIB) = 1;
}

static void
guard_gap(void)
{
	uintptr_t here = stack_here() & ~(uintptr_t)(PAGE - 1);
	uintptr_t wall = here - 3 * MIB;

	check(mmap((void *)wall, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)wall);
	/* More than the gap of 1 MiB stays free: fine. */
	*(volatile unsigned char *)(wall + 2 * MIB) = 1;
	check(*(volatile unsigned char *)wall == 0);
}

static void
guard_gap_hit(void)
{
	uintptr_t here = stack_here() & ~(uintptr_t)(PAGE - 1);
	uintptr_t wall = here - 3 * MIB;

	check(mmap((void *)wall, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)wall);
	*(volatile unsigned char *)(wall + 4 * PAGE) = 1;
}

static void
grown_in_child(void *arg)
{
	(void)arg;
	grow_by(2 * MIB);
}

static void
child_grows_alone(void)
{
	child_must_live(grown_in_child, NULL);
	grow_by(MIB);
	child_must_live(grown_in_child, NULL);
	grow_by(3 * MIB);
}

static void
not_executable(void)
{
	unsigned char code[16];

	memset(code, 0xc3, sizeof(code));
	__asm__ volatile("" : : "r"(code) : "memory");
	((void (*)(void))code)();
}

static void
syscall_grows(void)
{
	int fd = file_make("/tmp/stack", PAGE);
	char *below = (char *)(stack_here() - 2 * MIB);

	/* The kernel writes where the stack has not been yet. */
	check(pread(fd, below, PAGE, 0) == PAGE && below[0] == 1);
	close(fd), unlink("/tmp/stack");
}

static void
limits_told(void)
{
	struct rlimit limit;

	check(getrlimit(RLIMIT_STACK, &limit) == 0);
	check(limit.rlim_cur >= MIB && limit.rlim_cur <= limit.rlim_max);
	check_errno(getrlimit(99, &limit), EINVAL);
	limit.rlim_cur = limit.rlim_max = 5 * MIB;
	check(setrlimit(RLIMIT_STACK, &limit) == 0);
	limit.rlim_cur = 6 * MIB;
	check_errno(setrlimit(RLIMIT_STACK, &limit), EINVAL);
}

const struct test_case stack_cases[] = {
	{"the stack grows page by page", grows, 0, 0},
	{"the stack grows by megabytes at once", grows_at_once, 0, 0},
	{"a read below the stack makes it grow", read_grows_too, 0, 0},
	{"the stack grows to RLIMIT_STACK", to_the_limit, 0, 0},
	{"the stack does not grow past RLIMIT_STACK", past_the_limit, SIGSEGV, 0},
	{"an access far below the stack is SIGSEGV", far_past_the_limit, SIGSEGV, 0},
	{"a limit below the stack's size takes nothing away", limit_smaller_than_stack, 0, 0},
	{"the stack grows as long as a megabyte stays free below it", guard_gap, 0, 0},
	{"the stack does not grow into the guard gap above its neighbour", guard_gap_hit, SIGSEGV, 0},
	{"a child's stack grows on its own", child_grows_alone, 0, 0},
	{"the stack is not executable", not_executable, SIGSEGV, 0},
	{"a system call that writes below the stack makes it grow", syscall_grows, 0, 0},
	{"RLIMIT_STACK is told and can be changed", limits_told, 0, 0},
	{0},
};
