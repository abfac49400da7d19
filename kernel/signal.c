/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal.c - sending: ignored, queued, told, or fatal at once
 *
 * Idea        send() is the way of every signal. What the receiver must do it does itself, on its way to user mode
 *             (signal_return.c); the sender only sees to it that it looks:
 *
 *                 sender                                     receiver
 *                 queue.set |= signal                        state = INTERRUPTIBLE        (wait.h)
 *                 signal_pending = true                      -- full barrier --
 *                 -- full barrier --                         signal_pending?  yes: do not sleep
 *                 state INTERRUPTIBLE?  yes: wake            sleep
 *
 *             One of the two sees the other, so no wake-up is lost.
 * Invariants  as in signal.h and signal_state.h; and
 *             I3  If a thread that is not parked does not block a signal that waits for it or for its process, then
 *                 some such thread has signal_pending set.
 * Locks       process_lock
 * Follow      from sys_signal.c, exit.c, oom_hooks.c   to signal_queue.c, signal_action.c, signal_return.c, sched.h
 * Tests       tests/guest/signal.c, tests/guest/proc.c, tests/guest/exhaust.c
 */
#include <kernel/exit.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/restart.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/signal_action.h>
#include <kernel/signal_queue.h>
#include <kernel/signal_stop.h>
#include <kernel/task.h>

static int send(struct process *process, struct task *thread, const struct siginfo *info);
static bool is_ignored(const struct process *process, const struct task *target, int sig);
static struct task *choose_thread(struct process *process, int sig);
static bool wants(const struct task *task, int sig);
static bool is_fatal(const struct process *process, const struct task *target, int sig);

void
signal_init(void)
{
	signal_action_boot();
	signal_queue_boot();
}

/* ---- sending ---- */

void
signal_send_process(struct process *process, int sig)
{
	struct siginfo info = siginfo_kernel(sig);

	(void)send(process, NULL, &info);
}

void
signal_send_thread(struct task *task, int sig)
{
	struct siginfo info = siginfo_kernel(sig);

	(void)send(task->process, task, &info);
}

int
signal_send_process_info(struct process *process, const struct siginfo *info)
{
	return send(process, NULL, info);
}

int
signal_send_thread_info(struct task *task, const struct siginfo *info)
{
	return send(task->process, task, info);
}

bool
signal_is_kept(const struct process *process, int sig)
{
	must_hold(&process_lock);
	return process->state == PROCESS_LIVE && !process->group_exit && !is_ignored(process, NULL, sig);
}

int
signal_send_group(s32 pgid, const struct siginfo *info)
{
	struct pid_node *node = pid_find(PID_GROUP, pgid);
	bool sent = false;
	int result = -ESRCH;

	must_hold(&process_lock);
	for (; node; node = pid_next(node)) {
		result = send(container_of(node, struct process, pgid_node), NULL, info);
		sent |= !result;
	}
	return sent ? 0 : result;
}

void
signal_send_current(int sig)
{
	struct siginfo info = siginfo_sent(sig, SI_USER);

	spin_lock(&process_lock);
	(void)send(current->process, current, &info);
	spin_unlock(&process_lock);
}

