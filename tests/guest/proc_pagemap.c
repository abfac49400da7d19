/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/proc_pagemap.c - pagemap, kpagecount, kpageflags: which frame, who else, what kind
 *
 * Idea        frames are mapped, shared and given back, and the words say so
 * Follow      to kernel/fs/procfs_pagemap.c, mm/rmap_users.c
 * See         Linux Documentation/admin-guide/mm/pagemap.rst
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PM_PRESENT (1UL << 63)
#define PM_FILE (1UL << 61)
#define PM_EXCLUSIVE (1UL << 56)
#define PM_SOFT_DIRTY (1UL << 55)
#define PM_FRAME ((1UL << 55) - 1)

enum {
	KPF_SLAB = 7,
	KPF_BUDDY = 10,
	KPF_MMAP = 11,
	KPF_ANON = 12,
	KPF_SWAPBACKED = 14,
	KPF_NOPAGE = 20,
	KPF_ZERO_PAGE = 24,
	KPF_PGTABLE = 26,
};

static volatile int *word; /* shared */

static bool
have_kpage(void)
{
	if (proc_exists("/proc/kpagecount") && proc_exists("/proc/kpageflags"))
		return true;
	note("there is no kpagecount");
	return false;
}

static uint64_t
frame_count(uint64_t frame)
{
	uint64_t count;

	check(word_at("/proc/kpagecount", frame, &count));
	return count;
}

static uint64_t
frame_flags(uint64_t frame)
{
	uint64_t flags;

	check(word_at("/proc/kpageflags", frame, &flags));
	return flags;
}

static bool
has_flag(uint64_t frame, int flag)
{
	return frame_flags(frame) >> flag & 1;
}

static void
entry_says(void)
{
	volatile unsigned char *p = map_aligned(4 * PAGE, PAGE);

	check(pagemap_word(0, p) == 0);
	p[0] = 1;
	p[PAGE] = 1;
	uint64_t a = pagemap_word(0, p);
	uint64_t b = pagemap_word(0, p + PAGE);
	check((a & PM_PRESENT) && (a & PM_EXCLUSIVE) && !(a & PM_FILE) && (a & PM_FRAME));
	check((a & PM_FRAME) != (b & PM_FRAME));
	check(pagemap_word(0, p + 2 * PAGE) == 0);
	check(mprotect((void *)p, PAGE, PROT_NONE) == 0);
	check((pagemap_word(0, p) & (PM_PRESENT | PM_FRAME)) == (a & (PM_PRESENT | PM_FRAME)));
	munmap((void *)p, 4 * PAGE);
	check(pagemap_word(0, p) == 0);
}

static void
shared_is_file(void)
{
	volatile unsigned char *p = map_shared(2 * PAGE);

	p[0] = 1;
	check((pagemap_word(0, p) & (PM_PRESENT | PM_FILE)) == (PM_PRESENT | PM_FILE));
}

static void
waits(void *arg)
{
	volatile unsigned char *p = arg;

	announce(word);
	await(word, 10);
	p[0] = 2;
	announce(word);
	await(word, 100);
}

static void
fork_shares_frames(void)
{
	volatile unsigned char *p = map_aligned(2 * PAGE, PAGE);

	word = (volatile int *)map_shared(PAGE);
	p[0] = 1;
	p[PAGE] = 1;
	uint64_t before = pagemap_word(0, p);
	pid_t pid = child_start(waits, (void *)p);
	await(word, 1);
	uint64_t mine = pagemap_word(0, p);
	check((mine & PM_FRAME) == (before & PM_FRAME) && !(mine & PM_EXCLUSIVE));
	check(pagemap_word(pid, p) == mine);
	if (have_kpage())
		check(frame_count(mine & PM_FRAME) == 2);
	*word = 10;
	await(word, 11);
	uint64_t child = pagemap_word(pid, p);
	check((child & PM_FRAME) != (mine & PM_FRAME) && (child & PM_EXCLUSIVE));
	check(pagemap_word(0, p) & PM_EXCLUSIVE);
	check(!(pagemap_word(0, p + PAGE) & PM_EXCLUSIVE));
	if (have_kpage()) {
		check(frame_count(mine & PM_FRAME) == 1 && frame_count(child & PM_FRAME) == 1);
		check(frame_count(pagemap_word(0, p + PAGE) & PM_FRAME) == 2);
	}
	*word = 100;
	check(child_wait(pid) == 0);
	check(pagemap_word(0, p + PAGE) & PM_EXCLUSIVE);
}

static void
kinds_of_frames(void)
{
	volatile unsigned char *p = map_aligned(3 * PAGE, PAGE);
	volatile unsigned char *s = map_shared(PAGE);

	if (!have_kpage())
		return;
	p[0] = 1;
	s[0] = 1;
	uint64_t anon = pagemap_word(0, p) & PM_FRAME;
	uint64_t shared = pagemap_word(0, s) & PM_FRAME;
	check(has_flag(anon, KPF_ANON) && has_flag(anon, KPF_MMAP) && has_flag(anon, KPF_SWAPBACKED));
	check(!has_flag(shared, KPF_ANON) && has_flag(shared, KPF_MMAP) && has_flag(shared, KPF_SWAPBACKED));
	check(frame_count(anon) == 1 && frame_count(shared) == 1);
	(void)p[PAGE];
	check(has_flag(pagemap_word(0, p + PAGE) & PM_FRAME, KPF_ZERO_PAGE));
	munmap((void *)p, 3 * PAGE);
	check(!on_tidemark() || (frame_count(anon) == 0 && !has_flag(anon, KPF_ANON)));
}

