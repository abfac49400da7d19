/* SPDX-License-Identifier: MIT */
/*
 * kernel/rwsem.c - the contended half of the reader-writer semaphore
 *
 * Idea        see rwsem.h. One rule decides all races: the lock is handed on by a compare-and-exchange that starts from
 *             exactly RWSEM_WAITING (waiters, nobody inside), under the guard. A coming reader that is just in
 *             between, with its addition not yet taken back, makes it fail; that reader then sees RWSEM_WAITING itself
 *             when it takes the addition back, and hands on in its turn.
 * Invariants  see rwsem.h
 * Locks       rwsem.lock
 * Follow      from rwsem.h   to lock_wait.c
 * Tests       selftest=locks
 */
#include <kernel/lock_wait.h>
#include <kernel/panic.h>
#include <kernel/rwsem.h>

static bool rwsem_read_join(struct rwsem *s, struct lock_waiter *w);
static bool rwsem_write_join(struct rwsem *s, struct lock_waiter *w);
static int rwsem_wait(struct rwsem *s, struct lock_waiter *w, enum task_state state);
static void rwsem_hand_on(struct rwsem *s);
static u32 rwsem_next_count(struct rwsem *s);

void
rwsem_init(struct rwsem *s, enum lock_rank rank)
{
	*s = (struct rwsem){.rank = rank};
	spin_init(&s->lock, RANK_WAIT);
	list_init(&s->waiters);
}

int
rwsem_read_lock_slow(struct rwsem *s, enum task_state state)
{
	struct lock_waiter w = {.task = current};
	u64 flags = spin_lock_irqsave(&s->lock);
	bool mine = rwsem_read_join(s, &w);

	spin_unlock_irqrestore(&s->lock, flags);
	return mine ? 0 : rwsem_wait(s, &w, state);
}

int
rwsem_write_lock_slow(struct rwsem *s, enum task_state state)
{
	struct lock_waiter w = {.task = current, .writer = true};
	u64 flags;
	bool mine;

	assertf(!rwsem_write_is_mine(s), "task %d (%s) waits for a lock that it holds itself", current->tid,
		current->comm);
	flags = spin_lock_irqsave(&s->lock);
	mine = rwsem_write_join(s, &w);
	spin_unlock_irqrestore(&s->lock, flags);
	return mine ? 0 : rwsem_wait(s, &w, state);
}

/* The last reader has left and somebody waits. */
void
rwsem_read_unlock_slow(struct rwsem *s)
{
	u64 flags = spin_lock_irqsave(&s->lock);

	rwsem_hand_on(s);
	spin_unlock_irqrestore(&s->lock, flags);
}

/* The writer leaves and somebody waits, or a reader is just finding out that it must. */
void
rwsem_write_unlock_slow(struct rwsem *s)
{
	u64 flags = spin_lock_irqsave(&s->lock);

	assertf(s->count & RWSEM_WRITER, "task %d (%s) is no writer: count %#x", current->tid, current->comm, s->count);
	__atomic_fetch_sub(&s->count, RWSEM_WRITER, __ATOMIC_RELEASE);
	rwsem_hand_on(s);
	spin_unlock_irqrestore(&s->lock, flags);
}

/*
 * The reader has added itself and then seen a writer or waiters. True: they are gone, and it may stay. Else it takes
 * its addition back and is queued.
 */
static bool
rwsem_read_join(struct rwsem *s, struct lock_waiter *w)
{
	u32 old = __atomic_load_n(&s->count, __ATOMIC_ACQUIRE);

	do {
		if (!(old & (RWSEM_WRITER | RWSEM_WAITING)))
			return true;
	} while (!__atomic_compare_exchange_n(&s->count, &old, (old - RWSEM_READER) | RWSEM_WAITING, false,
					      __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	list_add_tail(&w->link, &s->waiters);
	/* Race: the last one inside may have left while our addition was in the word, and then handed nothing on. */
	rwsem_hand_on(s);
	return false;
}

/* True: free by now, and taken. Else @w is queued. */
static bool
rwsem_write_join(struct rwsem *s, struct lock_waiter *w)
{
	u32 old = __atomic_load_n(&s->count, __ATOMIC_RELAXED);
	u32 new;

	do {
		new = old ? old | RWSEM_WAITING : RWSEM_WRITER;
	} while (!__atomic_compare_exchange_n(&s->count, &old, new, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	if (!old)
		return true;
	list_add_tail(&w->link, &s->waiters);
	return false;
}

/* Sleeps until granted, or gives up and leaves the queue: 0 or -EINTR. */
static int
rwsem_wait(struct rwsem *s, struct lock_waiter *w, enum task_state state)
{
	int result = lock_wait_sleep(w, state);
	/* Why: also when granted. Who granted it may still be in sched_wake(current), under this lock. */
	u64 flags = spin_lock_irqsave(&s->lock);

	if (w->granted)
		result = 0;
	if (result) {
		list_del(&w->link);
		if (list_empty(&s->waiters))
			__atomic_fetch_and(&s->count, ~RWSEM_WAITING, __ATOMIC_RELAXED);
	}
	spin_unlock_irqrestore(&s->lock, flags);
	return result;
}

/* If nobody is inside: the writer at the head of the queue, or all readers before the first writer, come in. */
static void
rwsem_hand_on(struct rwsem *s)
{
	u32 alone = RWSEM_WAITING;
	u32 inside;

	must_hold(&s->lock);
	if (list_empty(&s->waiters))
		return;
	inside = rwsem_next_count(s);
	if (!__atomic_compare_exchange_n(&s->count, &alone, inside, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	for (u32 n = inside & RWSEM_WRITER ? 1 : inside / RWSEM_READER; n > 0; n--)
		lock_wait_grant(list_first(&s->waiters, struct lock_waiter, link));
	assert(list_empty(&s->waiters) == !(inside & RWSEM_WAITING));
}

/* What the word must become when those at the head of the queue come in. */
static u32
rwsem_next_count(struct rwsem *s)
{
	struct lock_waiter *w = list_first(&s->waiters, struct lock_waiter, link);
	u32 inside = 0;

	if (w->writer)
		return RWSEM_WRITER | (w->link.next == &s->waiters ? 0 : RWSEM_WAITING);
	list_for_each (w, &s->waiters, link) {
		if (w->writer)
			return inside | RWSEM_WAITING;
		inside += RWSEM_READER;
	}
	return inside;
}
