/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_signal.c - the system calls about actions, masks, stacks, and sending
 *
 * Idea        decode, check, hand to signal.c. Who may signal whom, cred.h says.
 * Invariants  none
 * Locks       process_lock while a target is looked up and sent to
 * Follow      from syscall.c   to signal.c, signal_action.c, signal_stack.c
 * Tests       tests/guest/signal.c, signal_rt.c, tests/guest/proc.c, tests/guest/wild.c
 */
#include <kernel/cred.h>
#include <kernel/lib/errno.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/signal_action.h>
#include <kernel/signal_stack.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define SIGSET_SIZE sizeof(u64)

enum mask_how {
	SIG_BLOCK,
	SIG_UNBLOCK,
	SIG_SETMASK,
};

static s64 kill_one(s32 pid, const struct siginfo *info);
static s64 kill_everybody(const struct siginfo *info);
static s64 kill_thread(s64 tgid, s32 tid, const struct siginfo *info);
static s64 queue_decode(struct siginfo *info, u64 from, s32 target, s32 sig);
static s64 send_checked(struct process *process, const struct siginfo *info);
static s64 kill_group(s32 pgid, const struct siginfo *info);

s64
sys_rt_sigaction(u64 sig, u64 act, u64 old_act, u64 size)
{
	struct signal_action new;
	struct signal_action old;
	int error;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (act && copy_from_user(&new, (const void __user *)act, sizeof(new)))
		return -EFAULT;
	if (!signal_valid((s32)sig))
		return -EINVAL;
	error = signal_action_set((s32)sig, act ? &new : NULL, old_act ? &old : NULL);
	if (!error && old_act && copy_to_user((void __user *)old_act, &old, sizeof(old)))
		error = -EFAULT;
	return error;
}

s64
sys_rt_sigprocmask(u64 how, u64 set, u64 old_set, u64 size)
{
	u64 old = current->signal.blocked;
	u64 mask;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (set && get_user_u64(&mask, (const u64 __user *)set))
		return -EFAULT;
	if (set) {
		switch ((u32)how) {
		case SIG_BLOCK:
			signal_mask_set(old | mask);
			break;
		case SIG_UNBLOCK:
			signal_mask_set(old & ~mask);
			break;
		case SIG_SETMASK:
			signal_mask_set(mask);
			break;
		default:
			return -EINVAL;
		}
	}
	return old_set ? put_user_u64(old, (u64 __user *)old_set) : 0;
}

s64
sys_rt_sigreturn(void)
{
	return signal_return(task_frame(current));
}

s64
sys_sigaltstack(u64 new, u64 old)
{
	u64 sp = task_frame(current)->rsp;
	struct signal_stack_abi before;
	struct signal_stack_abi stack;
	int error = 0;

	if (new &&copy_from_user(&stack, (const void __user *)new, sizeof(stack)))
		return -EFAULT;
	signal_stack_get(&before, sp);
	if (new)
		error = signal_stack_set(&stack, sp);
	if (!error && old)
		error = copy_to_user((void __user *)old, &before, sizeof(before));
	return error;
}

/* ---- kill ---- */

s64
sys_kill(u64 pid_arg, u64 sig_arg)
{
	s32 pid = (s32)pid_arg;
	struct siginfo info = siginfo_sent((s32)sig_arg, SI_USER);
	s64 result;

	/* Why: the negative of this number is no number. */
	if (pid == INT32_MIN)
		return -ESRCH;
	spin_lock(&process_lock);
	if (pid > 0)
		result = kill_one(pid, &info);
	else if (pid == -1)
		result = kill_everybody(&info);
	else
		result = kill_group(pid ? -pid : current->process->pgid, &info);
	spin_unlock(&process_lock);
	return result;
}

