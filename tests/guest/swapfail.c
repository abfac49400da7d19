/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/swapfail.c - swap on disks that fail on purpose
 *
 * Idea        The machine has 64 MiB of RAM and five swap areas. Of vda (1 MiB) four slots cannot be read; of vdb
 *             (1 MiB) 36 cannot be written; vdc (128 MiB) is good; vdd (2 MiB) takes no write at all; of vde (1 MiB)
 *             four slots fail when they are read for the first time, and never again. A case fills an area to the last
 *             slot, so that the bad ones are among them, and then each page is what it was, or is known to be lost:
 *             never anything else.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py, disks.py   to mm/swap_io.c, mm/swap_cache.c, mm/swap_mend.c, mm/swapoff.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include "swapping.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/resource.h>
#include <sys/swap.h>
#include <sys/syscall.h>

enum {
	RAM = 64 * MIB,
	SLOTS = 255, /* of an area of 1 MiB */
	AREA = SLOTS * PAGE,
	LOST = 4,    /* of vda */
	FAILED = 36, /* of vdb */
	WORKERS = 4,
	READ_LOG = 3,
	LOG = 64 * 1024,
	FUTEX_WAIT = 0
};

static sigjmp_buf on_bus;
static siginfo_t bus;

/* A case that failed may have left areas on. */
static void
all_off(void)
{
	for (char path[] = "/dev/vda"; path[7] <= 'e'; path[7]++)
		swapoff(path);
}

static void
on_signal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	bus = *info;
	siglongjmp(on_bus, signal);
}

/* Touches each page: those that are lost give SIGBUS, at their address. Returns how many; the others must be right. */
static size_t
lost_pages(volatile unsigned char *p, size_t bytes, uint64_t who)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO}, old;
	volatile size_t lost = 0;
	volatile size_t i;

	check(sigaction(SIGBUS, &action, &old) == 0);
	for (i = 0; i < bytes; i += PAGE) {
		if (sigsetjmp(on_bus, 1) == 0) {
			check(page_stamped(p + i, who + i / PAGE));
			continue;
		}
		check(bus.si_signo == SIGBUS && bus.si_code == BUS_ADRERR);
		check((unsigned long)bus.si_addr / PAGE == (unsigned long)(p + i) / PAGE);
		lost++;
	}
	check(sigaction(SIGBUS, &old, NULL) == 0);
	return lost;
}

/* The first page that is lost. */
static volatile unsigned char *
lost_page(volatile unsigned char *p, size_t bytes, uint64_t who)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		if (lost_pages(p + i, PAGE, who + i / PAGE))
			return p + i;
	fail("no page is lost");
}

static int
log_has(const char *words)
{
	static char text[LOG + 1];
	int n = klogctl(READ_LOG, text, LOG);
	int found = 0;

	check(n >= 0);
	text[n] = 0;
	for (char *at = text; (at = strstr(at, words)); at++)
		found++;
	return found;
}

/* ---- reading fails ---- */

static void
touch(void *arg)
{
	check(*(volatile unsigned char *)arg != 1);
}

static void
unreadable(void)
{
	int lines = log_has("Read-error on swap-device (");

	all_off();
	swap_on_first("/dev/vda", 1);
	volatile unsigned char *p = stamped(AREA, 1000);
	page_out(p, AREA);
	check(area_figure("/dev/vda", 3) == SLOTS * 4);
	volatile unsigned char *bad = lost_page(p, AREA, 1000);
	child_must_die(touch, (void *)bad, SIGBUS);
	check(lost_pages(p, AREA, 1000) == LOST);
	check(log_has("Read-error on swap-device (") >= lines + LOST);
	/* Every other page can be written as before. */
	for (size_t i = 0; i < AREA; i += PAGE)
		if (lost_pages(p + i, PAGE, 1000 + i / PAGE) == 0)
			page_stamp(p + i, 7000 + i / PAGE);
	check(lost_pages(p, AREA, 7000) == LOST);
	check(munmap((void *)p, AREA) == 0);
	swap_off("/dev/vda");
}

