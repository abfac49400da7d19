/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/hogs.c - who holds memory, who takes all of it, and what is told of a kill
 *
 * Idea        see hogs.h
 */
#include "hogs.h"
#include "guest.h"
#include "procfile.h"
#include "tracedev.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <time.h>

enum {
	TRIES = 400,
	LINUX_KEEPS = 4 /* MiB of MemFree, for itself: it panics when a kill does not bring as much back */
};

volatile int *word;

void
begin(void)
{
	word = (volatile int *)map_shared(PAGE);
}

void
nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void
adj_set(pid_t pid, int adj)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid ? pid : getpid());
	snprintf(text, sizeof(text), "%d", adj);
	check(proc_write(path, text) > 0);
}

int
adj_of(pid_t pid)
{
	return atoi(proc_pid_text(pid, "oom_score_adj"));
}

int
score_of(pid_t pid)
{
	return atoi(proc_pid_text(pid, "oom_score"));
}

void
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

pid_t
holder_start(long pages, int adj)
{
	struct holder h = {pages, adj};
	int before = word[0];
	pid_t pid = child_start(holds, &h);

	await(&word[0], before + 1);
	return pid;
}

pid_t
fill_up_to(long mib)
{
	if (!on_tidemark())
		mib += LINUX_KEEPS;
	return holder_start(free_pages() - mib * MIB / PAGE, -1000);
}

void
must_live(pid_t pid)
{
	word[1] = 1;
	check(child_wait(pid) == 0);
}

void
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

void
ask_for_a_kill(void)
{
	check(proc_write("/proc/sysrq-trigger", "f") == 1);
}

long
kills(void)
{
	return proc_value("/proc/vmstat", "oom_kill");
}

void
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

char *
log_text(void)
{
	static char text[1 << 18];
	int n = klogctl(LOG_ALL, text, sizeof(text) - 1);

	check(n >= 0);
	text[n] = 0;
	return text;
}

bool
log_comes(const char *what)
{
	for (int i = 0; i < TRIES; i++) {
		if (strstr(log_text(), what))
			return true;
		nap();
	}
	return false;
}

int
console_quiet(void)
{
	int before = atoi(proc_text("/proc/sys/kernel/printk"));

	klogctl(LOG_CONSOLE, NULL, 2);
	return before;
}
