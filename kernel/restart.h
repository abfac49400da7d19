/* SPDX-License-Identifier: MIT */
/*
 * kernel/restart.h - how a system call that a signal interrupted ends: again, or with -EINTR
 *
 * Idea        Whether a signal runs a handler is known only on the way to user mode, after the call has given up its
 *             sleep. So the call returns, instead of -EINTR, one of four numbers that programs never see; it says what
 *             it wants, and user_return_work() turns that into the end of the call:
 *
 *                                           handler without     handler with     no handler (a stop and a
 *                                           SA_RESTART          SA_RESTART       continue, nothing after all)
 *                 -ERESTARTSYS              -EINTR              again            again
 *                 -ERESTARTNOINTR           again               again            again
 *                 -ERESTARTNOHAND           -EINTR              -EINTR           again
 *                 -ERESTART_RESTARTBLOCK    -EINTR              -EINTR           restart_syscall()
 *                 -EINTR                    -EINTR              -EINTR           -EINTR
 *
 *             "again" is the same call with the same arguments. restart_syscall() goes on where the call was: for a
 *             relative time that must not begin anew. A call says which it wants so:
 *
 *                 read, write, wait4, flock, futex without time ...: every interruptible wait of wait.h returns
 *                         -ERESTARTSYS. Hand it on. (After a part was moved, return the part.)
 *                 fork, what must never fail for a signal:    return -ERESTARTNOINTR
 *                 pause, select, sigsuspend:                  return restart_unless_handler(wait's result)
 *                 nanosleep, poll, futex with a time:         if (result == -ERESTARTSYS)
 *                                                                     return restart_later(fn, 3, a, b, deadline)
 *                 sigtimedwait, what never goes on:           return -EINTR
 *
 *             fn(arg) is called by restart_syscall and may call restart_later() again. An absolute deadline on
 *             clock_ns() is the right thing to keep.
 * Invariants  I1  The four numbers are returned only after signal_pending was seen set; so the task passes through
 *                 user_return_work(), which replaces them. No program sees one.
 * Locks       none; a task's restart is its own
 * Follow      from wait.h, sys_time.c, futex.c   to signal_return.c
 * Tests       tests/guest/signal_restart.c
 * See         signal(7), "Interruption of system calls and library functions by signal handlers"
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

#define RESTART_ARGS 6

/* Where restart_syscall() goes on. */
struct restart {
	s64 (*fn)(const u64 arg[RESTART_ARGS]); /* NULL: nowhere, -EINTR */
	u64 arg[RESTART_ARGS];
};

/* For calls that a handler ends in any case: -ERESTARTSYS becomes -ERESTARTNOHAND, other results stay. */
static inline s64
restart_unless_handler(s64 result)
{
	return result == -ERESTARTSYS ? -ERESTARTNOHAND : result;
}

/*
 * restart_later - unless a handler runs, go on by @fn with these @count words (at most RESTART_ARGS)
 *
 * Returns   -ERESTART_RESTARTBLOCK, for the system call to return
 * Context   a system call that a signal interrupted
 */
s64 restart_later(s64 (*fn)(const u64 arg[RESTART_ARGS]), u32 count, ...);

/* restart_forget - the program stands elsewhere now (execve, sigreturn). Context: current only. */
void restart_forget(void);
