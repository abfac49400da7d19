/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal.h - signals: sent to a thread or a process, ignored, or the end
 *
 * Idea        A program's own handlers are not built yet (rt_sigaction answers ENOSYS to one), so an unblocked signal
 *             does one of four things, and does it when it is sent or unblocked:
 *
 *                 ignored (SIG_IGN, or default of SIGCHLD SIGURG SIGWINCH SIGCONT)   nothing is kept
 *                 stop                              the process's threads park before they enter user mode
 *                 continue                          they go on, even when SIGCONT itself is blocked or ignored
 *                 terminate, all the rest           the whole process begins to exit: each thread gets SIGKILL
 *
 *             A blocked signal waits in the pending set of the thread or of the process.
 * Invariants  I1  SIGKILL and SIGSTOP are in no mask and in no action but the default.
 *             I2  group_exit is set  =>  every thread of the process, the one that set it excepted, has SIGKILL
 *                 pending.
 * Locks       process_lock for all of it
 * Follow      from trap.c, sys_signal.c, oom_hooks.c, exit.c   to signal.c (sending), signal_return.c (receiving)
 * Tests       tests/guest/proc.c, tests/guest/trap.c
 * See         Linux kernel/signal.c for what is ignored when
 */
#pragma once

#include <kernel/signal_state.h>

struct process;
struct task;
struct trap_frame;

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPWR 30
#define SIGSYS 31
#define SIGNAL_MAX 64

#define SIG_DFL 0UL
#define SIG_IGN 1UL

#define SA_NOCLDSTOP 0x1UL
#define SA_NOCLDWAIT 0x2UL

/* si_code of the faults that arch reports. */
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define FPE_INTDIV 1
#define FPE_FLTINV 7
#define ILL_ILLOPN 2
#define SI_KERNEL 0x80

/* The ABI's struct sigaction of the kernel (not of libc). */
struct signal_action {
	u64 handler; /* SIG_DFL, SIG_IGN */
	u64 flags;   /* SA_* */
	u64 restorer;
	u64 mask;
};

void signal_init(void);

/* signal_valid - 1 to SIGNAL_MAX. */
static inline bool
signal_valid(s64 sig)
{
	return sig >= 1 && sig <= SIGNAL_MAX;
}

/* signal_send_current - to the current process (a broken pipe's SIGPIPE). Context: takes process_lock. */
void signal_send_current(int sig);

/*
 * signal_send_process, signal_send_thread - send @sig, 1 to SIGNAL_MAX, as kill() and tgkill() do
 *
 * Context   holds process_lock; the process is not reaped, the thread is in its process's list
 */
void signal_send_process(struct process *process, int sig);
void signal_send_thread(struct task *task, int sig);

/*
 * signal_force - the current thread did what cannot go on: @sig ends its process though it be blocked or ignored
 *
 * Context   takes process_lock; the end itself comes in user_return_work()
 */
void signal_force(int sig);

/*
 * signal_fault - an exception of user mode ends the process, with the one line that Linux prints
 *
 * @code is si_code, @addr the address concerned (the instruction's for SIGFPE and SIGILL).
 *
 * Context   from traps, interrupts on; takes process_lock; current's frame is the one that faulted
 */
void signal_fault(int sig, int code, u64 addr);

/*
 * signal_group_exit - every thread of @process but @except (or NULL) is to die; the process will leave @status
 *
 * Of a process that is dying already, the first status stands.
 *
 * Context   holds process_lock
 */
void signal_group_exit(struct process *process, s32 status, const struct task *except);

/* signal_kill_thread - only this thread dies (execve ends the siblings so). Context: holds process_lock. */
void signal_kill_thread(struct task *task);

/* signal_ignores_children - does @process let its children vanish without wait()? Context: holds process_lock. */
bool signal_ignores_children(const struct process *process);

/* signal_wants_stop_news - is SIGCHLD sent to @process when a child stops? Context: holds process_lock. */
bool signal_wants_stop_news(const struct process *process);

/*
 * signal_actions_fork - @child's actions are @parent's (NULL: the defaults), shared until one of them changes
 * signal_actions_drop - for a process that is freed
 *
 * Why: execve has nothing to do here: it keeps what is ignored and what is default, and there is nothing else.
 *
 * Context   fork: holds process_lock. drop: any
 */
void signal_actions_fork(struct process *child, struct process *parent);
void signal_actions_drop(struct process *process);

/*
 * signal_action_set - rt_sigaction: exchange the action of @sig
 *
 * Returns   0; -EINVAL SIGKILL or SIGSTOP; -ENOSYS a handler; -ENOMEM
 * Context   may sleep; takes process_lock
 */
int signal_action_set(int sig, const struct signal_action *new, struct signal_action *old);

/* signal_mask_set - replace the current thread's mask; what is unblocked acts now. Context: may take process_lock. */
void signal_mask_set(u64 mask);

/* The ignored signals, as /proc/<pid>/status prints them. Context: holds process_lock. */
u64 signal_ignored_set(const struct process *process);

/*
 * user_return_work - what must happen before user mode is entered: reschedule, stop, die
 *
 * Loops until there is nothing left; does not return to a thread that must die. A system call that a stop interrupted
 * is started again.
 *
 * Context   from arch's exit path, interrupts on, no lock
 */
void user_return_work(struct trap_frame *frame);
