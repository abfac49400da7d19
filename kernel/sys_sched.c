/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_sched.c - the system calls about CPUs and who gets how much of them
 *
 * Idea        find the threads concerned under process_lock, change each through sched_attr.h
 * Invariants  none
 * Locks       process_lock
 * Follow      from syscall.c   to sched_attr.c
 * Tests       tests/guest/affinity.c, tests/guest/nice.c
 * See         sched(7), sched_setaffinity(2), getpriority(2)
 */
#include <arch/mmu.h>
#include <kernel/cred.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/sched_attr.h>
#include <kernel/sys_abi.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define RESET_ON_FORK 0x40000000
#define REALTIME_PRIORITY_MAX 99

/* getpriority's whose. */
enum priority_whose {
	PRIO_PROCESS,
	PRIO_PGRP,
	PRIO_USER,
};

/* One call over the threads it names. */
struct priority_call {
	bool set;
	s32 nice; /* set: the new one; else the smallest found */
	u32 found;
	int error;
};

static u64 cpus_online(void);
static struct task *thread_or_self(s32 tid);
static void wait_until_placed(s32 tid);
static int priority_visit(u32 whose, s32 who, struct priority_call *call);
static bool process_concerned(const struct process *process, u32 whose, s32 who);
static void priority_of_task(struct task *task, struct priority_call *call);
static void priority_set(struct task *task, struct priority_call *call);
static s64 policy_set(s32 tid, s32 policy, u64 param);
static s64 policy_check(s32 policy, u32 priority);

s64
sys_sched_yield(void)
{
	sched_yield_current();
	return 0;
}

s64
sys_getcpu(u64 cpu, u64 node, u64 unused)
{
	if (cpu && put_user_u32(this_cpu_id(), (u32 __user *)cpu))
		return -EFAULT;
	if (node && put_user_u32(0, (u32 __user *)node))
		return -EFAULT;
	return 0;
}

/* ---- affinity ---- */

static u64
cpus_online(void)
{
	return cpu_count() >= 64 ? ~0UL : BIT(cpu_count()) - 1;
}

/* Context: holds process_lock. */
static struct task *
thread_or_self(s32 tid)
{
	return tid ? process_find_thread(tid) : current;
}

s64
sys_sched_getaffinity(u64 tid, u64 size, u64 to)
{
	struct task *task;
	u64 mask = 0;

	if (size < sizeof(mask) || size % sizeof(mask))
		return -EINVAL;
	spin_lock(&process_lock);
	task = thread_or_self((s32)tid);
	if (task)
		mask = READ_ONCE(task->cpus_allowed) & cpus_online();
	spin_unlock(&process_lock);
	if (!task)
		return -ESRCH;
	return put_user_u64(mask, (u64 __user *)to) ? -EFAULT : (s64)sizeof(mask);
}

s64
sys_sched_setaffinity(u64 tid, u64 size, u64 from)
{
	struct task *task;
	u64 mask = 0;
	bool allowed;

	if (copy_from_user(&mask, (const void __user *)from, min_u64((u32)size, sizeof(mask))))
		return -EFAULT;
	mask &= cpus_online();
	spin_lock(&process_lock);
	task = thread_or_self((s32)tid);
	allowed = task && cred_may_nice(task->process);
	if (allowed && task != current && mask)
		sched_set_affinity(task, mask);
	spin_unlock(&process_lock);
	if (!task)
		return -ESRCH;
	if (!allowed)
		return -EPERM;
	if (!mask)
		return -EINVAL;
	if (task == current)
		sched_set_affinity(current, mask);
	else
		wait_until_placed((s32)tid);
	return 0;
}

/* Race: the thread may end, and another get its number: then there is nothing to wait for. */
static void
wait_until_placed(s32 tid)
{
	struct task *task;
	bool misplaced;

	do {
		spin_lock(&process_lock);
		task = process_find_thread(tid);
		misplaced = task && sched_misplaced(task);
		spin_unlock(&process_lock);
		if (misplaced)
			sched_yield_current();
	} while (misplaced);
}

/* ---- nice ---- */

/* Linux counts from 1 to 40 here, so that no value looks like an error. */
s64
sys_getpriority(u64 whose, u64 who)
{
	struct priority_call call = {.nice = NICE_MAX};
	int error = priority_visit((u32)whose, (s32)who, &call);

	return error ? error : NICE_MAX + 1 - call.nice;
}

s64
sys_setpriority(u64 whose, u64 who, u64 nice)
{
	s32 value = (s32)nice;
	struct priority_call call = {.set = true};

	call.nice = value < NICE_MIN ? NICE_MIN : value > NICE_MAX ? NICE_MAX : value;
	return priority_visit((u32)whose, (s32)who, &call);
}

