/* SPDX-License-Identifier: MIT */
/*
 * user/trace.c - trace [-l] [WORDS] [COMMAND ARGS]: what the kernel does, event by event, as perf script prints it
 *
 * Idea        WORDS are events or groups with commas between, as the kernel's trace= takes them (without: what happens
 *             under pressure). With a command, it ends when that has ended; else ^C ends it. -l lists the events.
 *
 *                 hog-7 [001]     3.420117: mm_vmscan_direct_reclaim_begin: wants 32 pages, 207 frames free
 *
 * Invariants  events, names and texts are those of kernel/trace_events.def, as in the kernel
 * Locks       none
 * Follow      to kernel/trace_file.c, kernel/trace_events.def
 * Tests       tests/guest/test_tide.py
 */
#include "trace_record.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *name, *group, *format;
} events[] = {
#define TRACE_EVENT(name, group, depth, format) {#name, #group, format},
#include "../kernel/trace_events.def"
#undef TRACE_EVENT
};

enum {
	EVENTS = sizeof(events) / sizeof(events[0]),
	RECORDS = 512,
	NAMES = 64
};

static volatile sig_atomic_t stop;

static void list(void);
static int trace_run(int fd, char **command);
static pid_t command_start(char **command);
static long records_print(int fd);
static int by_time(const void *a, const void *b);
static void record_print(const struct record *r);
static void values_print(const char *format, const uint64_t *value);
static const char *task_name(int32_t tid);
static void on_signal(int signal);

int
main(int argc, char **argv)
{
	bool words = argc > 1 && argv[1][0] != '-' && access(argv[1], X_OK) < 0;
	char **command = argv + 1 + words;

	if (argc > 1 && strcmp(argv[1], "-l") == 0) {
		list();
		return 0;
	}
	int fd = open("/dev/trace", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "trace: /dev/trace: %s\n", strerror(errno));
		return 1;
	}
	if (words && write(fd, argv[1], strlen(argv[1])) < 0) {
		fprintf(stderr, "trace: %s: no such event, group or program; trace -l lists events\n", argv[1]);
		return 2;
	}
	return trace_run(fd, *command ? command : NULL);
}

static void
list(void)
{
	for (int i = 0; i < EVENTS; i++)
		if (strcmp(events[i].group, "sample") != 0)
			printf("%-8s %-32s %s\n", events[i].group, events[i].name, events[i].format);
}

/* Returns the command's exit status. A child that ends interrupts poll. */
static int
trace_run(int fd, char **command)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	sigset_t ends, before;
	int status = 0;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&ends);
	sigaddset(&ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ends, &before);
	pid_t child = command ? command_start(command) : 0;
	while (!stop) {
		if (child && waitpid(child, &status, WNOHANG) == child)
			break;
		ppoll(&p, 1, NULL, &before);
		records_print(fd);
	}
	while (records_print(fd) > 0)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static pid_t
command_start(char **command)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(command[0], command);
		fprintf(stderr, "trace: %s: %s\n", command[0], strerror(errno));
		_exit(127);
	}
	return pid;
}

/* What is there now. Each CPU's records come in order; together they are sorted here. Returns how many. */
static long
records_print(int fd)
{
	static struct record r[RECORDS];
	ssize_t n = read(fd, r, sizeof(r));
	long count = n > 0 ? n / (long)sizeof(r[0]) : 0;

	qsort(r, count, sizeof(r[0]), by_time);
	for (long i = 0; i < count; i++)
		if (r[i].event < EVENTS)
			record_print(&r[i]);
	fflush(stdout);
	return count;
}

static int
by_time(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return x->ns < y->ns ? -1 : x->ns > y->ns;
}

static void
record_print(const struct record *r)
{
	char who[40];

	snprintf(who, sizeof(who), "%s-%d", task_name(r->tid), r->tid);
	printf("%20s [%03u] %6" PRIu64 ".%06" PRIu64 ": %s: ", who, r->cpu, r->ns / 1000000000, r->ns / 1000 % 1000000,
	       events[r->event].name);
	values_print(events[r->event].format, r->value);
	putchar('\n');
}

/* The format is the kernel's: %#llx, %llu, %lld, %s and %.8s, of which both are eight characters here. */
static void
values_print(const char *format, const uint64_t *value)
{
	while (*format) {
		if (*format != '%') {
			putchar(*format++);
			continue;
		}
		size_t n = strcspn(format, "usdx") + 1;
		char kind = format[n - 1];

		if (kind == 's')
			printf("%.8s", (const char *)value);
		else if (kind == 'd')
			printf("%" PRId64, (int64_t)*value);
		else
			printf(kind == 'x' ? "0x%" PRIx64 : "%" PRIu64, *value);
		value++;
		format += n;
	}
}

/* Names are remembered: who has ended has none in /proc any more. */
static const char *
task_name(int32_t tid)
{
	static struct {
		int32_t tid;
		char name[17];
	} known[NAMES];
	char path[32], name[17] = "";
	int slot = (unsigned int)tid % NAMES;

	if (tid == 0)
		return "kernel";
	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);
	if (fd >= 0)
		close(fd);
	if (n > 0) {
		name[strcspn(name, "\n")] = 0;
		known[slot].tid = tid;
		memcpy(known[slot].name, name, sizeof(name));
	}
	return known[slot].tid == tid ? known[slot].name : "?";
}

static void
on_signal(int signal)
{
	if (signal != SIGCHLD)
		stop = 1;
}
