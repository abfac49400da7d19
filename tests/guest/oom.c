/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/oom.c - whom the OOM killer chooses, and how the chosen one ends
 *
 * Idea        Who is chosen is asked with sysrq f, which kills the worst of all without the need to use up memory. What
 *             happens on the way down needs little memory to be left: a filler that is never chosen holds the rest.
 * Invariants  see guest.h
 * Follow      to mm/oom.c, mm/oom_reap.c, kernel/oom_hooks.c, kernel/oom_adj.c
 * Tests       tests/host/oom_test.c has the choice alone; tests/guest/test_oom.py what ends the machine
 */
#include "guest.h"
#include "procfile.h"
#include "tracedev.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

enum {
	LOG_ALL = 3, /* syslog(2) */
	LOG_CLEAR = 5,
	LOG_CONSOLE = 8,
	KILLS_EACH = 50, /* for each processor: two hundred with four */
	TRIES = 400,
	NOBODY = 1000,      /* a user */
	SLOW_NS = 500000000 /* a read of the disk of oom_stuck that takes longer: the ones after it do, too */
};

#define ADJ "/proc/self/oom_score_adj"

static volatile int *word; /* shared: [0] arrived, [1] go on, [2..] of the case */

static void
begin(void)
{
	word = (volatile int *)map_shared(PAGE);
}

static void
nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void
adj_set(pid_t pid, int adj)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid ? pid : getpid());
	snprintf(text, sizeof(text), "%d", adj);
	check(proc_write(path, text) > 0);
}

static int
adj_of(pid_t pid)
{
	return atoi(proc_pid_text(pid, "oom_score_adj"));
}

static int
score_of(pid_t pid)
{
	return atoi(proc_pid_text(pid, "oom_score"));
}

