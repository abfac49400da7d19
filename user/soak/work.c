/* SPDX-License-Identifier: MIT */
/*
 * user/soak/work.c - workers that fill memory, share it, change it, and look whether it is still what it was
 *
 * Idea        A page is known by a key, which depends on its place and on how often it was written. Whoever reads
 *             another one there has found a lost write, a page that was given to two, or a swap slot given back too
 *             early.
 * Invariants  a worker touches nothing but its own memory and its own file
 * Locks       none
 * Follow      from soak.c   to churn.c
 * Tests       tests/guest/test_soak.py
 */
#include "soak.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PARTS = 32, /* of a worker's memory; each is rewritten as a whole */
	SLOTS = 12  /* mappings of the mapper */
};

static const int rw = PROT_READ | PROT_WRITE;

/* Memory in parts that are written in turns. */
struct field {
	char *at;
	size_t pages;
	uint64_t key;
	uint32_t turn[PARTS];
};

static void work_hog(struct chance *c, size_t pages);
static void work_greedy(struct chance *c, size_t pages);
static void work_forker(struct chance *c, size_t pages);
static void work_mapper(struct chance *c, size_t pages);
static void work_counters(struct chance *c, size_t pages);
static void work_locker(struct chance *c, size_t pages);

const struct work works[] = {
	{"hog", work_hog, 6, false},           {"greedy", work_greedy, 2, false},
	{"forker", work_forker, 4, false},     {"mapper", work_mapper, 4, false},
	{"counters", work_counters, 2, false}, {"locker", work_locker, 1, false},
	{"files", work_files, 4, false},       {"threads", work_threads, 2, false},
	{"programs", work_programs, 2, false}, {"swapper", work_swapper, 3, false},
	{"failer", work_failer, 3, true},      {0},
};

const struct work *
work_draw(struct chance *c)
{
	const struct work *w = works;
	uint64_t shares = 0;

	for (; w->name; w++)
		shares += (uint64_t)w->share;
	for (int64_t left = (int64_t)draw(c, shares); (left -= (--w)->share) >= 0;)
		;
	return w;
}