/* To a process as a whole. Signal 0 only asks whether it is there. */
static s64
send_checked(struct process *process, const struct siginfo *info)
{
	if (info->signo && !signal_valid(info->signo))
		return -EINVAL;
	if (!cred_may_signal(process, info->signo))
		return -EPERM;
	return info->signo ? signal_send_process_info(process, info) : 0;
}

/* A zombie exists still: it takes a signal and nothing happens. Any thread's number names its process, as in Linux. */
static s64
kill_one(s32 pid, const struct siginfo *info)
{
	struct process *process = process_find(pid);
	struct task *task = process ? NULL : process_find_thread(pid);

	must_hold(&process_lock);
	if (task)
		process = task->process;
	return process ? send_checked(process, info) : -ESRCH;
}

static s64
kill_group(s32 pgid, const struct siginfo *info)
{
	struct pid_node *node = pid_find(PID_GROUP, pgid);
	s64 result = 0;
	bool sent = false;

	must_hold(&process_lock);
	if (!node)
		return -ESRCH;
	if (info->signo && !signal_valid(info->signo))
		return -EINVAL;
	for (; node; node = pid_next(node)) {
		result = send_checked(container_of(node, struct process, pgid_node), info);
		sent |= !result;
	}
	return sent ? 0 : result;
}

/* All but init and the caller. */
static s64
kill_everybody(const struct siginfo *info)
{
	struct process *process;
	s64 result = -ESRCH;

	must_hold(&process_lock);
	list_for_each (process, &process_list, all)
		if (!process->init && process != current->process)
			result = send_checked(process, info);
	return result;
}

s64
sys_tkill(u64 tid, u64 sig)
{
	struct siginfo info = siginfo_sent((s32)sig, SI_TKILL);

	if ((s32)tid <= 0)
		return -EINVAL;
	return kill_thread(-1, (s32)tid, &info);
}

s64
sys_tgkill(u64 tgid, u64 tid, u64 sig)
{
	struct siginfo info = siginfo_sent((s32)sig, SI_TKILL);

	if ((s32)tgid <= 0 || (s32)tid <= 0)
		return -EINVAL;
	return kill_thread((s32)tgid, (s32)tid, &info);
}

/* @tgid -1: of any process. */
static s64
kill_thread(s64 tgid, s32 tid, const struct siginfo *info)
{
	struct task *task;
	s64 result = 0;

	spin_lock(&process_lock);
	task = process_find_thread(tid);
	if (!task || (tgid >= 0 && task->process->pid != tgid))
		result = -ESRCH;
	else if (info->signo && !signal_valid(info->signo))
		result = -EINVAL;
	else if (!cred_may_signal(task->process, info->signo))
		result = -EPERM;
	else if (info->signo)
		result = signal_send_thread_info(task, info);
	spin_unlock(&process_lock);
	return result;
}

/* ---- sigqueue ---- */

s64
sys_rt_sigqueueinfo(u64 pid, u64 sig, u64 from)
{
	struct siginfo info;
	s64 result = queue_decode(&info, from, (s32)pid, (s32)sig);

	if (result)
		return result;
	spin_lock(&process_lock);
	result = kill_one((s32)pid, &info);
	spin_unlock(&process_lock);
	return result;
}

s64
sys_rt_tgsigqueueinfo(u64 tgid, u64 tid, u64 sig, u64 from)
{
	struct siginfo info;
	s64 result = queue_decode(&info, from, (s32)tid, (s32)sig);

	if (result)
		return result;
	if ((s32)tgid <= 0 || (s32)tid <= 0)
		return -EINVAL;
	return kill_thread((s32)tgid, (s32)tid, &info);
}

/* Nobody but itself may be told that a signal came from the kernel, or from kill(). */
static s64
queue_decode(struct siginfo *info, u64 from, s32 target, s32 sig)
{
	int error = siginfo_from_user(info, from, sig);

	if (error)
		return error;
	if ((info->code >= 0 || info->code == SI_TKILL) && target != current->process->pid)
		return -EPERM;
	return 0;
}
