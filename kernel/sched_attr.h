/* SPDX-License-Identifier: MIT */
/*
 * kernel/sched_attr.h - how much of a CPU a task gets, and of which
 *
 * Idea        Tasks that wait for one CPU are served in turn. With n of them a round lasts n x 10 ms, and each gets the
 *             part of it that its weight is of the sum of all weights:
 *
 *                 nice     -20 ...  -5 ...   0 ...    5 ...   19      SCHED_IDLE
 *                 weight  88817    3125   1024      335      14      3              one step of nice: a factor of 1.25
 *
 *             A slice is at least 0.1 ms and at most 0.2 s. What a task runs beyond its slice, because the kernel or
 *             the host let no timer through, is taken off its next ones. A task that is alone notices nothing of this.
 *             Simple: sleep earns no credit. A bigger kernel keeps a virtual time for each task (CFS, EEVDF). There are
 *             no real-time policies: asking for one is -EPERM, as in a Linux group that has no real-time bandwidth.
 * Invariants  I1  run_queue.load is the sum of the weights of the tasks in the queue.
 *             I2  A task runs and waits only on CPUs of its cpus_allowed, but for the moment until a CPU that was taken
 *                 from it has noticed.
 * Locks       the run queue lock of the task's CPU
 * Follow      from sys_sched.c, sched.c, fork.c   to balance.c
 * Tests       tests/guest/nice.c, tests/guest/affinity.c
 */
#pragma once

#include <kernel/lib/types.h>

struct run_queue;
struct task;

#define NICE_MIN (-20)
#define NICE_MAX 19
#define SCHED_WEIGHT_DEFAULT 1024U
#define SCHED_WEIGHT_IDLE 3U

/* Linux's numbers. */
enum sched_policy {
	SCHED_OTHER,
	SCHED_FIFO,
	SCHED_RR,
	SCHED_BATCH, /* as OTHER */
	SCHED_IDLE = 5,
};

/* The weight of a nice value (pure). */
u32 sched_weight(s32 nice);

/* How long @t, about to run on @rq, may do so while others wait. Context: holds rq->lock. */
u64 sched_slice(const struct run_queue *rq, const struct task *t);

/* The slice that @t would get now. Context: takes a run queue lock. */
u64 sched_slice_now(struct task *t);

/* Changes the share of @t. Context: holds process_lock, or @t cannot go away; takes a run queue lock. */
void sched_set_nice(struct task *t, s32 nice);
void sched_set_policy(struct task *t, enum sched_policy policy, bool reset_on_fork);

/* A new task is to be scheduled as its maker. Context: @child is known to nobody yet. */
void sched_attr_fork(struct task *child, const struct task *parent);

/*
 * sched_set_affinity - @t may use the CPUs of @mask only, at least one of which is online
 *
 * A task that waits for another CPU is moved; one that runs on another CPU is told to leave.
 *
 * Returns   nothing; sched_misplaced() tells when a running task has left
 * Context   as sched_set_nice
 */
void sched_set_affinity(struct task *t, u64 mask);

/* Does @t still run where it may not? Context: as sched_set_nice. */
bool sched_misplaced(struct task *t);
