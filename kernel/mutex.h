/* SPDX-License-Identifier: MIT */
/*
 * kernel/mutex.h - mutual exclusion that sleeps
 *
 * Idea        One word: the owning task, 0 when free, bit 0 set while others wait. Uncontended lock and unlock are one
 *             compare-and-exchange each. A release with waiters hands the lock to the first of them, so that nobody
 *             starves.
 * Invariants  I1  Bit 0 of owner is set if and only if waiters is not empty; both change under lock.
 *             I2  The task that took it releases it.
 * Locks       lock (rank RANK_WAIT) guards waiters
 * Follow      from kernel/fs, mm/oom.c   to mutex.c, sched.c
 * Tests       selftest=locks
 * See         kernel/lock_rank.h
 */
#pragma once

#include <kernel/lib/errno.h>
#include <kernel/lib/list.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

struct mutex {
	u64 owner;            /* atomic: struct task *, | MUTEX_WAITERS */
	struct spinlock lock; /* waiters */
	u32 rank;             /* enum lock_rank; const after init */
	struct list waiters;  /* struct lock_waiter, longest waiting first */
};

#define MUTEX_WAITERS 1UL

#define MUTEX_INIT(name, lock_rank)                                                                         \
	{                                                                                                   \
		.lock = SPINLOCK_INIT(RANK_WAIT), .rank = (lock_rank), .waiters = LIST_INIT((name).waiters) \
	}

void mutex_init(struct mutex *m, enum lock_rank rank);

/* Contended; entered from the inline functions below. */
int mutex_lock_slow(struct mutex *m, enum task_state state);
void mutex_unlock_slow(struct mutex *m);

/*
 * mutex_trylock - take @m if nobody has it
 *
 * Returns   true: taken
 * Context   task context
 */
static inline bool
mutex_trylock(struct mutex *m)
{
	u64 free = 0;

	if (!__atomic_compare_exchange_n(&m->owner, &free, (u64)current, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	if (CONFIG_DEBUG)
		lock_note_sleep(m->rank);
	return true;
}

/*
 * mutex_lock - take @m, sleeping until it is free
 *
 * Returns   nothing; not interrupted by signals
 * Context   may sleep
 */
static inline void
mutex_lock(struct mutex *m)
{
	u64 free = 0;

	if (CONFIG_DEBUG)
		lock_check_sleep(m->rank, LOCK_PLAIN);
	if (unlikely(!__atomic_compare_exchange_n(&m->owner, &free, (u64)current, false, __ATOMIC_ACQUIRE,
						  __ATOMIC_RELAXED)))
		mutex_lock_slow(m, TASK_UNINTERRUPTIBLE);
	if (CONFIG_DEBUG)
		lock_note_sleep(m->rank);
}

/*
 * mutex_lock_killable - as mutex_lock, for locks whose holder may wait for memory: a victim of the OOM killer must not
 * wait for it in turn
 *
 * Returns   0; -EINTR, not taken: a fatal signal is pending
 * Context   may sleep
 */
static inline __must_check int
mutex_lock_killable(struct mutex *m)
{
	u64 free = 0;

	if (CONFIG_DEBUG)
		lock_check_sleep(m->rank, LOCK_PLAIN);
	if (unlikely(!__atomic_compare_exchange_n(&m->owner, &free, (u64)current, false, __ATOMIC_ACQUIRE,
						  __ATOMIC_RELAXED)) &&
	    mutex_lock_slow(m, TASK_KILLABLE))
		return -EINTR;
	if (CONFIG_DEBUG)
		lock_note_sleep(m->rank);
	return 0;
}

static inline void
mutex_unlock(struct mutex *m)
{
	u64 mine = (u64)current;

	if (CONFIG_DEBUG)
		lock_forget_sleep(m->rank);
	if (unlikely(!__atomic_compare_exchange_n(&m->owner, &mine, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)))
		mutex_unlock_slow(m);
}

/* Does the current task hold it? */
static inline bool
mutex_is_mine(const struct mutex *m)
{
	return (__atomic_load_n(&m->owner, __ATOMIC_RELAXED) & ~MUTEX_WAITERS) == (u64)current;
}