static void
calls_on_lost(void)
{
	int fd = open("/tmp/lost", O_CREAT | O_RDWR | O_TRUNC, 0600);
	int ends[2];

	all_off();
	swap_on_first("/dev/vda", 1);
	volatile unsigned char *p = stamped(AREA, 2000);
	page_out(p, AREA);
	void *bad = (void *)lost_page(p, AREA, 2000);
	check(pipe(ends) == 0);
	check_errno(write(fd, bad, PAGE), EFAULT);
	check_errno(write(ends[1], bad, 1), EFAULT);
	check(write(fd, "0123456789", 10) == 10);
	check_errno(pread(fd, bad, 10, 0), EFAULT);
	check_errno(syscall(SYS_futex, bad, FUTEX_WAIT, 0, NULL), EFAULT);
	check_errno(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad), EFAULT);
	check_errno(mlock(bad, PAGE), ENOMEM);
	check(munlock(bad, PAGE) == 0);
	check(madvise(bad, PAGE, MADV_WILLNEED) == 0);
	check(madvise(bad, PAGE, MADV_DONTNEED) == 0 && *(volatile unsigned char *)bad == 0);
	check(munmap((void *)p, AREA) == 0);
	swap_off("/dev/vda");
	close(ends[0]);
	close(ends[1]);
	close(fd);
	unlink("/tmp/lost");
}

/* Whoever shares the page and does not touch it goes on. */
static void
share_lost(void *arg)
{
	size_t lost = lost_pages(arg, AREA, 3000);

	if (lost != LOST)
		fail("%zu pages are lost, of %d bad slots", lost, LOST);
}

static void
lost_and_shared(void)
{
	pid_t pid[WORKERS];

	all_off();
	swap_on_first("/dev/vda", 1);
	volatile unsigned char *p = stamped(AREA, 3000);
	page_out(p, AREA);
	check(area_figure("/dev/vda", 3) == SLOTS * 4);
	for (int i = 0; i < WORKERS; i++)
		pid[i] = child_start(share_lost, (void *)p);
	for (int i = 0; i < WORKERS; i++)
		check(child_wait(pid[i]) == 0);
	check(lost_pages(p, AREA, 3000) == LOST);
	check(munmap((void *)p, AREA) == 0);
	swap_off("/dev/vda");
}

/* The slot of a lost page goes with its last user, and the next one may try its luck with it. */
static void
lost_slot_goes(void)
{
	all_off();
	swap_on_first("/dev/vda", 1);
	volatile unsigned char *p = stamped(AREA, 4000);
	page_out(p, AREA);
	check(figure("SwapFree:") == 0);
	for (size_t i = 0; i < AREA; i += PAGE)
		if (lost_pages(p + i, PAGE, 4000 + i / PAGE))
			check(munmap((void *)(p + i), PAGE) == 0 && madvise((void *)p, PAGE, MADV_WILLNEED) == 0);
	check(munmap((void *)p, AREA) == 0);
	mm_settle();
	check(figure("SwapFree:") == SLOTS * 4);
	swap_off("/dev/vda");
}

/* An error of what was read ahead, or of a neighbour in the same transfer, hurts nobody. */
static void
error_of_a_neighbour(void)
{
	struct rusage before, after;

	all_off();
	swap_on_first("/dev/vda", 1);
	volatile unsigned char *p = stamped(AREA, 5000);
	page_out(p, AREA);
	getrusage(RUSAGE_SELF, &before);
	check(lost_pages(p, AREA, 5000) == LOST);
	getrusage(RUSAGE_SELF, &after);
	check(after.ru_majflt - before.ru_majflt < SLOTS);
	check(munmap((void *)p, AREA) == 0);
	swap_off("/dev/vda");
}

/* Linux reads such a page once only, and gives it up. */
static void
error_that_passes(void)
{
	all_off();
	swap_on_first("/dev/vde", 1);
	volatile unsigned char *p = stamped(AREA, 6000);
	page_out(p, AREA);
	size_t lost = lost_pages(p, AREA, 6000);
	check(lost <= LOST && (lost == 0 || access("/proc/mm_check", F_OK) < 0));
	check(munmap((void *)p, AREA) == 0);
	swap_off("/dev/vde");
}

static void
inherits_lost(void *arg)
{
	check(lost_pages(arg, AREA, 8000) == LOST);
}

