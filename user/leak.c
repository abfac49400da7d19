/* SPDX-License-Identifier: MIT */
/*
 * user/leak.c - a program that forgets to free
 *
 * Idea        malloc, use, forget; then again. With a pause between the steps one can watch each stage of running out:
 *             leak [KiB a step] [ms between steps] [MiB]. It says how far it got every 16 MiB, and ends only by a kill;
 *             with the last word it stops there, and holds what it has.
 * Invariants  none
 * Locks       none
 * Follow      to mm/brk.c, mm/fault.c, mm/oom.c
 * Tests       tests/guest/test_demo.py
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	TELL_KIB = 16 << 10
};

int
main(int argc, char **argv)
{
	long step = argc > 1 ? atol(argv[1]) : 1024;
	long ms = argc > 2 ? atol(argv[2]) : 0;
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	long most = argc > 3 ? atol(argv[3]) << 10 : -1;
	char line[64];

	for (long have = step;; have += step) {
		char *p = malloc(step << 10);
		if (!p) {
			perror("leak: malloc");
			return 1;
		}
		for (long i = 0; i < step << 10; i += PAGE)
			p[i] = 1; /* a page all of one word would leave memory without a slot on the disk */
		if (have % TELL_KIB < step &&
		    write(1, line, snprintf(line, sizeof(line), "leak: %ld MiB\n", have >> 10)) < 0)
			return 1;
		while (most >= 0 && have >= most)
			sleep(1);
		nanosleep(&pause, NULL);
	}
}