static void
touch(volatile unsigned char *p, long pages)
{
	for (long i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

/* Holds memory until it is told to go or killed. */
struct holder {
	long pages;
	int adj;
};

static void
holds(void *arg)
{
	const struct holder *h = arg;

	adj_set(0, h->adj);
	touch(map_private(h->pages * PAGE), h->pages);
	announce(&word[0]);
	while (!word[1])
		nap();
}

static pid_t
holder_start(long pages, int adj)
{
	struct holder h = {pages, adj};
	int before = word[0];
	pid_t pid = child_start(holds, &h);

	await(&word[0], before + 1);
	return pid;
}

static void
ask_for_a_kill(void)
{
	check(proc_write("/proc/sysrq-trigger", "f") == 1);
}

static void
must_live(pid_t pid)
{
	word[1] = 1;
	check(child_wait(pid) == 0);
}

static char *
log_text(void)
{
	static char text[1 << 18];
	int n = klogctl(LOG_ALL, text, sizeof(text) - 1);

	check(n >= 0);
	text[n] = 0;
	return text;
}

static bool
log_comes(const char *what)
{
	for (int i = 0; i < TRIES; i++) {
		if (strstr(log_text(), what))
			return true;
		nap();
	}
	return false;
}

/* Only what is urgent goes to the console: it is slow, and many kills say little. Returns what was before. */
static int
console_quiet(void)
{
	int before = atoi(proc_text("/proc/sys/kernel/printk"));

	klogctl(LOG_CONSOLE, NULL, 2);
	return before;
}

/* All of memory but @mib, held by a child that is never chosen. */
static pid_t
fill_up_to(long mib)
{
	return holder_start(free_pages() - mib * MIB / PAGE, -1000);
}

/* ---- scores ---- */

static void
score_follows_memory(void)
{
	long pages = free_pages() / 4;
	int before = score_of(0);

	check(before >= 600 && before <= 700); /* of what is next to nothing, two thirds of 1,000 */
	touch(map_private(pages * PAGE), pages);
	int more = score_of(0) - before;
	check(more > 100 && more <= 170);
}

static void
score_follows_adjustment(void)
{
	int before = score_of(0);

	adj_set(0, 300);
	check(score_of(0) - before >= 185 && score_of(0) - before <= 201);
	adj_set(0, -300);
	check(before - score_of(0) >= 185 && before - score_of(0) <= 201);
	adj_set(0, -999);
	check(score_of(0) < 60);
	adj_set(0, -1000);
	check(score_of(0) == 0);
}

static void
init_has_no_score(void)
{
	int before = adj_of(1);

	check(score_of(1) == 0);
	adj_set(1, 1000);
	check(score_of(1) == 0);
	adj_set(1, before);
}

static void
shares_all(void *arg)
{
	(void)arg;
	announce(&word[0]);
	await(&word[1], 1);
}

/* What both have neither gives back when it dies. Linux, where fork shares no tables, counts it for both. */
static void
shared_tables_do_not_count(void)
{
	long pages = free_pages() / 4;
	volatile unsigned char *p;
	int small, alone;

	begin();
	small = score_of(0);
	p = map_aligned(pages * PAGE, TABLE);
	touch(p, pages);
	alone = score_of(0);
	check(alone > small + 100);
	pid_t pid = child_start(shares_all, NULL);
	await(&word[0], 1);
	if (on_tidemark())
		check(score_of(0) < small + 20 && score_of(pid) < small + 20);
	else
		check(score_of(pid) > small + 90);
	announce(&word[1]);
	check(child_wait(pid) == 0);
	check(score_of(0) > alone - 10);
}

/* ---- choices ---- */

static void
largest_is_chosen(void)
{
	begin();
	pid_t small = holder_start(500, 0);
	pid_t large = holder_start(2000, 0);
	pid_t middle = holder_start(1000, 0);

	ask_for_a_kill();
	check(waitpid(large, &(int){0}, 0) == large);
	must_live(small);
	must_live(middle);
}

static void
adjustment_beats_size(void)
{
	begin();
	pid_t large = holder_start(2000, 0);
	pid_t small = holder_start(10, 1000);

	ask_for_a_kill();
	check(child_wait(small) == SIGKILL);
	must_live(large);
}

static void
never_means_never(void)
{
	begin();
	pid_t large = holder_start(2000, -1000);
	pid_t small = holder_start(500, 0);

	ask_for_a_kill();
	check(child_wait(small) == SIGKILL);
	must_live(large);
}

static void
less_likely_still_possible(void)
{
	begin();
	adj_set(0, -1000);
	pid_t hardly = holder_start(2000, -900);
	pid_t never = holder_start(2000, -1000);

	ask_for_a_kill();
	check(child_wait(hardly) == SIGKILL);
	must_live(never);
}

static void
parent_decides_for_child(void)
{
	begin();
	pid_t one = holder_start(500, 0);
	pid_t two = holder_start(500, 0);

	adj_set(one, 900);
	check(adj_of(one) == 900 && adj_of(two) == 0);
	ask_for_a_kill();
	check(child_wait(one) == SIGKILL);
	must_live(two);
}

static void
init_is_never_chosen(void)
{
	begin();
	int before = adj_of(1);
	pid_t pid = holder_start(500, 1);

	adj_set(1, 1000);
	ask_for_a_kill();
	int status = child_wait(pid);
	adj_set(1, before);
	check(status == SIGKILL);
}

static void
nobody_to_kill(void)
{
	begin();
	klogctl(LOG_CLEAR, NULL, 0);
	adj_set(0, -1000);
	pid_t pid = holder_start(500, -1000);

	ask_for_a_kill();
	check(log_comes("OOM request ignored. No task eligible"));
	must_live(pid);
}

static void
two_requests(void)
{
	begin();
	pid_t first = holder_start(2000, 0);
	pid_t second = holder_start(1000, 0);
	pid_t third = holder_start(500, 0);

	ask_for_a_kill();
	check(child_wait(first) == SIGKILL);
	ask_for_a_kill();
	check(child_wait(second) == SIGKILL);
	must_live(third);
}

/* ---- who may say what ---- */

static void
adj_is_inherited(void)
{
	begin();
	adj_set(0, 77);
	pid_t pid = child_start(shares_all, NULL);
	await(&word[0], 1);
	check(adj_of(pid) == 77);
	adj_set(0, 78);
	check(adj_of(pid) == 77); /* from now on each has its own */
	announce(&word[1]);
	check(child_wait(pid) == 0);
}

/* Runs as a user: what is written through @fd, opened by root, is still judged by who writes. */
static void
as_a_user(void *arg)
{
	int fd = (intptr_t)arg;
	int legacy = open("/proc/self/oom_adj", O_RDWR);

	check(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	check(write(fd, "300", 3) == 3); /* more likely: always */
	check(write(fd, "200", 3) == 3); /* less, but not below what root has given */
	check(write(fd, "100", 3) == 3);
	check_errno(write(fd, "99", 2), EACCES);
	check_errno(write(fd, "-1000", 5), EACCES);
	check(atoi(proc_text(ADJ)) == 100);
	check(write(fd, "1000", 4) == 4);
	check_errno(write(legacy, "3", 1), EACCES); /* the old file: never down */
	check(write(fd, "100", 3) == 3);
	check(write(legacy, "15", 2) == 2);
	check(atoi(proc_text(ADJ)) == 1000);
}

static void
sets_own_floor(void *arg)
{
	adj_set(0, 100);
	as_a_user((void *)(intptr_t)open(ADJ, O_RDWR));
	(void)arg;
}

static void
users_may_not_lower(void)
{
	child_must_live(sets_own_floor, NULL);
}

static int
shares_memory(void *arg)
{
	(void)arg;
	announce(&word[0]);
	while (!word[1])
		nap();
	return 0;
}

static pid_t
clone_vm(int flags)
{
	unsigned char *stack = (unsigned char *)map_private(16 * PAGE);
	int before = word[0];
	pid_t pid = clone(shares_memory, stack + 16 * PAGE, CLONE_VM | flags | SIGCHLD, NULL);

	check(pid > 0);
	await(&word[0], before + 1);
	return pid;
}

static void
pair_has_one_value(void)
{
	begin();
	pid_t pid = clone_vm(0);

	adj_set(0, 120);
	check(adj_of(pid) == 120);
	adj_set(pid, 130);
	check(adj_of(0) == 130);
	must_live(pid);
}

/* ---- who dies together ---- */

static void
pair_starts(void *arg)
{
	(void)arg;
	touch(map_private(2000 * PAGE), 2000);
	word[2] = clone_vm(CLONE_PARENT);
	announce(&word[3]);
	while (!word[1])
		nap();
}

static void
pairs_die_together(void)
{
	begin();
	pid_t other = holder_start(500, 0);
	pid_t first = child_start(pair_starts, NULL);

	await(&word[3], 1);
	ask_for_a_kill();
	int status;
	check(waitpid(first, &status, 0) == first && status == SIGKILL);
	check(waitpid(word[2], &status, __WALL) == word[2] && status == SIGKILL);
	must_live(other);
}

static void
vfork_parent(void *arg)
{
	(void)arg;
	touch(map_private(2000 * PAGE), 2000);
	pid_t pid = vfork();
	if (pid == 0) {
		word[2] = getpid();
		word[4] = score_of(getpid()); /* it is its parent's memory */
		adj_set(getpid(), 0);
		announce(&word[3]);
		while (!word[1])
			nap();
		_exit(0);
	}
	check(pid > 0);
}

static void
vfork_pairs_die_together(void)
{
	begin();
	pid_t other = holder_start(500, 0);
	pid_t parent = child_start(vfork_parent, NULL);
	char path[64];

	await(&word[3], 1);
	check(word[4] == 0);
	ask_for_a_kill();
	check(child_wait(parent) == SIGKILL);
	/* An orphan now: init buries it. */
	snprintf(path, sizeof(path), "/proc/%d/status", word[2]);
	for (int i = 0; i < TRIES && proc_exists(path); i++) {
		char *state = strstr(proc_text(path), "State:");
		if (!state || state[7] == 'Z')
			break;
		nap();
	}
	must_live(other);
}

static void *
naps_on(void *arg)
{
	for (;;)
		nap();
	return arg;
}

static void
many_threads(void *arg)
{
	pthread_t thread;

	(void)arg;
	touch(map_private(2000 * PAGE), 2000);
	for (int i = 0; i < 8; i++)
		check(pthread_create(&thread, NULL, naps_on, NULL) == 0);
	announce(&word[0]);
	pause();
}

static void
all_threads_die(void)
{
	begin();
	pid_t pid = child_start(many_threads, NULL);

	await(&word[0], 1);
	ask_for_a_kill();
	check(child_wait(pid) == SIGKILL);
}

/* ---- what is told of it ---- */

static long
kills(void)
{
	return proc_value("/proc/vmstat", "oom_kill");
}

/* Since @fd was opened there is one event of a kill, and it is that of @victim. */
static void
must_be_told_of(int fd, pid_t victim)
{
	struct record r[64];
	int events = 0;
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = read(fd, r, sizeof(r))) > 0)
		for (size_t i = 0; i < n / sizeof(r[0]); i++) {
			if (r[i].event != TRACE_oom_kill)
				continue;
			events++;
			check((pid_t)r[i].value[0] == victim);
		}
	check(n == -1 && errno == EAGAIN);
	check(events == 1);
	close(fd);
}

static void
kill_is_counted(void)
{
	begin();
	long before = kills();
	pid_t pid = holder_start(500, 500);
	int events = trace_open("oom_kill", O_NONBLOCK);

	ask_for_a_kill();
	check(child_wait(pid) == SIGKILL);
	check(kills() == before + 1);
	must_be_told_of(events, pid);
}

/* Kills until there is a whole report: of many in a row the log has only some. Returns the victim. */
static pid_t
kill_with_report(void)
{
	char line[64];

	for (;;) {
		klogctl(LOG_CLEAR, NULL, 0);
		pid_t pid = holder_start(500, 321);
		ask_for_a_kill();
		check(child_wait(pid) == SIGKILL);
		snprintf(line, sizeof(line), "Killed process %d (", pid);
		check(log_comes(line));
		if (strstr(log_text(), " invoked oom-killer: "))
			return pid;
		for (int i = 0; i < 100; i++)
			nap();
	}
}

static void
report_is_linux_s(void)
{
	char line[160];

	begin();
	pid_t pid = kill_with_report();
	const char *text = log_text();
	const char *order[] = {" invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=",
			       "CPU: ",
			       "Call Trace:",
			       "Mem-Info:",
			       "active_anon:",
			       "Node 0 active_anon:",
			       " writeback_tmp:",
			       "Node 0 DMA free:",
			       " reserved_highatomic:",
			       " active_anon:",
			       " inactive_anon:",
			       " active_file:",
			       " inactive_file:",
			       " unevictable:",
			       " writepending:",
			       " present:",
			       " managed:",
			       " mlocked:",
			       " bounce:",
			       " free_pcp:",
			       " local_pcp:",
			       " free_cma:",
			       "lowmem_reserve[]:",
			       "Node 0 DMA: ",
			       "total pagecache pages",
			       "Free swap  = ",
			       "Total swap = ",
			       "pages RAM",
			       "pages reserved",
			       "Tasks state (memory values in pages):",
			       "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
			       "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),",
			       ",global_oom,task_memcg=/,task=",
			       "Out of memory: Killed process ",
			       " total-vm:",
			       "kB, anon-rss:",
			       "kB, file-rss:",
			       "kB, shmem-rss:",
			       "kB, UID:0 pgtables:",
			       "kB oom_score_adj:321"};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const char *at = strstr(text, order[i]);
		if (!at)
			fail("the log lacks, at its place: %s", order[i]);
		text = at + 1;
	}
	if (!on_tidemark())
		return;
	snprintf(line, sizeof(line), "Out of memory: why %d (", pid);
	check(strstr(log_text(), line) && strstr(log_text(), "Out of memory: next would be "));
}

