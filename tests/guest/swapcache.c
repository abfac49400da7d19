/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/swapcache.c - what needs no disk, what is read ahead, and when slots are given back
 *
 * Idea        The machine and the disks of swap.c: 64 MiB of RAM, vda 256 MiB, vdb 16 MiB. What Linux 6.1 does
 *             otherwise (a page of one word takes a slot there, and it reads ahead by address) is asked only where the
 *             counter of such pages exists.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to mm/swap_same.c, mm/swap_io.c, mm/swap.c, mm/swap_cache.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include "swapping.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/swap.h>

enum {
	SMALL = 64 * PAGE,
	WORDS = PAGE / 8
};

#define ONES 0x0101010101010101UL

/* Does a page of one word go without a slot here? */
static bool
words_need_no_slot(void)
{
	return figure("swpout_same") >= 0;
}

/* Does page_out leave nothing in memory? Linux keeps a page until somebody needs its frame. */
static bool
is_exact(void)
{
	return words_need_no_slot();
}

static void
sysctl_set(const char *path, int value)
{
	FILE *f = fopen(path, "w");

	check(f != NULL && fprintf(f, "%d\n", value) > 0 && fclose(f) == 0);
}

static void
fill(volatile void *page, uint64_t word)
{
	for (int i = 0; i < WORDS; i++)
		((volatile uint64_t *)page)[i] = word;
}

static bool
filled(volatile void *page, uint64_t word)
{
	for (int i = 0; i < WORDS; i++)
		if (((volatile uint64_t *)page)[i] != word)
			return false;
	return true;
}

/* ---- pages of one word ---- */

static void
one_word(void)
{
	static const uint64_t words[] = {0, 0xabababababababab, 0x0123456789abcdef, ~0UL};
	volatile unsigned char *p = map_private(SMALL);
	long in, out, same;

	swap_on("/dev/vda");
	for (size_t i = 0; i < SMALL; i += PAGE)
		fill(p + i, words[i / PAGE % 4]);
	in = figure("pswpin");
	out = figure("pswpout");
	same = figure("swpout_same");
	page_out(p, SMALL);
	check(proc_value("/proc/self/status", "VmSwap:") == SMALL / 1024);
	if (words_need_no_slot()) {
		check(area_figure("/dev/vda", 3) == 0 && figure("pswpout") == out);
		check(figure("swpout_same") == same + SMALL / PAGE);
		same = figure("swpin_same");
	}
	for (size_t i = 0; i < SMALL; i += PAGE)
		check(filled(p + i, words[i / PAGE % 4]));
	check(!on_tidemark() || proc_value("/proc/self/status", "VmSwap:") == 0); /* Linux counts in batches */
	if (words_need_no_slot())
		check(figure("pswpin") == in && figure("swpin_same") == same + SMALL / PAGE);
	swap_off("/dev/vda");
}

/* More than one frame of words, some of them shared by pages; they come back in another order. */
static void
many_words(void)
{
	enum {
		PAGES = 3000
	};
	volatile unsigned char *p = map_private(PAGES * PAGE);

	swap_on("/dev/vda");
	for (uint64_t i = 0; i < PAGES; i++)
		fill(p + i * PAGE, i % 1000 * ONES);
	page_out(p, PAGES * PAGE);
	if (words_need_no_slot())
		check(area_figure("/dev/vda", 3) == 0);
	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t at = i * 1009 % PAGES;

		check(filled(p + at * PAGE, at % 1000 * ONES));
	}
	swap_off("/dev/vda");
}

static void
nearly_one_word(void)
{
	volatile unsigned char *p = map_private(SMALL);

	swap_on("/dev/vda");
	for (size_t i = 0; i < SMALL; i += PAGE) {
		fill(p + i, 7 * ONES);
		p[i + i / PAGE * 64 + i / PAGE % 8] = 8; /* one byte, in another place of each */
	}
	long out = figure("pswpout");
	page_out(p, SMALL);
	check(figure("pswpout") == out + SMALL / PAGE);
	for (size_t i = 0; i < SMALL; i += PAGE) {
		check(p[i + i / PAGE * 64 + i / PAGE % 8] == 8);
		p[i + i / PAGE * 64 + i / PAGE % 8] = 7;
		check(filled(p + i, 7 * ONES));
	}
	swap_off("/dev/vda");
}

