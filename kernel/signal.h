/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal.h - signals: sent to a thread or a process, and what becomes of them
 *
 * Idea        A signal passes three stations:
 *
 *                 sender      signal.c         ignored? dropped. Else it joins the queue of the thread or the process,
 *                                              and a thread that does not block it is told (signal_pending).
 *                                              Fatal? the whole process begins to exit at once.
 *                 queue       signal_queue.c   until a thread that does not block it comes by
 *                 receiver    signal_return.c  on the way to user mode: handler, default, or nothing
 *
 *             Defaults: ignored (SIGCHLD SIGURG SIGWINCH SIGCONT), stop (signal_stop.h), terminate (the rest). Sending
 *             a stop signal takes back a SIGCONT that waits; SIGCONT takes back stops and lets the process go on,
 *             even when SIGCONT itself is blocked or ignored. Process 1 gets only what it has a handler for.
 * Invariants  I1  SIGKILL and SIGSTOP are in no mask and in no action but the default.
 *             I2  group_exit is set  =>  every thread of the process, the one that set it excepted, has SIGKILL
 *                 pending.
 * Locks       process_lock for all of it
 * Follow      from trap.c, sys_signal.c, oom_hooks.c, exit.c   to signal.c, signal_action.c, signal_return.c
 * Tests       tests/guest/signal.c, signal_rt.c, signal_stop.c, signal_restart.c, tests/guest/proc.c, trap.c
 * See         Linux kernel/signal.c for what is ignored when; signal(7)
 */
#pragma once

#include <kernel/siginfo.h>
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

#define SIGNALS_STOP (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNALS_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

void signal_init(void);

/* signal_valid - 1 to SIGNAL_MAX. */
static inline bool
signal_valid(s64 sig)
{
	return sig >= 1 && sig <= SIGNAL_MAX;
}

/* ---- sending ---- */

/*
 * signal_send_process, signal_send_thread - send @sig, 1 to SIGNAL_MAX, from the kernel (SI_KERNEL)
 * signal_send_process_info, signal_send_thread_info - send @info->signo, and @info with it
 *
 * A process that is dying, or dead and not reaped, takes any signal and nothing happens.
 *
 * Returns   info: 0; -EAGAIN a queued real-time signal beyond RLIMIT_SIGPENDING
 * Context   holds process_lock; the process is not reaped, the thread is in its process's list
 */
void signal_send_process(struct process *process, int sig);
void signal_send_thread(struct task *task, int sig);
int signal_send_process_info(struct process *process, const struct siginfo *info);
int signal_send_thread_info(struct task *task, const struct siginfo *info);

/* signal_is_kept - is @sig, sent to @process now, more than forgotten? Saves making a siginfo. Holds process_lock. */
bool signal_is_kept(const struct process *process, int sig);

/*
 * signal_send_group - to every process of the group @pgid: what a terminal does
 *
 * Returns   0; -ESRCH nobody is in it; another error when none of them got it
 * Context   holds process_lock
 */
int signal_send_group(s32 pgid, const struct siginfo *info);

/* signal_send_current - to the current thread, by itself (a broken pipe's SIGPIPE). Context: takes process_lock. */
void signal_send_current(int sig);

/*
 * signal_force - the current thread did what cannot go on: its handler runs; without one, or blocked, or ignored, the
 *                process ends, whoever it is
 *
 * Context   takes process_lock; the rest comes in user_return_work()
 */
void signal_force(const struct siginfo *info);

/*
 * signal_fault - an exception of user mode: signal_force(), and without a handler the one line that Linux prints
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

/* signal_wake - makes @task look at its signals soon, wherever it is. Context: holds process_lock. */
void signal_wake(struct task *task);

/* signal_forget - those of @set wait no longer, in no queue of @process. Context: holds process_lock. */
void signal_forget(struct process *process, u64 set);

/* ---- masks ---- */

/* signal_mask_set - replace the current thread's mask; what is unblocked acts on the way out. May take process_lock. */
void signal_mask_set(u64 mask);

/*
 * signal_mask_swap, signal_mask_back - another mask for the duration of one system call (sigsuspend, ppoll, pselect)
 *
 * signal_mask_back(result) returns @result. If that says that a signal interrupted the call, the handler still runs
 * under the other mask, and its return (or user_return_work(), when none runs) brings the old one back.
 *
 * Context   current; swap is followed by back in the same call
 */
void signal_mask_swap(u64 mask);
s64 signal_mask_back(s64 result);

/* signal_retarget - others shall look at what waits for the process in @set. Context: holds process_lock. */
void signal_retarget(struct process *process, u64 set);

/* signal_thread_exit - @task, which leaves its process, takes no more signals. Context: holds process_lock. */
void signal_thread_exit(struct task *task);

/* ---- the receiver ---- */

/*
 * user_return_work - what must happen before user mode is entered: reschedule, handlers, stop, die
 *
 * Loops until there is nothing left; does not return to a thread that must die. A system call that a signal interrupted
 * is ended or begun again, as restart.h says.
 *
 * Context   from arch's exit path, interrupts on, no lock
 */
void user_return_work(struct trap_frame *frame);

/* signal_return - the system call rt_sigreturn: back from a handler. Returns what rax shall be. Context: may sleep. */
s64 signal_return(struct trap_frame *frame);

/* ---- for /proc: sets of signals; holds process_lock ---- */

u64 signal_ignored_set(const struct process *process);
u64 signal_caught_set(const struct process *process);
