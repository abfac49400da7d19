/* SPDX-License-Identifier: MIT */
/*
 * user/bigfork.c - forks a large process, and counts what that takes
 *
 * Idea        fork shares page tables: one in 2 MiB, and no page is copied. The first write below a shared table parts
 *             that table; the write itself copies one page. /proc/vmstat counts all three, and this program reads it
 *             before and after each step.  bigfork [MiB]
 * Invariants  none
 * Locks       none
 * Follow      to mm/fork.c, mm/share.c, mm/fault.c (fault_cow)
 * Tests       tests/guest/test_demo.py
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	TABLE = 2 << 20
};

struct counts {
	long shared, parted, copied, us;
};

static long
figure(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? atol(at + strlen(name)) : 0;
}

static struct counts
look(void)
{
	static char text[16384];
	struct timespec t;
	FILE *f = fopen("/proc/vmstat", "r");

	text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = 0;
	if (f)
		fclose(f);
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct counts){figure(text, "\ntable_share "), figure(text, "\ntable_unshare "),
			       figure(text, "\ncow_break "), t.tv_sec * 1000000 + t.tv_nsec / 1000};
}

static void
tell(const char *step, struct counts a, struct counts b)
{
	printf("bigfork: %-40s %5ld tables shared, %5ld parted, %5ld pages copied, %6ld us\n", step,
	       b.shared - a.shared, b.parted - a.parted, b.copied - a.copied, b.us - a.us);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	long bytes = (argc > 1 ? atol(argv[1]) : 32) << 20;
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	memset(p, 1, bytes);
	look(); /* the first look pays for its own memory */
	struct counts before = look();
	pid_t pid = fork();
	if (pid < 0)
		return 1;
	if (pid == 0) {
		struct counts born = look();
		tell("fork", before, born);
		born = look();
		p[0] = 2;
		struct counts one = look();
		tell("the child writes one byte", born, one);
		for (long i = 0; i < bytes; i += TABLE)
			p[i] = 2;
		struct counts each = look();
		tell("one byte below each table", one, each);
		for (long i = 0; i < bytes; i += PAGE)
			p[i] = 2;
		tell("one byte in each page", each, look());
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	before = look();
	for (long i = 0; i < bytes; i += PAGE)
		p[i] = 3;
	tell("the child is dead: the parent writes all", before, look());
	return 0;
}