static void
child_of_words(void *arg)
{
	volatile unsigned char *p = arg;

	check(filled(p, 0) && filled(p + PAGE, 3 * ONES));
	p[0] = 1;
	fill(p + PAGE, 4 * ONES);
	page_out(p, SMALL);
	check(p[0] == 1 && filled(p + PAGE, 4 * ONES) && filled(p + 2 * PAGE, 3 * ONES));
}

static void
words_of_a_family(void)
{
	volatile unsigned char *p = map_private(SMALL);

	swap_on("/dev/vda");
	for (size_t i = 0; i < SMALL; i += PAGE)
		fill(p + i, i ? 3 * ONES : 0);
	page_out(p, SMALL); /* out, then shared */
	child_must_live(child_of_words, (void *)p);
	check(filled(p, 0) && filled(p + PAGE, 3 * ONES));
	child_must_live(child_of_words, (void *)p); /* half of them in */
	for (size_t i = 0; i < SMALL; i += PAGE)
		check(filled(p + i, i ? 3 * ONES : 0));
	swap_off("/dev/vda");
}

static void
words_that_go(void)
{
	volatile unsigned char *p = map_private(4 * SMALL);
	volatile unsigned char *q;

	swap_on("/dev/vda");
	for (size_t i = 0; i < 4 * SMALL; i += PAGE)
		fill(p + i, 5 * ONES);
	page_out(p, 4 * SMALL);
	check(munmap((void *)p, SMALL) == 0);
	check(madvise((void *)(p + SMALL), SMALL, MADV_DONTNEED) == 0);
	check(filled(p + SMALL, 0));
	check(mprotect((void *)(p + 2 * SMALL), SMALL, PROT_READ) == 0);
	check(filled(p + 2 * SMALL, 5 * ONES) && !can_write(p + 2 * SMALL));
	q = mremap((void *)(p + 3 * SMALL), SMALL, 2 * SMALL, MREMAP_MAYMOVE);
	check(q != MAP_FAILED && filled(q, 5 * ONES) && filled(q + SMALL, 0));
	page_out(q, 2 * SMALL);
	check(filled(q + PAGE, 5 * ONES));
	swap_off("/dev/vda");
}

static void
words_and_swapoff(void)
{
	volatile unsigned char *p = map_private(SMALL);

	swap_on("/dev/vda");
	swap_on("/dev/vdb");
	for (size_t i = 0; i < SMALL; i += PAGE)
		fill(p + i, 9 * ONES);
	page_out(p, SMALL);
	swap_off("/dev/vda");
	swap_off("/dev/vdb"); /* nothing may be anywhere but in memory now */
	check(proc_value("/proc/self/status", "VmSwap:") == 0);
	long major = figure("pgmajfault");
	for (size_t i = 0; i < SMALL; i += PAGE)
		check(filled(p + i, 9 * ONES));
	check(figure("pgmajfault") == major);
}

static void
words_in_calls(void)
{
	volatile unsigned char *p = map_private(SMALL);
	int ends[2];

	swap_on("/dev/vda");
	for (size_t i = 0; i < SMALL; i += PAGE)
		fill(p + i, 6 * ONES);
	page_out(p, SMALL);
	check(pipe(ends) == 0);
	check(write(ends[1], (void *)p, PAGE) == PAGE);
	page_out(p, SMALL);
	check(read(ends[0], (void *)(p + PAGE), PAGE) == PAGE);
	check(filled(p + PAGE, 6 * ONES));
	swap_off("/dev/vda");
}

/* One thread makes pages uniform and uneven again while another evicts them: no write may be lost. */
static volatile unsigned char *contested;
static volatile int contest_over;

static void *
evictor(void *unused)
{
	while (!contest_over)
		madvise((void *)contested, SMALL, MADV_PAGEOUT);
	return unused;
}

static void
writers_meet_eviction(void)
{
	pthread_t thread;

	swap_on("/dev/vda");
	contested = map_private(SMALL);
	contest_over = 0;
	check(pthread_create(&thread, NULL, evictor, NULL) == 0);
	for (uint64_t round = 1; round <= 60; round++)
		for (size_t i = 0; i < SMALL; i += 4 * PAGE) {
			volatile uint64_t *words = (volatile uint64_t *)(contested + i);

			fill(words, round);
			check(filled(words, round));
			words[round % WORDS] = ~round;
			check(words[round % WORDS] == ~round && words[(round + 1) % WORDS] == round);
			words[round % WORDS] = round;
			check(filled(words, round));
		}
	contest_over = 1;
	pthread_join(thread, NULL);
	swap_off("/dev/vda");
}

