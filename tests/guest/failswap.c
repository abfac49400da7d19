/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/failswap.c - allocations that fail on a page's way out of memory and back
 *
 * Idea        The machine of swap.c. Of the allocations that reclaim and swap-in make, the n-th fails, for each n until
 *             a piece of work needs fewer; then every n-th, without end. Whatever fails, each byte is what it was: a
 *             page stays where it is, or a fault is taken again. A system call may give an error of memory, and nothing
 *             else. On a kernel that has no such switch (Linux) the work is done without.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to mm/fail_inject.c, mm/swap_cache.c, mm/swap_leaf.c, mm/shmem.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include "swapping.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>

#define INTERVAL "/proc/sys/vm/fail_reclaim_interval"
#define TIMES "/proc/sys/vm/fail_reclaim_times"

enum {
	RAM = 64 * MIB,
	SIZE = MIB / 2,
	SURE = 40,  /* each of so many fails once */
	MOST = 400, /* more than a work needs */
	STEP = 7
};

/* One piece of work: pages that leave and come back. @who: stamps of its own. */
typedef void work_fn(uint64_t who);

/* The words of the call may be out of memory too, and an allocation on their way back fails: EFAULT. Then once more. */
static void
set(const char *path, long value)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld", value);

	while (on_tidemark() && proc_write(path, text) != n)
		check(errno == EFAULT || errno == ENOMEM);
}

static long
get(const char *path)
{
	return on_tidemark() ? atol(proc_text(path)) : 0;
}

static void
fail_nth(long n, long times)
{
	set(TIMES, times);
	set(INTERVAL, n);
}

static void
fail_none(void)
{
	set(INTERVAL, 0);
	set(TIMES, 1);
}

/* ---- works ---- */

static void
private_work(uint64_t who)
{
	volatile unsigned char *p = map_private(SIZE);

	pages_stamp(p, SIZE, who);
	page_out(p, SIZE);
	must_be_stamped(p, SIZE, who);
	pages_stamp(p, SIZE / 2, who + 1);
	page_out(p, SIZE);
	must_be_stamped(p, SIZE / 2, who + 1);
	must_be_stamped(p + SIZE / 2, SIZE / 2, who + SIZE / 2 / PAGE);
	munmap((void *)p, SIZE);
}

/* Pages of one word have no slot, but a table of words that grows. */
static void
same_work(uint64_t who)
{
	volatile unsigned char *p = map_private(SIZE);

	for (size_t i = 0; i < SIZE; i += sizeof(uint64_t))
		*(volatile uint64_t *)(p + i) = who + i / PAGE;
	page_out(p, SIZE);
	for (size_t i = 0; i < SIZE; i += 512)
		check(*(volatile uint64_t *)(p + i) == who + i / PAGE);
	munmap((void *)p, SIZE);
}

static void
shared_work(uint64_t who)
{
	volatile unsigned char *p = map_shared(SIZE);

	pages_stamp(p, SIZE, who);
	page_out(p, SIZE);
	must_be_stamped(p, SIZE, who);
	munmap((void *)p, SIZE);
}

struct inherited {
	volatile unsigned char *p;
	uint64_t who;
};

static void
child_looks_and_writes(void *arg)
{
	struct inherited *in = arg;

	must_be_stamped(in->p, SIZE / 4, in->who);
	pages_stamp(in->p, SIZE / 4, in->who + 77);
	page_out(in->p, SIZE / 4);
	must_be_stamped(in->p, SIZE / 4, in->who + 77);
}

static void
fork_work(uint64_t who)
{
	struct inherited in = {map_private(SIZE / 4), who};

	pages_stamp(in.p, SIZE / 4, who);
	page_out(in.p, SIZE / 4);
	child_must_live(child_looks_and_writes, &in);
	must_be_stamped(in.p, SIZE / 4, who);
	munmap((void *)in.p, SIZE / 4);
}

/* ---- sweeps ---- */

/* Returns how many allocations failed, one in a run each. */
static int
sweep(work_fn *work)
{
	int failed = 0;

	for (long n = 1; n < MOST; n += n < SURE ? 1 : STEP) {
		fail_nth(n, 1);
		work((uint64_t)n << 32);
		set(INTERVAL, 0);
		if (get(TIMES) != 0)
			break; /* the work makes fewer */
		failed++;
	}
	fail_none();
	return failed;
}

static void
once_and_again(work_fn *work)
{
	swap_on("/dev/vda");
	int failed = sweep(work);
	check(failed >= (on_tidemark() ? 3 : 0));
	for (long n = 8; n < 100; n += n / 3) {
		fail_nth(n, -1);
		work((uint64_t)n << 40);
		fail_none();
	}
	swap_off("/dev/vda");
}

