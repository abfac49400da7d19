/* SPDX-License-Identifier: MIT */
/*
 * kernel/printk.h - what the kernel says: into a ring that programs can read, and onto the consoles
 *
 * Idea        Each call is one message of one or more whole lines (a missing newline at the end is added). It goes
 *             into the ring with level and time, and to the consoles unless it is less urgent than `quiet` or
 *             loglevel= allow. Levels and line format are Linux's, so that dmesg and its readers understand them.
 * Invariants  I1  Messages of several CPUs do not mix within a line.
 * Locks       a raw lock of its own, interrupts off: usable from interrupts, NMI and panic
 * Follow      from everywhere   to printk_ring.c, arch serial_write, vga_write
 * Tests       tests/host/printk_ring_test.c
 * See         syslog(2), Linux Documentation/ABI/testing/dev-kmsg
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>
#include <kernel/printk_ring.h>

/* Linux's numbers: smaller is more urgent. */
enum printk_level {
	PRINTK_EMERG,
	PRINTK_ALERT,
	PRINTK_CRIT,
	PRINTK_ERR,
	PRINTK_WARN,
	PRINTK_NOTICE,
	PRINTK_INFO,
	PRINTK_DEBUG, /* into the ring only, unless loglevel=8 */
};

/*
 * printk - say something at level INFO; pr_* - at the level named
 *
 * Returns   nothing; conversions as format() (kernel/lib/format.h)
 * Context   any
 */
void printk(const char *fmt, ...) __printf(1, 2);
void pr_emerg(const char *fmt, ...) __printf(1, 2);
void pr_err(const char *fmt, ...) __printf(1, 2);
void pr_warn(const char *fmt, ...) __printf(1, 2);
void pr_notice(const char *fmt, ...) __printf(1, 2);
void pr_info(const char *fmt, ...) __printf(1, 2);
void pr_debug(const char *fmt, ...) __printf(1, 2);
void printk_va(enum printk_level level, const char *fmt, va_list args) __printf(2, 0);

/* Messages of level @level and less urgent stay off the consoles from now on (quiet: PRINTK_NOTICE). Context: any. */
void printk_console_level(u32 level);

/* What printk_console_level set last. Context: any. */
u32 printk_console_level_get(void);

/* Obeys quiet, debug and loglevel=. Context: boot, after cmdline_init. */
void printk_init(void);

/*
 * printk_console_send - bytes of a program, straight to the consoles; a kernel message never lands inside them
 *
 * Returns   how many went out: less than @n when the serial line takes no more now (console_interrupt() will tell)
 * Context   any
 */
u32 printk_console_send(const u8 *s, u32 n);

/* From now on this CPU prints without waiting for another that holds the lock. Context: panic. */
void printk_break_lock(void);

/* The number that the next message will have. Context: any. */
u64 printk_next(void);

/* Bytes of memory for what was said. */
#define PRINTK_RING_SIZE 65536

/*
 * printk_read - copy the message number *@seq, or the oldest after it that is still there
 *
 * Returns   true: *@out is filled and *@seq is the number to ask for next; false: nothing so new has been said
 * Context   any
 */
bool printk_read(u64 *seq, struct printk_record *out);
