/* SPDX-License-Identifier: MIT */
/*
 * kernel/lock_check.h - debug builds: is every lock taken in order, is nothing slept on that must not?
 *
 * Idea        Each CPU remembers the spinlocks it holds, each task the sleeping locks it holds. One comparison with
 *             the highest rank held tells whether a lock comes too late, long before two CPUs meet in a deadlock.
 *             Release builds contain none of this: callers write `if (CONFIG_DEBUG)`.
 * Invariants  I1  A task that sleeps holds no spinlock and has interrupts on.
 *             I2  Ranks held by a CPU ascend in the order of taking, except what trylock took.
 * Locks       none; a CPU looks at its own record with interrupts off
 * Follow      from spinlock.h, mutex.h, rwsem.h   to panic
 * Tests       selftest=rank
 * See         kernel/lock_rank.h
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>
#include <kernel/lock_rank.h>

/* A build says 1 or 0; a file compiled by itself gets 0. */
#ifndef CONFIG_DEBUG
#define CONFIG_DEBUG 0
#endif

struct spinlock;

enum lock_how {
	LOCK_PLAIN,  /* its rank must be above all that is held */
	LOCK_NESTED, /* its rank may also equal the highest held */
};

/*
 * lock_check_spin - before a spinlock is taken: panics when its rank is out of order or this CPU holds it already
 * lock_note_spin - after it was taken; lock_forget_spin - before it is released: panics when this CPU does not hold it
 *
 * Returns   nothing
 * Context   any; debug builds only
 */
void lock_check_spin(const struct spinlock *l, enum lock_how how);
void lock_note_spin(struct spinlock *l);
void lock_forget_spin(struct spinlock *l);

/*
 * lock_check_sleep - before a sleeping lock of @rank is taken; lock_note_sleep - after; lock_forget_sleep - at release
 *
 * A lock that one task takes and another releases (none so far) must not be noted.
 *
 * Returns   nothing
 * Context   task context; debug builds only
 */
void lock_check_sleep(enum lock_rank rank, enum lock_how how);
void lock_note_sleep(enum lock_rank rank);
void lock_forget_sleep(enum lock_rank rank);

/* Panics when this CPU holds a spinlock or has interrupts off, naming the lock. Debug builds only. */
void lock_check_may_sleep(void);

/* The rank's name as reports print it: "RANK_ZONE". */
const char *lock_rank_name(enum lock_rank rank);

/*
 * may_sleep - states that the caller may sleep here, even when it rarely does
 *
 * Returns   nothing; panics in debug builds when a spinlock is held or interrupts are off
 * Context   task context
 */
static inline void
may_sleep(void)
{
	if (CONFIG_DEBUG)
		lock_check_may_sleep();
}
