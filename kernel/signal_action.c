/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_action.c - what a process does with each signal
 *
 * Idea        see signal_action.h
 * Invariants  see signal_action.h
 * Locks       process_lock
 * Follow      from sys_signal.c, fork.c, exec.c, signal_return.c   to mm/slab.h
 * Tests       tests/guest/signal.c
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/signal_action.h>
#include <kernel/task.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define SIGNALS_IGNORED (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))

static struct signal_actions signal_defaults = {.refs = {1}};
static struct kmem_cache *actions_cache; /* const after init */

static struct signal_actions *actions_alloc(void);
static bool actions_shared(const struct process *process);
static struct signal_actions *actions_replace(struct process *process, struct signal_actions *spare);
static void actions_put(struct signal_actions *actions);
static bool action_set_locked(int sig, const struct signal_action *new, struct signal_action *old,
			      struct signal_actions **spare);
static void action_store(struct process *process, int sig, const struct signal_action *action);

void
signal_action_boot(void)
{
	actions_cache = kmem_cache_create("signal_actions", sizeof(struct signal_actions), 0);
}

/* Why for init: it gets no signal that it has not asked for, as in Linux: without it the system could not go on. */
enum signal_effect
signal_effect(const struct process *process, int sig)
{
	u64 bit = SIGNAL_BIT(sig);

	must_hold(&process_lock);
	if (process->actions->caught & bit)
		return EFFECT_HANDLER;
	if (process->init || (process->actions->ignored & bit) || (bit & SIGNALS_IGNORED))
		return EFFECT_IGNORE;
	return bit & SIGNALS_STOP ? EFFECT_STOP : EFFECT_TERMINATE;
}

/* ---- rt_sigaction ---- */

int
signal_action_set(int sig, const struct signal_action *new, struct signal_action *old)
{
	struct signal_actions *spare = NULL;
	bool done;

	if (new && (SIGNAL_BIT(sig) & SIGNALS_UNBLOCKABLE))
		return -EINVAL;
	spin_lock(&process_lock);
	done = action_set_locked(sig, new, old, &spare);
	spin_unlock(&process_lock);
	if (done)
		return 0;
	spare = actions_alloc();
	if (!spare)
		return -ENOMEM;
	spin_lock(&process_lock);
	done = action_set_locked(sig, new, old, &spare);
	spin_unlock(&process_lock);
	assert(done);
	if (spare)
		actions_put(spare);
	return 0;
}

/* False: the table is shared, and there is no *spare. */
static bool
action_set_locked(int sig, const struct signal_action *new, struct signal_action *old, struct signal_actions **spare)
{
	struct process *process = current->process;

	must_hold(&process_lock);
	if (new &&actions_shared(process)) {
		if (!*spare)
			return false;
		*spare = actions_replace(process, *spare);
	}
	if (old)
		*old = process->actions->action[sig - 1];
	if (!new)
		return true;
	action_store(process, sig, new);
	if (new->handler == SIG_IGN || (new->handler == SIG_DFL && (SIGNAL_BIT(sig) & SIGNALS_IGNORED)))
		signal_forget(process, SIGNAL_BIT(sig));
	return true;
}

static void
action_store(struct process *process, int sig, const struct signal_action *action)
{
	struct signal_actions *actions = process->actions;
	u64 bit = SIGNAL_BIT(sig);
	struct signal_action *slot = &actions->action[sig - 1];

	assertf(!actions_shared(process), "the table of process %d is shared", process->pid);
	*slot = *action;
	slot->flags &= SA_KNOWN;
	slot->mask &= ~SIGNALS_UNBLOCKABLE;
	actions->ignored &= ~bit;
	actions->caught &= ~bit;
	if (slot->handler == SIG_IGN)
		actions->ignored |= bit;
	else if (slot->handler != SIG_DFL)
		actions->caught |= bit;
}

bool
signal_action_take(struct process *process, int sig, struct signal_action *out)
{
	must_hold(&process_lock);
	*out = process->actions->action[sig - 1];
	if (!(out->flags & SA_RESETHAND))
		return true;
	if (actions_shared(process))
		return false;
	action_store(process, sig,
		     &(struct signal_action){
			     .handler = SIG_DFL, .flags = out->flags, .restorer = out->restorer, .mask = out->mask});
	return true;
}

/* ---- tables ---- */

static struct signal_actions *
actions_alloc(void)
{
	struct signal_actions *actions = kmem_cache_alloc(actions_cache, ALLOC_KERNEL);

	if (actions)
		atomic_set(&actions->refs, 1);
	return actions;
}

static void
actions_put(struct signal_actions *actions)
{
	if (atomic_dec_and_test(&actions->refs))
		kmem_cache_free(actions_cache, actions);
}

static bool
actions_shared(const struct process *process)
{
	return process->actions == &signal_defaults || atomic_read(&process->actions->refs) != 1;
}

/* @spare becomes the table, as a copy. Returns NULL, or @spare if there was no need. */
static struct signal_actions *
actions_replace(struct process *process, struct signal_actions *spare)
{
	struct signal_actions *shared = process->actions;

	must_hold(&process_lock);
	if (!actions_shared(process))
		return spare;
	*spare = *shared;
	atomic_set(&spare->refs, 1);
	process->actions = spare;
	actions_put(shared);
	return NULL;
}

int
signal_actions_own(void)
{
	struct signal_actions *spare = actions_alloc();

	if (!spare)
		return -ENOMEM;
	spin_lock(&process_lock);
	spare = actions_replace(current->process, spare);
	spin_unlock(&process_lock);
	if (spare)
		actions_put(spare);
	return 0;
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

/* ---- execve ---- */

/* Why also for several threads: until they are gone, one of them may still install a handler. */
int
signal_exec_prepare(struct signal_actions **spare)
{
	struct process *process = current->process;

	if (READ_ONCE(process->nr_threads) == 1 && !process->actions->caught)
		return 0;
	*spare = actions_alloc();
	return *spare ? 0 : -ENOMEM;
}

void
signal_exec(struct process *process, struct signal_actions **spare)
{
	struct signal_actions *actions = process->actions;
	u64 ignored = actions->ignored;

	must_hold(&process_lock);
	if (!actions->caught)
		return;
	assertf(*spare, "process %d has handlers at exec and no table", process->pid);
	**spare = (struct signal_actions){.refs = {1}, .ignored = ignored};
	for (int sig = 1; sig <= SIGNAL_MAX; sig++)
		if (ignored & SIGNAL_BIT(sig))
			(*spare)->action[sig - 1].handler = SIG_IGN;
	process->actions = *spare;
	*spare = NULL;
	actions_put(actions);
}

void
signal_exec_undo(struct signal_actions *spare)
{
	if (spare)
		actions_put(spare);
}

/* ---- questions ---- */

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
	const struct signal_action *action = &process->actions->action[SIGCHLD - 1];

	must_hold(&process_lock);
	return action->handler != SIG_IGN && !(action->flags & SA_NOCLDSTOP);
}

u64
signal_ignored_set(const struct process *process)
{
	must_hold(&process_lock);
	return process->actions->ignored;
}

u64
signal_caught_set(const struct process *process)
{
	must_hold(&process_lock);
	return process->actions->caught;
}
