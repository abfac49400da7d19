/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal.c - sending, ignoring, stopping, ending
 *
 * Idea        Decide, then act: signal_effect() looks an action up in the table of signal.h; signal_act() does it to
 *             the whole process. Since no handler runs, nothing has to happen in the receiver but to notice that it
 *             stops or dies.
 *
 *                 sender                                     receiver
 *                 pending |= KILL                            state = INTERRUPTIBLE        (wait.h)
 *                 signal_pending = true                      -- full barrier --
 *                 -- full barrier --                         signal_pending?  yes: do not sleep
 *                 state INTERRUPTIBLE?  yes: wake            sleep
 *
 *             One of the two sees the other, so no wake-up is lost.
 * Invariants  as in signal.h and signal_state.h; and
 *             I3  A pending set holds blocked signals only, and SIGKILL.
 * Locks       process_lock
 * Follow      from sys_signal.c, exit.c, oom_hooks.c   to signal_return.c (the receiver), sched.h
 * Tests       tests/guest/proc.c, tests/guest/exhaust.c
 */
#include <kernel/exit.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define SIGNALS_IGNORED (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define SIGNALS_STOP (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNALS_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

enum signal_effect {
	EFFECT_IGNORE,
	EFFECT_STOP,
	EFFECT_TERMINATE,
};

struct signal_actions {
	atomic_t refs;                           /* processes that share it; the default set has one for good */
	struct signal_action action[SIGNAL_MAX]; /* process_lock; changed only while refs == 1 */
};

static struct signal_actions signal_defaults = {.refs = {1}};
static struct kmem_cache *actions_cache; /* const after init */

static void signal_prepare(struct process *process, int sig);
static bool signal_blocked(const struct task *task, int sig);
static bool blocked_by_all(const struct process *process, int sig);
static bool stays_pending(struct process *process, u64 *set, int sig);
static void signal_act(struct process *process, int sig);
static enum signal_effect signal_effect(const struct process *process, int sig);
static void signal_stop(struct process *process, int sig);
static void signal_continue(struct process *process);
static void signal_wake(struct task *task);
static void signal_forget(struct process *process, u64 set);
static u64 unblocked_set(const struct task *task, const struct process *process);
static void signal_act_all(struct process *process, u64 set);
static struct signal_actions *actions_own(struct process *process, struct signal_actions *spare);
static void actions_put(struct signal_actions *actions);

void
signal_init(void)
{
	actions_cache = kmem_cache_create("signal_actions", sizeof(struct signal_actions), 0);
}

/* ---- sending ---- */

void
signal_send_process(struct process *process, int sig)
{
	must_hold(&process_lock);
	assertf(signal_valid(sig), "signal %d", sig);
	if (process->state != PROCESS_LIVE || process->group_exit)
		return;
	signal_prepare(process, sig);
	if (!blocked_by_all(process, sig) || !stays_pending(process, &process->pending, sig))
		signal_act(process, sig);
}

void
signal_send_thread(struct task *task, int sig)
{
	struct process *process = task->process;

	must_hold(&process_lock);
	assertf(process && signal_valid(sig), "signal %d to thread %d", sig, task->tid);
	if (process->group_exit)
		return;
	signal_prepare(process, sig);
	if (!signal_blocked(task, sig) || !stays_pending(process, &task->signal.pending, sig))
		signal_act(process, sig);
}

void
signal_send_current(int sig)
{
	spin_lock(&process_lock);
	if (current->process)
		signal_send_process(current->process, sig);
	spin_unlock(&process_lock);
}

void
signal_force(int sig)
{
	spin_lock(&process_lock);
	assertf(current->process, "signal %d to the kernel thread %s", sig, current->comm);
	signal_group_exit(current->process, exit_status_signal((u32)sig), NULL);
	spin_unlock(&process_lock);
}