/* The number behind the @nth @label of the log, which begins at its newest Mem-Info. */
static long
told(const char *label, int nth)
{
	const char *at = strstr(log_text(), "Mem-Info:");

	for (int i = 0; at && i <= nth; i++) {
		at = strstr(at, label);
		at = at ? at + strlen(label) : NULL;
	}
	if (!at)
		fail("the log has no %s, or not so many", label);
	return atol(at);
}

/* What a line of /proc/meminfo says, in pages. */
static long
meminfo(const char *name)
{
	return proc_value("/proc/meminfo", name) / (PAGE / 1024);
}

static void
must_be_near(const char *what, long a, long b)
{
	long most = on_tidemark() ? 16 : 256; /* Linux moves pages to their lists by the batch */

	if (labs(a - b) > most)
		fail("%s: %ld and %ld", what, a, b);
}

static void
ends(void *arg)
{
	(void)arg;
}

/* Thousands of mappings that come and go: a few of their slabs stay, empty, until somebody needs the memory. */
static void
leave_empty_slabs(void)
{
	unsigned char *p = (unsigned char *)map_private(4000 * PAGE);

	for (int i = 0; i < 4000; i += 2)
		check(mprotect(p + i * PAGE, PAGE, PROT_NONE) == 0);
	check(munmap(p, 4000 * PAGE) == 0);
}

