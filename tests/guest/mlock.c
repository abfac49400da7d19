/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/mlock.c - memory that stays: ranges, whole address spaces, and the errno of each misuse
 *
 * Idea        what is locked is in memory (mincore), counts in VmLck, refuses to be dropped, and is not locked in a
 *             child
 * Invariants  see guest.h
 * Follow      to mm/mlock.c
 * Tests       tests/host/mlock_test.c has the limit and failing allocations
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

enum {
	PAGES = 24,
	ROUNDS = 40
};

static const int rw = PROT_READ | PROT_WRITE;
static volatile unsigned char *memory;
static volatile int stop;

/*
 * The number behind @label in a file of /proc, in pages. Without stdio, whose buffers would be locked memory as well.
 */
static long
proc_pages(const char *path, const char *label)
{
	char text[8192];
	int fd = open(path, O_RDONLY);
	ssize_t length = read(fd, text, sizeof(text) - 1);

	check(fd >= 0 && length > 0);
	close(fd);
	text[length] = 0;
	const char *at = strstr(text, label);
	check(at != NULL);
	return strtol(at + strlen(label), NULL, 10) / 4;
}

static long
locked(void)
{
	return proc_pages("/proc/self/status", "VmLck:");
}

static int
in_memory(volatile void *p, int pages)
{
	unsigned char vec[1024];
	int n = 0;

	check(mincore((void *)p, (size_t)pages * PAGE, vec) == 0);
	for (int i = 0; i < pages; i++)
		n += vec[i] & 1;
	return n;
}

static long
lock2(volatile void *p, size_t bytes, long flags)
{
	return syscall(SYS_mlock2, p, bytes, flags);
}

static int
lock(volatile void *p, size_t bytes)
{
	return mlock((void *)p, bytes);
}

static int
unlock(volatile void *p, size_t bytes)
{
	return munlock((void *)p, bytes);
}

static void
errors(void)
{
	volatile unsigned char *p = map_private(5 * PAGE);

	check_errno(lock2(p, PAGE, 2), EINVAL);
	check_errno(lock2(p, PAGE, -1), EINVAL);
	check_errno(lock(p, -PAGE), EINVAL);
	check_errno(unlock(p, -PAGE), EINVAL);
	check(lock(p, 0) == 0 && unlock(p, 0) == 0 && locked() == 0);
	check(munmap((void *)(p + 2 * PAGE), PAGE) == 0);
	check_errno(lock(p + 2 * PAGE, PAGE), ENOMEM);
	check_errno(unlock(p + 2 * PAGE, PAGE), ENOMEM);
	check_errno(unlock(p, 4 * PAGE), ENOMEM);
	/* What lies before a hole is locked, and nothing behind it. */
	check_errno(lock(p, 4 * PAGE), ENOMEM);
	check(locked() == 2);
	check_errno(mlockall(0), EINVAL);
	check_errno(mlockall(8), EINVAL);
	check_errno(mlockall(4), EINVAL);
	check_errno(mlockall(MCL_CURRENT | 16), EINVAL);
}

static void
brings_into_memory(void)
{
	volatile unsigned char *p = map_private(8 * PAGE);

	check(lock(p + PAGE, 4 * PAGE) == 0);
	check(in_memory(p, 8) == 4 && locked() == 4);
	long before = faults_minor();
	for (int i = 1; i < 5; i++)
		p[i * PAGE] = i;
	check(faults_minor() == before);
	check(unlock(p + 2 * PAGE, PAGE) == 0);
	check(in_memory(p, 8) == 4 && locked() == 3);
	check(munmap((void *)p, 2 * PAGE) == 0);
	check(locked() == 2);
	check(p[2 * PAGE] == 2 && p[4 * PAGE] == 4);
}

static void
rounds_to_pages(void)
{
	volatile unsigned char *p = map_private(4 * PAGE);

	check(lock(p + PAGE + 100, PAGE) == 0);
	check(in_memory(p, 4) == 2 && locked() == 2);
	check(unlock(p + 3 * PAGE - 1, 1) == 0);
	check(locked() == 1);
	check(lock(p + PAGE, PAGE) == 0 && lock(p, 4 * PAGE) == 0);
	check(locked() == 4);
}