/* All frames: the kinds must add up to what meminfo says. */
static void
frames_add_up(void)
{
	static uint64_t flags[512], counts[512];
	long tables = 0, slab = 0, buddy = 0, anon = 0, total = 0;
	ssize_t n, m;

	if (!have_kpage())
		return;
	int f = open("/proc/kpageflags", O_RDONLY);
	int c = open("/proc/kpagecount", O_RDONLY);
	check(f >= 0 && c >= 0);
	while ((n = read(f, flags, sizeof(flags))) > 0) {
		m = read(c, counts, sizeof(counts));
		check(m == n);
		for (int i = 0; i < n / 8; i++) {
			total += !(flags[i] >> KPF_NOPAGE & 1);
			tables += flags[i] >> KPF_PGTABLE & 1;
			slab += flags[i] >> KPF_SLAB & 1;
			buddy += flags[i] >> KPF_BUDDY & 1;
			anon += flags[i] >> KPF_ANON & 1;
			if (flags[i] >> KPF_BUDDY & 1)
				check(counts[i] == 0);
		}
	}
	check(n == 0);
	/* What lies on lists of single processors is free, but not in the buddy's hands. */
	long slack = 4000 + total / 5;
	check(labs(tables * 4 - proc_value("/proc/meminfo", "PageTables")) < slack);
	check(labs(buddy * 4 - proc_value("/proc/meminfo", "MemFree")) < slack);
	check(labs(anon * 4 - proc_value("/proc/meminfo", "AnonPages")) < slack);
	check(total * 4 >= proc_value("/proc/meminfo", "MemTotal") && slab > 0);
	close(f);
	close(c);
}

static void
odd_reads(void)
{
	char buf[64];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	check(fd >= 0);
	check_errno(pread(fd, buf, 7, 0), EINVAL);
	check_errno(pread(fd, buf, 8, 4), EINVAL);
	check(pread(fd, buf, 0, 0) == 0);
	check(pread(fd, buf, 8, (1UL << 47) / PAGE * 8) == 0);
	check(pread(fd, buf, 64, ((1UL << 47) / PAGE - 20) * 8) == 64);
	check_errno(pread(fd, (char *)8, 8, 0), EFAULT);
	close(fd);
}

static void
thousand_pages(void)
{
	enum {
		PAGES = 1000
	};
	static uint64_t words[PAGES];
	volatile unsigned char *p = map_aligned(PAGES * PAGE, PAGE);
	int fd = open("/proc/self/pagemap", O_RDONLY);

	for (int i = 0; i < PAGES; i += 2)
		p[(size_t)i * PAGE] = 1;
	check(pread(fd, words, sizeof(words), (uintptr_t)p / PAGE * 8) == sizeof(words));
	for (int i = 0; i < PAGES; i++)
		check(i % 2 ? (words[i] & ~PM_SOFT_DIRTY) == 0 : (words[i] & PM_PRESENT) && (words[i] & PM_EXCLUSIVE));
	close(fd);
}

static void
forks_and_writes(void *arg)
{
	volatile unsigned char *p = arg;

	for (int round = 0;; round++) {
		pid_t pid = fork();
		if (pid == 0) {
			for (int i = 0; i < 32; i++)
				p[(size_t)i * PAGE] = round;
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* Counting takes the locks of frames that change owners all the time. */
static void
counts_while_frames_change(void)
{
	static uint64_t words[512];
	volatile unsigned char *p = map_aligned(32 * PAGE, PAGE);
	pid_t pid = child_start(forks_and_writes, (void *)p);

	for (int round = 0; round < 10 && have_kpage(); round++) {
		int c = open("/proc/kpagecount", O_RDONLY);
		int f = open("/proc/kpageflags", O_RDONLY);
		while (read(c, words, sizeof(words)) > 0)
			for (int i = 0; i < 512; i++)
				check(words[i] < 100000);
		while (read(f, words, sizeof(words)) > 0)
			;
		close(c);
		close(f);
		proc_pid_text(pid, "smaps");
	}
	kill(pid, SIGKILL);
	child_wait(pid);
}

const struct test_case proc_pagemap_cases[] = {
	{"pagemap shows presence, frame and exclusive mapping", entry_says, 0, 0},
	{"shared memory has the file bit", shared_is_file, 0, 0},
	{"fork shares frames, a write parts one, and the counts follow", fork_shares_frames, 0, 0},
	{"kpageflags tells anonymous, shared and zero frames apart", kinds_of_frames, 0, 0},
	{"the kinds of all frames add up to meminfo", frames_add_up, 0, 0},
	{"pagemap takes multiples of 8 only, and ends where addresses end", odd_reads, 0, 0},
	{"a thousand words of pagemap in one read", thousand_pages, 0, CASE_STILL},
	{"frames can be counted while programs fork and die", counts_while_frames_change, 0, CASE_SMP},
	{0},
};