/* A stop and a continue cancel each other, blocked, ignored or not. */
static void
signal_prepare(struct process *process, int sig)
{
	if (SIGNAL_BIT(sig) & SIGNALS_STOP) {
		signal_forget(process, SIGNAL_BIT(SIGCONT));
	} else if (sig == SIGCONT) {
		signal_forget(process, SIGNALS_STOP);
		signal_continue(process);
	}
}

static bool
signal_blocked(const struct task *task, int sig)
{
	return READ_ONCE(task->signal.blocked) & SIGNAL_BIT(sig);
}

static bool
blocked_by_all(const struct process *process, int sig)
{
	struct task *task;

	list_for_each (task, &process->threads, thread_link)
		if (!signal_blocked(task, sig))
			return false;
	return true;
}

/*
 * Puts a blocked signal into @set. False: the set was emptied of it again, because somebody has unblocked it meanwhile.
 *
 * Race: a thread changes its mask without the lock. It stores the mask and then looks at the pending sets; here the set
 * is changed and then the masks are looked at. At least one of the two sees the other, and who acts does so under the
 * lock.
 */
static bool
stays_pending(struct process *process, u64 *set, int sig)
{
	must_hold(&process_lock);
	WRITE_ONCE(*set, *set | SIGNAL_BIT(sig));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (set == &process->pending ? blocked_by_all(process, sig)
				     : signal_blocked(container_of(set, struct task, signal.pending), sig))
		return true;
	WRITE_ONCE(*set, *set & ~SIGNAL_BIT(sig));
	return false;
}

static void
signal_act(struct process *process, int sig)
{
	switch (signal_effect(process, sig)) {
	case EFFECT_IGNORE:
		break;
	case EFFECT_STOP:
		signal_stop(process, sig);
		break;
	case EFFECT_TERMINATE:
		signal_group_exit(process, exit_status_signal((u32)sig), NULL);
		break;
	}
}

/* Why: init gets no signal that it has not asked for, as in Linux: without it the system could not go on. */
static enum signal_effect
signal_effect(const struct process *process, int sig)
{
	if (process->init || process->actions->action[sig - 1].handler == SIG_IGN)
		return EFFECT_IGNORE;
	if (SIGNAL_BIT(sig) & SIGNALS_IGNORED)
		return EFFECT_IGNORE;
	return SIGNAL_BIT(sig) & SIGNALS_STOP ? EFFECT_STOP : EFFECT_TERMINATE;
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
	list_for_each (task, &process->threads, thread_link)
		if (task != except)
			signal_kill_thread(task);
}

void
signal_kill_thread(struct task *task)
{
	must_hold(&process_lock);
	task->signal.pending |= SIGNAL_BIT(SIGKILL);
	signal_wake(task);
}

static void
signal_stop(struct process *process, int sig)
{
	struct task *task;

	if (process->stop_signal)
		return;
	process->stop_signal = sig;
	process->stop_reported = false;
	process->continued = false;
	list_for_each (task, &process->threads, thread_link)
		signal_wake(task);
	exit_notify_parent_stop(process);
}

static void
signal_continue(struct process *process)
{
	if (!process->stop_signal)
		return;
	process->stop_signal = 0;
	process->continued = true;
	wake_all(&process->wait_self);
	exit_notify_parent_stop(process);
}

/* Makes @task look at its signals soon, wherever it is. The order of the four steps is the drawing above. */
static void
signal_wake(struct task *task)
{
	enum task_state state;

	WRITE_ONCE(task->signal_pending, true);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	state = READ_ONCE(task->state);
	if (state == TASK_INTERRUPTIBLE || (state == TASK_KILLABLE && signal_state_fatal(&task->signal)))
		sched_wake(task);
	else if (state == TASK_RUNNING && READ_ONCE(task->cpu) != this_cpu_id())
		cpu_kick(READ_ONCE(task->cpu));
}

static void
signal_forget(struct process *process, u64 set)
{
	struct task *task;

	process->pending &= ~set;
	list_for_each (task, &process->threads, thread_link)
		task->signal.pending &= ~set;
}

/* ---- masks and actions ---- */