static int
priority_visit(u32 whose, s32 who, struct priority_call *call)
{
	struct process *process;
	struct task *task;

	if (whose > PRIO_USER)
		return -EINVAL;
	spin_lock(&process_lock);
	if (whose == PRIO_PROCESS) {
		task = thread_or_self(who);
		if (task)
			priority_of_task(task, call);
	} else {
		list_for_each (process, &process_list, all)
			if (process_concerned(process, whose, who))
				list_for_each (task, &process->threads, thread_link)
					priority_of_task(task, call);
	}
	spin_unlock(&process_lock);
	return call->found ? call->error : -ESRCH;
}

/* User 0 means the caller's own. */
static bool
process_concerned(const struct process *process, u32 whose, s32 who)
{
	if (whose == PRIO_USER)
		return process->cred.user.real == (who ? (u32)who : current->process->cred.user.real);
	return process->pgid == (who ? who : current->process->pgid);
}

static void
priority_of_task(struct task *task, struct priority_call *call)
{
	must_hold(&process_lock);
	call->found++;
	if (call->set)
		priority_set(task, call);
	else
		call->nice = task->nice < call->nice ? task->nice : call->nice;
}

/* Who is not root may become nicer, or as nasty as RLIMIT_NICE allows, which counts from 1 to 40. */
static void
priority_set(struct task *task, struct priority_call *call)
{
	u64 least = (u64)(NICE_MAX + 1 - call->nice);

	if (!cred_may_nice(task->process))
		call->error = -EPERM;
	else if (call->nice < task->nice && !cred_is_root() && least > rlimit_get(task->process, RLIMIT_NICE))
		call->error = -EACCES;
	else
		sched_set_nice(task, call->nice);
}

/* ---- policies ---- */

s64
sys_sched_setscheduler(u64 tid, u64 policy, u64 param)
{
	if ((s32)policy < 0)
		return -EINVAL;
	return policy_set((s32)tid, (s32)policy, param);
}

/* The policy stays, and none of ours has a priority but 0. */
s64
sys_sched_setparam(u64 tid, u64 param)
{
	return policy_set((s32)tid, -1, param);
}

/* @policy negative: as it is. */
static s64
policy_set(s32 tid, s32 policy, u64 param)
{
	bool keep = policy < 0;
	struct task *task;
	u32 priority;
	s64 error;

	if (!param || tid < 0)
		return -EINVAL;
	if (get_user_u32(&priority, (const u32 __user *)param))
		return -EFAULT;
	spin_lock(&process_lock);
	task = thread_or_self(tid);
	error = task ? policy_check(keep ? task->policy : policy & ~RESET_ON_FORK, priority) : -ESRCH;
	if (!error && !cred_may_nice(task->process))
		error = -EPERM;
	if (!error && !keep)
		sched_set_policy(task, (enum sched_policy)(policy & ~RESET_ON_FORK), policy & RESET_ON_FORK);
	spin_unlock(&process_lock);
	return error;
}

static s64
policy_check(s32 policy, u32 priority)
{
	switch (policy) {
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return priority ? -EINVAL : 0;
	case SCHED_FIFO:
	case SCHED_RR:
		return priority >= 1 && priority <= REALTIME_PRIORITY_MAX ? -EPERM : -EINVAL;
	default:
		return -EINVAL;
	}
}

s64
sys_sched_getscheduler(u64 tid)
{
	struct task *task;
	s64 result = -ESRCH;

	if ((s32)tid < 0)
		return -EINVAL;
	spin_lock(&process_lock);
	task = thread_or_self((s32)tid);
	if (task)
		result = task->policy | (task->reset_on_fork ? RESET_ON_FORK : 0);
	spin_unlock(&process_lock);
	return result;
}

s64
sys_sched_getparam(u64 tid, u64 param)
{
	struct task *task;

	if (!param || (s32)tid < 0)
		return -EINVAL;
	spin_lock(&process_lock);
	task = thread_or_self((s32)tid);
	spin_unlock(&process_lock);
	return task ? put_user_u32(0, (u32 __user *)param) : -ESRCH;
}

s64
sys_sched_get_priority_max(u64 policy)
{
	if ((u32)policy == SCHED_FIFO || (u32)policy == SCHED_RR)
		return REALTIME_PRIORITY_MAX;
	return policy_check((s32)policy, 0);
}

s64
sys_sched_get_priority_min(u64 policy)
{
	if ((u32)policy == SCHED_FIFO || (u32)policy == SCHED_RR)
		return 1;
	return policy_check((s32)policy, 0);
}

s64
sys_sched_rr_get_interval(u64 tid, u64 to)
{
	struct timespec slice = {0};
	struct task *task;

	if ((s32)tid < 0)
		return -EINVAL;
	spin_lock(&process_lock);
	task = thread_or_self((s32)tid);
	if (task)
		slice = timespec_from_ns(sched_slice_now(task));
	spin_unlock(&process_lock);
	return task ? copy_to_user((void __user *)to, &slice, sizeof(slice)) : -ESRCH;
}
