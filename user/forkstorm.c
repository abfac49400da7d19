/* SPDX-License-Identifier: MIT */
/*
 * user/forkstorm.c - thousands of forks and exits, under memory pressure when asked
 *
 * Idea        every fork copies an address space and every exit frees one; a kernel that loses a page each time is
 *             found out within seconds. Each child checks what it inherited, writes a few pages of its own and tells
 *             by its exit status which child it was. `forks` children are started, at most `width` at once; with
 *             `press` a further child fills all memory again and again, so that some of them meet the OOM killer.
 *             forkstorm [forks=2000] [width=16] [press]
 * Invariants  every child started is waited for exactly once
 * Locks       none
 * Follow      to kernel/fork.c, kernel/exit.c, mm/mm.c
 * Tests       tests/guest/proc.c
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	MIB = 1 << 20,
	INHERITED_PAGES = 64,
	OWN_PAGES = 4,
	REPORT_EVERY = 500
};

struct tally {
	long started;
	long good;
	long killed;  /* by the OOM killer */
	long wrong;   /* any other end: a fault of the kernel */
	long refused; /* forks that failed for want of memory or task numbers */
};

static void storm(struct tally *tally, long forks, long width, pid_t *hog);
static void child_run(long number);
static void child_reap(struct tally *tally, pid_t *hog);
static pid_t hog_start(void);
static void say(const char *format, ...);

static volatile unsigned char *inherited;

int
main(int argc, char **argv)
{
	long forks = 2000;
	long width = 16;
	pid_t hog = 0;
	struct tally tally = {0};

	for (int i = 1; i < argc; i++) {
		if (sscanf(argv[i], "forks=%ld", &forks) == 1 || sscanf(argv[i], "width=%ld", &width) == 1)
			continue;
		if (strcmp(argv[i], "press") == 0)
			hog = hog_start();
		else
			say("forkstorm: what is %s?\n", argv[i]);
	}
	inherited = mmap(NULL, INHERITED_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (inherited == MAP_FAILED)
		return 2;
	for (long i = 0; i < INHERITED_PAGES; i++)
		inherited[i * PAGE] = i + 1;

	storm(&tally, forks, width, &hog);
	if (hog > 0) {
		kill(hog, SIGKILL);
		waitpid(hog, NULL, 0);
	}
	say("forkstorm: %ld started, %ld good, %ld killed, %ld wrong; %ld forks refused\n", tally.started, tally.good,
	    tally.killed, tally.wrong, tally.refused);
	return tally.wrong != 0;
}

static void
storm(struct tally *tally, long forks, long width, pid_t *hog)
{
	long alive = 0;

	while (tally->started < forks) {
		if (alive == width) {
			child_reap(tally, hog);
			alive--;
		}
		pid_t pid = fork();
		if (pid == 0)
			child_run(tally->started);
		if (pid > 0) {
			alive++;
			tally->started++;
			if (tally->started % REPORT_EVERY == 0)
				say("forkstorm: %ld\n", tally->started);
			continue;
		}
		tally->refused++;
		if (alive > 0) {
			child_reap(tally, hog);
			alive--;
		} else {
			sched_yield();
		}
	}
	while (alive-- > 0)
		child_reap(tally, hog);
}

/* What a child checks: memory from before the fork, and its own that nobody else may write. */
static void
child_run(long number)
{
	unsigned char mark = number;

	for (long i = 0; i < INHERITED_PAGES; i++)
		if (inherited[i * PAGE] != i + 1)
			_exit(1);
	for (long i = 0; i < OWN_PAGES; i++)
		inherited[i * PAGE] = mark;
	if (number % 3 == 0)
		sched_yield();
	for (long i = 0; i < OWN_PAGES; i++)
		if (inherited[i * PAGE] != mark)
			_exit(1);
	_exit(0);
}

/* Waits for one child of the storm; a hog that ended is replaced and does not count. */
static void
child_reap(struct tally *tally, pid_t *hog)
{
	int status;
	pid_t pid = wait(&status);

	while (pid > 0 && pid == *hog) {
		*hog = hog_start();
		pid = wait(&status);
	}
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		tally->good++;
	else if (pid > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && *hog)
		tally->killed++;
	else
		tally->wrong++;
}

static pid_t
hog_start(void)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (;;) {
		volatile char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			_exit(3);
		for (long i = 0; i < MIB; i += PAGE)
			p[i] = 1;
	}
}

static void
say(const char *format, ...)
{
	char line[160];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (write(1, line, n) != n)
		_exit(1);
}
