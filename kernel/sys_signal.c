/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_signal.c - the system calls about signals
 *
 * Idea        decode, check, hand to signal.c. Everybody is root, so that no permission is looked at.
 * Invariants  none
 * Locks       process_lock while a target is looked up and sent to
 * Follow      from syscall.c   to signal.c
 * Tests       tests/guest/proc.c, tests/guest/wild.c
 */
#include <kernel/lib/errno.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define SIGSET_SIZE sizeof(u64)

enum mask_how {
	SIG_BLOCK,
	SIG_UNBLOCK,
	SIG_SETMASK,
};

static s64 kill_one(s32 pid, int sig);
static s64 kill_group(s32 pgid, int sig);
static s64 kill_everybody(int sig);
static s64 kill_thread(s64 tgid, s32 tid, int sig);

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
sys_rt_sigpending(u64 set, u64 size)
{
	struct task *task = current;
	u64 pending;

	if (size > SIGSET_SIZE)
		return -EINVAL;
	spin_lock(&process_lock);
	pending = (task->signal.pending | task->process->pending) & task->signal.blocked;
	spin_unlock(&process_lock);
	return copy_to_user((void __user *)set, &pending, size);
}

s64
sys_pause(void)
{
	return restart_unless_handler(wait_event_interruptible(&current->process->wait_self, false));
}

/* ---- kill ---- */

s64
sys_kill(u64 pid_arg, u64 sig_arg)
{
	s32 pid = (s32)pid_arg;
	s32 sig = (s32)sig_arg;
	s64 result;

	if (sig != 0 && !signal_valid(sig))
		return -EINVAL;
	/* Why: the negative of this number is no number. */
	if (pid == INT32_MIN)
		return -ESRCH;
	spin_lock(&process_lock);
	if (pid > 0)
		result = kill_one(pid, sig);
	else if (pid == -1)
		result = kill_everybody(sig);
	else
		result = kill_group(pid ? -pid : current->process->pgid, sig);
	spin_unlock(&process_lock);
	return result;
}

/* A zombie exists still: it takes a signal and nothing happens. Any thread's number names its process, as in Linux. */
static s64
kill_one(s32 pid, int sig)
{
	struct process *process = process_find(pid);
	struct task *task = process ? NULL : process_find_thread(pid);

	must_hold(&process_lock);
	if (task)
		process = task->process;
	if (!process)
		return -ESRCH;
	if (sig)
		signal_send_process(process, sig);
	return 0;
}

static s64
kill_group(s32 pgid, int sig)
{
	struct pid_node *node = pid_find(PID_GROUP, pgid);

	must_hold(&process_lock);
	if (!node)
		return -ESRCH;
	for (; node; node = pid_next(node))
		if (sig)
			signal_send_process(container_of(node, struct process, pgid_node), sig);
	return 0;
}

/* All but init and the caller. */
static s64
kill_everybody(int sig)
{
	struct process *process;
	s64 result = -ESRCH;

	must_hold(&process_lock);
	list_for_each (process, &process_list, all) {
		if (process->init || process == current->process)
			continue;
		result = 0;
		if (sig)
			signal_send_process(process, sig);
	}
	return result;
}

s64
sys_tkill(u64 tid, u64 sig)
{
	if ((s32)tid <= 0)
		return -EINVAL;
	return kill_thread(-1, (s32)tid, (s32)sig);
}

s64
sys_tgkill(u64 tgid, u64 tid, u64 sig)
{
	if ((s32)tgid <= 0 || (s32)tid <= 0)
		return -EINVAL;
	return kill_thread((s32)tgid, (s32)tid, (s32)sig);
}

/* @tgid -1: of any process. */
static s64
kill_thread(s64 tgid, s32 tid, int sig)
{
	struct task *task;
	s64 result = 0;

	if (sig != 0 && !signal_valid(sig))
		return -EINVAL;
	spin_lock(&process_lock);
	task = process_find_thread(tid);
	if (!task || (tgid >= 0 && task->process->pid != tgid))
		result = -ESRCH;
	else if (sig)
		signal_send_thread(task, sig);
	spin_unlock(&process_lock);
	return result;
}
