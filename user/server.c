/* SPDX-License-Identifier: MIT */
/*
 * user/server.c - a well-behaved server, and how long it takes to answer
 *
 * Idea        it has its memory from the start, wants no more, and answers one request every 10 ms: it reads 16 pages
 *             of its table, checks them, and writes one. While memory is there this takes microseconds; when its pages
 *             are on the disk, because somebody else leaks, it takes as long as the disk.  server [MiB] [lock]
 *             With `lock` its pages stay in memory (mlock). Each second one line: requests, mean and worst latency. At
 *             the end, or at SIGTERM, the sum of all.
 * Invariants  a page holds its number and how often it was written; what differs is said, and is the exit status
 * Locks       none
 * Follow      from user/slowleak.c   to mm/fault.c (fault_swap), mm/lru.c
 * Tests       tests/guest/test_demo.py
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum {
	PAGE = 4096,
	WORDS = PAGE / sizeof(uint64_t),
	READS = 16,
	PERIOD_MS = 10,
	SECOND = 1000 / PERIOD_MS /* requests */
};

struct latency {
	long requests, sum_us, worst_us;
};

static uint64_t *table;
static uint32_t *written;
static long pages, wrong;
static volatile sig_atomic_t ended;

static void end(int signal);
static long now_us(void);
static void answer(void);
static void add(struct latency *l, long us);

int
main(int argc, char **argv)
{
	struct latency all = {0}, second = {0};

	pages = (argc > 1 ? atol(argv[1]) : 4) * 256;
	table = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	written = calloc(pages, sizeof(*written));
	if (table == MAP_FAILED || !written)
		return 2;
	if (argc > 2 && mlockall(MCL_CURRENT) < 0)
		perror("server: mlockall");
	for (long i = 0; i < pages; i++)
		table[i * WORDS] = i << 32;
	signal(SIGTERM, end);
	while (!ended) {
		long start = now_us();
		answer();
		long took = now_us() - start;
		add(&all, took);
		add(&second, took);
		if (second.requests == SECOND) {
			printf("server: %ld requests, %ld us each, the slowest %ld us\n", second.requests,
			       second.sum_us / second.requests, second.worst_us);
			fflush(stdout);
			second = (struct latency){0};
		}
		nanosleep(&(struct timespec){.tv_nsec = PERIOD_MS * 1000000}, NULL);
	}
	printf("server: %ld requests in all, the slowest %ld us, %ld wrong bytes\n", all.requests, all.worst_us, wrong);
	return wrong != 0;
}

static void
end(int signal)
{
	ended = signal;
}

static long
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
answer(void)
{
	static uint64_t state = 1;

	for (int i = 0; i < READS; i++) {
		state = state * 6364136223846793005 + 1442695040888963407;
		long page = (state >> 33) % pages;
		if (table[page * WORDS] != ((uint64_t)page << 32 | written[page]))
			wrong++;
		if (i == 0)
			table[page * WORDS] = (uint64_t)page << 32 | ++written[page];
	}
}

static void
add(struct latency *l, long us)
{
	l->requests++;
	l->sum_us += us;
	if (us > l->worst_us)
		l->worst_us = us;
}
