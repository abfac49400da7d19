/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/oom_gone.c - memory is really gone: whoever asks for it, and wherever in the kernel
 *
 * Idea        It needs little memory to be left: a filler that is never chosen holds the rest. Who dies is one of the
 *             guilty, the others have what they asked for, and every page is back.
 * Invariants  see guest.h
 * Follow      to mm/page_ladder.c, mm/oom.c, mm/oom_reap.c
 * Tests       tests/guest/test_guest.py has the disk of oom_stuck
 */
#include "guest.h"
#include "hogs.h"
#include "procfile.h"
#include "tracedev.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

enum {
	KILLS_EACH = 50,    /* for each processor: two hundred with four */
	SLOW_NS = 500000000 /* a read of the disk of oom_stuck that takes longer: the ones after it do, too */
};

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

const struct test_case oom_gone_cases[] = {
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
