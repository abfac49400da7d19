/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_sigwait.c - the system calls that wait for signals, and those that look at what waits
 *
 * Idea        sigsuspend and pause sleep until a handler has run. sigtimedwait takes the signal itself: its set is the
 *             thread's `waiting`, which makes senders choose and wake this thread although it blocks them all.
 * Invariants  none
 * Locks       process_lock for the queues
 * Follow      from syscall.c   to signal.c, signal_queue.c
 * Tests       tests/guest/signal_rt.c, tests/guest/signal_restart.c
 */
#include <kernel/itimer.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/signal_queue.h>
#include <kernel/sys_abi.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>

#define SIGSET_SIZE sizeof(u64)

static int sigwait(u64 set, u64 wait_ns, struct siginfo *info);
static int take_or_wait(u64 set, bool wait, struct siginfo *info);
static int take_after_wait(u64 set, struct siginfo *info);
static int take_locked(u64 set, struct siginfo *info);

s64
sys_rt_sigpending(u64 set, u64 size)
{
	struct task *task = current;
	u64 pending;

	if (size > SIGSET_SIZE)
		return -EINVAL;
	spin_lock(&process_lock);
	pending = (task->signal.queue.set | task->process->queue.set) & task->signal.blocked;
	spin_unlock(&process_lock);
	return copy_to_user((void __user *)set, &pending, size);
}

s64
sys_pause(void)
{
	return restart_unless_handler(wait_event_interruptible(&current->process->wait_self, false));
}

s64
sys_rt_sigsuspend(u64 set, u64 size)
{
	u64 mask;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user_u64(&mask, (const u64 __user *)set))
		return -EFAULT;
	signal_mask_swap(mask);
	return signal_mask_back(sys_pause());
}

s64
sys_rt_sigtimedwait(u64 set_arg, u64 to, u64 timeout, u64 size)
{
	u64 wait_ns = TIMER_NEVER;
	struct timespec time;
	struct siginfo info;
	u64 set;
	int sig;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user_u64(&set, (const u64 __user *)set_arg))
		return -EFAULT;
	if (timeout) {
		if (copy_from_user(&time, (const void __user *)timeout, sizeof(time)))
			return -EFAULT;
		if (!timespec_valid(&time))
			return -EINVAL;
		wait_ns = timespec_to_ns(&time);
	}
	sig = sigwait(set & ~SIGNALS_UNBLOCKABLE, wait_ns, &info);
	if (sig > 0 && to && siginfo_to_user(&info, to))
		return -EFAULT;
	return sig;
}

/* Linux knows no restart here: whatever wakes it before a signal of @set has come is -EINTR. */
static int
sigwait(u64 set, u64 wait_ns, struct siginfo *info)
{
	u64 deadline_ns = wait_ns == TIMER_NEVER ? TIMER_NEVER : ns_add(clock_ns(), wait_ns);
	int sig = take_or_wait(set, wait_ns != 0, info);
	int result;

	if (sig)
		return sig;
	if (!wait_ns)
		return -EAGAIN;
	result = sleep_until(deadline_ns);
	sig = take_after_wait(set, info);
	if (sig)
		return sig;
	return result ? -EINTR : -EAGAIN;
}

/* One step, so that no signal comes between the look and the wait. */
static int
take_or_wait(u64 set, bool wait, struct siginfo *info)
{
	int sig;

	spin_lock(&process_lock);
	sig = take_locked(set, info);
	if (!sig && wait)
		current->signal.waiting = set;
	spin_unlock(&process_lock);
	return sig;
}

/* What came for us beyond the one that we take, somebody else may be waiting for. */
static int
take_after_wait(u64 set, struct siginfo *info)
{
	int sig;

	spin_lock(&process_lock);
	current->signal.waiting = 0;
	sig = take_locked(set, info);
	signal_retarget(current->process, set);
	spin_unlock(&process_lock);
	return sig;
}

static int
take_locked(u64 set, struct siginfo *info)
{
	struct signal_queue *own = &current->signal.queue;
	struct signal_queue *shared = &current->process->queue;
	int sig = signal_queue_next(own, shared, set);

	must_hold(&process_lock);
	if (sig)
		signal_queue_take_from(own, shared, sig, info);
	if (sig == SIGALRM)
		itimer_signal_taken(current->process);
	return sig;
}
