/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/evict.c - whichever policy chooses, no byte is lost
 *
 * Idea        The disks of swap.c. Tidemark's policies are chosen by /proc/sys/vm/evict_policy, which Linux does not
 *             have: there each case runs with what Linux does by itself.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to mm/evict.h, mm/lru.c, mm/workingset.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include "swapping.h"
#include "tracedev.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

enum {
	LOCKED = 1 * MIB,
	THREADS = 2,
	SWITCHES = 40,
	POLICIES = 5
};

static const char policy_path[] = "/proc/sys/vm/evict_policy";
static const char swappiness_path[] = "/proc/sys/vm/swappiness";
static const char *const policies[POLICIES] = {"fifo", "clock", "random", "gen", "two-list"};

static long
count(const char *name)
{
	return proc_value("/proc/vmstat", name);
}

static void
choose(const char *policy)
{
	char line[40];

	if (!on_tidemark())
		return;
	snprintf(line, sizeof(line), "%s\n", policy);
	check(proc_write(policy_path, policy) == (long)strlen(policy));
	check(strcmp(proc_text(policy_path), line) == 0);
}

/* A quarter more than there is RAM. */
static size_t
too_much(void)
{
	struct sysinfo info;

	check(sysinfo(&info) == 0);
	return (size_t)(info.totalram * info.mem_unit / 4 * 5) & ~(size_t)(PAGE - 1);
}

/* ---- names ---- */

static void
names(void)
{
	if (!on_tidemark())
		return;
	check(strcmp(proc_text(policy_path), "two-list\n") == 0);
	for (int i = 0; i < POLICIES; i++)
		choose(policies[i]);
	check_errno(proc_write(policy_path, "lru"), EINVAL);
	check_errno(proc_write(policy_path, "fif"), EINVAL);
	check_errno(proc_write(policy_path, "fifo2\n"), EINVAL);
	check_errno(proc_write(policy_path, "\n"), EINVAL);
	check(strcmp(proc_text(policy_path), "two-list\n") == 0);
	check(proc_write(policy_path, "clock\n") == 6 && strcmp(proc_text(policy_path), "clock\n") == 0);
	choose("two-list");
}

static void
swappiness(void)
{
	check(atol(proc_text(swappiness_path)) == 60);
	check_errno(proc_write(swappiness_path, "201"), EINVAL);
	check_errno(proc_write(swappiness_path, "-1"), EINVAL);
	check_errno(proc_write(swappiness_path, "many"), EINVAL);
	check(proc_write(swappiness_path, "200") == 3 && atol(proc_text(swappiness_path)) == 200);
	check(proc_write(swappiness_path, "0") == 1 && atol(proc_text(swappiness_path)) == 0);
	check(proc_write(swappiness_path, "60") == 2);
}

/* ---- no byte is lost ---- */

/* All is written, all is there, and what is locked never left. */
static void
survives(const char *policy)
{
	size_t bytes = too_much();
	volatile unsigned char *locked, *p;

	swap_on("/dev/vda");
	choose(policy);
	locked = map_private(LOCKED);
	for (size_t i = 0; i < LOCKED; i += PAGE)
		page_stamp(locked + i, 9000000 + i);
	check(mlock((void *)locked, LOCKED) == 0);
	p = map_private(bytes);
	pages_stamp(p, bytes, 7);
	for (size_t i = 0; i < LOCKED; i += PAGE)
		check(pagemap_word(0, locked + i) >> 63);
	must_be_stamped(p, bytes, 7);
	for (size_t i = 0; i < LOCKED; i += PAGE)
		check(page_stamped(locked + i, 9000000 + i));
	munmap((void *)p, bytes);
	munmap((void *)locked, LOCKED);
	choose("two-list");
	swap_off("/dev/vda");
}

static void
two_list(void)
{
	survives("two-list");
}

static void
fifo(void)
{
	survives("fifo");
}

static void
clock_(void)
{
	survives("clock");
}

static void
random_(void)
{
	survives("random");
}