/* Of each kind there is so much that it cannot be missed: 500 pages given up, 400 locked, 600 shared. */
static void
figures_are_those_of_meminfo(void)
{
	volatile unsigned char *given_up = map_private(500 * PAGE), *locked = map_private(400 * PAGE);
	volatile unsigned char *shared = map_shared(600 * PAGE);

	touch(given_up, 500);
	touch(shared, 600);
	check(mlock((void *)locked, 400 * PAGE) == 0);
	check(madvise((void *)given_up, 500 * PAGE, MADV_FREE) == 0);
	leave_empty_slabs();
	check(child_run(ends, NULL) == 0); /* its stack is kept for the next */
	klogctl(LOG_CLEAR, NULL, 0);
	check(proc_write("/proc/sysrq-trigger", "m") == 1);
	check(log_comes("pages reserved"));
	must_be_near("inactive_anon", told(" inactive_anon:", 0), meminfo("Inactive(anon)"));
	must_be_near("inactive_file", told(" inactive_file:", 0), meminfo("Inactive(file)"));
	must_be_near("unevictable", told(" unevictable:", 0), meminfo("Unevictable"));
	must_be_near("slab_reclaimable", told(" slab_reclaimable:", 0), meminfo("SReclaimable"));
	must_be_near("slab_unreclaimable", told(" slab_unreclaimable:", 0), meminfo("SUnreclaim"));
	must_be_near("kernel_misc_reclaimable", told(" kernel_misc_reclaimable:", 0),
		     meminfo("KReclaimable") - meminfo("SReclaimable"));
	if (!on_tidemark())
		return; /* its zones are more, and it keeps caches of files */
	check(told(" inactive_file:", 0) >= 500 && told(" unevictable:", 0) >= 400 && told(" shmem:", 0) >= 600);
	check(told(" kernel_misc_reclaimable:", 0) > 0 && told(" slab_reclaimable:", 0) > 0);
	/* The first is all memory in pages, the second the node, the third and fourth DMA and Normal, in kB. */
	static const char *of_zones[] = {" inactive_anon:", " inactive_file:", " unevictable:"};
	for (int i = 0; i < 3; i++) {
		check(told(of_zones[i], 1) == told(of_zones[i], 0) * (PAGE / 1024));
		must_be_near(of_zones[i], told(of_zones[i], 0),
			     (told(of_zones[i], 2) + told(of_zones[i], 3)) / (PAGE / 1024));
	}
	check(told(" mlocked:", 0) + told(" mlocked:", 1) == told(" unevictable:", 2) + told(" unevictable:", 3));
	must_be_near("free_pcp", told(" free_pcp:", 0),
		     (told(" free_pcp:", 1) + told(" free_pcp:", 2)) / (PAGE / 1024));
}

static void
settings_have_bounds(void)
{
	static const char dump[] = "/proc/sys/vm/oom_dump_tasks";
	static const char panics[] = "/proc/sys/vm/panic_on_oom";
	static const char asker[] = "/proc/sys/vm/oom_kill_allocating_task";

	check(atoi(proc_text(dump)) == 1 && atoi(proc_text(panics)) == 0 && atoi(proc_text(asker)) == 0);
	check_errno(proc_write(panics, "3"), EINVAL);
	check_errno(proc_write(panics, "-1"), EINVAL);
	check(proc_write(panics, "2") == 1 && atoi(proc_text(panics)) == 2);
	check(proc_write(panics, "0") == 1);
	check(proc_write(asker, "1") == 1 && atoi(proc_text(asker)) == 1);
	check(proc_write(asker, "0") == 1);
}

static void
table_can_be_left_out(void)
{
	begin();
	klogctl(LOG_CLEAR, NULL, 0);
	check(proc_write("/proc/sys/vm/oom_dump_tasks", "0") == 1);
	pid_t pid = holder_start(500, 500);
	ask_for_a_kill();
	int status = child_wait(pid);
	check(proc_write("/proc/sys/vm/oom_dump_tasks", "1") == 1);
	check(status == SIGKILL && log_comes("Killed process "));
	check(!strstr(log_text(), "Tasks state"));
}

static void
legacy_file_warns(void)
{
	check(proc_write("/proc/self/oom_adj", "5") == 1);
	check(adj_of(0) == 5 * 1000 / 17);
	check(proc_write("/proc/self/oom_adj", "15") == 2);
	check(adj_of(0) == 1000);
	adj_set(0, 0);
	/* Once since boot: an earlier case may have been first. */
}

/* ---- when memory is really gone ---- */

