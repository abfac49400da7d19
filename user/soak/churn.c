/* SPDX-License-Identifier: MIT */
/*
 * user/soak/churn.c - workers with files, threads, programs, swap areas, and with allocations that fail
 *
 * Idea        see work.c
 * Invariants  see work.c
 * Locks       none
 * Follow      from work.c   to soak.c
 * Tests       tests/guest/test_soak.py
 */
#include "soak.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	THREADS = 4,
	FAIL_MOST = 300 /* allocations until one fails */
};

/* A part of memory that one thread looks after. */
struct plot {
	char *at;
	size_t pages;
	uint64_t key;
};

static int
file_open(char *path, size_t size)
{
	snprintf(path, size, SOAK_DIR "/%d", getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		give_up();
	return fd;
}

/* Half of the pages by mapping, half by write; read back the other way. */
void
work_files(struct chance *c, size_t pages)
{
	size_t n = 2 + draw(c, pages / 4 + 1);
	uint64_t key = draw(c, ~0UL);
	uint64_t page[WORDS];
	char path[64];
	int fd = file_open(path, sizeof(path));

	unlink(path);
	if (ftruncate(fd, (off_t)n * PAGE) < 0)
		give_up();
	char *map = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		give_up();
	for (uint64_t turn = 1 + draw(c, 4); turn; turn--) {
		memset(page, 0, sizeof(page));
		for (size_t i = 0; i < n; i++) {
			page_write(page, blend(key + i, turn));
			/* Why: a mapped page for which there is no room means SIGBUS; write says so. */
			if (pwrite(fd, page, PAGE, (off_t)i * PAGE) != PAGE)
				give_up();
		}
		for (size_t i = 0; i < n; i += 1 + draw(c, 4))
			page_write(map + i * PAGE, blend(key + i, turn));
		for (size_t i = 0; i < n; i++)
			page_check(map + i * PAGE, blend(key + i, turn), "file, mapped");
		for (size_t i = 0; i < n; i += 1 + draw(c, 3)) {
			if (pread(fd, page, PAGE, (off_t)i * PAGE) != PAGE)
				give_up();
			page_check(page, blend(key + i, turn), "file, read");
		}
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)draw(c, n) * PAGE);
	}
}

static void *
plot_tend(void *arg)
{
	const struct plot *p = arg;

	for (uint64_t turn = 0; turn < 4; turn++) {
		for (size_t i = 0; i < p->pages; i++)
			page_write(p->at + i * PAGE, blend(p->key + i, turn));
		for (size_t i = 0; i < p->pages; i++)
			page_check(p->at + i * PAGE, blend(p->key + i, turn), "thread");
	}
	return NULL;
}

/* Pages of one address space, tended by several; fork comes in between. */
void
work_threads(struct chance *c, size_t pages)
{
	size_t each = 1 + draw(c, pages / THREADS / 2 + 1);
	char *at = memory_map(each * THREADS, MAP_PRIVATE);
	struct plot plot[THREADS];
	pthread_t thread[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		plot[i] = (struct plot){at + i * each * PAGE, each, draw(c, ~0UL)};
		if (pthread_create(&thread[i], NULL, plot_tend, &plot[i]))
			give_up();
	}
	pid_t pid = draw(c, 2) ? fork() : -1;
	if (pid == 0)
		_exit(END_DONE);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* This program anew: `soak done` ends at once. */
void
work_programs(struct chance *c, size_t pages)
{
	int status;

	(void)pages;
	for (uint64_t step = 2 + draw(c, 8); step; step--) {
		pid_t pid = draw(c, 2) ? fork() : vfork();

		if (pid == 0) {
			execl("/bin/soak", "soak", "done", NULL);
			_exit(END_GAVE_UP);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			give_up();
	}
}

/* Turns swap areas on and off, whoever has pages there. */
void
work_swapper(struct chance *c, size_t pages)
{
	char path[] = "/dev/vda";

	(void)pages;
	for (uint64_t step = 1 + draw(c, 6); step; step--) {
		path[sizeof(path) - 2] = (char)('a' + draw(c, SWAP_AREAS));
		if (draw(c, 3))
			swapon(path, draw(c, 2) ? 0 : SWAP_FLAG_PREFER | (int)draw(c, 10));
		else if (swapoff(path) == 0)
			__atomic_add_fetch(swapoffs, 1, __ATOMIC_RELAXED);
		nanosleep(&(struct timespec){.tv_nsec = (long)draw(c, 50) * 1000000}, NULL);
	}
}

/* Other work, in which one allocation of the kernel fails. */
void
work_failer(struct chance *c, size_t pages)
{
	const struct work *other = work_draw(c);
	int fd = open("/proc/self/fail-nth", O_WRONLY);
	char text[16];

	snprintf(text, sizeof(text), "%u", 1 + (unsigned int)draw(c, FAIL_MOST));
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		give_up();
	close(fd);
	if (other->run != work_failer)
		other->run(c, pages / 4 + 1);
}