/* What is lost of a file, or of shared memory, does not keep the area. Punching makes room for something new. */
static void
lost_of_a_file(void)
{
	int fd = open("/tmp/lost", O_CREAT | O_RDWR | O_TRUNC, 0600);
	unsigned char byte;
	int errors = 0;

	all_off();
	swap_on_first("/dev/vda", 1);
	check(fd >= 0 && ftruncate(fd, AREA) == 0);
	volatile unsigned char *p = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	pages_stamp(p, AREA, 6000);
	page_out(p, AREA);
	swap_off("/dev/vda");
	check(lost_pages(p, AREA, 6000) == LOST);
	for (off_t i = 0; i < AREA; i += PAGE) {
		if (pread(fd, &byte, 1, i) == 1)
			continue;
		check(errno == EIO);
		errors++;
		check(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, i, PAGE) == 0);
		check(pread(fd, &byte, 1, i) == 1 && byte == 0);
	}
	check(errors == LOST);
	check(munmap((void *)p, AREA) == 0 && close(fd) == 0 && unlink("/tmp/lost") == 0);
}

static void
lost_at_swapoff(void)
{
	all_off();
	swap_on_first("/dev/vda", 1);
	volatile unsigned char *p = stamped(AREA, 8000);
	page_out(p, AREA);
	swap_off("/dev/vda");
	check(figure("SwapTotal:") == 0);
	check(lost_pages(p, AREA, 8000) == LOST);
	child_must_live(inherits_lost, (void *)p);
	check(munmap((void *)p, AREA) == 0);
}

/* ---- writing fails ---- */

static void
unwritable(void)
{
	int lines = log_has("Write-error on swap-device (");

	all_off();
	swap_on_first("/dev/vdb", 1);
	volatile unsigned char *p = stamped(AREA, 10000);
	page_out(p, AREA);
	must_be_stamped(p, AREA, 10000);
	check(log_has("Write-error on swap-device (") > lines);
	for (int round = 1; round < 4; round++) {
		for (size_t i = 0; i < AREA; i += PAGE)
			page_stamp(p + i, 10000 + round * 1000 + i / PAGE);
		page_out(p, AREA);
		must_be_stamped(p, AREA, 10000 + round * 1000);
	}
	check(munmap((void *)p, AREA) == 0);
	mm_settle();
	/* The slots that failed are nobody's any more. */
	if (access("/proc/mm_check", F_OK) == 0)
		check(area_figure("/dev/vdb", 2) == (SLOTS - FAILED) * 4 && area_figure("/dev/vdb", 3) == 0);
	swap_off("/dev/vdb");
}

/* What one slot does not take goes to another one, of this area or the next. */
static void
elsewhere(void)
{
	all_off();
	swap_on_first("/dev/vdb", 2);
	swap_on_first("/dev/vdc", 1);
	volatile unsigned char *p = stamped(AREA, 20000);
	for (int i = 0; i < 4; i++)
		page_out(p, AREA);
	if (access("/proc/mm_check", F_OK) == 0) {
		must_be_out(p, AREA);
	}
	must_be_stamped(p, AREA, 20000);
	swap_off("/dev/vdb");
	must_be_stamped(p, AREA, 20000);
	swap_off("/dev/vdc");
	must_be_stamped(p, AREA, 20000);
}

static void
dead_area(void)
{
	all_off();
	swap_on_first("/dev/vdd", 2);
	swap_on_first("/dev/vdc", 1);
	volatile unsigned char *p = stamped(4 * MIB, 30000);
	for (int i = 0; i < 4; i++)
		page_out(p, 4 * MIB);
	if (access("/proc/mm_check", F_OK) == 0) {
		must_be_out(p, 4 * MIB);
		check(area_figure("/dev/vdd", 3) == 0 && area_figure("/dev/vdd", 2) == 0);
	}
	must_be_stamped(p, 4 * MIB, 30000);
	swap_off("/dev/vdd");
	swap_off("/dev/vdc");
	must_be_stamped(p, 4 * MIB, 30000);
}

/* Pages that children inherited in slots that failed come back for all of them. */
static void
inherits(void *arg)
{
	must_be_stamped(arg, AREA, 40000);
	for (size_t i = 0; i < AREA; i += PAGE)
		page_stamp((volatile unsigned char *)arg + i, 41000 + i / PAGE);
	check(madvise(arg, AREA, MADV_PAGEOUT) == 0);
	must_be_stamped(arg, AREA, 41000);
}

