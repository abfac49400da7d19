/* SPDX-License-Identifier: MIT */
/*
 * kernel/lock_wait.c - tasks that queue for a sleeping lock
 *
 * Idea        see lock_wait.h
 * Invariants  see lock_wait.h
 * Locks       see lock_wait.h
 * Follow      from mutex.c, rwsem.c   to sched.c
 * Tests       selftest=locks
 */
#include <kernel/lock_wait.h>
#include <kernel/sched.h>
#include <kernel/wait.h>

int
lock_wait_sleep(struct lock_waiter *w, enum task_state state)
{
	int result = 0;

	for (;;) {
		task_state_set(state);
		if (__atomic_load_n(&w->granted, __ATOMIC_ACQUIRE))
			break;
		result = wait_interrupted(state);
		if (result)
			break;
		schedule();
	}
	task_state_set(TASK_RUNNING);
	return result;
}

void
lock_wait_grant(struct lock_waiter *w)
{
	struct task *task = w->task;

	list_del(&w->link);
	__atomic_store_n(&w->granted, true, __ATOMIC_SEQ_CST);
	sched_wake(task);
}