/* Why without the lock: C libraries change the mask around every thread's birth and death. See stays_pending(). */
void
signal_mask_set(u64 mask)
{
	struct task *task = current;
	struct process *process = task->process;

	__atomic_store_n(&task->signal.blocked, mask & ~SIGNALS_UNBLOCKABLE, __ATOMIC_SEQ_CST);
	if (!unblocked_set(task, process))
		return;
	spin_lock(&process_lock);
	signal_act_all(process, unblocked_set(task, process));
	spin_unlock(&process_lock);
}

/* What waits although @task no longer blocks it. */
static u64
unblocked_set(const struct task *task, const struct process *process)
{
	u64 pending = READ_ONCE(task->signal.pending) | READ_ONCE(process->pending);

	return pending & ~task->signal.blocked & ~SIGNAL_BIT(SIGKILL);
}

static void
signal_act_all(struct process *process, u64 set)
{
	must_hold(&process_lock);
	current->signal.pending &= ~set;
	process->pending &= ~set;
	for (int sig = 1; set; sig++, set >>= 1)
		if (set & 1)
			signal_act(process, sig);
}

int
signal_action_set(int sig, const struct signal_action *new, struct signal_action *old)
{
	struct process *process = current->process;
	struct signal_actions *spare = NULL;

	if (new && (SIGNAL_BIT(sig) & SIGNALS_UNBLOCKABLE))
		return -EINVAL;
	if (new &&new->handler > SIG_IGN)
		return -ENOSYS;
	if (new)
		spare = kmem_cache_alloc(actions_cache, ALLOC_KERNEL);
	if (new && !spare)
		return -ENOMEM;
	spin_lock(&process_lock);
	if (old)
		*old = process->actions->action[sig - 1];
	if (new) {
		spare = actions_own(process, spare);
		process->actions->action[sig - 1] = *new;
		process->actions->action[sig - 1].mask &= ~SIGNALS_UNBLOCKABLE;
		if (signal_effect(process, sig) == EFFECT_IGNORE)
			signal_forget(process, SIGNAL_BIT(sig));
	}
	spin_unlock(&process_lock);
	if (spare)
		kmem_cache_free(actions_cache, spare);
	return 0;
}

/* Makes the actions of @process its own, with the help of @spare; returns @spare when it was not needed. */
static struct signal_actions *
actions_own(struct process *process, struct signal_actions *spare)
{
	struct signal_actions *shared = process->actions;

	if (shared != &signal_defaults && atomic_read(&shared->refs) == 1)
		return spare;
	*spare = *shared;
	atomic_set(&spare->refs, 1);
	process->actions = spare;
	actions_put(shared);
	return NULL;
}

void
signal_actions_fork(struct process *child, struct process *parent)
{
	struct signal_actions *actions = parent ? parent->actions : &signal_defaults;

	must_hold(&process_lock);
	atomic_inc(&actions->refs);
	child->actions = actions;
}

void
signal_actions_drop(struct process *process)
{
	if (process->actions)
		actions_put(process->actions);
	process->actions = NULL;
}

static void
actions_put(struct signal_actions *actions)
{
	if (atomic_dec_and_test(&actions->refs))
		kmem_cache_free(actions_cache, actions);
}

bool
signal_ignores_children(const struct process *process)
{
	const struct signal_action *action = &process->actions->action[SIGCHLD - 1];

	must_hold(&process_lock);
	return action->handler == SIG_IGN || (action->flags & SA_NOCLDWAIT);
}

bool
signal_wants_stop_news(const struct process *process)
{
	must_hold(&process_lock);
	return !(process->actions->action[SIGCHLD - 1].flags & SA_NOCLDSTOP);
}

u64
signal_ignored_set(const struct process *process)
{
	u64 set = 0;

	must_hold(&process_lock);
	for (int sig = 1; sig <= SIGNAL_MAX; sig++)
		if (process->actions->action[sig - 1].handler == SIG_IGN)
			set |= SIGNAL_BIT(sig);
	return set;
}
