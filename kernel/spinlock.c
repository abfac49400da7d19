/* SPDX-License-Identifier: MIT */
/*
 * kernel/spinlock.c - waiting for a lock
 *
 * Idea        In a virtual machine a CPU is a thread of the host, and stands still whenever the host runs another. If
 *             that happens to one that has drawn a ticket, all behind it wait, though the lock may be free; and while
 *             they spin, they keep it from running. So a waiter first only watches, and tries when the lock looks
 *             free: whoever runs gets it. It lets interrupts in meanwhile if its caller had them on, and naps when
 *             the wait gets long, so that the host has a CPU for the holder. Only after much bad luck it draws a
 *             ticket; from then on all who have one are served in order, before any watcher.
 *             Simple: the timer ends a nap; in a bigger kernel the holder wakes the sleeper through the hypervisor.
 * Invariants  see spinlock.h
 * Locks       see spinlock.h
 * Follow      from spinlock.h   to timer.c
 * Tests       selftest=locks
 */
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>

#define WATCH_ROUNDS 50         /* looks at the lock before a nap: some microseconds */
#define NAP_NS (50 * NS_PER_US) /* about what it takes to be woken */
#define PATIENCE 200            /* watches before a ticket is drawn: at most 10 ms of naps */

/* Debug builds: rounds of waiting after which the holder is taken for lost. Tens of seconds under emulation. */
#define SPIN_LOST (1U << 31)

static void watch(const struct spinlock *l);
static void queue_up(struct spinlock *l);

void
spin_wait(struct spinlock *l, u64 flags)
{
	for (u32 i = 0; i < PATIENCE; i++) {
		irq_restore(flags);
		watch(l);
		if (flags)
			irq_disable();
		if (spin_try(l))
			return;
	}
	queue_up(l);
}

/* Returns when @l looks free, or a while later. */
static void
watch(const struct spinlock *l)
{
	for (u32 i = 0; i < WATCH_ROUNDS; i++) {
		if (!spin_is_held(l))
			return;
		cpu_relax();
	}
	/* Why holding other locks does not matter: those that interrupts take are held with interrupts off. */
	if (irq_enabled() && sched_is_running()) {
		irq_disable();
		timer_nap(NAP_NS);
	}
}

static void
queue_up(struct spinlock *l)
{
	u8 ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE);
	u32 rounds = 0;

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket) {
		cpu_relax();
		if (CONFIG_DEBUG && ++rounds == SPIN_LOST)
			panic("spinlock %s at %p is never released: CPU %d holds it", lock_rank_name(l->rank),
			      (void *)l, l->holder - 1);
	}
}
