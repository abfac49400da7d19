/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/truncate.c - a file that shrinks under those who map it
 *
 * Idea        past the end is SIGBUS, for pages of the file and for private copies alike; what was there never comes
 *             back
 * Invariants  see guest.h
 * Follow      to mm/pagecache.c, mm/truncate.c
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <string.h>
#include <sys/syscall.h>

enum {
	PAGES = 12,
	ROUNDS = 150,
	THREADS = 3
};

static const int rw = PROT_READ | PROT_WRITE;
static volatile unsigned char *memory;
static volatile unsigned char *other;
static volatile int stop;
static __thread sigjmp_buf escape;
static int file;

static volatile unsigned char *
map_file(int fd, int prot, int flags, int pages, off_t offset)
{
	void *p = mmap(NULL, (size_t)pages * PAGE, prot, flags, fd, offset);

	check(p != MAP_FAILED);
	return p;
}

static void
touch(void *arg)
{
	(void)*(volatile unsigned char *)arg;
}

static void
touch_writing(void *arg)
{
	*(volatile unsigned char *)arg = 1;
}

/* SIGBUS for reading and writing, in a child, as here. */
static void
check_past(volatile unsigned char *p)
{
	child_must_die(touch, (void *)p, SIGBUS);
	child_must_die(touch_writing, (void *)p, SIGBUS);
}

static void
shared_shrinks(void)
{
	int fd = file_make("/tmp/truncate", 4 * PAGE);
	volatile unsigned char *p = map_file(fd, rw, MAP_SHARED, 4, 0);

	p[0] = p[PAGE] = p[3 * PAGE] = 50;
	p[PAGE + 200] = 51;
	check(ftruncate(fd, PAGE + 100) == 0);
	check_past(p + 2 * PAGE);
	check_past(p + 3 * PAGE);
	check(p[0] == 50 && p[PAGE] == 50 && p[PAGE + 200] == 0);
	check(ftruncate(fd, 4 * PAGE) == 0);
	check(p[PAGE + 200] == 0 && p[3 * PAGE] == 0);
	close(fd), unlink("/tmp/truncate");
}

static void
copies_go(void)
{
	int fd = file_make("/tmp/truncate", 4 * PAGE);
	volatile unsigned char *p = map_file(fd, rw, MAP_PRIVATE, 4, 0);
	volatile unsigned char *q = map_file(fd, rw, MAP_PRIVATE, 2, 2 * PAGE);

	p[0] = p[PAGE] = p[2 * PAGE] = 60;
	q[PAGE] = 61;
	check(p[3 * PAGE] == 4);
	check(ftruncate(fd, PAGE + 1) == 0);
	check(p[0] == 60 && p[PAGE] == 60);
	check_past(p + 2 * PAGE);
	check_past(p + 3 * PAGE);
	check_past(q + PAGE);
	/* Growing again brings zeroes, not the copies. */
	check(ftruncate(fd, 4 * PAGE) == 0);
	check(p[2 * PAGE] == 0 && p[3 * PAGE] == 0 && q[PAGE] == 0);
	check(p[0] == 60 && p[PAGE] == 60);
	close(fd), unlink("/tmp/truncate");
}

