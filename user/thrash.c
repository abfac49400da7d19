/* SPDX-License-Identifier: MIT */
/*
 * user/thrash.c - uses more memory than there is, in a chosen order, and checks every byte it reads back
 *
 * Idea        thrash [MIB | FACTORx] [PATTERN] [ACCESSES] [SEED]: a working set of MIB, or of FACTOR times the RAM
 *             (default: 1.25x), filled once, then read and written page by page. Patterns: sequential, random, hotcold
 *             (9 of 10 accesses go to a tenth of the pages), zipf (page k is wanted like 1/k). A page knows its number
 *             and how often it was written, and all of its words follow from that: a page that comes back wrong, late
 *             or as another is seen. The last line also says which share of the accesses the first tenth got.
 * Invariants  none
 * Locks       none
 * Follow      to mm/reclaim.c, mm/swap_cache.c
 * Tests       tests/guest/test_guest.py
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>

enum {
	PAGE = 4096,
	WORDS = PAGE / sizeof(uint64_t),
	HOT_SHARE = 10,
	STATUS_WRONG = 1,
	STATUS_USAGE = 2
};

enum pattern {
	SEQUENTIAL,
	RANDOM,
	HOTCOLD,
	ZIPF,
	PATTERNS
};

static const char *const patterns[PATTERNS] = {"sequential", "random", "hotcold", "zipf"};

static uint64_t *memory;
static uint32_t *generation; /* by page: times it was written */
static unsigned long pages;
static uint64_t state;

static void usage(void) __attribute__((noreturn));
static enum pattern pattern_of(const char *word);
static unsigned long size_of(const char *word);
static double seconds(void);
static uint64_t draw(void);
static unsigned long page_next(enum pattern pattern, unsigned long i);
static double draw_unit(void);
static unsigned long zipf(void);
static void page_write(unsigned long page);
static void page_check(unsigned long page);
static uint64_t word_of(unsigned long page, unsigned int word);

int
main(int argc, char **argv)
{
	struct rusage before, after;

	unsigned long mib = size_of(argc > 1 ? argv[1] : "1.25x");
	enum pattern pattern = argc > 2 ? pattern_of(argv[2]) : RANDOM;
	unsigned long first = 0; /* accesses to the first tenth */
	unsigned long accesses = argc > 3 ? strtoul(argv[3], NULL, 0) : mib * 256 * 2;
	state = argc > 4 ? strtoul(argv[4], NULL, 0) : 1;

	pages = mib * 256;
	memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	generation = calloc(pages, sizeof(*generation));
	if (memory == MAP_FAILED || !generation) {
		perror("thrash");
		return STATUS_WRONG;
	}
	for (unsigned long page = 0; page < pages; page++)
		page_write(page);
	double start = seconds();
	getrusage(RUSAGE_SELF, &before);
	for (unsigned long i = 0; i < accesses; i++) {
		unsigned long page = page_next(pattern, i);

		first += page < pages / HOT_SHARE;
		page_check(page);
		if (draw() % 3 == 0)
			page_write(page);
	}
	getrusage(RUSAGE_SELF, &after);
	double taken = seconds() - start;
	for (unsigned long page = 0; page < pages; page++)
		page_check(page);
	printf("thrash: %lu MiB, %s: %lu accesses in %.2f s, %lu%% of them to a tenth, %ld major faults a thousand, "
	       "every byte right\n",
	       mib, patterns[pattern], accesses, taken, accesses ? first * 100 / accesses : 0,
	       accesses ? (after.ru_majflt - before.ru_majflt) * 1000 / (long)accesses : 0);
	return 0;
}

static void
usage(void)
{
	fprintf(stderr, "usage: thrash [MIB | FACTORx] [sequential | random | hotcold | zipf] [ACCESSES] [SEED]\n");
	exit(STATUS_USAGE);
}

static enum pattern
pattern_of(const char *word)
{
	unsigned int n = 0;

	while (n < PATTERNS && strcmp(word, patterns[n]) != 0)
		n++;
	if (n == PATTERNS)
		usage();
	return (enum pattern)n;
}

/* MiB, or a multiple of the RAM. */
static unsigned long
size_of(const char *word)
{
	struct sysinfo info;
	char *end;
	double number = strtod(word, &end);

	sysinfo(&info);
	if (*end == 'x')
		number *= (double)(info.totalram * info.mem_unit) / (1 << 20);
	if (end == word || number < 1)
		usage();
	return (unsigned long)number;
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t
draw(void)
{
	uint64_t x = state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static unsigned long
page_next(enum pattern pattern, unsigned long i)
{
	switch (pattern) {
	case SEQUENTIAL:
		return i % pages;
	case HOTCOLD:
		return draw() % 10 ? draw() % (pages / HOT_SHARE) : draw() % pages;
	case ZIPF:
		return zipf() - 1;
	default:
		return draw() % pages;
	}
}

static double
draw_unit(void)
{
	return (double)(draw() >> 11) / (double)(1UL << 53);
}

/*
 * k from 1 to pages, wanted like 1/k: by rejection. (pages + 1)^u for u from 0 to 1, rounded down, is k with a chance
 * like log(1 + 1/k). That is 1/k but for a factor between log 2 at k = 1 and 1, which the second draw corrects.
 */
static unsigned long
zipf(void)
{
	for (;;) {
		unsigned long k = (unsigned long)exp(draw_unit() * log((double)pages + 1));
		double want = 1 / (double)k;

		if (k >= 1 && k <= pages && draw_unit() * log1p(want) < want * log(2))
			return k;
	}
}

static void
page_write(unsigned long page)
{
	uint64_t *words = memory + page * WORDS;

	generation[page]++;
	for (unsigned int i = 0; i < WORDS; i++)
		words[i] = word_of(page, i);
}

static void
page_check(unsigned long page)
{
	const uint64_t *words = memory + page * WORDS;

	for (unsigned int i = 0; i < WORDS; i++)
		if (words[i] != word_of(page, i)) {
			printf("thrash: WRONG: word %u of page %lu is %lx, not %lx\n", i, page, (unsigned long)words[i],
			       (unsigned long)word_of(page, i));
			exit(STATUS_WRONG);
		}
}

static uint64_t
word_of(unsigned long page, unsigned int word)
{
	return (page + 1) * 0x9e3779b97f4a7c15 ^ (uint64_t)generation[page] << 40 ^ word;
}