/* @thread NULL: to the process as a whole. */
static int
send(struct process *process, struct task *thread, const struct siginfo *info)
{
	int sig = info->signo;
	struct task *target;
	int error;

	must_hold(&process_lock);
	assertf(process && signal_valid(sig), "signal %d", sig);
	if (process->state != PROCESS_LIVE || process->group_exit)
		return 0;
	signal_stop_prepare(process, sig);
	if (is_ignored(process, thread, sig))
		return 0;
	if (sig != SIGKILL) {
		error = signal_queue_add(thread ? &thread->signal.queue : &process->queue, info,
					 rlimit_get(process, RLIMIT_SIGPENDING));
		if (error)
			return error;
	}
	/* Race: a thread changes its mask without the lock. See signal_mask_set(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	target = thread ? (wants(thread, sig) ? thread : NULL) : choose_thread(process, sig);
	if (target && is_fatal(process, target, sig))
		signal_group_exit(process, exit_status_signal((u32)sig), NULL);
	else if (target)
		signal_wake(target);
	return 0;
}

/* What the first thread blocks is kept, ignored or not: it may wait for it, or be about to set a handler. */
static bool
is_ignored(const struct process *process, const struct task *target, int sig)
{
	if (!target)
		target = list_first(&process->threads, struct task, thread_link);
	if (READ_ONCE(target->signal.blocked) & SIGNAL_BIT(sig))
		return false;
	return signal_effect(process, sig) == EFFECT_IGNORE;
}

static struct task *
choose_thread(struct process *process, int sig)
{
	struct task *task;

	list_for_each (task, &process->threads, thread_link)
		if (wants(task, sig))
			return task;
	return NULL;
}

/* A parked thread takes nothing but its end; when it goes on, it looks for itself. */
static bool
wants(const struct task *task, int sig)
{
	const struct signal_state *s = &task->signal;

	if (READ_ONCE(s->blocked) & ~s->waiting & SIGNAL_BIT(sig))
		return false;
	return sig == SIGKILL || (!signal_state_fatal(s) && !s->parked);
}

static bool
is_fatal(const struct process *process, const struct task *target, int sig)
{
	return !(target->signal.waiting & SIGNAL_BIT(sig)) && signal_effect(process, sig) == EFFECT_TERMINATE;
}

void
signal_force(const struct siginfo *info)
{
	struct process *process = current->process;
	u64 bit = SIGNAL_BIT(info->signo);

	assertf(process, "signal %d to the kernel thread %s", info->signo, current->comm);
	spin_lock(&process_lock);
	if ((current->signal.blocked & bit) || !(process->actions->caught & bit)) {
		signal_group_exit(process, exit_status_signal((u32)info->signo), NULL);
	} else {
		(void)signal_queue_add(&current->signal.queue, info, RLIMIT_INFINITY);
		signal_wake(current);
	}
	spin_unlock(&process_lock);
}

void
signal_group_exit(struct process *process, s32 status, const struct task *except)
{
	struct task *task;

	must_hold(&process_lock);
	if (process->group_exit)
		return;
	process->group_exit = true;
	process->exit_status = status;
	process->stop_signal = 0;
	process->stopped = false;
	list_for_each (task, &process->threads, thread_link)
		if (task != except)
			signal_kill_thread(task);
}

void
signal_kill_thread(struct task *task)
{
	must_hold(&process_lock);
	WRITE_ONCE(task->signal.queue.set, task->signal.queue.set | SIGNAL_BIT(SIGKILL));
	signal_wake(task);
}

/* The order of the four steps is the drawing above. */
void
signal_wake(struct task *task)
{
	enum task_state state;

	must_hold(&process_lock);
	WRITE_ONCE(task->signal_pending, true);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	state = READ_ONCE(task->state);
	if (state == TASK_INTERRUPTIBLE || (state == TASK_KILLABLE && signal_state_fatal(&task->signal)))
		sched_wake(task);
	else if (state == TASK_RUNNING && READ_ONCE(task->cpu) != this_cpu_id())
		cpu_kick(READ_ONCE(task->cpu));
}

void
signal_forget(struct process *process, u64 set)
{
	struct task *task;

	must_hold(&process_lock);
	signal_queue_forget(&process->queue, set);
	list_for_each (task, &process->threads, thread_link)
		signal_queue_forget(&task->signal.queue, set);
}

/* ---- masks ---- */

/*
 * Why without the lock: C libraries change the mask around every thread's birth and death.
 *
 * Race: the mask is stored, and then the queues are looked at; a sender fills a queue and then looks at the masks. At
 * least one of the two sees the other. What this thread blocks from now on, others may have to take.
 */
void
signal_mask_set(u64 mask)
{
	struct task *task = current;
	struct process *process = task->process;
	u64 old = task->signal.blocked;
	u64 shared;

	mask &= ~SIGNALS_UNBLOCKABLE;
	__atomic_store_n(&task->signal.blocked, mask, __ATOMIC_SEQ_CST);
	shared = READ_ONCE(process->queue.set);
	if ((READ_ONCE(task->signal.queue.set) | shared) & ~mask)
		WRITE_ONCE(task->signal_pending, true);
	if (likely(!(shared & mask & ~old)))
		return;
	spin_lock(&process_lock);
	signal_retarget(process, mask & ~old);
	spin_unlock(&process_lock);
}

void
signal_mask_swap(u64 mask)
{
	current->signal.saved_mask = current->signal.blocked;
	signal_mask_set(mask);
}

s64
signal_mask_back(s64 result)
{
	switch (result) {
	case -EINTR:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		current->signal.restore_mask = true;
		/* Why: so that user_return_work() comes to it in any case. */
		WRITE_ONCE(current->signal_pending, true);
		break;
	default:
		signal_mask_set(current->signal.saved_mask);
		break;
	}
	return result;
}

void
signal_retarget(struct process *process, u64 set)
{
	struct task *task;

	must_hold(&process_lock);
	set &= process->queue.set;
	if (!set)
		return;
	list_for_each (task, &process->threads, thread_link) {
		u64 open = set & ~(READ_ONCE(task->signal.blocked) & ~task->signal.waiting);

		if (task != current && open && !task->signal.parked && !signal_state_fatal(&task->signal))
			signal_wake(task);
	}
}

void
signal_thread_exit(struct task *task)
{
	struct process *process = task->process;

	must_hold(&process_lock);
	signal_queue_forget(&task->signal.queue, ~SIGNAL_BIT(SIGKILL));
	signal_retarget(process, ~task->signal.blocked);
	signal_stop_thread_left(process, task);
}