/* ---- reading ahead ---- */

static void
cluster_zero(void)
{
	swap_on("/dev/vda");
	sysctl_set("/proc/sys/vm/page-cluster", 0);
	volatile unsigned char *p = stamped(SMALL, 1);
	page_out(p, SMALL);
	long in = figure("pswpin"), ahead = figure("swap_ra");
	for (int i = 0; i < SMALL / PAGE; i++) {
		check(page_stamped(p + i * PAGE, 1 + (uint64_t)i));
		check(!is_exact() || figure("pswpin") == in + i + 1);
	}
	check(figure("swap_ra") == ahead);
	sysctl_set("/proc/sys/vm/page-cluster", 3);
	swap_off("/dev/vda");
}

static void
cluster_limits(void)
{
	FILE *f = fopen("/proc/sys/vm/page-cluster", "w");

	check(f != NULL && fprintf(f, "-1\n") > 0);
	check(fclose(f) != 0);
	f = fopen("/proc/sys/vm/page-cluster", "r");
	int value = -1;
	check(f != NULL && fscanf(f, "%d", &value) == 1 && value == 3);
	fclose(f);
}

static void
in_order(void)
{
	enum {
		BYTES = 4 * MIB,
		PAGES = BYTES / PAGE
	};
	struct rusage before, after;
	long major;

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(BYTES, 11);
	page_out(p, BYTES);
	long ahead = figure("swap_ra"), hit = figure("swap_ra_hit"), in = figure("pswpin");
	getrusage(RUSAGE_SELF, &before);
	must_be_stamped(p, BYTES, 11);
	getrusage(RUSAGE_SELF, &after);
	ahead = figure("swap_ra") - ahead;
	hit = figure("swap_ra_hit") - hit;
	major = after.ru_majflt - before.ru_majflt;
	check(figure("pswpin") - in <= PAGES);
	check(major <= PAGES / 4 && hit <= ahead);
	if (is_exact()) /* each page was wanted, so each that was read ahead was a hit */
		check(hit == ahead && major + ahead == PAGES && figure("pswpin") - in == PAGES);
	swap_off("/dev/vda");
}

/* What is read ahead in vain is not asked for again and again. */
static void
at_random(void)
{
	enum {
		PAGES = 4096,
		READS = 512
	};
	uint64_t at = 1;

	swap_on("/dev/vda");
	volatile unsigned char *p = stamped(PAGES * PAGE, 21);
	page_out(p, PAGES * PAGE);
	long ahead = figure("swap_ra");
	for (int i = 0; i < READS; i++) {
		at = (at * 1664525 + 1013904223) % (1UL << 32);
		uint64_t n = (at >> 8) % PAGES;
		check(page_stamped(p + n * PAGE, 21 + n));
	}
	if (is_exact())
		check(figure("swap_ra") - ahead < READS);
	swap_off("/dev/vda");
}

/* With a wide window, one request carries up to 128 KiB, out and in. */
static void
large_transfers(void)
{
	enum {
		BYTES = 4 * MIB
	};
	long reads[2], sectors_in[2], writes[2], sectors_out[2];

	swap_on("/dev/vda");
	sysctl_set("/proc/sys/vm/page-cluster", 5);
	volatile unsigned char *p = stamped(BYTES, 31);
	for (int i = 0; i < 2; i++) {
		char line[512];
		FILE *f = fopen("/proc/diskstats", "r");

		check(f != NULL);
		while (fgets(line, sizeof(line), f))
			if (strstr(line, " vda "))
				check(sscanf(strstr(line, "vda"), "vda %ld %*d %ld %*d %ld %*d %ld", &reads[i],
					     &sectors_in[i], &writes[i], &sectors_out[i]) == 4);
		fclose(f);
		if (!i) {
			page_out(p, BYTES);
			must_be_stamped(p, BYTES, 31);
		}
	}
	check(sectors_out[1] - sectors_out[0] == BYTES / 512);
	check(writes[1] - writes[0] <= 2 * BYTES / (128 * 1024));
	if (is_exact()) {
		check(sectors_in[1] - sectors_in[0] == BYTES / 512);
		check(reads[1] - reads[0] <= 2 * BYTES / (128 * 1024));
	}
	sysctl_set("/proc/sys/vm/page-cluster", 3);
	swap_off("/dev/vda");
}

/* ---- slots ---- */

