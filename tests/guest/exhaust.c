/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/exhaust.c - when nothing is left
 *
 * Idea        something takes memory until the kernel stops it. Whoever is not guilty lives on with every byte
 *             intact, and afterwards all memory is free again (the runner's ledger says: to the page).
 * Invariants  see guest.h
 * Follow      to mm/page_alloc.c, mm/oom.c
 * Tests       tests/host/oom_test.c has the choice alone
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	PROCESSES = 40,
	BYSTANDER_PAGES = 256,
	STATUS_REFUSED = 3,
	MOST_CHILDREN = 20000
};

static volatile int *shared; /* [0] arrived, [1] go on, [2] forks that failed, [3] forks that succeeded */

static void
hogs_until_killed(void *arg)
{
	bool at_once = arg;

	for (;;) {
		volatile unsigned char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS | (at_once ? MAP_POPULATE : 0), -1, 0);
		if (p == MAP_FAILED)
			_exit(STATUS_REFUSED);
		for (int i = 0; i < MIB; i += PAGE)
			p[i] = 1;
	}
}

/* Holds 1 MiB, naps, and tells in the end whether it is intact. */
static void
bystander(void *arg)
{
	volatile unsigned char *p = map_private(BYSTANDER_PAGES * PAGE);

	(void)arg;
	for (int i = 0; i < BYSTANDER_PAGES; i++)
		page_stamp(p + i * PAGE, i + 1);
	announce(&shared[0]);
	while (!shared[1])
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	for (int i = 0; i < BYSTANDER_PAGES; i++)
		check(page_stamped(p + i * PAGE, i + 1));
}

/* Runs @guilty, which SIGKILL must end, beside a bystander, whom nothing must happen. */
static void
beside_bystander(void (*guilty)(void *), void *arg)
{
	shared = (volatile int *)map_shared(PAGE);
	pid_t innocent = child_start(bystander, NULL);
	await(&shared[0], 1);
	long before = free_pages();
	int status = child_run(guilty, arg);
	if (status != SIGKILL)
		fail("the guilty one ended with status 0x%x", status);
	/* That it is dead does not mean that all of its memory is back yet. */
	long after = free_pages();
	for (int i = 0; i < 1000 && after < before - before / 8; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		after = free_pages();
	}
	if (after < before - before / 8)
		fail("%ld pages were free, now it is %ld", before, after);
	announce(&shared[1]);
	check(child_wait(innocent) == 0);
}

static void
one_hog(void)
{
	beside_bystander(hogs_until_killed, NULL);
}

static void
one_hog_populates(void)
{
	beside_bystander(hogs_until_killed, (void *)1);
}

static void
three_hogs_in_a_row(void)
{
	for (int i = 0; i < 3; i++)
		child_must_die(hogs_until_killed, NULL, SIGKILL);
}

static void
hogs_shared(void *arg)
{
	(void)arg;
	for (;;) {
		volatile unsigned char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			_exit(STATUS_REFUSED);
		for (int i = 0; i < MIB; i += PAGE)
			p[i] = 1;
	}
}

static void
shared_hog(void)
{
	beside_bystander(hogs_shared, NULL);
}

static void
hogs_tables(void *arg)
{
	size_t bytes = 1UL << 42;
	volatile unsigned char *p =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)arg;
	check(p != MAP_FAILED);
	/* Reads of the zero frame: page tables alone take the memory. */
	for (size_t at = 0; at < bytes; at += TABLE)
		(void)p[at];
}

static void
table_hog(void)
{
	beside_bystander(hogs_tables, NULL);
}

static void
hogs_through_kernel(void *arg)
{
	int fd = open("/dev/zero", O_RDONLY);

	(void)arg;
	for (;;) {
		void *p = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			_exit(STATUS_REFUSED);
		/* Linux may cut the read short when the kill is on its way. */
		if (read(fd, p, 16 * MIB) <= 0)
			sched_yield();
	}
}

static void
kernel_side_hog(void)
{
	beside_bystander(hogs_through_kernel, NULL);
}

static void *
hog_thread(void *arg)
{
	hogs_until_killed(NULL);
	return arg;
}

static void
hogs_in_threads(void *arg)
{
	pthread_t thread;

	(void)arg;
	for (int i = 0; i < 4; i++)
		check(pthread_create(&thread, NULL, hog_thread, NULL) == 0);
	for (;;)
		pause();
}

static void
threaded_hog(void)
{
	beside_bystander(hogs_in_threads, NULL);
}

/* ---- forty at once ---- */

static void
takes_share(void *arg)
{
	long pages = (intptr_t)arg;
	volatile unsigned char *p = map_private(pages * PAGE);

	for (long i = 0; i < pages; i++)
		page_stamp(p + i * PAGE, i + 1);
	announce(&shared[0]);
	while (!shared[1])
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	for (long i = 0; i < pages; i++)
		check(page_stamped(p + i * PAGE, i + 1));
}