static void
untouchable(void)
{
	int fd = file_make("/tmp/mlock", PAGE);
	volatile unsigned char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile unsigned char *past = mmap(NULL, 2 * PAGE, rw, MAP_SHARED, fd, 0);

	check_errno(lock(none, PAGE), ENOMEM);
	check_errno(lock(past, 2 * PAGE), ENOMEM);
	check(locked() == 3); /* all the same */
	check(munlockall() == 0 && locked() == 0);
	check(lock2(none, PAGE, MLOCK_ONFAULT) == 0 && lock2(past, 2 * PAGE, MLOCK_ONFAULT) == 0);
	close(fd);
	unlink("/tmp/mlock");
}

static void
on_fault(void)
{
	volatile unsigned char *p = map_private(8 * PAGE);

	p[PAGE] = 1;
	check(lock2(p, 4 * PAGE, MLOCK_ONFAULT) == 0);
	check(in_memory(p, 4) == 1 && locked() == 4);
	p[2 * PAGE] = 2;
	check(in_memory(p, 4) == 2);
	check_errno(madvise((void *)p, 4 * PAGE, MADV_DONTNEED), EINVAL);
	check(lock(p, 4 * PAGE) == 0);
	check(in_memory(p, 4) == 4 && locked() == 4);
	check(p[PAGE] == 1 && p[2 * PAGE] == 2);
}

static void
refuses_to_be_dropped(void)
{
	int fd = file_make("/tmp/mlock", PAGE);
	volatile unsigned char *p = map_private(3 * PAGE);
	volatile unsigned char *shared = mmap(NULL, PAGE, rw, MAP_SHARED, fd, 0);
	static const int refused[] = {MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT};

	check(lock(p + PAGE, PAGE) == 0 && lock(shared, PAGE) == 0);
	p[0] = p[PAGE] = p[2 * PAGE] = 5;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		check_errno(madvise((void *)(p + PAGE), 2 * PAGE, refused[i]), EINVAL);
	check(p[PAGE] == 5 && p[2 * PAGE] == 5);
	check_errno(madvise((void *)shared, PAGE, MADV_REMOVE), EINVAL);
	check_errno(msync((void *)shared, PAGE, MS_INVALIDATE), EBUSY);
	check(msync((void *)shared, PAGE, MS_SYNC) == 0);
	check(madvise((void *)p, 3 * PAGE, MADV_DONTNEED_LOCKED) == 0);
	check(p[0] == 0 && p[PAGE] == 0 && locked() == 2);
	close(fd), unlink("/tmp/mlock");
}

static void
child_has_no_locks(void *arg)
{
	volatile unsigned char *p = arg;

	check(locked() == 0);
	for (int i = 0; i < PAGES; i++)
		check(p[i * PAGE] == 3);
	check(madvise((void *)p, PAGES * PAGE, MADV_DONTNEED) == 0);
	volatile unsigned char *q = map_private(PAGE);
	check(locked() == 0 && in_memory(q, 1) == 0);
}

static void
not_inherited(void)
{
	volatile unsigned char *p = map_aligned(PAGES * PAGE, TABLE);

	memset((void *)p, 3, PAGES * PAGE);
	check(lock(p + 4 * PAGE, 4 * PAGE) == 0);
	check(mlockall(MCL_FUTURE) == 0);
	child_must_live(child_has_no_locks, (void *)p);
	check(locked() == 4);
	memset((void *)p, 4, PAGES * PAGE);
	check(unlock(p, PAGES * PAGE) == 0 && locked() == 0);
}

