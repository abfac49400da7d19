/* SPDX-License-Identifier: MIT */
/*
 * kernel/kthread.c - tasks that live in the kernel alone
 *
 * Idea        see kthread.h
 * Invariants  none
 * Locks       none
 * Follow      from main.c   to task.c, sched.c
 * Tests       selftest=threads
 */
#include <kernel/kthread.h>
#include <kernel/sched.h>
#include <kernel/task.h>

static void kthread_main(void *arg);

struct task *
kthread_create(void (*fn)(void *arg), void *arg, const char *name)
{
	struct task *t = task_alloc();

	if (!t)
		return NULL;
	task_set_comm(t, name);
	t->kthread_fn = fn;
	t->kthread_arg = arg;
	if (arch_task_init(t, task_stack_top(t), kthread_main, t)) {
		task_free(t);
		return NULL;
	}
	sched_add_new(t);
	return t;
}

/* The first function of every kernel thread, after sched_tail(). */
static void
kthread_main(void *arg)
{
	struct task *t = arg;

	t->kthread_fn(t->kthread_arg);
	sched_exit();
}
