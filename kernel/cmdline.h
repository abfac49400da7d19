/* SPDX-License-Identifier: MIT */
/*
 * kernel/cmdline.h - the words that the boot loader passes
 *
 * Idea        Split once into words at blanks; double quotes keep blanks inside a word, as in Linux. One table in
 *             cmdline.c names the words that are the kernel's. What it does not know belongs to init, as in Linux:
 *
 *                 word                          goes to
 *                 console=ttyS0, quiet          the kernel (in the table)
 *                 COLOUR=blue                   init's environment (unknown, with =)
 *                 single                        init's arguments (unknown, bare)
 *                 anything after a bare --      init's arguments
 *                 some.thing=1, some.thing      nobody (a module's parameter; Linux drops them too)
 * Invariants  I1  const after cmdline_init
 * Locks       none
 * Follow      from main.c and whoever has an option   to cmdline.c
 * Tests       tests/host/cmdline_test.c
 * See         Linux Documentation/admin-guide/kernel-parameters.rst
 */
#pragma once

#include <kernel/lib/types.h>

/* Bytes kept of the line, and words told apart; more is cut with a message. */
#define CMDLINE_MAX 2048
#define CMDLINE_WORDS_MAX 64

/*
 * cmdline_init - split @line; called once, or again in tests
 *
 * Returns   nothing
 * Context   boot
 */
void cmdline_init(const char *line);

/* The line as it was given, for /proc/cmdline. */
const char *cmdline_whole(void);

/*
 * cmdline_get - the value of the kernel's word @key; of several, the last
 *
 * Returns   the text after =, "" when the word stood bare, NULL when it is absent
 * Context   any
 */
const char *cmdline_get(const char *key);

/* Is the word there, bare or with a value? */
bool cmdline_has(const char *key);

/*
 * cmdline_u64 - the value of @key as a number, with K, M, G as in mem=64M
 *
 * Returns   the number; @fallback when the word is absent, or is no number (which is said)
 * Context   any
 */
u64 cmdline_u64(const char *key, u64 fallback);

/* As cmdline_u64 for a decimal number that may be negative (panic=-1). */
s64 cmdline_s64(const char *key, s64 fallback);

/*
 * cmdline_init_args - the arguments for init, after argv[0]
 * cmdline_init_env - its environment: HOME=/ and TERM=linux unless the line says otherwise, then the line's words
 *
 * Returns   the number stored, at most @max; pointers live for good
 * Context   any
 */
u32 cmdline_init_args(const char **argv, u32 max);
u32 cmdline_init_env(const char **envp, u32 max);