static void
hogs(void *arg)
{
	if (arg)
		adj_set(0, (intptr_t)arg);
	for (;;) {
		volatile unsigned char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			_exit(3);
		touch(p, MIB / PAGE);
	}
}

static void
asker_dies_if_wanted(void)
{
	static const char asker[] = "/proc/sys/vm/oom_kill_allocating_task";

	begin();
	klogctl(LOG_CLEAR, NULL, 0);
	pid_t large = holder_start(free_pages() - 8 * MIB / PAGE, 0);
	long before = kills();
	int events = trace_open("oom_kill", O_NONBLOCK);
	check(proc_write(asker, "1") == 1);
	pid_t hog = child_start(hogs, NULL);
	int status = child_wait(hog);
	check(proc_write(asker, "0") == 1);
	check(status == SIGKILL);
	check(kills() == before + 1);
	must_be_told_of(events, hog);
	check(log_comes("Out of memory (oom_kill_allocating_task): Killed process "));
	must_live(large);
}

static void
large_dies_for_small(void)
{
	begin();
	pid_t large = holder_start(free_pages() - 8 * MIB / PAGE, 0);

	/* 12 MiB: they are there once the large one is gone. */
	touch(map_private(12 * MIB), 12 * MIB / PAGE);
	check(child_wait(large) == SIGKILL);
}

static void
memory_comes_back_between(void)
{
	begin();
	int level = console_quiet();
	pid_t filler = fill_up_to(8);

	for (int i = 0; i < 5; i++)
		child_must_die(hogs, (void *)500, SIGKILL);
	klogctl(LOG_CONSOLE, NULL, level);
	must_live(filler);
}

/*
 * One writes a file, holds its lock, and finds no memory; the one with all the memory waits for that lock. On Linux it
 * is deaf to signals there, and only the reaper can help.
 */
static void
waits_for_lock(void *arg)
{
	long pages = (intptr_t)arg;
	int fd = open("/tmp/oom-lock", O_RDWR);
	volatile unsigned char *p = map_private(pages * PAGE);

	check(fd >= 0);
	adj_set(0, 1000);
	touch(p, pages);
	announce(&word[0]);
	await(&word[2], 1);
	for (;;)
		if (pwrite(fd, "x", 1, 0) != 1)
			_exit(4);
}

static void
writes_under_lock(void *arg)
{
	size_t bytes = (intptr_t)arg;
	int fd = open("/tmp/oom-lock", O_RDWR);
	unsigned char *p = (unsigned char *)map_private(MIB);
	size_t done = 0;

	check(fd >= 0);
	adj_set(0, -1000);
	touch(p, MIB / PAGE);
	announce(&word[0]);
	await(&word[2], 1);
	while (done < bytes) {
		ssize_t n = pwrite(fd, p, MIB, done);
		check(n > 0);
		done += n;
	}
}

static void
stuck_victim_is_reaped(void)
{
	begin();
	adj_set(0, -1000);
	int fd = open("/tmp/oom-lock", O_RDWR | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0);
	long all = free_pages();
	pid_t stuck = child_start(waits_for_lock, (void *)(all - 8 * MIB / PAGE));
	pid_t writer = child_start(writes_under_lock, (void *)(14L * MIB));

	await(&word[0], 2);
	word[2] = 1;
	check(child_wait(writer) == 0);
	check(child_wait(stuck) == SIGKILL);
	close(fd);
	check(unlink("/tmp/oom-lock") == 0);
}

/*
 * Both write the same file; the one that is chosen holds the lock that the other needs, and asks for memory. It writes
 * until it is killed, the other 5 MiB.
 */
static void
fills_file(void *arg)
{
	int fd = open("/tmp/oom-lock", O_RDWR | O_APPEND);
	unsigned char *p = (unsigned char *)map_private(MIB);
	bool chosen = (intptr_t)arg > 0;

	check(fd >= 0);
	adj_set(0, (intptr_t)arg);
	touch(p, MIB / PAGE);
	announce(&word[0]);
	await(&word[2], 1);
	for (int i = 0; chosen || i < 5; i++)
		if (write(fd, p, MIB) <= 0)
			_exit(4);
}

static void
victim_holds_lock(void)
{
	begin();
	adj_set(0, -1000);
	int fd = open("/tmp/oom-lock", O_RDWR | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0);
	long before = kills();
	pid_t bulk = holder_start(free_pages() - 8 * MIB / PAGE, 0);
	pid_t victim = child_start(fills_file, (void *)1000L);
	pid_t other = child_start(fills_file, (void *)-1000L);

	await(&word[0], 3);
	word[2] = 1;
	check(child_wait(other) == 0); /* it has its memory, from one or from both */
	check(child_wait(victim) == SIGKILL);
	check(kills() > before);
	kill(bulk, SIGKILL);
	check(child_wait(bulk) == SIGKILL);
	close(fd);
	check(unlink("/tmp/oom-lock") == 0);
}

/* ---- wherever the kernel asks for memory ---- */

/* Forks, and forks again, until fork fails or it is chosen. Its children count as much as it does. */
static void
forks_on(void *arg)
{
	(void)arg;
	adj_set(0, 800);
	setpgid(0, 0);
	touch(map_private(256 * PAGE), 256);
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();
		if (pid < 0) {
			check(errno == ENOMEM || errno == EAGAIN);
			word[3] += errno == ENOMEM;
			break;
		}
		if (pid == 0) {
			touch(map_private(64 * PAGE), 64);
			for (;;)
				pause();
		}
	}
	announce(&word[0]);
	pause();
}

