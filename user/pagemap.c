/* SPDX-License-Identifier: MIT */
/*
 * user/pagemap.c - who shares which frame
 *
 * Idea        /proc/<pid>/maps says where to look, /proc/<pid>/pagemap which frame is there, /proc/kpagecount how many
 *             map the frame, /proc/kpageflags what it is. One process: a line for each run of pages that are alike.
 *             Two: a line for each frame that both have, with its address in either. After fork that is nearly
 *             everything, and a write takes one frame out of the list.
 *             pagemap PID [PID]
 * Invariants  none
 * Locks       none
 * Follow      to kernel/fs/procfs_pagemap.c, mm/rmap_users.c
 * Tests       tests/guest/proc_tools.c
 * See         Linux Documentation/admin-guide/mm/pagemap.rst
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	WORDS = 512, /* of a file, read at a time */
	PAGES_MAX = 1 << 20
};

#define PM_PRESENT (1UL << 63)
#define PM_FILE (1UL << 61)
#define PM_EXCLUSIVE (1UL << 56)
#define PM_FRAME ((1UL << 55) - 1)

enum kind {
	ZERO,
	ANON,
	FILE_OR_SHARED,
};

/* One page that a process has. */
struct item {
	uint64_t va;
	uint64_t frame;
	uint64_t count; /* who map the frame */
	enum kind kind;
	int exclusive;
};

struct list {
	struct item *item;
	size_t count;
};

static const char *const kind_names[] = {"zero", "anon", "shared"};

static int process_read(const char *pid, struct list *list);
static void range_read(int pagemap, uint64_t start, uint64_t end, struct list *list);
static void item_add(struct list *list, uint64_t va, uint64_t word);
static uint64_t word_of(const char *path, uint64_t index);
static void show_one(const struct list *list);
static void show_two(struct list *a, struct list *b);
static int by_frame(const void *a, const void *b);

int
main(int argc, char **argv)
{
	struct list a = {0}, b = {0};

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: pagemap PID [PID]\n");
		return 1;
	}
	if (process_read(argv[1], &a) || (argc == 3 && process_read(argv[2], &b)))
		return 1;
	if (argc == 2)
		show_one(&a);
	else
		show_two(&a, &b);
	return 0;
}

static int
process_read(const char *pid, struct list *list)
{
	unsigned long start, end;
	char path[64];
	char line[4096];
	FILE *maps;
	int pagemap;

	snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
	maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%.20s/pagemap", pid);
	pagemap = open(path, O_RDONLY);
	list->item = malloc(PAGES_MAX * sizeof(struct item));
	if (!maps || pagemap < 0 || !list->item) {
		fprintf(stderr, "pagemap: process %s cannot be looked at\n", pid);
		return 1;
	}
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2)
			range_read(pagemap, start, end, list);
	fclose(maps);
	close(pagemap);
	return 0;
}

static void
range_read(int pagemap, uint64_t start, uint64_t end, struct list *list)
{
	uint64_t words[WORDS];
	uint64_t n;

	for (uint64_t va = start; va < end; va += n * PAGE) {
		n = (end - va) / PAGE < WORDS ? (end - va) / PAGE : WORDS;
		if (pread(pagemap, words, n * 8, va / PAGE * 8) != (ssize_t)(n * 8))
			return;
		for (uint64_t i = 0; i < n; i++)
			if (words[i] & PM_PRESENT)
				item_add(list, va + i * PAGE, words[i]);
	}
}

static void
item_add(struct list *list, uint64_t va, uint64_t word)
{
	uint64_t frame = word & PM_FRAME;
	uint64_t flags = word_of("/proc/kpageflags", frame);

	if (list->count == PAGES_MAX)
		return;
	list->item[list->count++] = (struct item){
		.va = va,
		.frame = frame,
		.count = word_of("/proc/kpagecount", frame),
		.kind = flags >> 24 & 1  ? ZERO
			: word & PM_FILE ? FILE_OR_SHARED
					 : ANON,
		.exclusive = (word & PM_EXCLUSIVE) != 0,
	};
}

/* One 64-bit word of a file that stays open; 0 when there is none. */
static uint64_t
word_of(const char *path, uint64_t index)
{
	static const char *paths[2];
	static int fds[2];
	uint64_t word = 0;
	int i = 0;

	while (i < 1 && paths[i] && paths[i] != path && strcmp(paths[i], path) != 0)
		i++;
	if (!paths[i]) {
		paths[i] = path;
		fds[i] = open(path, O_RDONLY);
	}
	return fds[i] >= 0 && pread(fds[i], &word, 8, index * 8) == 8 ? word : 0;
}

/* A run: consecutive pages of one kind that equally many map. Frames need not be consecutive. */
static void
show_one(const struct list *list)
{
	size_t sum[3] = {0};
	size_t shared = 0;

	printf("address              pages kind    mapped-by first-frame\n");
	for (size_t i = 0, n; i < list->count; i += n) {
		const struct item *first = &list->item[i];

		for (n = 1; i + n < list->count; n++) {
			const struct item *next = first + n;

			if (next->va != first->va + n * PAGE || next->kind != first->kind ||
			    next->count != first->count)
				break;
		}
		printf("%016lx %9zu %-7s %9lu %lx\n", first->va, n, kind_names[first->kind], first->count,
		       first->frame);
		sum[first->kind] += n;
		if (!first->exclusive && first->kind != ZERO)
			shared += n;
	}
	printf("%zu private, %zu shared or of files, %zu the zero frame; %zu of them mapped by others, too\n",
	       sum[ANON], sum[FILE_OR_SHARED], sum[ZERO], shared);
}

/* Both lists in order of frames, walked side by side. */
static void
show_two(struct list *a, struct list *b)
{
	size_t both = 0;
	size_t j = 0;

	qsort(a->item, a->count, sizeof(struct item), by_frame);
	qsort(b->item, b->count, sizeof(struct item), by_frame);
	printf("frame       mapped-by kind    here             there\n");
	for (size_t i = 0; i < a->count; i++) {
		const struct item *x = &a->item[i];

		while (j < b->count && b->item[j].frame < x->frame)
			j++;
		if (j == b->count || b->item[j].frame != x->frame || x->kind == ZERO)
			continue;
		printf("%-11lx %9lu %-7s %016lx %016lx\n", x->frame, x->count, kind_names[x->kind], x->va,
		       b->item[j].va);
		both++;
	}
	printf("%zu and %zu pages, %zu of them in the same frame\n", a->count, b->count, both);
}

static int
by_frame(const void *a, const void *b)
{
	uint64_t x = ((const struct item *)a)->frame;
	uint64_t y = ((const struct item *)b)->frame;

	return x < y ? -1 : x > y;
}
