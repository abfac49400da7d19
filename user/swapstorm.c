/* SPDX-License-Identifier: MIT */
/*
 * user/swapstorm.c - forks that share pages, break them and push them out, all at once
 *
 * Idea        swapstorm [WORKERS [ROUNDS [MIB]]]: a parent fills MIB (default: half of the RAM) and forks WORKERS.
 *             Each worker goes through the shared pages, makes some its own by writing, pushes a stretch out of memory
 *             (MADV_PAGEOUT), brings another back by reading, gives a third up (MADV_FREE) and fills it again, and
 *             forks a child of its own that verifies what it inherited. A page bears its number and its last writer: a
 *             slot that is given back too early, a copy that is missed or a page that comes back as another is seen.
 * Invariants  a page holds stamp(page, writer) in its first and last word, writer as the process's own table says
 * Locks       none
 * Follow      to mm/swap_leaf.c, mm/share.c, mm/lazyfree.c
 * Tests       tests/guest/test_guest.py
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	WORDS = PAGE / 8,
	STRETCH = 64 /* pages that go or come together */
};

static uint64_t *memory;
static uint32_t *writer; /* of each page, as this process ought to see it: private memory too */
static unsigned long pages;
static uint64_t state;

static int children_of(int workers, int rounds);
static void work(uint32_t me, int rounds);
static void page_write(unsigned long page, uint32_t who);
static void page_check(unsigned long page);
static void all_check(void);
static long pages_written(void);
static uint64_t stamp(unsigned long page, uint32_t who);
static uint64_t draw(void);

int
main(int argc, char **argv)
{
	const int rw = PROT_READ | PROT_WRITE;
	int workers = argc > 1 ? atoi(argv[1]) : 4;
	int rounds = argc > 2 ? atoi(argv[2]) : 20;
	struct sysinfo info;

	sysinfo(&info);
	unsigned long mib = argc > 3 ? strtoul(argv[3], NULL, 0) : info.totalram * info.mem_unit / (1 << 20) / 2;
	long before = pages_written();
	pages = mib * 256;
	memory = mmap(NULL, pages * PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	writer = calloc(pages, sizeof(*writer));
	if (memory == MAP_FAILED || !writer || pages < STRETCH) {
		perror("swapstorm");
		return 1;
	}
	for (unsigned long page = 0; page < pages; page++)
		page_write(page, 1);
	int wrong = children_of(workers, rounds);
	all_check();
	printf("swapstorm: %lu MiB, %d workers, %d rounds: %d ended badly, %ld pages went out\n", mib, workers, rounds,
	       wrong, pages_written() - before);
	return wrong != 0;
}

/* Returns how many did not come to a good end. */
static int
children_of(int workers, int rounds)
{
	int wrong = 0, status;

	for (int i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			work((uint32_t)(i + 2), rounds);
			_exit(0);
		}
		wrong += pid < 0;
	}
	while (wait(&status) > 0)
		wrong += status != 0;
	return wrong;
}

static void
work(uint32_t me, int rounds)
{
	state = me;
	for (int round = 0; round < rounds; round++) {
		unsigned long out = draw() % (pages - STRETCH + 1);
		unsigned long in = draw() % (pages - STRETCH + 1);
		unsigned long up = draw() % (pages - STRETCH + 1);

		for (unsigned long i = 0; i < STRETCH; i++)
			page_write((out + i * 7) % pages, me);
		madvise(memory + out * WORDS, STRETCH * PAGE, MADV_PAGEOUT);
		for (unsigned long i = 0; i < STRETCH; i++)
			page_check(in + i);
		madvise(memory + up * WORDS, STRETCH * PAGE, MADV_FREE);
		for (unsigned long i = 0; i < STRETCH; i++)
			page_write(up + i, me);
		if (round % 4 == 0) {
			pid_t pid = fork();
			int status = 0;

			if (pid == 0) {
				for (unsigned long i = 0; i < STRETCH; i++)
					page_check((out + i) % pages), page_check(up + i);
				_exit(0);
			}
			if (pid > 0)
				waitpid(pid, &status, 0);
			if (status)
				_exit(1);
		}
	}
	all_check();
}

static void
page_write(unsigned long page, uint32_t who)
{
	writer[page] = who;
	memory[page * WORDS] = memory[page * WORDS + WORDS - 1] = stamp(page, who);
}

static void
page_check(unsigned long page)
{
	uint64_t want = stamp(page, writer[page]);

	if (memory[page * WORDS] == want && memory[page * WORDS + WORDS - 1] == want)
		return;
	printf("swapstorm: WRONG: page %lu is %lx, not %lx of writer %u\n", page, (unsigned long)memory[page * WORDS],
	       (unsigned long)want, writer[page]);
	exit(1);
}

/* By all programs, since the system started. */
static long
pages_written(void)
{
	FILE *f = fopen("/proc/vmstat", "r");
	char line[128];
	long value = 0;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "pswpout %ld", &value);
	if (f)
		fclose(f);
	return value;
}

static void
all_check(void)
{
	for (unsigned long page = 0; page < pages; page++)
		page_check(page);
}

static uint64_t
stamp(unsigned long page, uint32_t who)
{
	return (page + 1) * 0x9e3779b97f4a7c15 ^ (uint64_t)who << 32;
}

static uint64_t
draw(void)
{
	uint64_t x = state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	return x ^ x >> 31;
}
