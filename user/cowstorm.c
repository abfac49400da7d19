/* SPDX-License-Identifier: MIT */
/*
 * user/cowstorm.c - generations of forks that write and verify pages, each page with a stamp
 *
 * Idea        copy-on-write goes wrong when one process sees what another wrote. Every page bears the stamp of its last
 *             writer, and every process knows which writer it ought to find, because that table is private memory
 *             too. A process of generation g verifies all pages, stamps some, forks `width` children of generation g
 *             + 1 that do the same at the same time, writes on while they live, and verifies once more when they are
 *             gone. cowstorm [depth=4] [width=3] [pages=400]
 * Invariants  a page holds the stamp of the writer that `writer` names, in its first and in its last word
 * Locks       none
 * Follow      to mm/fault.c (fault_cow), mm/pagetable.c (sharing and unsharing of tables)
 * Tests       tests/guest/cow.c has the single steps
 */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	WORDS = PAGE / 8,
	WRITES_PER_TURN = 40,
	RETRIES = 1000
};

static void generation_run(long g, uint64_t me);
static void children_start(long g, uint64_t me, pid_t *child);
static void pages_write(uint64_t me);
static void pages_verify(uint64_t me, const char *when);
static uint64_t stamp_of(long page, uint64_t who);
static uint64_t next_random(void);
static void say(const char *format, ...);

static long depth = 4;
static long width = 3;
static long pages = 400;
static volatile uint64_t *memory;
static uint64_t *writer; /* of each page, as this process ought to see it */
static uint64_t random_state;
static volatile long *verified; /* shared: pages verified by everybody */

int
main(int argc, char **argv)
{
	const int rw = PROT_READ | PROT_WRITE;

	for (int i = 1; i < argc; i++)
		if (sscanf(argv[i], "depth=%ld", &depth) != 1 && sscanf(argv[i], "width=%ld", &width) != 1 &&
		    sscanf(argv[i], "pages=%ld", &pages) != 1)
			say("cowstorm: what is %s?\n", argv[i]);
	if (width < 1 || width > 16 || pages < 1)
		return 2;
	memory = mmap(NULL, pages * PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	writer = mmap(NULL, pages * sizeof(*writer), rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	verified = mmap(NULL, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || writer == MAP_FAILED || verified == MAP_FAILED)
		return 2;
	for (long page = 0; page < pages; page++) {
		memory[page * WORDS] = memory[page * WORDS + WORDS - 1] = stamp_of(page, 1);
		writer[page] = 1;
	}
	generation_run(0, 1);
	say("cowstorm: %ld pages verified, none wrong\n", *verified);
	return 0;
}

static void
generation_run(long g, uint64_t me)
{
	pid_t child[16] = {0};
	int status;

	random_state = me * 0x9e3779b97f4a7c15u + 1;
	pages_verify(me, "at birth");
	pages_write(me);
	if (g < depth)
		children_start(g, me, child);
	pages_write(me);
	pages_verify(me, "while its children live");
	for (long i = 0; i < width; i++) {
		if (child[i] == 0)
			continue;
		if (waitpid(child[i], &status, 0) != child[i] || status != 0) {
			say("cowstorm: a child of generation %ld ended with status 0x%x\n", g + 1, status);
			_exit(1);
		}
	}
	pages_verify(me, "when its children are gone");
}

static void
children_start(long g, uint64_t me, pid_t *child)
{
	for (long i = 0; i < width; i++) {
		pid_t pid = -1;

		for (long tries = 0; pid < 0 && tries < RETRIES; tries++)
			if ((pid = fork()) < 0)
				sched_yield();
		if (pid == 0) {
			/* Why: a number of its own for every process of the tree; never 0. */
			generation_run(g + 1, me * width + i + 2);
			_exit(0);
		}
		if (pid > 0)
			child[i] = pid;
	}
}

static void
pages_write(uint64_t me)
{
	for (long i = 0; i < WRITES_PER_TURN; i++) {
		long page = next_random() % pages;

		memory[page * WORDS] = memory[page * WORDS + WORDS - 1] = stamp_of(page, me);
		writer[page] = me;
	}
}

static void
pages_verify(uint64_t me, const char *when)
{
	for (long page = 0; page < pages; page++) {
		uint64_t want = stamp_of(page, writer[page]);

		if (memory[page * WORDS] == want && memory[page * WORDS + WORDS - 1] == want)
			continue;
		say("cowstorm: process %lu, %s: page %ld holds %lx and %lx, not %lx\n", me, when, page,
		    memory[page * WORDS], memory[page * WORDS + WORDS - 1], want);
		_exit(1);
	}
	__atomic_fetch_add(verified, pages, __ATOMIC_SEQ_CST);
}

static uint64_t
stamp_of(long page, uint64_t who)
{
	return ((uint64_t)page << 32 | 1) * 0x9e3779b97f4a7c15u ^ who;
}

static uint64_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void
say(const char *format, ...)
{
	char line[160];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (write(1, line, n) != n)
		_exit(1);
}
