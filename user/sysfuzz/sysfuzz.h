/* SPDX-License-Identifier: MIT */
/*
 * user/sysfuzz/sysfuzz.h - what the parts of sysfuzz share
 *
 * Idea        see user/sysfuzz.c. A batch is a process with its threads; each thread draws its calls and their
 *             arguments from a generator of its own, so that (seed, batch, thread) names a row of calls.
 * Invariants  none
 * Locks       none
 * Follow      from user/sysfuzz.c   to worker.c (a batch), calls.c (what is called), args.c (with what)
 * Tests       tests/guest/test_guest.py (test_sysfuzz)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PAGE = 4096,
	THREADS_MAX = 4,
	BATCH_CALLS = 500,   /* of all its threads */
	ARENA = 4096 * PAGE, /* bytes of address space that a batch plays with, with as much in front and behind */
	REGIONS = 32,        /* mappings that a thread remembers */
	CALL_ARGS = 6
};

/* What one thread knows. */
struct player {
	uint64_t random;
	uint64_t trace;          /* print each call */
	volatile uint64_t *made; /* atomic; shared with the supervisor, which takes it for a hint: calls of the batch */
	int depth;               /* 0: a thread of the batch; 1: a process that one of its calls made */
	pid_t child;
	struct region {
		uint64_t start;
		uint64_t bytes;
	} region[REGIONS];
	uint8_t scratch[4 * PAGE]; /* structures that calls read and write */
};

struct call {
	const char *name;
	int number;
	int weight;
	const char *args; /* a letter of args.c for each argument */
};

/* calls_choose - these calls alone (names with commas between them), or all: NULL. */
void calls_choose(const char *words);
/* call_pick - a call, drawn by weight. */
const struct call *call_pick(struct player *p);

/* args.c */
uint64_t random_next(struct player *p);
uint64_t random_below(struct player *p, uint64_t n);
/* argument_make - one value of the kind that @kind names. */
uint64_t argument_make(struct player *p, char kind);
/* region_learn - remembers what a mapping call gave. */
void region_learn(struct player *p, const struct call *call, const uint64_t *a, int64_t result);

/* worker.c: plays one batch; does not return. */
void batch_play(volatile uint64_t *made, uint64_t seed, uint64_t batch, bool trace) __attribute__((noreturn));