static void
equals_take_turns(void)
{
	long a, b;

	swap_on_first("/dev/vda", 3);
	swap_on_first("/dev/vdb", 3);
	volatile unsigned char *p = stamped(8 * MIB, 41);
	page_out(p, 8 * MIB);
	a = area_figure("/dev/vda", 3);
	b = area_figure("/dev/vdb", 3);
	check(a + b >= 8 * 1024 && (!is_exact() || a + b == 8 * 1024)); /* Linux keeps some slots at hand */
	check(labs(a - b) <= (is_exact() ? 128 : 2048));
	must_be_stamped(p, 8 * MIB, 41);
	swap_off("/dev/vdb");
	must_be_stamped(p, 8 * MIB, 41);
	swap_off("/dev/vda");
}

/* Above half, who comes back gives the slot up at once; below, a page that was only read keeps it. */
static void
half_full(void)
{
	swap_on("/dev/vdb");
	volatile unsigned char *p = stamped(6 * MIB, 51);
	page_out(p, 6 * MIB);
	must_be_stamped(p, 6 * MIB, 51);
	check(area_figure("/dev/vdb", 3) >= 5 * 1024);
	volatile unsigned char *q = stamped(9 * MIB, 52);
	page_out(q, 9 * MIB);
	check(area_figure("/dev/vdb", 3) >= 14 * 1024);
	must_be_stamped(q, 9 * MIB, 52);
	check(area_figure("/dev/vdb", 3) <= 9 * 1024);
	must_be_stamped(p, 6 * MIB, 51);
	swap_off("/dev/vdb");
}

static void
written_again(void)
{
	swap_on("/dev/vdb");
	volatile unsigned char *p = stamped(SMALL, 61);
	page_out(p, SMALL);
	check(area_figure("/dev/vdb", 3) >= SMALL / 1024);
	for (size_t i = 0; i < SMALL; i += PAGE)
		p[i + 100] ^= 1; /* the slot holds something else from now on, and is of no use */
	check(!is_exact() || area_figure("/dev/vdb", 3) == 0);
	for (size_t i = 0; i < SMALL; i += PAGE)
		p[i + 100] ^= 1;
	must_be_stamped(p, SMALL, 61);
	swap_off("/dev/vdb");
}

/* What stays in memory by order has no use for its slot. */
static void
locked_gives_back(void)
{
	swap_on("/dev/vdb");
	volatile unsigned char *p = stamped(SMALL, 71);
	page_out(p, SMALL);
	check(mlock((void *)p, SMALL) == 0);
	check(!is_exact() || proc_value("/proc/self/status", "VmSwap:") == 0);
	if (is_exact())
		check(area_figure("/dev/vdb", 3) == 0);
	must_be_stamped(p, SMALL, 71);
	check(munlock((void *)p, SMALL) == 0);
	page_out(p, SMALL);
	must_be_stamped(p, SMALL, 71);
	swap_off("/dev/vdb");
}

/* ---- discards ---- */

#define SWAP_FLAG_DISCARD_ONCE 0x20000
#define SWAP_FLAG_DISCARD_PAGES 0x40000
#ifndef SWAP_FLAG_DISCARD
#define SWAP_FLAG_DISCARD 0x10000
#endif

/* Sectors of vdb that were discarded so far. */
static long
discarded(void)
{
	char line[512];
	long sectors = -1;
	FILE *f = fopen("/proc/diskstats", "r");

	check(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, " vdb "))
			check(sscanf(strstr(line, "vdb"), "vdb %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %ld",
				     &sectors) == 1);
	fclose(f);
	return sectors;
}

static void
discard_once(void)
{
	static unsigned char page[PAGE], back[PAGE];
	int fd = open("/dev/vdb", O_RDWR);
	long before = discarded();

	memset(page, 0x5a, sizeof(page));
	check(pwrite(fd, page, PAGE, 4 * MIB) == PAGE && fsync(fd) == 0);
	check(swapon("/dev/vdb", SWAP_FLAG_DISCARD | SWAP_FLAG_DISCARD_ONCE) == 0);
	check(discarded() - before == (16 * MIB - PAGE) / 512);
	if (is_exact()) /* and the disk has really let go of it; Linux reads what it remembers */
		check(pread(fd, back, PAGE, 4 * MIB) == PAGE && back[0] == 0 && back[PAGE - 1] == 0);
	before = discarded();
	volatile unsigned char *p = stamped(2 * MIB, 81);
	page_out(p, 2 * MIB);
	must_be_stamped(p, 2 * MIB, 81);
	check(munmap((void *)p, 2 * MIB) == 0);
	swap_off("/dev/vdb");
	check(discarded() == before);
	close(fd);
}

