/* SPDX-License-Identifier: MIT */
/*
 * kernel/panic.h - what the kernel does when it has caught itself being wrong
 *
 * Idea        A panic is a teaching moment: it says in one sentence which promise was broken, with the values, who was
 *             running where, how it got there, and what happened last. Then it stops, before anything wrong spreads.
 * Invariants  The first panic reports; a panic on another CPU, or inside the report, only stops.
 * Locks       none: a panic takes no lock, and breaks the console's
 * Follow      from everywhere   to printk.c, ksyms.c, trace.c, arch backtrace_walk
 * Tests       selftest=panic, selftest=assert, selftest=null, ...
 * See         docs/tour.md
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>
#include <kernel/lock_check.h>

struct trap_frame;

/* QEMU's isa-debug-exit gets this when the kernel panicked. */
#define PANIC_EXIT_CODE 0x31

/* What panic= says, or /proc/sys/kernel/panic. panic_init - reads it. Context: boot, after cmdline_init. */
extern s32 panic_seconds;
void panic_init(void);

/*
 * panic - report and stop; then as the command line's panic= says: below 0 reset at once, above 0 after as many
 * seconds, else stand still. The sentence needs no newline.
 *
 * Returns   never
 * Context   any: interrupts, NMI, any lock held
 */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

/*
 * panic_frame - as panic, for a trap: also prints the registers of @f and starts the backtrace there
 *
 * Returns   never
 * Context   any
 */
void panic_frame(const struct trap_frame *f, const char *fmt, ...) __printf(2, 3) __noreturn;

/* What assert and assertf call. */
void panic_assert(const char *cond, const char *file, int line, const char *func) __noreturn;
void panic_assertf(const char *cond, const char *file, int line, const char *func, const char *fmt, ...)
	__printf(5, 6) __noreturn;

/* Has a panic begun, on any CPU? Consoles and waits for other CPUs look at this. */
bool panic_in_progress(void);

/* The promise @cond holds, or the kernel stops here. Always on. */
#define assert(cond)                                                       \
	do {                                                               \
		if (unlikely(!(cond)))                                     \
			panic_assert(#cond, __FILE__, __LINE__, __func__); \
	} while (0)

/* As assert, with the values that matter: assertf(n < max, "n %u of %u", n, max). */
#define assertf(cond, ...)                                                               \
	do {                                                                             \
		if (unlikely(!(cond)))                                                   \
			panic_assertf(#cond, __FILE__, __LINE__, __func__, __VA_ARGS__); \
	} while (0)

/* As assert, in debug builds only: for what costs more than a load. */
#define dassert(cond)                 \
	do {                          \
		if (CONFIG_DEBUG)     \
			assert(cond); \
	} while (0)

/* A surprise that is survived: printed as a warning the first time. */
#define warn_once(...)                        \
	do {                                  \
		static bool warned;           \
		if (!warned) {                \
			warned = true;        \
			pr_warn(__VA_ARGS__); \
		}                             \
	} while (0)

void pr_warn(const char *fmt, ...) __printf(1, 2);
