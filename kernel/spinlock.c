/* SPDX-License-Identifier: MIT */
/*
 * kernel/spinlock.c - waiting for a ticket
 *
 * Idea        see spinlock.h
 * Invariants  see spinlock.h
 * Locks       see spinlock.h
 * Follow      from spinlock.h
 * Tests       selftest=locks
 */
#include <kernel/panic.h>
#include <kernel/spinlock.h>

/* Debug builds: rounds of waiting after which the holder is taken for lost. Tens of seconds under emulation. */
#define SPIN_LOST (1U << 31)

void
spin_wait(struct spinlock *l, u8 ticket)
{
	u32 rounds = 0;

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket) {
		cpu_relax();
		if (CONFIG_DEBUG && ++rounds == SPIN_LOST)
			panic("spinlock %s at %p is never released: CPU %d holds it", lock_rank_name(l->rank),
			      (void *)l, l->holder - 1);
	}
}
