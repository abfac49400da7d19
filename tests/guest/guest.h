/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/guest.h - what every guest case uses
 *
 * Idea        a case is a sentence and a function. The function runs in a process of its own and passes when it
 *             returns; the first check that does not hold ends it with the reason. A case that ought to die names the
 *             signal. Only the Linux ABI is used, so that each case must also pass on Linux.
 * Invariants  a case leaves no process and no file behind
 * Follow      from main.c   to the files of cases
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	MIB = 1 << 20,
	TABLE = 2 * MIB
};

enum case_flag {
	CASE_SMP = 1,      /* says more on several processors: also run with 1 and 4 */
	CASE_NAMED = 4,    /* needs a machine of its own (test_guest.py): runs only when its group is named */
	CASE_LAST = 2,     /* takes all memory: runs after all others of the list */
	CASE_STILL = 8,    /* counts faults, or pages in memory, exactly: not where pages leave by chance (torture) */
	CASE_NO_SWAP = 16, /* is about a border that swap moves away: not where swap is on (torture) */
};

struct test_case {
	const char *sentence;
	void (*run)(void);
	int signal; /* the case passes when this signal kills it; 0: when it returns */
	unsigned int flags;
};

struct test_group {
	const char *name;
	const struct test_case *cases; /* up to an entry without sentence */
};

/* Ends the case, and tells the reader why. A macro, so that the condition itself can be printed. */
#define check(condition) check_that(condition, #condition, __FILE__, __LINE__)
/* The call must fail with -1 and this errno. */
#define check_errno(call, error) check_failure((errno = 0, (long)(call)), error, #call, __FILE__, __LINE__)

void check_that(bool holds, const char *condition, const char *file, int line);
void check_failure(long result, int error, const char *call, const char *file, int line);
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* A line in the log, beside the verdict. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Anonymous memory; private or shared; never huge pages. Ends the case when there is none. */
volatile unsigned char *map_private(size_t bytes);
volatile unsigned char *map_shared(size_t bytes);
/* @bytes of private memory that begin at a multiple of @unit, with nothing mapped for a page on either side. */
volatile unsigned char *map_aligned(size_t bytes, size_t unit);

/* Forks; the child runs @run and exits with 0. Returns the child's number. */
pid_t child_start(void (*run)(void *), void *arg);
/* Waits for one child; returns its wait status. */
int child_wait(pid_t pid);
/* Both at once. */
int child_run(void (*run)(void *), void *arg);
/* Runs @run in a child, which this signal must kill. */
void child_must_die(void (*run)(void *), void *arg, int signal);
/* Runs @run in a child, which must come to a good end. */
void child_must_live(void (*run)(void *), void *arg);

/* Waits until *word >= value, and lets others run. */
void await(volatile int *word, int value);
/* Adds 1 for all to see. */
void announce(volatile int *word);

long faults_minor(void);
long free_pages(void);
int cpus_online(void);

/* A file in memory, emptied, of @bytes bytes where byte i is i / 4096 + 1. Returns an open descriptor. */
int file_make(const char *path, size_t bytes);

/* Each of a page's 512 words says that @who wrote it, and which word it is; page_stamped looks at all of them. */
void page_stamp(volatile unsigned char *page, uint64_t who);
bool page_stamped(volatile unsigned char *page, uint64_t who);

/* True when reading (or writing) one byte at @address does not kill. Tried in a child. */
bool can_read(volatile void *address);
bool can_write(volatile void *address);

/* This very program in another role: with --role=NAME, that role's function of exec.c runs and ends it; else false. */
extern const char *self_path;
bool role_run(int argc, char **argv);

/* abi.c: the runner tells it where a group begins and ends, and whether the run leaves nothing out. Once first: "". */
void calls_note(const char *group, bool ended, bool whole);
