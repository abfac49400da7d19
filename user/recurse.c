/* SPDX-License-Identifier: MIT */
/*
 * user/recurse.c - a recursion without an end
 *
 * Idea        each call takes a page of stack and touches it. The stack grows by faults below its end, until
 *             RLIMIT_STACK or a promise that may not be made stops it: SIGSEGV. After `ulimit -s unlimited` it goes on
 *             to the end of memory.  recurse
 * Invariants  none
 * Locks       none
 * Follow      to mm/fault.c (fault_change), mm/mmap.c (mmap_grow_stack)
 * Tests       tests/guest/test_guest.py, tests/guest/test_demo.py
 */
#include <stdio.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	MIB = (1 << 20) / PAGE
};

/* Tells the compiler that the frame is needed: what it cannot look into may read it. */
static int
deeper(long depth)
{
	volatile char frame[PAGE];
	char line[64];

	frame[0] = 1;
	if (depth % MIB == 0 &&
	    write(1, line, snprintf(line, sizeof(line), "recurse: %ld MiB of stack\n", depth / MIB)) < 0)
		return 1;
	return deeper(depth + 1) + frame[0];
}

int
main(void)
{
	return deeper(1);
}
