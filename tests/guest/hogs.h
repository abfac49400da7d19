/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/hogs.h - who holds memory, who takes all of it, and what is told of a kill
 *
 * Idea        what the groups about the OOM killer have in common. Each ends the case when it fails.
 * Follow      from oom.c, oom_report.c, oom_gone.c   to hogs.c
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum {
	LOG_CLEAR = 5, /* syslog(2) */
	LOG_ALL = 3,
	LOG_CONSOLE = 8,
};

/* Shared with children: [0] have arrived, [1] they go on, [2..] belong to the case. */
extern volatile int *word;
void begin(void);
void nap(void); /* a millisecond */

/* Of process @pid; 0: the caller. */
void adj_set(pid_t pid, int adj);
int adj_of(pid_t pid);
int score_of(pid_t pid);

void touch(volatile unsigned char *p, long pages);

/* A child that holds so many pages, until it is told to go or killed. */
pid_t holder_start(long pages, int adj);
/* All of memory but @mib, and what Linux needs for itself, held by a child that is never chosen. */
pid_t fill_up_to(long mib);
/* Tells all that hold memory to go, and waits for this one. */
void must_live(pid_t pid);
/* For child_start: takes memory until it dies. @arg: its oom_score_adj, NULL: the one that it has. */
void hogs(void *arg);

void ask_for_a_kill(void); /* sysrq f */
long kills(void);          /* oom_kill of /proc/vmstat */
/* Since @fd was opened there is one event of a kill, and it is that of @victim. Closes it. Nothing for -1 (Linux). */
void must_be_told_of(int fd, pid_t victim);

char *log_text(void);
bool log_comes(const char *what);
/* Only what is urgent goes to the console: it is slow, and many kills say little. Returns what was before. */
int console_quiet(void);
