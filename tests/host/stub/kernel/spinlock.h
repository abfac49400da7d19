/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/spinlock.h - spinlocks for a program with one thread
 *
 * Idea        Of the same size as the kernel's. Nobody can wait: taking a lock that is held, releasing one that is
 *             not, and must_hold() of one that is not are panics.
 * Locks       these are some
 * Follow      in place of <kernel/spinlock.h>
 */
#pragma once

#include <arch/cpu.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>
#include <kernel/lock_check.h>
#include <kernel/lock_rank.h>
#include <kernel/panic.h>

struct spinlock {
	u8 held;
	u8 unused;
	u8 rank;
	u8 holder;
};

#define SPINLOCK_INIT(lock_rank)    \
	{                           \
		.rank = (lock_rank) \
	}

static inline void
spin_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock){.rank = (u8)rank};
}

static inline void
spin_set_rank(struct spinlock *l, enum lock_rank rank)
{
	l->rank = (u8)rank;
}

static inline void
spin_lock(struct spinlock *l)
{
	assert(!l->held);
	l->held = 1;
}

static inline void
spin_lock_nested(struct spinlock *l)
{
	spin_lock(l);
}

static inline bool
spin_trylock(struct spinlock *l)
{
	if (l->held)
		return false;
	l->held = 1;
	return true;
}

static inline void
spin_unlock(struct spinlock *l)
{
	assert(l->held);
	l->held = 0;
}

static inline u64
spin_lock_irqsave(struct spinlock *l)
{
	u64 flags = irq_save();

	spin_lock(l);
	return flags;
}

static inline void
spin_unlock_irqrestore(struct spinlock *l, u64 flags)
{
	spin_unlock(l);
	irq_restore(flags);
}

static inline bool
spin_is_held(const struct spinlock *l)
{
	return l->held;
}

static inline void
must_hold(const struct spinlock *l)
{
	assert(l->held);
}
