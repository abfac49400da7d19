/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/madvise.c - each advice: its effect, the errno of its misuse, and races with faults and fork
 *
 * Idea        what an advice does to pages is seen in their contents, here and in children; what it does to areas is
 *             seen in /proc/self/maps
 * Invariants  see guest.h
 * Follow      to mm/madvise.c, mm/fork.c
 * Tests       tests/host/madvise_test.c has failing allocations
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum {
	ROUNDS = 60,
	PAGES = 24,
	THREADS = 3
};

static const int rw = PROT_READ | PROT_WRITE;

static volatile unsigned char *memory;
static volatile int *line; /* shared: how many have come so far */
static volatile int stop;

/* Areas of /proc/self/maps that reach into [p, p + bytes). */
static int
areas(volatile void *p, size_t bytes)
{
	uintptr_t from = (uintptr_t)p;
	char text[256];
	int n = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	check(f != NULL);
	while (fgets(text, sizeof(text), f)) {
		unsigned long start, end;
		if (sscanf(text, "%lx-%lx", &start, &end) == 2 && start < from + bytes && end > from)
			n++;
	}
	fclose(f);
	return n;
}

static int
advise(volatile void *p, size_t bytes, int advice)
{
	return madvise((void *)p, bytes, advice);
}

static void
fill(volatile unsigned char *p, int pages, int value)
{
	for (int i = 0; i < pages; i++)
		p[i * PAGE] = p[i * PAGE + PAGE - 1] = value;
}

static bool
all(volatile unsigned char *p, int pages, int value)
{
	for (int i = 0; i < pages; i++)
		if (p[i * PAGE] != value || p[i * PAGE + PAGE - 1] != value)
			return false;
	return true;
}

