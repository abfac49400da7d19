/* SPDX-License-Identifier: MIT */
/*
 * kernel/lock_wait.h - what mutex.c and rwsem.c share: tasks that queue for a sleeping lock
 *
 * Idea        The releaser decides who gets the lock and says so in the waiter's own record; the waiter only looks
 *             there.
 * Invariants  I1  A waiter is on its lock's list until it is granted the lock or gives up; granted never goes back.
 * Locks       the sleeping lock's own spinlock guards list and granted (granted is polled without it)
 * Follow      from mutex.c, rwsem.c   to lock_wait.c
 * Tests       selftest=locks
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/task.h>

struct lock_waiter {
	struct list link;
	struct task *task;
	bool writer;  /* rwsem: wants to write */
	bool granted; /* the lock is this task's */
};

/*
 * lock_wait_sleep - sleep in @state until @w is granted its lock
 *
 * Returns   0; -EINTR when @state is TASK_KILLABLE and a fatal signal came first: the caller takes @w off the list,
 *           under the lock, unless it was granted meanwhile
 * Context   may sleep
 */
int lock_wait_sleep(struct lock_waiter *w, enum task_state state);

/* Gives the lock to @w, which is on the list: takes it off and wakes its task. Context: holds the guard. */
void lock_wait_grant(struct lock_waiter *w);
