/* SPDX-License-Identifier: MIT */
/*
 * kernel/mutex.c - the contended half of the mutex
 *
 * Idea        see mutex.h. Simple: a bigger kernel lets a running task snatch the lock before the one it was promised
 *             to has woken up, which is faster under load, and then needs a way to keep that from starving anyone.
 * Invariants  see mutex.h
 * Locks       mutex.lock
 * Follow      from mutex.h   to lock_wait.c
 * Tests       selftest=locks
 */
#include <kernel/lock_wait.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>

static bool mutex_join(struct mutex *m, struct lock_waiter *w);
static int mutex_wait(struct mutex *m, struct lock_waiter *w, enum task_state state);

void
mutex_init(struct mutex *m, enum lock_rank rank)
{
	m->owner = 0;
	spin_init(&m->lock, RANK_WAIT);
	m->rank = rank;
	list_init(&m->waiters);
}

int
mutex_lock_slow(struct mutex *m, enum task_state state)
{
	struct lock_waiter w = {.task = current};
	u64 flags;
	bool mine;

	assertf(!mutex_is_mine(m), "task %d (%s) waits for a mutex that it holds itself", current->tid, current->comm);
	flags = spin_lock_irqsave(&m->lock);
	mine = mutex_join(m, &w);
	spin_unlock_irqrestore(&m->lock, flags);
	return mine ? 0 : mutex_wait(m, &w, state);
}

void
mutex_unlock_slow(struct mutex *m)
{
	u64 flags = spin_lock_irqsave(&m->lock);

	assertf(mutex_is_mine(m), "task %d (%s) releases a mutex that belongs to %#lx", current->tid, current->comm,
		m->owner);
	if (list_empty(&m->waiters)) {
		__atomic_store_n(&m->owner, 0, __ATOMIC_RELEASE);
	} else {
		struct lock_waiter *w = list_first(&m->waiters, struct lock_waiter, link);
		bool more = w->link.next != &m->waiters;

		__atomic_store_n(&m->owner, (u64)w->task | (more ? MUTEX_WAITERS : 0), __ATOMIC_RELEASE);
		lock_wait_grant(w);
	}
	spin_unlock_irqrestore(&m->lock, flags);
}

/* True: it was free by now and is taken. Else @w is queued, and the owner knows that it must come here. */
static bool
mutex_join(struct mutex *m, struct lock_waiter *w)
{
	u64 old = __atomic_load_n(&m->owner, __ATOMIC_RELAXED);
	u64 new;

	do {
		new = old ? old | MUTEX_WAITERS : (u64)w->task;
	} while (!__atomic_compare_exchange_n(&m->owner, &old, new, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	if (!old)
		return true;
	list_add_tail(&w->link, &m->waiters);
	return false;
}

/* Sleeps until granted, or gives up and leaves the queue: 0 or -EINTR. */
static int
mutex_wait(struct mutex *m, struct lock_waiter *w, enum task_state state)
{
	int result = lock_wait_sleep(w, state);
	/* Why: also when granted. Who granted it may still be in sched_wake(current), under this lock. */
	u64 flags = spin_lock_irqsave(&m->lock);

	if (w->granted)
		result = 0;
	if (result) {
		list_del(&w->link);
		if (list_empty(&m->waiters))
			__atomic_fetch_and(&m->owner, ~MUTEX_WAITERS, __ATOMIC_RELAXED);
	}
	spin_unlock_irqrestore(&m->lock, flags);
	assert(result || mutex_is_mine(m));
	return result;
}