static void
errors(void)
{
	volatile unsigned char *p = map_private(4 * PAGE);

	check_errno(advise(p, PAGE, 5), EINVAL);
	check_errno(advise(p, PAGE, 7), EINVAL);
	check_errno(advise(p, PAGE, 99), EINVAL);
	check_errno(advise(p, PAGE, -1), EINVAL);
	check_errno(advise(p, PAGE, 0x10004), EINVAL);
	check_errno(advise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	check_errno(advise(p, -1UL, MADV_DONTNEED), EINVAL);
	check_errno(advise(p, 0UL - (uintptr_t)p + PAGE, MADV_DONTNEED), EINVAL);
	check_errno(advise(p, 0, 99), EINVAL);
	check(advise(p, 0, MADV_DONTNEED) == 0);
	check(advise((void *)(16UL * PAGE), 0, MADV_DONTNEED) == 0);
}

static void
dontneed_private(void)
{
	volatile unsigned char *p = map_private(4 * PAGE);

	fill(p, 4, 7);
	check(advise(p + PAGE, PAGE + 1, MADV_DONTNEED) == 0);
	check(all(p, 1, 7) && all(p + PAGE, 2, 0) && all(p + 3 * PAGE, 1, 7));
	fill(p + PAGE, 2, 8);
	check(all(p, 1, 7) && all(p + PAGE, 2, 8));
}

static void
dontneed_large(void)
{
	volatile unsigned char *p = map_aligned(3 * TABLE, TABLE);

	for (int i = 0; i < 3 * 512; i++)
		p[i * PAGE] = i % 250 + 1;
	check(advise(p + TABLE - 2 * PAGE, TABLE + 4 * PAGE, MADV_DONTNEED) == 0);
	for (int i = 0; i < 3 * 512; i++)
		check(p[i * PAGE] == (i < 510 || i >= 1026 ? i % 250 + 1 : 0));
}

static void
dontneed_file(void)
{
	int fd = file_make("/tmp/madvise", 3 * PAGE);
	volatile unsigned char *private = mmap(NULL, 3 * PAGE, rw, MAP_PRIVATE, fd, 0);
	volatile unsigned char *shared = mmap(NULL, 3 * PAGE, rw, MAP_SHARED, fd, 0);

	private[0] = private[PAGE] = 99;
	shared[2 * PAGE] = 77;
	check(advise(private, PAGE, MADV_DONTNEED) == 0);
	check(advise(shared, 3 * PAGE, MADV_DONTNEED) == 0);
	check(private[0] == 1 && private[PAGE] == 99);
	check(shared[0] == 1 && shared[PAGE] == 2 && shared[2 * PAGE] == 77);
	close(fd), unlink("/tmp/madvise");
}

static void
dontneed_shared(void)
{
	volatile unsigned char *p = map_shared(3 * PAGE);

	fill(p, 3, 5);
	check(advise(p, 3 * PAGE, MADV_DONTNEED) == 0);
	check(all(p, 3, 5));
}

static void
dontneed_no_access(void)
{
	volatile unsigned char *p = map_private(2 * PAGE);

	fill(p, 2, 5);
	check(mprotect((void *)p, PAGE, PROT_NONE) == 0);
	check(advise(p, PAGE, MADV_DONTNEED) == 0);
	check(mprotect((void *)p, PAGE, rw) == 0);
	check(all(p, 1, 0) && all(p + PAGE, 1, 5));
}

static void
holes(void)
{
	volatile unsigned char *p = map_private(5 * PAGE);

	fill(p, 5, 3);
	check(munmap((void *)(p + PAGE), PAGE) == 0);
	check_errno(advise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	check(p[0] == 0 && p[2 * PAGE] == 0 && p[3 * PAGE] == 0 && p[4 * PAGE] == 3);
	check_errno(advise(p + PAGE, PAGE, MADV_DONTNEED), ENOMEM);
	check_errno(advise(p + PAGE, 2 * PAGE, MADV_WILLNEED), ENOMEM);
	check_errno(advise(p, 5 * PAGE, MADV_DONTFORK), ENOMEM);
	check(!can_read(p) && !can_read(p + 4 * PAGE));
	check_errno(advise((void *)0x7ffffffff000UL, 16 * PAGE, MADV_DONTNEED), ENOMEM);
}

static void
sees_fives(void *arg)
{
	check(all(arg, PAGES, 5));
}

/* The parent's advice must not reach a child that shares its page tables, nor the other way round. */
static void
dontneed_after_fork(void)
{
	volatile unsigned char *p = map_aligned(TABLE + PAGES * PAGE, TABLE);
	int status;

	line = (volatile int *)map_shared(PAGE);
	for (int round = 0; round < 2; round++) {
		volatile unsigned char *at = round ? p : p + TABLE - PAGES / 2 * PAGE;
		size_t bytes = round ? TABLE : PAGES * PAGE;
		*line = 0;
		fill(at, PAGES, 5);
		pid_t pid = fork();
		if (pid == 0) {
			await(line, 1);
			sees_fives((void *)at);
			check(advise(at, PAGES / 2 * PAGE, MADV_DONTNEED) == 0);
			check(all(at, PAGES / 2, 0) && all(at + PAGES / 2 * PAGE, PAGES / 2, 5));
			_exit(0);
		}
		check(advise(at, bytes, MADV_DONTNEED) == 0);
		check(all(at, PAGES, 0));
		fill(at, PAGES, 6);
		announce(line);
		status = child_wait(pid);
		check(status == 0 && all(at, PAGES, 6));
	}
}

static void *
writes_own_word(void *arg)
{
	uintptr_t who = (uintptr_t)arg;

	for (uint64_t n = 1; !stop; n++)
		for (int i = 0; i < PAGES; i++) {
			volatile uint64_t *word = (volatile uint64_t *)(memory + i * PAGE) + who;
			uint64_t before = *word;
			check(before == 0 || before == n - 1 || before == n);
			*word = n;
		}
	return NULL;
}

static void
dontneed_against_faults(void)
{
	pthread_t thread[THREADS];

	memory = map_aligned(TABLE + PAGES * PAGE, TABLE) + TABLE - PAGES / 2 * PAGE;
	for (uintptr_t i = 0; i < THREADS; i++)
		check(pthread_create(&thread[i], NULL, writes_own_word, (void *)i) == 0);
	for (int round = 0; round < 20 * ROUNDS; round++) {
		int first = round % PAGES;
		check(advise(memory + first * PAGE, (PAGES - first) * PAGE, round % 3 ? MADV_DONTNEED : MADV_FREE) ==
		      0);
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

static void *
drops_for_ever(void *arg)
{
	(void)arg;
	while (!stop)
		check(advise(memory + PAGES * PAGE, PAGES * PAGE, MADV_DONTNEED) == 0);
	return NULL;
}

static void
sees_old_or_zero(void *arg)
{
	(void)arg;
	for (int i = 0; i < PAGES; i++) {
		unsigned char kept = memory[i * PAGE];
		unsigned char dropped = memory[(PAGES + i) * PAGE];
		check(kept == 4 && (dropped == 4 || dropped == 0));
		memory[(PAGES + i) * PAGE] = 9;
	}
}

static void
dontneed_against_fork(void)
{
	pthread_t thread;

	memory = map_aligned(2 * PAGES * PAGE, TABLE);
	fill(memory, PAGES, 4);
	check(pthread_create(&thread, NULL, drops_for_ever, NULL) == 0);
	for (int round = 0; round < ROUNDS; round++) {
		fill(memory + PAGES * PAGE, PAGES, 4);
		child_must_live(sees_old_or_zero, NULL);
	}
	stop = 1;
	check(pthread_join(thread, NULL) == 0);
	check(all(memory, PAGES, 4));
}

static void
free_lazily(void)
{
	volatile unsigned char *p = map_private(4 * PAGE);

	fill(p, 4, 6);
	check(advise(p, 3 * PAGE, MADV_FREE) == 0);
	p[PAGE] = 8;
	check(p[0] == 6 || p[0] == 0);
	check(p[PAGE] == 8 && (p[2 * PAGE - 1] == 6 || p[2 * PAGE - 1] == 0));
	check(all(p + 3 * PAGE, 1, 6));
}

static void
free_refused(void)
{
	int fd = file_make("/tmp/madvise", PAGE);
	volatile unsigned char *private = mmap(NULL, PAGE, rw, MAP_PRIVATE, fd, 0);
	volatile unsigned char *shared = map_shared(PAGE);

	private[0] = shared[0] = 9;
	check_errno(advise(private, PAGE, MADV_FREE), EINVAL);
	check_errno(advise(shared, PAGE, MADV_FREE), EINVAL);
	check(private[0] == 9 && shared[0] == 9);
	close(fd), unlink("/tmp/madvise");
}

static void
dontfork(void)
{
	volatile unsigned char *p = map_aligned(PAGES * PAGE, TABLE);

	fill(p, PAGES, 5);
	check(advise(p + 4 * PAGE, 4 * PAGE, MADV_DONTFORK) == 0);
	check(areas(p, PAGES * PAGE) == 3);
	check(!can_read(p + 4 * PAGE) && !can_read(p + 8 * PAGE - 1));
	check(can_write(p + 3 * PAGE) && can_write(p + 8 * PAGE));
	check(all(p, PAGES, 5));
	fill(p, PAGES, 6);
	check(advise(p, PAGES * PAGE, MADV_DOFORK) == 0);
	check(areas(p, PAGES * PAGE) == 1);
	check(can_write(p + 4 * PAGE) && all(p, PAGES, 6));
}

static void
child_maps_the_gap(void *arg)
{
	volatile unsigned char *p = arg;

	check(areas(p, TABLE) == 0);
	check(mmap((void *)p, TABLE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p);
	check(p[0] == 0 && p[TABLE - 1] == 0 && p[-1] == 7 && p[TABLE] == 7);
	p[0] = p[-1] = p[TABLE] = 1;
}

static void
dontfork_table(void)
{
	volatile unsigned char *p = map_aligned(3 * TABLE, TABLE);

	for (size_t i = PAGE - 1; i < 3 * TABLE; i += PAGE)
		p[i] = p[i - PAGE + 1] = 7;
	check(advise(p + TABLE, TABLE, MADV_DONTFORK) == 0);
	child_must_live(child_maps_the_gap, (void *)(p + TABLE));
	for (size_t i = 0; i < 3 * TABLE; i += PAGE)
		check(p[i] == 7);
}

static void
sees_wiped(void *arg)
{
	volatile unsigned char *p = arg;

	check(all(p, 4, 5) && all(p + 4 * PAGE, 4, 0) && all(p + 8 * PAGE, 4, 5));
	fill(p, 12, 6);
	/* The flag is inherited, the contents never. */
	pid_t pid = fork();
	if (pid == 0) {
		check(all(p, 4, 6) && all(p + 4 * PAGE, 4, 0) && all(p + 8 * PAGE, 4, 6));
		_exit(0);
	}
	check(child_wait(pid) == 0 && all(p, 12, 6));
}

static void
wipeonfork(void)
{
	volatile unsigned char *p = map_aligned(12 * PAGE, TABLE);

	fill(p, 12, 5);
	check(advise(p + 4 * PAGE, 4 * PAGE, MADV_WIPEONFORK) == 0);
	child_must_live(sees_wiped, (void *)p);
	check(all(p, 12, 5));
	check(advise(p, 12 * PAGE, MADV_KEEPONFORK) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		check(all(p, 12, 5));
		_exit(0);
	}
	check(child_wait(pid) == 0);
}

static void
wipeonfork_refused(void)
{
	int fd = file_make("/tmp/madvise", PAGE);
	volatile unsigned char *private = mmap(NULL, PAGE, rw, MAP_PRIVATE, fd, 0);
	volatile unsigned char *shared = map_shared(PAGE);

	check_errno(advise(private, PAGE, MADV_WIPEONFORK), EINVAL);
	check_errno(advise(shared, PAGE, MADV_WIPEONFORK), EINVAL);
	check(advise(shared, PAGE, MADV_KEEPONFORK) == 0);
	close(fd), unlink("/tmp/madvise");
}

static void
remove_punches(void)
{
	int fd = file_make("/tmp/madvise", 4 * PAGE);
	volatile unsigned char *a = mmap(NULL, 4 * PAGE, rw, MAP_SHARED, fd, 0);
	volatile unsigned char *b = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	volatile unsigned char *c = mmap(NULL, 4 * PAGE, rw, MAP_PRIVATE, fd, 0);
	char byte;

	check(a[PAGE] == 2 && b[PAGE] == 2 && c[PAGE] == 2);
	c[2 * PAGE] = 50;
	check(advise(a + PAGE, 2 * PAGE, MADV_REMOVE) == 0);
	check(a[PAGE] == 0 && b[PAGE] == 0 && c[PAGE] == 0 && a[3 * PAGE] == 4);
	check(a[2 * PAGE] == 0 && c[2 * PAGE] == 50);
	check(pread(fd, &byte, 1, PAGE) == 1 && byte == 0);
	check(lseek(fd, 0, SEEK_END) == 4 * PAGE);
	a[PAGE] = 9;
	check(b[PAGE] == 9 && c[PAGE] == 9);
	close(fd), unlink("/tmp/madvise");
}

static void
remove_refused(void)
{
	int fd = file_make("/tmp/madvise", PAGE);
	int opened = open("/tmp/madvise", O_RDONLY);
	volatile unsigned char *anonymous = map_private(PAGE);
	volatile unsigned char *private = mmap(NULL, PAGE, rw, MAP_PRIVATE, fd, 0);
	volatile unsigned char *read_only = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, opened, 0);

	check_errno(advise(anonymous, PAGE, MADV_REMOVE), EINVAL);
	check_errno(advise(private, PAGE, MADV_REMOVE), EACCES);
	check_errno(advise(read_only, PAGE, MADV_REMOVE), EACCES);
	check(read_only[0] == 1);
	close(fd), close(opened), unlink("/tmp/madvise");
}

static void
remove_shared_memory(void)
{
	volatile unsigned char *p = map_shared(3 * PAGE);

	fill(p, 3, 5);
	check(advise(p + PAGE, PAGE, MADV_REMOVE) == 0);
	check(all(p, 1, 5) && all(p + PAGE, 1, 0) && all(p + 2 * PAGE, 1, 5));
}

static void
populate(void)
{
	volatile unsigned char *p = map_private(64 * PAGE);
	volatile unsigned char *q = map_shared(64 * PAGE);

	check(advise(p, 64 * PAGE, MADV_POPULATE_READ) == 0);
	check(advise(q, 64 * PAGE, MADV_POPULATE_WRITE) == 0);
	fill(map_private(PAGE), 1, 1); /* code has its own faults */
	faults_minor();
	long before = faults_minor();
	for (int i = 0; i < 64; i++)
		check(p[i * PAGE] == 0 && q[i * PAGE] == 0);
	check(faults_minor() == before);
	check(advise(p, 64 * PAGE, MADV_POPULATE_WRITE) == 0);
	before = faults_minor();
	fill(p, 64, 1);
	fill(q, 64, 1);
	check(faults_minor() == before);
}

static void
populate_refused(void)
{
	int fd = file_make("/tmp/madvise", PAGE);
	volatile unsigned char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile unsigned char *read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile unsigned char *past = mmap(NULL, 2 * PAGE, rw, MAP_SHARED, fd, 0);
	volatile unsigned char *p = map_private(3 * PAGE);

	check_errno(advise(none, PAGE, MADV_POPULATE_READ), EINVAL);
	check_errno(advise(none, PAGE, MADV_POPULATE_WRITE), EINVAL);
	check_errno(advise(read_only, PAGE, MADV_POPULATE_WRITE), EINVAL);
	check(advise(read_only, PAGE, MADV_POPULATE_READ) == 0);
	check_errno(advise(past, 2 * PAGE, MADV_POPULATE_READ), EFAULT);
	check_errno(advise(past, 2 * PAGE, MADV_POPULATE_WRITE), EFAULT);
	check(munmap((void *)(p + PAGE), PAGE) == 0);
	check_errno(advise(p, 3 * PAGE, MADV_POPULATE_WRITE), ENOMEM);
	close(fd), unlink("/tmp/madvise");
}

static void
areas_split_and_join(void)
{
	static const int there_and_back[][2] = {
		{MADV_RANDOM, MADV_NORMAL},   {MADV_SEQUENTIAL, MADV_NORMAL},     {MADV_DONTFORK, MADV_DOFORK},
		{MADV_DONTDUMP, MADV_DODUMP}, {MADV_WIPEONFORK, MADV_KEEPONFORK}, {MADV_HUGEPAGE, MADV_NOHUGEPAGE},
	};
	volatile unsigned char *p = map_private(7 * PAGE);

	fill(p, 7, 5);
	for (size_t i = 0; i < sizeof(there_and_back) / sizeof(there_and_back[0]); i++) {
		check(areas(p, 7 * PAGE) == 1);
		check(advise(p + 2 * PAGE, 2 * PAGE, there_and_back[i][0]) == 0);
		check(areas(p, 7 * PAGE) == 3);
		check(advise(p, 7 * PAGE, there_and_back[i][1]) == 0);
	}
	check(areas(p, 7 * PAGE) == 1);
	check(advise(p + PAGE, PAGE, MADV_RANDOM) == 0);
	check(advise(p + 2 * PAGE, PAGE, MADV_SEQUENTIAL) == 0);
	check(areas(p, 7 * PAGE) == 4);
	check(advise(p + 2 * PAGE, PAGE, MADV_RANDOM) == 0);
	check(areas(p, 7 * PAGE) == 3 && all(p, 7, 5));
}

static void
mere_hints(void)
{
	int fd = file_make("/tmp/madvise", 2 * PAGE);
	volatile unsigned char *anonymous = map_private(2 * PAGE);
	volatile unsigned char *shared = mmap(NULL, 2 * PAGE, rw, MAP_SHARED, fd, 0);
	volatile unsigned char *private = mmap(NULL, 2 * PAGE, rw, MAP_PRIVATE, fd, 0);
	static const int hints[] = {MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT, MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL};

	anonymous[0] = shared[0] = private[0] = 5;
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		check(advise(anonymous, 2 * PAGE, hints[i]) == 0);
		check(advise(shared, 2 * PAGE, hints[i]) == 0);
		check(advise(private, 2 * PAGE, hints[i]) == 0);
		check(anonymous[0] == 5 && shared[0] == 5 && private[0] == 5 && private[PAGE] == 2);
	}
	close(fd), unlink("/tmp/madvise");
}

/* The figure behind @label in the smaps entry of the area that begins at @p. */
static long
smaps_kib(volatile void *p, const char *label)
{
	char text[256], start[32];
	bool here = false;
	long kib = -1;
	FILE *f = fopen("/proc/self/smaps", "r");

	check(f != NULL);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)p);
	while (kib < 0 && fgets(text, sizeof(text), f)) {
		here |= strncmp(text, start, strlen(start)) == 0;
		if (here && strncmp(text, label, strlen(label)) == 0)
			check(sscanf(text + strlen(label), "%ld", &kib) == 1);
	}
	fclose(f);
	return kib;
}

static void
cold(void)
{
	volatile unsigned char *p = map_aligned(8 * PAGE, TABLE);

	fill(p, 8, 5);
	check(smaps_kib(p, "Referenced:") == 32);
	check(advise(p + 2 * PAGE, 4 * PAGE, MADV_COLD) == 0);
	check(smaps_kib(p, "Referenced:") == 16);
	check(p[2 * PAGE] == 5);
	check(smaps_kib(p, "Referenced:") == 20);
	check(all(p, 8, 5));
}

static void
recorded(void)
{
	static const struct {
		int advice;
		const char *flag;
	} flags[] = {{MADV_RANDOM, " rr"},    {MADV_SEQUENTIAL, " sr"}, {MADV_DONTFORK, " dc"},
		     {MADV_DONTDUMP, " dd"},  {MADV_WIPEONFORK, " wf"}, {MADV_HUGEPAGE, " hg"},
		     {MADV_NOHUGEPAGE, " nh"}};
	char text[256];

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		void *p = mmap(NULL, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char start[32];
		bool here = false, found = false, told = false;
		FILE *f;

		check(p != MAP_FAILED && madvise(p, PAGE, flags[i].advice) == 0);
		snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)p);
		f = fopen("/proc/self/smaps", "r");
		check(f != NULL);
		while (!told && fgets(text, sizeof(text), f)) {
			here |= strncmp(text, start, strlen(start)) == 0;
			told = here && strncmp(text, "VmFlags:", 8) == 0;
			found = told && strstr(text, flags[i].flag);
		}
		fclose(f);
		check(munmap(p, PAGE) == 0);
		if (!found)
			fail("advice %d is not shown as '%s'", flags[i].advice, flags[i].flag);
	}
}