static void
failed_and_shared(void)
{
	pid_t pid[WORKERS];

	all_off();
	swap_on_first("/dev/vdd", 2);
	swap_on_first("/dev/vdc", 1);
	volatile unsigned char *p = stamped(AREA, 40000);
	check(madvise((void *)p, AREA, MADV_PAGEOUT) == 0);
	for (int i = 0; i < WORKERS; i++)
		pid[i] = child_start(inherits, (void *)p);
	for (int i = 0; i < WORKERS; i++)
		check(child_wait(pid[i]) == 0);
	must_be_stamped(p, AREA, 40000);
	swap_off("/dev/vdd");
	must_be_stamped(p, AREA, 40000);
	swap_off("/dev/vdc");
}

static void
short_life(void *arg)
{
	volatile unsigned char *p = stamped(MIB, 50000);

	check(madvise((void *)p, MIB, MADV_PAGEOUT) == 0);
	if ((long)arg % 2)
		check(munmap((void *)p, MIB) == 0);
	/* or ends while its pages are on their way to slots that fail */
}

static void
failing_at_the_end(void)
{
	pid_t pid[WORKERS];

	all_off();
	swap_on_first("/dev/vdb", 1);
	for (int round = 0; round < 8; round++) {
		for (long i = 0; i < WORKERS; i++)
			pid[i] = child_start(short_life, (void *)i);
		for (int i = 0; i < WORKERS; i++)
			check(child_wait(pid[i]) == 0);
	}
	swap_off("/dev/vdb");
}

static void *
toucher(void *arg)
{
	for (int round = 0; round < 20; round++)
		must_be_stamped(arg, AREA, 60000);
	return NULL;
}

/* Threads read pages while they fail to leave. */
static void
failing_and_faults(void)
{
	pthread_t thread[3];

	all_off();
	swap_on_first("/dev/vdb", 2);
	swap_on_first("/dev/vdc", 1);
	volatile unsigned char *p = stamped(AREA, 60000);
	for (int i = 0; i < 3; i++)
		check(pthread_create(&thread[i], NULL, toucher, (void *)p) == 0);
	for (int i = 0; i < 40; i++)
		check(madvise((void *)p, AREA, MADV_PAGEOUT) == 0);
	for (int i = 0; i < 3; i++)
		check(pthread_join(thread[i], NULL) == 0);
	must_be_stamped(p, AREA, 60000);
	swap_off("/dev/vdb");
	swap_off("/dev/vdc");
}

static void
hog(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < RAM * 2 / MIB; i++) {
		volatile unsigned char *p = map_private(MIB);

		for (size_t k = 0; k < MIB; k += PAGE)
			page_stamp(p + k, i);
	}
}

/* Nowhere to go: memory runs out at once, and not after seconds of trying. */
static void
no_area_works(void)
{
	all_off();
	swap_on_first("/dev/vdd", 1);
	volatile unsigned char *p = stamped(4 * MIB, 70000);
	child_must_die(hog, NULL, SIGKILL);
	must_be_stamped(p, 4 * MIB, 70000);
	swap_off("/dev/vdd");
}

#define FAIL CASE_NAMED
#define FAIL_SMP (CASE_NAMED | CASE_SMP)

const struct test_case swapfail_cases[] = {
	{"a page that cannot be read is SIGBUS for who touches it, and all others are right", unreadable, 0, FAIL},
	{"system calls on a page that cannot be read are EFAULT", calls_on_lost, 0, FAIL},
	{"all who share a page that cannot be read get SIGBUS when they touch it", lost_and_shared, 0, FAIL_SMP},
	{"the slot of a page that could not be read goes with its last user", lost_slot_goes, 0, FAIL},
	{"an error of a neighbour in the same transfer hurts nobody", error_of_a_neighbour, 0, FAIL},
	{"an error that passes is tried again by who wants the page", error_that_passes, 0, FAIL},
	{"swapoff of an area that cannot be read in places: what is lost is SIGBUS", lost_at_swapoff, 0, FAIL},
	{"swapoff gives up what is lost of a file, which says EIO from then on", lost_of_a_file, 0, FAIL},
	{"slots that cannot be written are not used again", unwritable, 0, FAIL},
	{"what one slot does not take goes to another", elsewhere, 0, FAIL},
	{"an area that takes nothing: all goes to the next one", dead_area, 0, FAIL},
	{"pages that could not be written come back for all who share them", failed_and_shared, 0, FAIL_SMP},
	{"programs that end while their pages fail to leave", failing_at_the_end, 0, FAIL_SMP},
	{"threads that read pages which fail to leave", failing_and_faults, 0, FAIL_SMP},
	{"when no area takes anything, memory runs out as without one", no_area_works, 0, FAIL},
	{0},
};
