/* SPDX-License-Identifier: MIT */
/*
 * user/hog.c - takes memory until it is killed, or until it has what it was asked for
 *
 * Idea        one write a page turns a promise into a frame. The hog says how far it got every 8 MiB, so that the last
 *             line before its death shows what the machine could give.  hog [MiB]
 * Invariants  none
 * Locks       none
 * Follow      from user/init.c (the last step of the story)   to mm/fault.c, mm/page_alloc.c, mm/oom.c
 * Tests       tests/guest/exhaust.c does the same, and counts the pages afterwards
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	MIB = 1 << 20,
	PROGRESS_MIB = 8,
	STATUS_REFUSED = 3
};

static int take_mib(void);
static void say(const char *format, ...);

int
main(int argc, char **argv)
{
	long wanted = argc > 1 ? atol(argv[1]) : -1;
	long have = 0;

	while (have != wanted) {
		if (take_mib() < 0) {
			say("hog: mmap refuses more after %ld MiB\n", have);
			return STATUS_REFUSED;
		}
		have++;
		if (have % PROGRESS_MIB == 0)
			say("hog: %ld MiB\n", have);
	}
	say("hog: done, %ld MiB touched\n", have);
	return 0;
}

static int
take_mib(void)
{
	volatile char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	for (size_t i = 0; i < MIB; i += PAGE)
		p[i] = 1;
	return 0;
}

/* Formats on the stack and writes at once: stdio would want memory of its own. */
static void
say(const char *format, ...)
{
	char line[128];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (write(1, line, n) != n)
		_exit(1);
}