/* SplitMix64 */
uint64_t
blend(uint64_t a, uint64_t b)
{
	uint64_t z = a + (b + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t
draw(struct chance *c, uint64_t n)
{
	c->state += 0x9e3779b97f4a7c15;
	return blend(c->state, 0) % n;
}

void *
memory_map(size_t pages, int flags)
{
	void *p = mmap(NULL, pages * PAGE, rw, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		give_up();
	return p;
}

void
page_write(void *page, uint64_t key)
{
	volatile uint64_t *word = page;

	word[0] = key;
	word[WORDS / 2] = ~key;
	word[WORDS - 1] = key ^ 1;
}

void
page_check(const void *page, uint64_t key, const char *who)
{
	const volatile uint64_t *word = page;
	uint64_t a = word[0], b = word[WORDS / 2], c = word[WORDS - 1];

	if (a != key || b != ~key || c != (key ^ 1))
		wrong("%s: page %p holds %016lx %016lx %016lx instead of key %016lx", who, page, a, ~b, c ^ 1, key);
}

/* ---- a field ---- */

static void
field_make(struct field *f, size_t pages, uint64_t key, int flags)
{
	*f = (struct field){.at = memory_map(pages, flags), .pages = pages, .key = key};
}

/* The key of page @i; 0: it was never written. */
static uint64_t
field_key(const struct field *f, size_t i)
{
	uint32_t turn = f->turn[i * PARTS / f->pages];

	return turn ? blend(f->key + i, turn) | 2 : 0;
}

static void
field_write(struct field *f, size_t part)
{
	f->turn[part]++;
	for (size_t i = 0; i < f->pages; i++)
		if (i * PARTS / f->pages == part)
			page_write(f->at + i * PAGE, field_key(f, i));
}

static void
field_check(const struct field *f, size_t part, const char *who)
{
	for (size_t i = 0; i < f->pages; i++)
		if (i * PARTS / f->pages == part && field_key(f, i))
			page_check(f->at + i * PAGE, field_key(f, i), who);
}

static void
field_check_all(const struct field *f, const char *who)
{
	for (size_t part = 0; part < PARTS; part++)
		field_check(f, part, who);
}

/* ---- works ---- */

/* Advice that takes nothing away. */
static void
advise(struct chance *c, char *at, size_t pages)
{
	static const int advice[] = {MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_RANDOM, MADV_NORMAL, MADV_NOHUGEPAGE};

	madvise(at, pages * PAGE, advice[draw(c, sizeof(advice) / sizeof(advice[0]))]);
}

static void
work_hog(struct chance *c, size_t pages)
{
	struct field f;

	field_make(&f, 1 + draw(c, pages), draw(c, ~0UL), MAP_PRIVATE);
	for (uint64_t step = 20 + draw(c, 80); step; step--) {
		size_t part = draw(c, PARTS);

		if (draw(c, 2))
			field_write(&f, part);
		else
			field_check(&f, part, "hog");
		if (!draw(c, 8))
			advise(c, f.at, f.pages);
	}
	field_check_all(&f, "hog");
}

/* Wants more than there is: only being killed ends it early. */
static void
work_greedy(struct chance *c, size_t pages)
{
	struct field f;

	for (uint64_t rounds = 4 + draw(c, 8); rounds; rounds--) {
		field_make(&f, pages, rounds, MAP_PRIVATE | MAP_NORESERVE);
		for (size_t part = 0; part < PARTS; part++)
			field_write(&f, part);
		field_check_all(&f, "greedy");
	}
}

static int
verdict_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return END_GAVE_UP;
	return WIFEXITED(status) ? WEXITSTATUS(status) : END_GAVE_UP;
}

/* Children see what they inherited, whatever they and their parent write since. */
static void
work_forker(struct chance *c, size_t pages)
{
	struct field f;

	field_make(&f, 1 + draw(c, pages / 2 + 1), draw(c, ~0UL), MAP_PRIVATE);
	for (size_t part = 0; part < PARTS; part++)
		field_write(&f, part);
	for (uint64_t step = 2 + draw(c, 10); step; step--) {
		pid_t pid = fork();

		if (pid < 0)
			give_up();
		for (int i = 0; i < 8; i++) {
			size_t part = draw(c, PARTS);

			if (pid ? i % 2 : i % 3)
				field_write(&f, part);
			else
				field_check(&f, part, "forker");
		}
		field_check_all(&f, pid ? "forker" : "forked");
		if (pid == 0)
			_exit(END_DONE);
		if (verdict_of(pid) == END_WRONG)
			_exit(END_WRONG);
	}
}

/* One thing that may be done to a mapping. */
static void
mapping_change(struct chance *c, struct field *f)
{
	size_t pages = f->pages;
	char *at;

	switch (draw(c, 6)) {
	case 0:
		munmap(f->at, pages * PAGE);
		f->at = NULL;
		break;
	case 1:
		at = mremap(f->at, pages * PAGE, pages * PAGE * 2, MREMAP_MAYMOVE);
		if (at == MAP_FAILED)
			give_up();
		if (munmap(at + pages * PAGE, pages * PAGE) < 0) /* the old part keeps its keys */
			give_up();
		f->at = at;
		break;
	case 2:
		if (mprotect(f->at, pages * PAGE, PROT_READ) < 0)
			give_up();
		field_check(f, draw(c, PARTS), "mapper, read-only");
		if (mprotect(f->at, pages * PAGE, rw) < 0)
			give_up();
		break;
	case 3:
		for (size_t part = 0; part < PARTS; part++)
			f->turn[part] = 0;
		madvise(f->at, pages * PAGE, MADV_DONTNEED);
		for (size_t i = 0; i < pages; i++)
			if (*(volatile char *)(f->at + i * PAGE))
				wrong("mapper: a page that was given up is not zero");
		break;
	default:
		advise(c, f->at, pages);
	}
}

static void
work_mapper(struct chance *c, size_t pages)
{
	struct field slots[SLOTS] = {0};

	for (uint64_t step = 50 + draw(c, 300); step; step--) {
		struct field *f = &slots[draw(c, SLOTS)];

		if (!f->at)
			field_make(f, 1 + draw(c, pages / SLOTS + 1), draw(c, ~0UL), MAP_PRIVATE);
		else if (!draw(c, 3))
			mapping_change(c, f);
		else if (draw(c, 2))
			field_write(f, draw(c, PARTS));
		else
			field_check(f, draw(c, PARTS), "mapper");
	}
}

/* Several add to counters in shared memory, one in each page: no addition may be lost. */
static void
work_counters(struct chance *c, size_t pages)
{
	size_t n = 1 + draw(c, pages / 4 + 1);
	uint64_t adds = 500 + draw(c, 2000), sum = 0;
	char *at = memory_map(n, MAP_SHARED);
	pid_t child[3];
	bool all = true;

	for (int i = 0; i < 3; i++) {
		struct chance own = {draw(c, ~0UL)};

		child[i] = fork();
		if (child[i])
			continue;
		for (uint64_t k = 0; k < adds; k++)
			__atomic_add_fetch((uint64_t *)(at + draw(&own, n) * PAGE), 1, __ATOMIC_SEQ_CST);
		_exit(END_DONE);
	}
	for (int i = 0; i < 3; i++)
		all &= child[i] > 0 && verdict_of(child[i]) == END_DONE;
	for (size_t i = 0; i < n; i++)
		sum += *(volatile uint64_t *)(at + i * PAGE);
	if (all && sum != 3 * adds)
		wrong("counters: %lu additions in %zu pages came to %lu", 3 * adds, n, sum);
}

static void
work_locker(struct chance *c, size_t pages)
{
	struct field f;

	field_make(&f, 1 + draw(c, pages / 8 + 1), draw(c, ~0UL), MAP_PRIVATE);
	for (uint64_t step = 5 + draw(c, 20); step; step--) {
		size_t first = draw(c, f.pages), n = 1 + draw(c, f.pages - first);

		if (mlock(f.at + first * PAGE, n * PAGE) < 0)
			give_up();
		field_write(&f, draw(c, PARTS));
		sched_yield();
		field_check_all(&f, "locker");
		munlock(f.at + first * PAGE, n * PAGE);
	}
}
