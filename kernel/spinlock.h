/* SPDX-License-Identifier: MIT */
/*
 * kernel/spinlock.h - the ticket lock
 *
 * Idea        Like numbers at a counter: who comes draws `next`, who may enter is `owner`. First come, first served,
 *             so no CPU starves. Taking is one locked exchange and one comparison, releasing one plain increment.
 *             Four bytes, so that every struct page has one.
 *             But nobody draws a number while others wait, at first: see spinlock.c.
 *             A bigger kernel queues waiters on cache lines of their own (MCS); up to 16 CPUs spin on one here
 *             (Simple:).
 * Invariants  I1  next - owner (mod 256) is the number of CPUs that hold or wait; at most MAX_CPUS + 1 < 256.
 *             I2  Nobody sleeps while holding one, or returns to user mode.
 *             I3  A lock that an interrupt takes is only ever taken with interrupts off (the irqsave calls).
 * Locks       this is one
 * Follow      from everywhere   to spinlock.c, lock_check.c
 * Tests       selftest=locks, selftest=rank
 * See         kernel/lock_rank.h
 */
#pragma once

#include <arch/cpu.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>
#include <kernel/lock_check.h>
#include <kernel/lock_rank.h>

struct spinlock {
	union {
		struct {
			u8 owner; /* the ticket that is served; written by the holder only */
			u8 next;  /* atomic: the next ticket to draw; the high byte, so that it wraps out of tickets */
		};
		u16 tickets; /* both at once, for trylock */
	};
	u8 rank;   /* enum lock_rank; const after init, but of a frame's lock: see mm/page.h I4 */
	u8 holder; /* debug builds: number of the CPU + 1; holder only */
};

_Static_assert(sizeof(struct spinlock) == 4, "struct page has room for four bytes");

#define SPINLOCK_INIT(lock_rank)    \
	{                           \
		.rank = (lock_rank) \
	}

/*
 * spin_wait - take @l, which is held
 *
 * @flags  of spin_lock_irqsave: interrupts are as they say while we wait; 0: they stay as they are
 *
 * Returns   interrupts off if @flags is not 0
 * Context   any
 */
void spin_wait(struct spinlock *l, u64 flags);

static inline void
spin_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock){.rank = (u8)rank};
}

/* Gives another rank to a lock that somebody may hold at this moment. */
static inline void
spin_set_rank(struct spinlock *l, enum lock_rank rank)
{
	WRITE_ONCE(l->rank, (u8)rank);
}

/* Draws a ticket if it is served at once. */
static inline bool
spin_try(struct spinlock *l)
{
	u16 tickets = __atomic_load_n(&l->tickets, __ATOMIC_RELAXED);

	/* Are both bytes equal? */
	if (unlikely(__builtin_bswap16(tickets) != tickets))
		return false;
	return __atomic_compare_exchange_n(&l->tickets, &tickets, (u16)(tickets + 0x100), false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/*
 * spin_lock - take @l; waits with interrupts as they are
 *
 * Returns   nothing
 * Context   any that may take its rank
 * Takes     the lock (spin_unlock)
 */
static inline void
spin_lock(struct spinlock *l)
{
	if (CONFIG_DEBUG)
		lock_check_spin(l, LOCK_PLAIN);
	if (unlikely(!spin_try(l)))
		spin_wait(l, 0);
	if (CONFIG_DEBUG)
		lock_note_spin(l);
}

/* As spin_lock, where a lock of the same rank is held and the caller knows an order among them. */
static inline void
spin_lock_nested(struct spinlock *l)
{
	if (CONFIG_DEBUG)
		lock_check_spin(l, LOCK_NESTED);
	if (unlikely(!spin_try(l)))
		spin_wait(l, 0);
	if (CONFIG_DEBUG)
		lock_note_spin(l);
}

/*
 * spin_trylock - take @l if nobody has it
 *
 * Returns   true: taken
 * Context   any, whatever is held
 */
static inline bool
spin_trylock(struct spinlock *l)
{
	bool taken = spin_try(l);

	if (CONFIG_DEBUG && taken)
		lock_note_spin(l);
	return taken;
}

static inline void
spin_unlock(struct spinlock *l)
{
	if (CONFIG_DEBUG)
		lock_forget_spin(l);
	/* Why a plain increment: one instruction; nobody else writes the byte, and stores become visible in order. */
	barrier();
	l->owner++;
	barrier();
}

/*
 * spin_lock_irqsave - interrupts off, then take @l; waits with interrupts as they were
 *
 * Returns   what spin_unlock_irqrestore needs
 * Context   any that may take its rank
 */
static inline u64
spin_lock_irqsave(struct spinlock *l)
{
	u64 flags = irq_save();

	if (CONFIG_DEBUG)
		lock_check_spin(l, LOCK_PLAIN);
	if (unlikely(!spin_try(l)))
		spin_wait(l, flags);
	if (CONFIG_DEBUG)
		lock_note_spin(l);
	return flags;
}

static inline void
spin_unlock_irqrestore(struct spinlock *l, u64 flags)
{
	spin_unlock(l);
	irq_restore(flags);
}

/* Does anyone hold it? */
static inline bool
spin_is_held(const struct spinlock *l)
{
	return __atomic_load_n(&l->next, __ATOMIC_RELAXED) != __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
}

/* Panics with the lock's rank when this CPU does not hold @l (debug builds). */
void lock_check_held(const struct spinlock *l);

/* States that the caller holds @l. Costs nothing in release builds. */
static inline void
must_hold(const struct spinlock *l)
{
	if (CONFIG_DEBUG)
		lock_check_held(l);
}
