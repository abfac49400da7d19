/* SPDX-License-Identifier: MIT */
/*
 * kernel/kthread.h - tasks that live in the kernel alone
 *
 * Idea        a task without process and address space, whose life is one function
 * Invariants  none
 * Locks       none
 * Follow      from kernel/main.c, selftest.c   to task.c, sched.c
 * Tests       selftest=threads
 */
#pragma once

struct task;

/*
 * kthread_create - start a task that runs @fn(@arg) and ends when that returns
 *
 * @name  shown in reports; cut to fit
 *
 * Returns   the task, which may have ended by then unless @fn never returns; NULL when memory ran out
 * Context   may sleep
 */
struct task *kthread_create(void (*fn)(void *arg), void *arg, const char *name);
