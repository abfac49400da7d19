/* SPDX-License-Identifier: MIT */
/*
 * kernel/rwsem.h - many readers or one writer, sleeping
 *
 * Idea        One word: bit 0 a writer holds it, bit 1 somebody waits, the rest counts readers. A reader comes with one
 *             locked addition and looks at the two bits of what was there before. Once somebody waits, everybody who
 *             comes queues behind: neither side starves. Whoever sees the word become "waiting, nobody inside" hands
 *             the lock to the head of the queue: one writer, or all readers up to the next writer.
 * Invariants  I1  RWSEM_WAITING is set if and only if waiters is not empty; both change under lock.
 *             I2  While RWSEM_WRITER or RWSEM_WAITING is set, the reader count may be too high for the moment in which
 *                 a coming reader finds out (it takes its addition back under lock).
 * Locks       lock (rank RANK_WAIT) guards waiters
 * Follow      from mm->lock   to rwsem.c, sched.c
 * Tests       selftest=locks
 * See         kernel/lock_rank.h
 */
#pragma once

#include <kernel/lib/errno.h>
#include <kernel/lib/list.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

#define RWSEM_WRITER 1U
#define RWSEM_WAITING 2U
#define RWSEM_READER 4U

struct rwsem {
	u32 count;            /* atomic: see above */
	struct spinlock lock; /* waiters */
	struct list waiters;  /* struct lock_waiter, longest waiting first */
	struct task *writer;  /* for reports and asserts; written by the writer only */
	u32 rank;             /* enum lock_rank; const after init */
};

#define RWSEM_INIT(name, lock_rank)                                                                         \
	{                                                                                                   \
		.lock = SPINLOCK_INIT(RANK_WAIT), .waiters = LIST_INIT((name).waiters), .rank = (lock_rank) \
	}

void rwsem_init(struct rwsem *s, enum lock_rank rank);

/* Contended; entered from the inline functions below. */
int rwsem_read_lock_slow(struct rwsem *s, enum task_state state);
void rwsem_read_unlock_slow(struct rwsem *s);
int rwsem_write_lock_slow(struct rwsem *s, enum task_state state);
void rwsem_write_unlock_slow(struct rwsem *s);

/*
 * rwsem_read_lock - share @s with other readers, sleeping while a writer has it or waits
 *
 * Returns   nothing; not interrupted by signals
 * Context   may sleep; not to be taken twice by one task (a writer may wait between)
 */
static inline void
rwsem_read_lock(struct rwsem *s)
{
	if (CONFIG_DEBUG)
		lock_check_sleep(s->rank, LOCK_PLAIN);
	if (unlikely(__atomic_fetch_add(&s->count, RWSEM_READER, __ATOMIC_ACQUIRE) & (RWSEM_WRITER | RWSEM_WAITING)))
		rwsem_read_lock_slow(s, TASK_UNINTERRUPTIBLE);
	if (CONFIG_DEBUG)
		lock_note_sleep(s->rank);
}

/* As rwsem_read_lock. Returns 0; -EINTR, not taken: a fatal signal is pending. */
static inline __must_check int
rwsem_read_lock_killable(struct rwsem *s)
{
	if (CONFIG_DEBUG)
		lock_check_sleep(s->rank, LOCK_PLAIN);
	if (unlikely(__atomic_fetch_add(&s->count, RWSEM_READER, __ATOMIC_ACQUIRE) & (RWSEM_WRITER | RWSEM_WAITING)) &&
	    rwsem_read_lock_slow(s, TASK_KILLABLE))
		return -EINTR;
	if (CONFIG_DEBUG)
		lock_note_sleep(s->rank);
	return 0;
}

/* Returns true: shared. Context: task context. */
static inline bool
rwsem_read_trylock(struct rwsem *s)
{
	u32 old = __atomic_load_n(&s->count, __ATOMIC_RELAXED);

	do {
		if (old & (RWSEM_WRITER | RWSEM_WAITING))
			return false;
	} while (!__atomic_compare_exchange_n(&s->count, &old, old + RWSEM_READER, true, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	if (CONFIG_DEBUG)
		lock_note_sleep(s->rank);
	return true;
}

static inline void
rwsem_read_unlock(struct rwsem *s)
{
	if (CONFIG_DEBUG)
		lock_forget_sleep(s->rank);
	if (unlikely(__atomic_sub_fetch(&s->count, RWSEM_READER, __ATOMIC_RELEASE) == RWSEM_WAITING))
		rwsem_read_unlock_slow(s);
}

/* The common part of the ways to become the writer: 0, or -EINTR when @state is TASK_KILLABLE. */
static inline int
rwsem_write_take(struct rwsem *s, enum task_state state)
{
	u32 free = 0;

	if (unlikely(!__atomic_compare_exchange_n(&s->count, &free, RWSEM_WRITER, false, __ATOMIC_ACQUIRE,
						  __ATOMIC_RELAXED)) &&
	    rwsem_write_lock_slow(s, state))
		return -EINTR;
	s->writer = current;
	if (CONFIG_DEBUG)
		lock_note_sleep(s->rank);
	return 0;
}

/*
 * rwsem_write_lock - have @s alone, sleeping until readers and writers before us are gone
 *
 * Returns   nothing; not interrupted by signals
 * Context   may sleep
 */
static inline void
rwsem_write_lock(struct rwsem *s)
{
	if (CONFIG_DEBUG)
		lock_check_sleep(s->rank, LOCK_PLAIN);
	(void)rwsem_write_take(s, TASK_UNINTERRUPTIBLE);
}

/* As rwsem_write_lock, where one of the same rank is held and the caller knows an order among them. */
static inline void
rwsem_write_lock_nested(struct rwsem *s)
{
	if (CONFIG_DEBUG)
		lock_check_sleep(s->rank, LOCK_NESTED);
	(void)rwsem_write_take(s, TASK_UNINTERRUPTIBLE);
}

/* As rwsem_write_lock. Returns 0; -EINTR, not taken: a fatal signal is pending. */
static inline __must_check int
rwsem_write_lock_killable(struct rwsem *s)
{
	if (CONFIG_DEBUG)
		lock_check_sleep(s->rank, LOCK_PLAIN);
	return rwsem_write_take(s, TASK_KILLABLE);
}

/* Returns true: this task is the writer. Context: task context. */
static inline bool
rwsem_write_trylock(struct rwsem *s)
{
	u32 free = 0;

	if (!__atomic_compare_exchange_n(&s->count, &free, RWSEM_WRITER, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	s->writer = current;
	if (CONFIG_DEBUG)
		lock_note_sleep(s->rank);
	return true;
}

static inline void
rwsem_write_unlock(struct rwsem *s)
{
	u32 alone = RWSEM_WRITER;

	if (CONFIG_DEBUG)
		lock_forget_sleep(s->rank);
	s->writer = NULL;
	if (unlikely(!__atomic_compare_exchange_n(&s->count, &alone, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)))
		rwsem_write_unlock_slow(s);
}

/* Is the current task the writer? */
static inline bool
rwsem_write_is_mine(const struct rwsem *s)
{
	return s->writer == current;
}

/* Does anyone hold it, to read or to write? For asserts. */
static inline bool
rwsem_is_held(const struct rwsem *s)
{
	return __atomic_load_n(&s->count, __ATOMIC_RELAXED) & ~RWSEM_WAITING;
}