static void
map_locked(void)
{
	volatile unsigned char *p = mmap(NULL, 4 * PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);

	check(p != MAP_FAILED && in_memory(p, 4) == 4 && locked() == 4);
	p = mmap((void *)p, 4 * PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	check(p != MAP_FAILED && in_memory(p, 4) == 0 && locked() == 0);
}

static void
all_of_it(void)
{
	volatile unsigned char *p = map_private(4 * PAGE);
	volatile unsigned char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(mlockall(MCL_CURRENT) == 0);
	check(none != MAP_FAILED && in_memory(p, 4) == 4 && locked() > 5);
	long all = locked();
	volatile unsigned char *q = map_private(2 * PAGE);
	check(in_memory(q, 2) == 0 && locked() == all);
	check(mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
	check(in_memory(q, 2) == 2 && locked() == all + 2);
	q = map_private(3 * PAGE);
	check(in_memory(q, 3) == 3 && locked() == all + 5);
	check(munlockall() == 0 && locked() == 0);
	q = map_private(PAGE);
	check(in_memory(q, 1) == 0 && locked() == 0);
}

static void
the_future(void)
{
	check(mlockall(MCL_FUTURE) == 0);
	check(locked() == 0);
	char *heap = (char *)syscall(SYS_brk, 0);
	char *top = (char *)(((uintptr_t)heap + PAGE - 1) & -PAGE);
	check((char *)syscall(SYS_brk, top + 3 * PAGE) == top + 3 * PAGE);
	check(in_memory(top, 3) == 3 && locked() == 3);
	check((char *)syscall(SYS_brk, top) == top && locked() == 0);
	check(mlockall(MCL_FUTURE | 4) == 0);
	volatile unsigned char *p = map_private(3 * PAGE);
	check(in_memory(p, 3) == 0 && locked() == 3);
	p[0] = 1;
	check(in_memory(p, 3) == 1);
}

static void
root_exceeds(void)
{
	const struct rlimit none = {0, 0};
	volatile unsigned char *p = map_private(PAGES * PAGE);

	check(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
	check(lock(p, PAGES * PAGE) == 0 && locked() == PAGES);
	check(mlockall(MCL_CURRENT) == 0 && munlockall() == 0);
}

static void
users_do_not(void)
{
	const struct rlimit four = {4 * PAGE, 4 * PAGE};
	const struct rlimit none = {0, 4 * PAGE};
	const int locked_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED;
	volatile unsigned char *p = map_private(16 * PAGE);

	check(setrlimit(RLIMIT_MEMLOCK, &four) == 0);
	check(syscall(SYS_setresuid, 1000, 1000, 1000) == 0);
	check_errno(lock(p, 5 * PAGE), ENOMEM);
	check(lock(p, 4 * PAGE) == 0 && locked() == 4);
	check(lock(p + PAGE, 3 * PAGE) == 0 && locked() == 4);
	check_errno(lock(p + 4 * PAGE, PAGE), ENOMEM);
	check_errno(mmap(NULL, PAGE, rw, locked_flags, -1, 0), EAGAIN);
	check_errno(mremap((void *)p, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE), EAGAIN);
	check_errno(mlockall(MCL_CURRENT), ENOMEM);
	check(mlockall(MCL_FUTURE) == 0);
	check_errno(mmap(NULL, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EAGAIN);
	check(unlock(p, PAGE) == 0);
	volatile unsigned char *q = map_private(PAGE);
	check(in_memory(q, 1) == 1 && locked() == 4);
	check(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
	check_errno(lock(p, PAGE), EPERM);
	check_errno(mlockall(MCL_CURRENT), EPERM);
	check_errno(syscall(SYS_mmap, NULL, PAGE, rw, locked_flags, -1, 0), EPERM); /* musl tells it otherwise */
	check(munlockall() == 0 && locked() == 0);
}

static void
counted(void)
{
	enum {
		MANY = 512
	};
	volatile unsigned char *p = map_private(MANY * PAGE);
	long before = proc_pages("/proc/meminfo", "Mlocked:");

	check(lock(p, MANY * PAGE) == 0);
	long during = proc_pages("/proc/meminfo", "Mlocked:");
	/* Linux keeps some pages per processor back for a while. */
	check(during - before > MANY / 2 && during - before <= MANY + 64);
	check(proc_pages("/proc/meminfo", "Unevictable:") >= during - 64);
	check(unlock(p, MANY * PAGE) == 0);
	check(during - proc_pages("/proc/meminfo", "Mlocked:") > MANY / 2);
}

/* Pages that were locked, then written by a child and its parent, then protected, keep their count (mm_check). */
static void
through_changes(void)
{
	int fd = file_make("/tmp/mlock", 4 * PAGE);
	volatile unsigned char *private = mmap(NULL, 4 * PAGE, rw, MAP_PRIVATE, fd, 0);
	volatile unsigned char *shared = mmap(NULL, 4 * PAGE, rw, MAP_SHARED, fd, 0);
	volatile unsigned char *again = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	check(lock(shared, 4 * PAGE) == 0 && lock(again + PAGE, PAGE) == 0);
	check(lock2(private, 4 * PAGE, MLOCK_ONFAULT) == 0);
	check(private[0] == 1 && private[PAGE] == 2);
	private[PAGE] = 9;
	check(mprotect((void *)private, 2 * PAGE, PROT_NONE) == 0);
	check(mprotect((void *)private, 2 * PAGE, rw) == 0);
	check(can_write(private + PAGE) && can_write(shared));
	private[0] = 8;
	check(ftruncate(fd, PAGE) == 0 && ftruncate(fd, 4 * PAGE) == 0);
	check(shared[PAGE] == 0 && again[PAGE] == 0);
	check(unlock(again, 4 * PAGE) == 0 && locked() == 8);
	close(fd), unlink("/tmp/mlock");
}

static void *
locks_for_ever(void *arg)
{
	(void)arg;
	for (int i = 0; !stop; i = (i + 5) % PAGES) {
		check(mlock((void *)memory, (i + 1) * PAGE) == 0);
		check(munlock((void *)(memory + i * PAGE), (PAGES - i) * PAGE) == 0);
	}
	return NULL;
}

static void
child_writes(void *arg)
{
	(void)arg;
	for (int i = 0; i < PAGES; i++) {
		check(memory[i * PAGE] == 6);
		memory[i * PAGE] = 7;
	}
}

static void
against_faults_and_fork(void)
{
	pthread_t thread;

	memory = map_aligned(PAGES * PAGE, TABLE);
	memset((void *)memory, 6, PAGES * PAGE);
	check(pthread_create(&thread, NULL, locks_for_ever, NULL) == 0);
	for (int round = 0; round < ROUNDS; round++) {
		child_must_live(child_writes, NULL);
		for (int i = 0; i < PAGES; i++)
			memory[i * PAGE] = 6;
	}
	stop = 1;
	check(pthread_join(thread, NULL) == 0);
	check(munlockall() == 0 && locked() == 0);
}

const struct test_case mlock_cases[] = {
	{"mlock, munlock and mlockall give Linux's errno for each misuse", errors, 0, 0},
	{"mlock brings pages into memory, and they count as locked until munlock or munmap", brings_into_memory, 0, 0},
	{"mlock rounds to pages, and no page counts twice", rounds_to_pages, 0, 0},
	{"what nobody can touch gives ENOMEM and is locked all the same", untouchable, 0, 0},
	{"MLOCK_ONFAULT waits for the touch", on_fault, 0, 0},
	{"locked memory refuses advice that would drop it", refuses_to_be_dropped, 0, 0},
	{"a child inherits no locks", not_inherited, 0, 0},
	{"MAP_LOCKED brings the mapping into memory", map_locked, 0, 0},
	{"mlockall locks what there is, and with MCL_FUTURE what will be", all_of_it, 0, 0},
	{"MCL_FUTURE goes for the heap and, with ONFAULT, for what is touched", the_future, 0, 0},
	{"root may lock more than RLIMIT_MEMLOCK", root_exceeds, 0, 0},
	{"other users may not: ENOMEM, EAGAIN, and EPERM where the limit is 0", users_do_not, 0, 0},
	{"Mlocked and Unevictable count the pages", counted, 0, 0},
	{"locks survive copy-on-write, mprotect and truncation of others", through_changes, 0, CASE_SMP},
	{"mlock against faults and fork", against_faults_and_fork, 0, CASE_SMP},
	{0},
};
