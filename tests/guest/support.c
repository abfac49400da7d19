/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/support.c - the small tools of the cases
 *
 * Idea        see guest.h
 * Follow      from every file of cases
 */
#include "guest.h"
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

static const int rw = PROT_READ | PROT_WRITE;

static volatile unsigned char *map_some(size_t bytes, int flags);
static uint64_t stamp_start(uint64_t who);
static void byte_read(void *address);
static void byte_write(void *address);

volatile unsigned char *
map_private(size_t bytes)
{
	return map_some(bytes, MAP_PRIVATE | MAP_ANONYMOUS);
}

volatile unsigned char *
map_shared(size_t bytes)
{
	return map_some(bytes, MAP_SHARED | MAP_ANONYMOUS);
}

volatile unsigned char *
map_aligned(size_t bytes, size_t unit)
{
	unsigned char *all = mmap(NULL, bytes + unit + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(all != MAP_FAILED);
	uintptr_t start = ((uintptr_t)all + PAGE + unit - 1) & ~(unit - 1);
	check(munmap(all, bytes + unit + 2 * PAGE) == 0);
	void *p = mmap((void *)start, bytes, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	check(p == (void *)start);
	madvise(p, bytes, MADV_NOHUGEPAGE);
	return p;
}

static volatile unsigned char *
map_some(size_t bytes, int flags)
{
	void *p = mmap(NULL, bytes, rw, flags, -1, 0);

	check(p != MAP_FAILED);
	madvise(p, bytes, MADV_NOHUGEPAGE);
	return p;
}

pid_t
child_start(void (*run)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		run(arg);
		_exit(0);
	}
	check(pid > 0);
	return pid;
}

int
child_wait(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int
child_run(void (*run)(void *), void *arg)
{
	return child_wait(child_start(run, arg));
}

void
child_must_die(void (*run)(void *), void *arg, int signal)
{
	int status = child_run(run, arg);

	if (!WIFSIGNALED(status))
		fail("a child ought to die of signal %d, but ended with status 0x%x", signal, status);
	if (WTERMSIG(status) != signal)
		fail("a child ought to die of signal %d, but died of signal %d", signal, WTERMSIG(status));
}

void
child_must_live(void (*run)(void *), void *arg)
{
	int status = child_run(run, arg);

	if (status != 0)
		fail("a child ought to live, but ended with status 0x%x", status);
}

void
await(volatile int *word, int value)
{
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) < value)
		sched_yield();
}

void
announce(volatile int *word)
{
	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
}

long
faults_minor(void)
{
	struct rusage usage;

	check(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_minflt;
}

long
free_pages(void)
{
	struct sysinfo info;

	check(sysinfo(&info) == 0);
	return info.freeram * info.mem_unit / PAGE;
}

/* From the affinity mask, as musl's sysconf reads it; 1 when the kernel does not tell. */
int
cpus_online(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n;
}

int
file_make(const char *path, size_t bytes)
{
	unsigned char page[PAGE];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	check(fd >= 0);
	for (size_t done = 0; done < bytes;) {
		size_t n = bytes - done < PAGE ? bytes - done : PAGE;
		memset(page, done / PAGE + 1, sizeof(page));
		check(write(fd, page, n) == (ssize_t)n);
		done += n;
	}
	return fd;
}

/*
 * Word i of a page is start + i * STEP: no two words of a page are equal, and a page of one word is no stamp. Where a
 * word differs, its difference stays in @wrong.
 * Why the barriers: each word is written and read for certain, one by one, and in the order of the program.
 */
#define STEP 0xbf58476d1ce4e5b9u
#define BARRIER() __asm__ volatile("" ::: "memory")
#define ONE_BY_ONE(word) __asm__ volatile("" : "+r"(word))

void
page_stamp(volatile unsigned char *page, uint64_t who)
{
	uint64_t *words = (uint64_t *)(uintptr_t)page;
	uint64_t word = stamp_start(who);

	BARRIER();
	for (int i = 0; i < PAGE / 8; i += 4, word += 4 * STEP) {
		ONE_BY_ONE(word);
		words[i] = word;
		words[i + 1] = word + STEP;
		words[i + 2] = word + 2 * STEP;
		words[i + 3] = word + 3 * STEP;
	}
	BARRIER();
}

bool
page_stamped(volatile unsigned char *page, uint64_t who)
{
	const uint64_t *words = (const uint64_t *)(uintptr_t)page;
	uint64_t word = stamp_start(who);
	uint64_t wrong = 0;

	BARRIER();
	for (int i = 0; i < PAGE / 8; i += 4, word += 4 * STEP) {
		ONE_BY_ONE(word);
		wrong |= words[i] ^ word;
		wrong |= words[i + 1] ^ (word + STEP);
		wrong |= words[i + 2] ^ (word + 2 * STEP);
		wrong |= words[i + 3] ^ (word + 3 * STEP);
	}
	return !wrong;
}

static uint64_t
stamp_start(uint64_t who)
{
	uint64_t mixed = (who + 1) * 0x9e3779b97f4a7c15u;

	return mixed ^ mixed >> 32;
}

bool
can_read(volatile void *address)
{
	int status = child_run(byte_read, (void *)address);

	check(status == 0 || (WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS)));
	return status == 0;
}

bool
can_write(volatile void *address)
{
	int status = child_run(byte_write, (void *)address);

	check(status == 0 || (WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS)));
	return status == 0;
}

static void
byte_read(void *address)
{
	(void)*(volatile unsigned char *)address;
}

static void
byte_write(void *address)
{
	volatile unsigned char *p = address;

	*p = *p;
}
