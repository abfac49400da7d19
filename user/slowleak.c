/* SPDX-License-Identifier: MIT */
/*
 * user/slowleak.c - a leak so slow that nobody looks, until everything else is slow
 *
 * Idea        one page a step, and each step is small: slowleak [pages a second]. It says nothing. Watch who else
 *             suffers: `server` prints its latency meanwhile.
 * Invariants  none
 * Locks       none
 * Follow      from user/server.c   to mm/kswapd.c, mm/swap_io.c
 * Tests       tests/guest/test_demo.py
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum {
	PAGE = 4096,
	STEPS = 50 /* a second */
};

int
main(int argc, char **argv)
{
	long pages = argc > 1 ? atol(argv[1]) / STEPS : 1024 / STEPS;
	const struct timespec pause = {.tv_nsec = 1000000000 / STEPS};

	for (;;) {
		for (long i = 0; i < pages; i++) {
			volatile char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p == MAP_FAILED)
				return 1;
			*p = 1;
		}
		nanosleep(&pause, NULL);
	}
}