static void
out_of_memory_in_fork(void)
{
	begin();
	int level = console_quiet();
	pid_t filler = fill_up_to(6);
	int status = -1;
	long before = kills();
	pid_t pid = child_start(forks_on, NULL);

	setpgid(pid, pid);
	while (word[0] < 2 && waitpid(pid, &status, WNOHANG) == 0)
		nap();
	kill(-pid, SIGKILL);
	if (status == -1)
		status = child_wait(pid);
	check(status == SIGKILL);
	klogctl(LOG_CONSOLE, NULL, level);
	if (kills() == before && !word[3])
		fail("there was memory for all: nobody was killed, and fork never said ENOMEM");
	must_live(filler);
}

/* execve with as many arguments as there may be, again and again, beside a hog. */
static void
execs_on(void *arg)
{
	static char *argv[70], *envp[] = {NULL};
	static char text[100000];

	(void)arg;
	memset(text, 'x', sizeof(text) - 1);
	argv[0] = (char *)self_path;
	argv[1] = "--role=nothing";
	for (int i = 2; i < 18; i++)
		argv[i] = text;
	for (int i = 0; i < 60; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			adj_set(0, 900);
			touch(map_private(200 * PAGE), 200);
			execve(self_path, argv, envp);
			_exit(errno == ENOMEM ? 12 : 5);
		}
		if (pid < 0)
			continue;
		int status = child_wait(pid);
		check(status == 0 || status == SIGKILL || status == SIGSEGV || status == SIGBUS || status == 12 << 8);
		word[3] += status != 0;
	}
}

static void
out_of_memory_in_exec(void)
{
	begin();
	int level = console_quiet();
	pid_t filler = fill_up_to(3);
	long before = kills();
	pid_t hog = child_start(hogs, (void *)500);
	pid_t runner = child_start(execs_on, NULL);
	int status;

	while (waitpid(runner, &status, WNOHANG) == 0) {
		if (waitpid(hog, NULL, WNOHANG) == hog)
			hog = child_start(hogs, (void *)500);
		nap();
	}
	check(status == 0 || status == SIGKILL);
	kill(hog, SIGKILL);
	child_wait(hog);
	klogctl(LOG_CONSOLE, NULL, level);
	if (kills() == before || !word[3])
		fail("%ld kills, and %d that did not get through execve", kills() - before, word[3]);
	must_live(filler);
}

/* One page in each 2 MiB: as many tables as pages. */
static void
hogs_tables(void *arg)
{
	volatile unsigned char *p =
		mmap(NULL, 1UL << 41, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)arg;
	check(p != MAP_FAILED);
	adj_set(0, 500);
	for (size_t at = 0; at < 1UL << 41; at += TABLE)
		p[at] = 1;
}

static void
out_of_memory_for_tables(void)
{
	begin();
	pid_t filler = fill_up_to(8);

	child_must_die(hogs_tables, NULL, SIGKILL);
	must_live(filler);
}

/* As many mappings as one may have, in as many processes as it takes: objects of the kernel. */
static void
hogs_objects(void *arg)
{
	unsigned char *p = mmap(NULL, 60000UL * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)arg;
	adj_set(0, 900);
	check(p != MAP_FAILED);
	for (int i = 0; i < 60000; i += 2)
		if (mprotect(p + (size_t)i * PAGE, PAGE, PROT_NONE)) {
			word[3] += errno == ENOMEM;
			break;
		}
	announce(&word[0]);
	for (;;)
		pause();
}

static void
out_of_memory_for_objects(void)
{
	enum {
		MOST = 8
	};
	pid_t pid[MOST];
	int status, refused = 0;

	begin();
	long before_all = kills();
	int level = console_quiet();
	pid_t filler = fill_up_to(10);
	for (int i = 0; i < MOST; i++) {
		int before = word[0];
		pid[i] = fork();
		if (pid[i] == 0)
			hogs_objects(NULL);
		if (pid[i] < 0) {
			check(errno == ENOMEM);
			refused++;
			continue;
		}
		while (word[0] == before && pid[i] > 0) {
			nap();
			if (waitpid(pid[i], &status, WNOHANG) == pid[i])
				pid[i] = -1;
		}
	}
	long killed = kills() - before_all;
	for (int i = 0; i < MOST; i++)
		if (pid[i] > 0 && kill(pid[i], SIGKILL) == 0)
			check(waitpid(pid[i], &status, 0) == pid[i] && status == SIGKILL);
	klogctl(LOG_CONSOLE, NULL, level);
	if (!killed && !refused && !word[3])
		fail("there was memory for the objects of %d processes", MOST);
	must_live(filler);
}