static void
private_pages(void)
{
	once_and_again(private_work);
}

static void
same_pages(void)
{
	once_and_again(same_work);
}

static void
shared_pages(void)
{
	once_and_again(shared_work);
}

static void
inherited_pages(void)
{
	once_and_again(fork_work);
}

/* ---- others ---- */

/* More than there is, by kswapd's hands and by our own. */
static void
pressure(void)
{
	size_t bytes = RAM + RAM / 4;

	swap_on("/dev/vda");
	fail_nth(8, -1);
	volatile unsigned char *p = map_private(bytes);
	pages_stamp(p, bytes, 5);
	must_be_stamped(p, bytes, 5);
	fail_none();
	check(munmap((void *)p, bytes) == 0 && swapoff("/dev/vda") == 0);
}

/* Buffers that are out of memory: the call is done, or says that there was no memory. */
static void
system_calls(void)
{
	volatile unsigned char *from = map_private(SIZE), *to = map_private(SIZE);
	int fd = open("/tmp/failswap", O_CREAT | O_RDWR | O_TRUNC, 0600);

	check(fd >= 0 && swapon("/dev/vda", 0) == 0);
	pages_stamp(from, SIZE, 9);
	for (long n = 1; n < SURE; n++) {
		page_out(from, SIZE);
		fail_nth(n, 1);
		ssize_t put = pwrite(fd, (void *)from, SIZE, 0);
		check(put == SIZE || (put > 0 && put % PAGE == 0) || (put < 0 && (errno == EFAULT || errno == ENOMEM)));
		ssize_t got = pread(fd, (void *)to, SIZE, 0);
		fail_none();
		check(got >= 0 || errno == EFAULT || errno == ENOMEM);
		if (put == SIZE && got == SIZE)
			must_be_stamped(to, SIZE, 9);
	}
	must_be_stamped(from, SIZE, 9);
	check(pwrite(fd, (void *)from, SIZE, 0) == SIZE && pread(fd, (void *)to, SIZE, 0) == SIZE);
	must_be_stamped(to, SIZE, 9);
	swap_off("/dev/vda");
	close(fd);
	unlink("/tmp/failswap");
}

/* Swapoff that cannot bring all back says ENOMEM, and the area stays on. */
static void
swapoffs(void)
{
	volatile unsigned char *p = map_private(SIZE), *shared = map_shared(SIZE);
	int refused = 0;

	pages_stamp(p, SIZE, 11);
	pages_stamp(shared, SIZE, 4000);
	for (long n = 1; n < SURE; n += 2) {
		swap_on("/dev/vda");
		page_out(p, SIZE);
		page_out(shared, SIZE);
		fail_nth(n, 1);
		int result = swapoff("/dev/vda");
		check(result == 0 || errno == ENOMEM);
		fail_none();
		refused += result != 0;
		if (result)
			swap_off("/dev/vda");
		must_be_stamped(p, SIZE, 11);
		must_be_stamped(shared, SIZE, 4000);
	}
	check(refused > 0 || !on_tidemark());
}

static void
bounds(void)
{
	if (!on_tidemark())
		return;
	check(get(INTERVAL) == 0 && get(TIMES) == 1);
	check_errno(proc_write(TIMES, "-2"), EINVAL);
	check_errno(proc_write(INTERVAL, "-1"), EINVAL);
	check(proc_write(TIMES, "-1") == 2 && get(TIMES) == -1);
	fail_none();
	check(get(TIMES) == 1);
}

const struct test_case failswap_cases[] = {
	{"the settings have bounds", bounds, 0, CASE_NAMED},
	{"private pages: each allocation on their way fails, no byte is wrong", private_pages, 0, CASE_NAMED},
	{"pages of one word: each allocation on their way fails, no byte is wrong", same_pages, 0, CASE_NAMED},
	{"shared memory: each allocation on its way fails, no byte is wrong", shared_pages, 0, CASE_NAMED},
	{"inherited pages: each allocation on their way fails, no byte is wrong", inherited_pages, 0, CASE_NAMED},
	{"more than memory while every eighth allocation of reclaim fails", pressure, 0, CASE_NAMED | CASE_SMP},
	{"system calls on buffers that are out of memory, and allocations that fail", system_calls, 0, CASE_NAMED},
	{"swapoff for which an allocation fails is ENOMEM, and loses nothing", swapoffs, 0, CASE_NAMED},
	{0},
};