static void
gen(void)
{
	survives("gen");
}

static volatile int busy;
static size_t share;

/* Writes its part and reads a third of it back, here and there. */
static void *
work(void *arg)
{
	uint64_t who = (uint64_t)arg * 1000000;
	volatile unsigned char *p = map_private(share);
	size_t pages = share / PAGE;

	for (size_t i = 0; i < pages; i++)
		page_stamp(p + i * PAGE, who + i);
	for (size_t i = 0; i < pages; i += 3)
		check(page_stamped(p + i * 7919 % pages * PAGE, who + i * 7919 % pages));
	munmap((void *)p, share);
	__atomic_sub_fetch(&busy, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void
switching(void)
{
	pthread_t threads[THREADS];

	swap_on("/dev/vda");
	share = too_much() / THREADS & ~(size_t)(PAGE - 1);
	busy = THREADS;
	for (uint64_t i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) == 0);
	for (int i = 0; __atomic_load_n(&busy, __ATOMIC_SEQ_CST) || i < SWITCHES; i++) {
		choose(policies[i % POLICIES]);
		sched_yield();
	}
	for (int i = 0; i < THREADS; i++)
		check(pthread_join(threads[i], NULL) == 0);
	choose("two-list");
	swap_off("/dev/vda");
}

/* ---- what comes back soon is known to be used ---- */

/*
 * From fifo all pages go over to the inactive list: then nobody competes, and what comes back was away for too long.
 * From the youngest generation they go over to the active list: then a page that was away for 8 others is near.
 */
static void
refaults(void)
{
	enum {
		FEW = 8,
		MANY = 512
	};
	volatile unsigned char *p = map_private(MANY * PAGE);
	long refault, activate, restore, in;

	swap_on("/dev/vda");
	for (int i = 0; i < MANY; i++)
		page_stamp(p + i * PAGE, i);
	for (int round = 0; round < 2; round++) {
		choose(round ? "gen" : "fifo");
		choose("two-list");
		page_out(p, FEW * PAGE);
		refault = count("workingset_refault_anon");
		activate = count("workingset_activate_anon");
		restore = count("workingset_restore_anon");
		in = count("pswpin");
		for (int i = 0; i < FEW; i++)
			check(page_stamped(p + i * PAGE, i));
		in = count("pswpin") - in;
		check(count("workingset_refault_anon") - refault >= 1);
		if (!on_tidemark())
			continue;
		check(in == FEW && count("workingset_refault_anon") - refault == FEW);
		check(count("workingset_activate_anon") - activate == (round ? FEW : 0));
		check(count("workingset_restore_anon") == restore);
	}
	munmap((void *)p, MANY * PAGE);
	swap_off("/dev/vda");
}

/* ---- what the active list gives back is told ---- */

enum {
	RECORDS = 16384,
	TASKS = 4 /* that reclaim here: this one, kswapd, and who runs beside us */
};

static struct record records[RECORDS];
static size_t record_count;

/* What came of batches from the active list. */
struct refills {
	uint64_t looked, inactive;
};

static uint64_t
inactive_of(const struct record *r)
{
	return r->event == TRACE_mm_vmscan_lru_shrink_active ? r->value[1] : 0;
}

/* Takes what the device has. Returns how many pages became inactive, by these records. */
static size_t
records_take(int fd)
{
	size_t inactive = 0;
	ssize_t n;

	check(record_count < RECORDS);
	while ((n = read(fd, records + record_count, sizeof(records) - record_count * sizeof(records[0]))) > 0)
		for (n /= sizeof(records[0]); n; n--)
			inactive += inactive_of(&records[record_count++]);
	check(n < 0 && errno == EAGAIN);
	return inactive;
}

static int
by_time(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return x->ns < y->ns ? -1 : x->ns > y->ns ? 1 : x->event - y->event;
}

/* The last record of the task of @r. */
static struct record *
last_of(struct record *last, const struct record *r)
{
	for (int i = 0; i < TASKS; i++)
		if (!last[i].ns || last[i].tid == r->tid)
			return &last[i];
	check(!"so many tasks reclaim");
	return NULL;
}

/* A batch is two records of one task, whatever CPU it runs on: what was looked at, then what became of it. */
static struct refills
refills_add_up(void)
{
	struct record last[TASKS] = {0};
	struct refills sum = {0};

	qsort(records, record_count, sizeof(records[0]), by_time);
	for (size_t i = 0; i < record_count; i++) {
		const struct record *r = &records[i];
		struct record *isolate = last_of(last, r);

		check(r->event != TRACE_lost);
		if (r->event == TRACE_mm_vmscan_lru_shrink_active) {
			check(isolate->event == TRACE_mm_vmscan_lru_isolate);
			check(r->value[0] == isolate->value[2] && isolate->value[2] <= isolate->value[1]);
			check(r->value[1] <= r->value[0] && r->value[2] <= 12);
			sum.looked += isolate->value[1];
			sum.inactive += r->value[1];
		}
		*isolate = *r;
	}
	return sum;
}

/*
 * From the youngest generation all pages, half of memory, go over to the active list. It stays the longer one while the
 * rest fills up, and so gives its tail back when memory is short: first what was used goes round, then it becomes
 * inactive. kswapd may be in the middle of a batch when we look: then we look again.
 */
static void
refills(void)
{
	enum {
		ENOUGH = 100
	};
	int fd = trace_open("mm_vmscan_lru_isolate,mm_vmscan_lru_shrink_active,mm_vmscan_lru_shrink_inactive",
			    O_NONBLOCK | O_CLOEXEC);
	size_t bytes = too_much(), half = bytes / 3, inactive = 0; /* half of the RAM */
	volatile unsigned char *known, *p;
	uint64_t refill, deactivate;
	struct refills sum;

	if (fd < 0)
		return;
	swap_on("/dev/vda");
	known = map_private(half);
	p = map_private(bytes);
	for (size_t i = 0; i < half; i += PAGE)
		page_stamp(known + i, i);
	choose("gen");
	choose("two-list");
	refill = count("pgrefill");
	deactivate = count("pgdeactivate");
	for (size_t i = 0; i < bytes && inactive < ENOUGH; i += PAGE) {
		page_stamp(p + i, i);
		if (i % MIB == 0)
			inactive += records_take(fd);
	}
	check(inactive >= ENOUGH);
	munmap((void *)p, bytes);
	do {
		records_take(fd);
		sum = refills_add_up();
	} while (sum.looked != count("pgrefill") - refill || sum.inactive != count("pgdeactivate") - deactivate);
	check(sum.inactive >= ENOUGH && sum.inactive < sum.looked);
	for (size_t i = 0; i < half; i += PAGE)
		check(page_stamped(known + i, i));
	munmap((void *)known, half);
	close(fd);
	swap_off("/dev/vda");
}

#define SWAP CASE_NAMED
#define SWAP_SMP (CASE_NAMED | CASE_SMP)

const struct test_case evict_cases[] = {
	{"a policy has a name, and any other is EINVAL", names, 0, SWAP},
	{"swappiness is 60, and may be 0 to 200", swappiness, 0, SWAP},
	{"two lists: more than the RAM, every byte as written, locked pages stay", two_list, 0, SWAP},
	{"fifo: more than the RAM, every byte as written, locked pages stay", fifo, 0, SWAP},
	{"clock: more than the RAM, every byte as written, locked pages stay", clock_, 0, SWAP},
	{"random: more than the RAM, every byte as written, locked pages stay", random_, 0, SWAP},
	{"generations: more than the RAM, every byte as written, locked pages stay", gen, 0, SWAP_SMP},
	{"policies change while threads need more than there is", switching, 0, SWAP_SMP},
	{"a page that comes back soon becomes active, and each is counted", refaults, 0, SWAP | CASE_STILL},
	{"what the active list gives back is told batch by batch, and adds up to the counters", refills, 0, SWAP},
	{0},
};
