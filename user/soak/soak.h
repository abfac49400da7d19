/* SPDX-License-Identifier: MIT */
/*
 * user/soak/soak.h - what the supervisor and the workers of soak share
 *
 * Idea        A worker is a process that draws all it does from its own sequence of chance, and ends with a verdict.
 * Invariants  none
 * Locks       none
 * Follow      from soak.c   to work.c, churn.c
 * Tests       tests/guest/test_soak.py
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PAGE = 4096,
	WORDS = PAGE / 8,
	SWAP_AREAS = 4
};

/* How a worker ends, if it is not killed. */
enum {
	END_DONE,    /* all went well */
	END_GAVE_UP, /* there was no memory, no room or no disk */
	END_WRONG,   /* the kernel did something wrong */
};

#define SOAK_DIR "/tmp/soak"

/* Areas that workers have turned off, whoever had pages there; atomic, shared by all. */
extern uint64_t *swapoffs;

struct chance {
	uint64_t state;
};

/* The next number, below @n. */
uint64_t draw(struct chance *c, uint64_t n);
/* One number of two. */
uint64_t blend(uint64_t a, uint64_t b);

void give_up(void) __attribute__((noreturn));
/* Says what was wrong, and ends with END_WRONG. */
void wrong(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* @bytes of private (or shared) anonymous memory, or the worker gives up. */
void *memory_map(size_t pages, int flags);

/* What a page holds that is known by @key: its number, and that of its turn. */
void page_write(void *page, uint64_t key);
void page_check(const void *page, uint64_t key, const char *who);

struct work {
	const char *name;
	void (*run)(struct chance *c, size_t pages); /* @pages: as many as it may want */
	int share;                                   /* how often it is drawn */
	bool may_fault;                              /* SIGSEGV and SIGABRT are no surprise */
};

/* Up to an entry without name. */
extern const struct work works[];
/* Draws one of them. */
const struct work *work_draw(struct chance *c);

/* churn.c: works that are about more than memory. */
void work_files(struct chance *c, size_t pages);
void work_threads(struct chance *c, size_t pages);
void work_programs(struct chance *c, size_t pages);
void work_swapper(struct chance *c, size_t pages);
void work_failer(struct chance *c, size_t pages);