/* The thread that discards comes to it by and by: the case waits until it has. Linux does so on disks without heads. */
static void
discard_pages(void)
{
	long before = discarded();

	check(swapon("/dev/vdb", SWAP_FLAG_DISCARD | SWAP_FLAG_DISCARD_PAGES) == 0);
	check(discarded() == before);
	volatile unsigned char *p = stamped(6 * MIB, 82);
	page_out(p, 6 * MIB);
	check(discarded() == before);
	check(munmap((void *)p, 6 * MIB) == 0);
	while (is_exact() && discarded() - before < 4 * MIB / 512)
		sched_yield();
	p = stamped(6 * MIB, 83); /* the same slots again, in part */
	page_out(p, 6 * MIB);
	must_be_stamped(p, 6 * MIB, 83);
	swap_off("/dev/vdb");
}

static void
no_discard(void)
{
	long before = discarded();

	check(swapon("/dev/vdb", SWAP_FLAG_DISCARD_PAGES) == 0); /* means nothing by itself */
	volatile unsigned char *p = stamped(2 * MIB, 84);
	page_out(p, 2 * MIB);
	check(munmap((void *)p, 2 * MIB) == 0);
	swap_off("/dev/vdb");
	check(discarded() == before);
}

/* Slots are freed, discarded, given out and written all the time: what is in use must never be discarded. */
static void
discards_and_writes(void)
{
	volatile unsigned char *kept = NULL;

	check(swapon("/dev/vdb", SWAP_FLAG_DISCARD) == 0);
	for (uint64_t round = 0; round < 24; round++) {
		volatile unsigned char *p = stamped(2 * MIB, round << 32);

		page_out(p, 2 * MIB);
		if (kept) {
			must_be_stamped(kept, 2 * MIB, (round - 1) << 32);
			check(munmap((void *)kept, 2 * MIB) == 0);
		}
		kept = p;
	}
	swap_off("/dev/vdb");
	must_be_stamped(kept, 2 * MIB, 23UL << 32);
}

enum {
	SWAP = CASE_NAMED,
	SWAP_SMP = CASE_NAMED | CASE_SMP
};

const struct test_case swapcache_cases[] = {
	{"a page all of one word needs no slot", one_word, 0, SWAP | CASE_STILL},
	{"three thousand pages of a thousand words", many_words, 0, SWAP | CASE_STILL},
	{"a page that differs in one byte is not of one word", nearly_one_word, 0, SWAP | CASE_STILL},
	{"parent and child each change their own page of one word", words_of_a_family, 0, SWAP},
	{"munmap, DONTNEED, mprotect and mremap of pages of one word", words_that_go, 0, SWAP},
	{"swapoff of the last area brings pages of one word back", words_and_swapoff, 0, SWAP},
	{"a pipe reads and writes pages of one word that are out", words_in_calls, 0, SWAP},
	{"a thread writes pages of one word while another evicts them", writers_meet_eviction, 0, SWAP_SMP},
	{"with a page-cluster of 0 one page is read at a time", cluster_zero, 0, SWAP | CASE_STILL},
	{"page-cluster takes no negative number", cluster_limits, 0, SWAP},
	{"reading in order reads ahead, and each hit is counted", in_order, 0, SWAP | CASE_STILL},
	{"reading at random does not go on reading ahead", at_random, 0, SWAP | CASE_STILL},
	{"a request carries up to 128 KiB out and in", large_transfers, 0, SWAP | CASE_STILL},
	{"areas of the same priority take turns", equals_take_turns, 0, SWAP | CASE_STILL},
	{"above half, pages that come back give their slots up", half_full, 0, SWAP | CASE_STILL},
	{"a page that is written gives its slot up", written_again, 0, SWAP | CASE_STILL},
	{"a page that is locked in memory gives its slot up", locked_gives_back, 0, SWAP | CASE_STILL},
	{"swapon with DISCARD_ONCE discards the area, and nothing later", discard_once, 0, SWAP},
	{"with DISCARD_PAGES freed clusters are discarded", discard_pages, 0, SWAP},
	{"without the flag nothing is discarded", no_discard, 0, SWAP},
	{"slots that are in use are never discarded", discards_and_writes, 0, SWAP_SMP},
	{},
};