/* The limit on areas: nothing of the range changes, and memory is as it was. */
static void
too_many_areas(void)
{
	enum {
		MANY = 66000
	};
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE; /* more than a small machine has */
	volatile unsigned char *p = mmap(NULL, (size_t)MANY * PAGE, rw, flags, -1, 0);
	int i;

	check(p != MAP_FAILED);
	for (i = 0; i < MANY; i += 2)
		if (advise(p + (size_t)i * PAGE, PAGE, MADV_RANDOM) != 0)
			break;
	check(i < MANY && errno == EAGAIN);
	check(advise(p, (size_t)MANY * PAGE, MADV_RANDOM) == 0);
	check(areas(p, (size_t)MANY * PAGE) == 1);
}

const struct test_case madvise_cases[] = {
	{"madvise gives Linux's errno for each misuse", errors, 0, 0},
	{"DONTNEED makes private memory zero, page by page, the last one whole", dontneed_private, 0, 0},
	{"DONTNEED over whole page tables and parts of others empties just its range", dontneed_large, 0, 0},
	{"DONTNEED gives a private mapping the file's contents back, and a shared one loses none", dontneed_file, 0, 0},
	{"DONTNEED leaves shared memory as it is", dontneed_shared, 0, 0},
	{"DONTNEED empties memory that nobody may touch", dontneed_no_access, 0, 0},
	{"advice steps over holes, and says ENOMEM at the end", holes, 0, 0},
	{"DONTNEED of a parent and of its child do not meet", dontneed_after_fork, 0, CASE_SMP},
	{"DONTNEED and FREE while threads write: each word is old, zero or new", dontneed_against_faults, 0, CASE_SMP},
	{"DONTNEED while the process forks: the child finds the old or nothing", dontneed_against_fork, 0, CASE_SMP},
	{"after FREE a page is old or zero, and what is written stays", free_lazily, 0, 0},
	{"FREE is for private anonymous memory alone", free_refused, 0, 0},
	{"DONTFORK keeps an area from children and leaves its neighbours", dontfork, 0, 0},
	{"DONTFORK of a whole page table leaves a gap that the child may use", dontfork_table, 0, 0},
	{"WIPEONFORK gives children zeroes, and their children too", wipeonfork, 0, 0},
	{"WIPEONFORK is for private anonymous memory alone", wipeonfork_refused, 0, 0},
	{"REMOVE makes a hole for all who map the file, and private copies stay", remove_punches, 0, 0},
	{"REMOVE gives EINVAL without an object and EACCES without the right to write", remove_refused, 0, 0},
	{"REMOVE makes a hole in shared anonymous memory", remove_shared_memory, 0, 0},
	{"after POPULATE no touch faults", populate, 0, CASE_STILL},
	{"POPULATE gives EINVAL, EFAULT and ENOMEM for what it cannot touch", populate_refused, 0, 0},
	{"areas split where advice differs, and join where it is alike again", areas_split_and_join, 0, 0},
	{"hints about reading and reclaim change no contents", mere_hints, 0, 0},
	{"COLD makes pages look unused, and keeps them", cold, 0, 0},
	{"what is recorded is shown in VmFlags", recorded, 0, 0},
	{"advice that would need one area too many is refused", too_many_areas, 0, 0},
	{0},
};