static void
copies_of_relatives_go(void)
{
	volatile int *line = (volatile int *)map_shared(PAGE);
	int fd = file_make("/tmp/truncate", 3 * PAGE);
	volatile unsigned char *p = map_file(fd, rw, MAP_PRIVATE, 3, 0);
	volatile unsigned char *before = map_private(PAGE);

	before[0] = 9;
	p[0] = p[PAGE] = p[2 * PAGE] = 70;
	for (int writes = 0; writes < 2; writes++) {
		pid_t pid = fork();
		if (pid == 0) {
			/* One child shares its parent's page table, the other has its own by now. */
			if (writes)
				p[0] = p[2 * PAGE] = 71;
			announce(&line[0]);
			await(&line[1], 1);
			check(p[0] == 70 + writes && before[0] == 9);
			touch_writing((void *)(p + 2 * PAGE));
			_exit(0);
		}
		check(pid > 0);
		line[2 + writes] = pid;
	}
	await(&line[0], 2);
	check(ftruncate(fd, PAGE) == 0);
	announce(&line[1]);
	for (int i = 0; i < 2; i++) {
		int status = child_wait(line[2 + i]);
		check(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	}
	check(p[0] == 70 && before[0] == 9);
	check_past(p + PAGE);
	close(fd), unlink("/tmp/truncate");
}

static void
by_open(void)
{
	int fd = file_make("/tmp/truncate", 2 * PAGE);
	volatile unsigned char *p = map_file(fd, rw, MAP_PRIVATE, 2, 0);

	p[PAGE] = 5;
	int again = open("/tmp/truncate", O_WRONLY | O_TRUNC);
	check(again >= 0);
	check_past(p);
	check_past(p + PAGE);
	check(truncate("/tmp/truncate", PAGE) == 0);
	check(p[0] == 0);
	check_past(p + PAGE);
	close(fd), close(again), unlink("/tmp/truncate");
}

static void
memfd_shrinks(void)
{
	int fd = syscall(SYS_memfd_create, "truncate", 0);

	check(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0);
	volatile unsigned char *p = map_file(fd, rw, MAP_SHARED, 3, 0);
	volatile unsigned char *q = map_file(fd, rw, MAP_PRIVATE, 3, 0);
	p[2 * PAGE] = 7;
	check(q[2 * PAGE] == 7);
	q[2 * PAGE] = 8;
	q[0] = 9;
	check(p[2 * PAGE] == 7 && p[0] == 0);
	check(ftruncate(fd, PAGE) == 0);
	check_past(p + 2 * PAGE);
	check_past(q + 2 * PAGE);
	check(q[0] == 9);
	close(fd);
}

static void
holes_keep_copies(void)
{
	int fd = file_make("/tmp/truncate", 4 * PAGE);
	volatile unsigned char *shared = map_file(fd, rw, MAP_SHARED, 4, 0);
	volatile unsigned char *private = map_file(fd, rw, MAP_PRIVATE, 4, 0);

	check(private[PAGE] == 2 && shared[2 * PAGE] == 3);
	private[2 * PAGE] = 80;
	/* PUNCH_HOLE | KEEP_SIZE */
	check(fallocate(fd, 3, PAGE + 100, 2 * PAGE) == 0);
	check(shared[PAGE] == 2 && shared[PAGE + 100] == 0 && private[PAGE + 100] == 0);
	check(shared[2 * PAGE] == 0 && private[2 * PAGE] == 80);
	check(shared[3 * PAGE + 99] == 0 && shared[3 * PAGE + 100] == 4 && private[3 * PAGE + 100] == 4);
	check(lseek(fd, 0, SEEK_END) == 4 * PAGE);
	close(fd), unlink("/tmp/truncate");
}

static void
on_bus(int signal)
{
	(void)signal;
	siglongjmp(escape, 1);
}

static void
catch_bus(void)
{
	struct sigaction action = {.sa_handler = on_bus, .sa_flags = SA_NODEFER};

	check(sigaction(SIGBUS, &action, NULL) == 0);
}

/* False: the page has gone. */
__attribute__((noinline)) static bool
try_write(volatile unsigned char *p, int value)
{
	if (sigsetjmp(escape, 0) != 0)
		return false;
	*p = value;
	return true;
}

__attribute__((noinline)) static bool
try_read(volatile unsigned char *p, unsigned char *seen)
{
	if (sigsetjmp(escape, 0) != 0)
		return false;
	*seen = *p;
	return true;
}

/* Touches all pages of both mappings, over and over; the end may come at any of them. */
static void *
toucher(void *arg)
{
	uintptr_t who = (uintptr_t)arg;

	for (unsigned int i = who; !stop; i++) {
		volatile unsigned char *page = (i % 2 ? memory : other) + i % PAGES * PAGE;
		unsigned char seen = 0;
		if (try_write(page + who, 200) && try_read(page + who, &seen))
			check(seen == 200 || seen == 0);
		if (try_read(page + 100, &seen))
			check(seen == 0 || seen == 1);
	}
	return NULL;
}

/*
 * The file shrinks and grows while threads touch all of it. After each shrinking, what lies past the end must be gone
 * for good: the byte that was there before is 1, and only 0 may be seen once the file has grown again.
 */
static void
against_faults(void)
{
	pthread_t thread[THREADS];

	catch_bus();
	file = file_make("/tmp/truncate", 0);
	memory = map_file(file, rw, MAP_SHARED, PAGES, 0);
	other = map_file(file, rw, MAP_PRIVATE, PAGES, 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		check(pthread_create(&thread[i], NULL, toucher, (void *)(i + 1)) == 0);
	for (int round = 0; round < ROUNDS; round++) {
		int kept = round % PAGES;
		check(ftruncate(file, PAGES * PAGE) == 0);
		for (int i = 0; i < PAGES; i++)
			memory[i * PAGE + 100] = other[i * PAGE + 100] = 1;
		check(ftruncate(file, kept * PAGE) == 0);
		check(ftruncate(file, PAGES * PAGE) == 0);
		for (int i = 0; i < PAGES; i++)
			check(memory[i * PAGE + 100] == (i < kept) && other[i * PAGE + 100] == (i < kept));
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		check(pthread_join(thread[i], NULL) == 0);
	close(file), unlink("/tmp/truncate");
}

static void *
shrinks_and_grows(void *arg)
{
	while (!stop)
		check(ftruncate(file, PAGE) == 0 && ftruncate(file, PAGES * PAGE) == 0);
	return arg;
}

static void
sees_kept_page(void *arg)
{
	(void)arg;
	check(other[0] == 77);
	for (int i = 1; i < PAGES; i++) {
		unsigned char seen;
		if (try_read(other + i * PAGE, &seen))
			check(seen == 0 || seen == 5);
		try_write(other + i * PAGE, 6);
	}
	check(other[0] == 77);
}

/* Children come while the file shrinks: none keeps a copy that its parent lost. */
static void
against_fork(void)
{
	pthread_t thread;

	catch_bus();
	file = file_make("/tmp/truncate", PAGES * PAGE);
	other = map_file(file, rw, MAP_PRIVATE, PAGES, 0);
	memset((void *)other, 0, PAGES * PAGE);
	other[0] = 77;
	check(pthread_create(&thread, NULL, shrinks_and_grows, NULL) == 0);
	for (int round = 0; round < ROUNDS / 2; round++) {
		for (int i = 1; i < PAGES; i++)
			try_write(other + i * PAGE, 5);
		child_must_live(sees_kept_page, NULL);
	}
	stop = 1;
	check(pthread_join(thread, NULL) == 0);
	check(other[0] == 77);
	check(ftruncate(file, PAGE) == 0 && ftruncate(file, PAGES * PAGE) == 0);
	for (int i = 1; i < PAGES; i++)
		check(other[i * PAGE] == 0);
	close(file), unlink("/tmp/truncate");
}

static void
moved_and_locked(void)
{
	int fd = file_make("/tmp/truncate", 4 * PAGE);
	volatile unsigned char *p = map_file(fd, rw, MAP_PRIVATE, 4, 0);

	p[PAGE] = p[3 * PAGE] = 90;
	check(mlock((void *)p, 4 * PAGE) == 0);
	p = mremap((void *)p, 4 * PAGE, 4 * PAGE, 3, map_private(4 * PAGE));
	check(p != MAP_FAILED);
	check(mprotect((void *)(p + 2 * PAGE), PAGE, PROT_READ) == 0);
	check(ftruncate(fd, 2 * PAGE) == 0);
	check(p[PAGE] == 90);
	check_past(p + 3 * PAGE);
	check(munlock((void *)p, 4 * PAGE) == 0);
	close(fd), unlink("/tmp/truncate");
}

const struct test_case truncate_cases[] = {
	{"a file that shrinks takes its pages from those who map it shared", shared_shrinks, 0, 0},
	{"private copies past the new end go, and never come back", copies_go, 0, 0},
	{"copies in children go, whether they share a page table or not", copies_of_relatives_go, 0, CASE_SMP},
	{"O_TRUNC and truncate by name take copies as well", by_open, 0, 0},
	{"a memfd shrinks under a shared and a private mapping", memfd_shrinks, 0, 0},
	{"a punched hole is zero for all, and private copies stay", holes_keep_copies, 0, 0},
	{"copies that mremap moved and mlock locked go like others", moved_and_locked, 0, 0},
	{"a file shrinks and grows while threads touch it: SIGBUS or the truth", against_faults, 0, CASE_SMP},
	{"a file shrinks while its mapper forks: no child keeps a lost copy", against_fork, 0, CASE_SMP},
	{0},
};