/* Together they want twice what there is: some must die, the others keep every byte. */
static void
forty_processes(void)
{
	pid_t pid[PROCESSES];
	int status[PROCESSES];
	int dead = 0, killed = 0, lived = 0;

	shared = (volatile int *)map_shared(PAGE);
	long share = free_pages() * 2 / PROCESSES;
	for (int i = 0; i < PROCESSES; i++) {
		pid[i] = child_start(takes_share, (void *)share);
		status[i] = -1;
	}
	/* A dead one may have arrived before; so count those that are neither. */
	for (int waiting = PROCESSES; waiting > 0;) {
		for (int i = 0; i < PROCESSES; i++)
			if (status[i] == -1 && waitpid(pid[i], &status[i], WNOHANG) == pid[i])
				dead++;
		waiting = PROCESSES - dead - shared[0];
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	shared[1] = 1;
	for (int i = 0; i < PROCESSES; i++) {
		if (status[i] == -1)
			status[i] = child_wait(pid[i]);
		if (status[i] == SIGKILL)
			killed++;
		else if (status[i] == 0)
			lived++;
		else
			fail("process %d ended with status 0x%x", i, status[i]);
	}
	check(killed > 0 && lived > 0 && killed + lived == PROCESSES);
	note("forty processes: %d killed, %d lived", killed, lived);
}

/* ---- forks without end ---- */

static void
sleeps(void)
{
	for (;;)
		pause();
}

static void
fork_bomb(void *arg)
{
	(void)arg;
	setpgid(0, 0);
	for (int i = 0; i < MOST_CHILDREN; i++) {
		pid_t pid = fork();
		if (pid == 0)
			sleeps();
		if (pid < 0) {
			shared[2] = errno;
			break;
		}
		shared[3]++;
	}
	announce(&shared[0]);
	sleeps();
}

static void
fork_bomb_ends(void)
{
	int status = -1;

	shared = (volatile int *)map_shared(PAGE);
	pid_t bomb = child_start(fork_bomb, NULL);
	setpgid(bomb, bomb);
	/* It comes to an end by itself, or the kernel ends it. */
	while (!shared[0] && waitpid(bomb, &status, WNOHANG) == 0)
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	if (shared[0])
		check(shared[2] == EAGAIN || shared[2] == ENOMEM || shared[3] == MOST_CHILDREN);
	else
		check(status == SIGKILL);
	note("fork bomb: %d children, errno %d", shared[3], shared[2]);
	kill(-bomb, SIGKILL);
	if (status == -1)
		check(child_wait(bomb) == SIGKILL);
	/* The system goes on: dying children give their room back bit by bit. */
	for (int i = 0; i < 20; i++) {
		pid_t pid;
		while ((pid = fork()) < 0)
			sched_yield();
		if (pid == 0)
			_exit(0);
		check(child_wait(pid) == 0);
	}
}

static void
forks_under_pressure(void *arg)
{
	(void)arg;
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			volatile unsigned char *p =
				mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			for (int k = 0; p != MAP_FAILED && k < 64; k++)
				p[k * PAGE] = k;
			_exit(0);
		}
		if (pid < 0) {
			sched_yield();
			continue;
		}
		int status = child_wait(pid);
		check(status == 0 || status == SIGKILL);
	}
}

static void
storm_beside_hog(void)
{
	pid_t hog = child_start(hogs_until_killed, NULL);
	pid_t storm = child_start(forks_under_pressure, NULL);
	int status;

	while (waitpid(storm, &status, WNOHANG) == 0) {
		if (waitpid(hog, NULL, WNOHANG) == hog)
			hog = child_start(hogs_until_killed, NULL);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	/* The storm itself is small; only its worst luck makes it the largest. */
	check(status == 0 || status == SIGKILL);
	kill(hog, SIGKILL);
	child_wait(hog);
}

static void
absurd_sizes(void)
{
	check_errno(syscall(SYS_mmap, 0, 1UL << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	check_errno(syscall(SYS_mmap, 0, -1UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	check_errno(syscall(SYS_mmap, 0, 1UL << 63, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0), ENOMEM);
}

static void
address_space_limit(void)
{
	struct rlimit limit = {64 * MIB, 64 * MIB};
	long mib = 0;

	check(setrlimit(RLIMIT_AS, &limit) == 0);
	while (mib < 100 && mmap(NULL, MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		mib++;
	check(errno == ENOMEM && mib > 40 && mib < 64);
}

const struct test_case exhaust_cases[] = {
	{"mmap of absurd sizes gives ENOMEM and costs nothing", absurd_sizes, 0, 0},
	{"RLIMIT_AS ends mmap in ENOMEM", address_space_limit, 0, 0},
	{"one hog is killed, a bystander lives", one_hog, 0, CASE_SMP},
	{"a hog that populates is killed, a bystander lives", one_hog_populates, 0, CASE_SMP},
	{"three hogs in a row find the same machine", three_hogs_in_a_row, 0, CASE_SMP},
	{"a hog of shared memory is killed, and the memory goes with it", shared_hog, 0, CASE_SMP},
	{"a hog of page tables is killed", table_hog, 0, CASE_SMP},
	{"a hog whose memory the kernel fills is killed", kernel_side_hog, 0, CASE_SMP | CASE_NO_SWAP},
	{"a hog of four threads is killed", threaded_hog, 0, CASE_SMP},
	{"forty processes want twice the memory: some die, the others keep every byte", forty_processes, 0,
	 CASE_SMP | CASE_NO_SWAP},
	{"a storm of forks beside a hog goes on", storm_beside_hog, 0, CASE_SMP},
	{"a fork bomb ends, and the system goes on", fork_bomb_ends, 0, CASE_SMP},
	{0},
};