/* A file system in memory ends at its size, and what a kill would not free kills nobody. */
static void
file_system_is_full(void)
{
	unsigned char *p = (unsigned char *)map_private(MIB);
	long before = kills();
	ssize_t n = 1;

	if (!on_tidemark())
		return; /* there /tmp is the initrd's file system, without an end */
	begin();
	int fd = open("/tmp/oom-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0);
	while (n > 0)
		n = write(fd, p, MIB);
	int error = errno;
	close(fd);
	check(unlink("/tmp/oom-file") == 0);
	check(n == -1 && error == ENOSPC);
	check(kills() == before);
}

/* One without an end takes what there is. Who writes dies; the file stays, for it is nobody's, until it is removed. */
static void
fills_file_system(void *arg)
{
	int fd = open("/tmp/oom-fs/file", O_RDWR | O_CREAT, 0600);
	unsigned char *p = (unsigned char *)map_private(MIB);

	(void)arg;
	adj_set(0, 500);
	touch(p, MIB / PAGE);
	check(fd >= 0);
	while (write(fd, p, MIB) > 0)
		;
}

static void
file_system_without_end(void)
{
	struct stat st;

	begin();
	int level = console_quiet();
	adj_set(0, -1000);
	long before = free_pages();
	check(mkdir("/tmp/oom-fs", 0700) == 0 && mount("none", "/tmp/oom-fs", "tmpfs", 0, "size=400%") == 0);
	child_must_die(fills_file_system, NULL, SIGKILL);
	klogctl(LOG_CONSOLE, NULL, level);
	check(stat("/tmp/oom-fs/file", &st) == 0 && st.st_size > before * PAGE / 4 * 3);
	check(umount("/tmp/oom-fs") == 0 && rmdir("/tmp/oom-fs") == 0);
	check(free_pages() > before / 4 * 3);
}

static void
hogs_locked(void *arg)
{
	adj_set(0, 500);
	check(mlockall(MCL_FUTURE) == 0);
	hogs(NULL);
	(void)arg;
}

static void
locked_memory_is_no_shelter(void)
{
	begin();
	pid_t filler = fill_up_to(8);

	child_must_die(hogs_locked, NULL, SIGKILL);
	must_live(filler);
}

/* ---- many in a row ---- */

static void
tells_if_intact(void *arg)
{
	volatile unsigned char *p = map_private(64 * PAGE);

	(void)arg;
	for (int i = 0; i < 64; i++)
		page_stamp(p + i * PAGE, i + 1);
	announce(&word[0]);
	while (!word[1]) {
		for (int i = 0; i < 64; i++)
			check(page_stamped(p + i * PAGE, i + 1));
		nap();
	}
}

static void
many_kills(void)
{
	enum {
		AT_ONCE = 4
	};
	pid_t hog[AT_ONCE];
	int status, killed = 0, wanted = KILLS_EACH * cpus_online();

	begin();
	int level = console_quiet();
	adj_set(0, 0);
	pid_t innocent = child_start(tells_if_intact, NULL);
	pid_t filler = fill_up_to(6);
	long before = kills();

	await(&word[0], 2);
	for (int i = 0; i < AT_ONCE; i++)
		hog[i] = child_start(hogs, (void *)300);
	while (killed < wanted) {
		pid_t pid = waitpid(-1, &status, 0);
		for (int i = 0; i < AT_ONCE; i++) {
			if (pid != hog[i])
				continue;
			check(status == SIGKILL);
			killed++;
			hog[i] = child_start(hogs, (void *)300);
			pid = 0;
		}
		if (pid)
			fail("process %d was none of the guilty (status 0x%x)", pid, status);
	}
	for (int i = 0; i < AT_ONCE; i++) {
		kill(hog[i], SIGKILL);
		check(child_wait(hog[i]) == SIGKILL);
	}
	check(kills() - before >= wanted && kills() - before <= wanted + AT_ONCE);
	klogctl(LOG_CONSOLE, NULL, level);
	must_live(innocent);
	check(child_wait(filler) == 0);
}

/* ---- what ends the machine: groups of their own (test_oom.py) ---- */

static void
panic_if_wanted(void)
{
	check(proc_write("/proc/sys/vm/panic_on_oom", "1") == 1);
	child_run(hogs, NULL);
}

static void
panic_in_any_case(void)
{
	check(proc_write("/proc/sys/vm/panic_on_oom", "2") == 1);
	child_run(hogs, NULL);
}

static void
nobody_left(void)
{
	adj_set(0, -1000);
	child_run(hogs, (void *)-1000L);
}

/* ---- with a disk that takes seconds for a page (test_guest.py) ---- */

struct stuck {
	volatile unsigned char *memory;
	long pages;
};

/* Reads one page after the other: the first ones quickly, each further one sleeps 4 s, where no signal wakes it. */
static void
reads_slowly(void *arg)
{
	const struct stuck *s = arg;
	int fd = open("/dev/vda", O_RDONLY);

	check(fd >= 0);
	adj_set(0, 1000);
	touch(s->memory, s->pages);
	for (bool told = false;;) {
		struct timespec before, after;

		clock_gettime(CLOCK_MONOTONIC, &before);
		if (read(fd, (void *)s->memory, PAGE) != PAGE)
			announce(&word[3]);
		clock_gettime(CLOCK_MONOTONIC, &after);
		if ((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec > SLOW_NS && !told)
			announce(&word[0]);
		told = word[0];
	}
}

static bool
is_stuck(pid_t pid)
{
	return strstr(proc_pid_text(pid, "stat"), ") D ");
}

/*
 * The victim sleeps for the disk, deaf to signals: its memory comes back although it lives. Who looks at that memory,
 * another process or the kernel with what the disk has brought, is refused: nobody finds zeroes, and the victim does
 * not come back to its program to see the error.
 */
static void
stuck_is_reaped(void)
{
	struct stuck s = {.pages = free_pages() / 2};
	unsigned char byte = 1;
	struct iovec here = {&byte, 1}, there;
	char line[64];

	begin();
	adj_set(0, -1000);
	klogctl(LOG_CLEAR, NULL, 0);
	s.memory = map_private(s.pages * PAGE);
	there = (struct iovec){(void *)(s.memory + (s.pages - 1) * PAGE), 1};
	pid_t pid = child_start(reads_slowly, &s);
	await(&word[0], 1);
	while (!is_stuck(pid))
		nap();
	check(process_vm_readv(pid, &here, 1, &there, 1, 0) == 1 && byte == 1);
	long before = free_pages();
	ask_for_a_kill();
	snprintf(line, sizeof(line), "oom_reaper: reaped process %d (", pid);
	check(log_comes(line));
	check(is_stuck(pid));
	check(free_pages() > before + s.pages / 10 * 9);
	check_errno(process_vm_readv(pid, &here, 1, &there, 1, 0), EFAULT);
	check(child_wait(pid) == SIGKILL);
	check(word[3] == 0);
}

const struct test_case oom_stuck_cases[] = {
	{"a victim that sleeps for a disk is reaped, and nobody reads zeroes there", stuck_is_reaped, 0, CASE_NAMED},
	{0},
};

const struct test_case oom_panic_cases[] = {
	{"panic_on_oom 1 ends the machine", panic_if_wanted, 0, CASE_NAMED},
	{0},
};

const struct test_case oom_compulsory_cases[] = {
	{"panic_on_oom 2 ends the machine", panic_in_any_case, 0, CASE_NAMED},
	{0},
};

const struct test_case oom_nobody_cases[] = {
	{"when nobody may be killed the machine ends", nobody_left, 0, CASE_NAMED},
	{0},
};

const struct test_case oom_cases[] = {
	{"oom_score grows with memory, on Linux's scale", score_follows_memory, 0, CASE_STILL},
	{"oom_score follows oom_score_adj, and is 0 at -1000", score_follows_adjustment, 0, 0},
	{"init has no score, whatever it is told", init_has_no_score, 0, 0},
	{"memory whose tables fork shares does not count while both live", shared_tables_do_not_count, 0, CASE_STILL},
	{"of three the largest is chosen", largest_is_chosen, 0, 0},
	{"oom_score_adj 1000 is chosen before who is larger", adjustment_beats_size, 0, 0},
	{"oom_score_adj -1000 is not chosen, and the next one is", never_means_never, 0, 0},
	{"oom_score_adj -900 is chosen when all others are at -1000", less_likely_still_possible, 0, 0},
	{"a parent decides between its children", parent_decides_for_child, 0, 0},
	{"init is not chosen, even at 1000", init_is_never_chosen, 0, 0},
	{"when nobody may be killed sysrq f says so", nobody_to_kill, 0, 0},
	{"a second request kills the next", two_requests, 0, 0},
	{"oom_score_adj is inherited by fork, and each has its own", adj_is_inherited, 0, 0},
	{"a user may raise oom_score_adj, and lower it to what root gave", users_may_not_lower, 0, 0},
	{"processes that share memory have one oom_score_adj", pair_has_one_value, 0, 0},
	{"processes that share memory die together", pairs_die_together, 0, CASE_SMP},
	{"a vfork child has no score of its own, and dies with its parent", vfork_pairs_die_together, 0, CASE_SMP},
	{"all threads of the chosen one die", all_threads_die, 0, CASE_SMP},
	{"a kill is counted once in /proc/vmstat, and is one event", kill_is_counted, 0, 0},
	{"the report has Linux's lines, in Linux's order", report_is_linux_s, 0, 0},
	{"what memory is used for: the log has /proc/meminfo's figures, and those of the zones add up",
	 figures_are_those_of_meminfo, 0, CASE_STILL},
	{"panic_on_oom and its neighbours have Linux's bounds", settings_have_bounds, 0, 0},
	{"oom_dump_tasks 0 leaves the table out", table_can_be_left_out, 0, 0},
	{"oom_adj still works, on its old scale", legacy_file_warns, 0, 0},
	{"oom_kill_allocating_task kills who asks, and the large one lives", asker_dies_if_wanted, 0,
	 CASE_SMP | CASE_NO_SWAP},
	{"without it the large one dies for a small one", large_dies_for_small, 0, CASE_SMP | CASE_NO_SWAP},
	{"hog after hog dies, and one that is never chosen holds most of memory", memory_comes_back_between, 0,
	 CASE_SMP | CASE_NO_SWAP},
	{"a victim that waits for the lock of who asks does not keep its memory", stuck_victim_is_reaped, 0,
	 CASE_SMP | CASE_NO_SWAP},
	{"a victim that holds the lock that others need lets go of it", victim_holds_lock, 0, CASE_SMP | CASE_NO_SWAP},
	{"out of memory inside fork", out_of_memory_in_fork, 0, CASE_SMP | CASE_NO_SWAP},
	{"out of memory inside execve", out_of_memory_in_exec, 0, CASE_SMP | CASE_NO_SWAP},
	{"out of memory for page tables", out_of_memory_for_tables, 0, CASE_NO_SWAP},
	{"out of memory for objects of the kernel", out_of_memory_for_objects, 0, CASE_SMP | CASE_NO_SWAP},
	{"a file system in memory is full before memory is, and nobody dies", file_system_is_full, 0, CASE_NO_SWAP},
	{"a file system in memory without an end: who writes is killed, the file stays", file_system_without_end, 0,
	 CASE_SMP | CASE_NO_SWAP},
	{"locked memory does not save a hog", locked_memory_is_no_shelter, 0, CASE_NO_SWAP},
	{"fifty kills for each processor in a row: no wrong one, and nothing is lost", many_kills, 0,
	 CASE_SMP | CASE_NO_SWAP},
	{0},
};
