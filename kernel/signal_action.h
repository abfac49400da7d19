/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_action.h - what a process does with each signal
 *
 * Idea        A table of 64 actions, shared after fork until one side changes it (2 KiB that most children of a shell
 *             never write). Two sets sum it up for the sender.
 * Invariants  I1  ignored and caught are exactly the signals whose handler is SIG_IGN, and neither that nor SIG_DFL.
 *             I2  A table is changed only while it has one user.
 * Locks       process_lock
 * Follow      from sys_signal.c, fork.c, exec.c, signal_return.c   to signal_action.c
 * Tests       tests/guest/signal.c
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/signal.h>

struct process;

#define SIG_DFL 0UL
#define SIG_IGN 1UL

#define SA_NOCLDSTOP 0x1UL
#define SA_NOCLDWAIT 0x2UL
#define SA_SIGINFO 0x4UL
#define SA_UNSUPPORTED 0x400UL
#define SA_EXPOSE_TAGBITS 0x800UL
#define SA_RESTORER 0x04000000UL
#define SA_ONSTACK 0x08000000UL
#define SA_RESTART 0x10000000UL
#define SA_NODEFER 0x40000000UL
#define SA_RESETHAND 0x80000000UL
/* Other bits are not kept, as in Linux: a program may find out so what a kernel knows. SA_UNSUPPORTED never is. */
#define SA_KNOWN                                                                                                \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS | SA_RESTORER | SA_ONSTACK | SA_RESTART | \
	 SA_NODEFER | SA_RESETHAND)

/* The ABI's struct sigaction of the kernel (not of libc). */
struct signal_action {
	u64 handler; /* SIG_DFL, SIG_IGN, or an address */
	u64 flags;   /* SA_* */
	u64 restorer;
	u64 mask;
};

struct signal_actions {
	atomic_t refs;                           /* processes that share it; the default set has one for good */
	u64 ignored;                             /* I1; process_lock */
	u64 caught;                              /* I1; process_lock, read racily */
	struct signal_action action[SIGNAL_MAX]; /* process_lock; I2 */
};

void signal_action_boot(void);

/* What happens to a process that gets a signal, by its action and the signal's default. */
enum signal_effect {
	EFFECT_IGNORE,
	EFFECT_STOP,
	EFFECT_TERMINATE,
	EFFECT_HANDLER,
};

/* Context: holds process_lock. Process 1: the default of every signal is to ignore it. */
enum signal_effect signal_effect(const struct process *process, int sig);

/*
 * signal_action_set - rt_sigaction: exchange the action of @sig
 *
 * Returns   0; -EINVAL SIGKILL or SIGSTOP; -ENOMEM
 * Context   may sleep; takes process_lock
 */
int signal_action_set(int sig, const struct signal_action *new, struct signal_action *old);

/*
 * signal_action_take - *out is the action of @sig, which has a handler and is about to run it
 *
 * Returns   true; false: SA_RESETHAND makes it the default, but the table is shared: signal_actions_own() first
 * Context   holds process_lock
 */
bool signal_action_take(struct process *process, int sig, struct signal_action *out);

/* signal_actions_own - the current process shares its table no longer. Returns 0, -ENOMEM. Context: may sleep. */
int signal_actions_own(void);

/*
 * signal_actions_fork - @child's actions are @parent's (NULL: the defaults), shared until one of them changes
 * signal_actions_drop - for a process that is freed
 *
 * Context   fork: holds process_lock. drop: any
 */
void signal_actions_fork(struct process *child, struct process *parent);
void signal_actions_drop(struct process *process);

/*
 * signal_exec_prepare - a table that signal_exec() may need
 * signal_exec - handlers become defaults, what is ignored stays so; *spare is consumed, or left
 * signal_exec_undo - frees what is left
 *
 * Returns   prepare: 0, -ENOMEM
 * Context   prepare: may sleep. exec: holds process_lock, the current thread is the only one of its process
 */
int signal_exec_prepare(struct signal_actions **spare);
void signal_exec(struct process *process, struct signal_actions **spare);
void signal_exec_undo(struct signal_actions *spare);

/* signal_ignores_children - does @process let its children vanish without wait()? Context: holds process_lock. */
bool signal_ignores_children(const struct process *process);

/* signal_wants_stop_news - is SIGCHLD sent to @process when a child stops? Context: holds process_lock. */
bool signal_wants_stop_news(const struct process *process);
