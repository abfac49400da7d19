/* SPDX-License-Identifier: MIT */
/*
 * kernel/siginfo.h - what a signal brings along: why it came, from whom, where
 *
 * Idea        The ABI's siginfo_t has 128 bytes, and no kind uses more than the first 48. Those are struct siginfo,
 *             laid out as programs know it; siginfo_to_user() writes them and zeroes behind.
 *
 *                  0  signo  error  code  (pad)
 *                 16  kill, queue: pid uid value     child: pid uid status utime stime     fault: addr
 * Invariants  I1  A struct siginfo is initialised as a whole: its padding goes to programs.
 * Locks       none
 * Follow      from signal.h, exit.c, trap.c   to arch/x86_64/sigframe.c
 * Tests       tests/guest/signal.c, tests/guest/signal_rt.c
 * See         sigaction(2)
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/signal_state.h>

#define SIGINFO_SIZE 128 /* of the ABI */

/* si_code: who sent it. Above 0 and below SI_KERNEL: what happened, in the terms of the signal. */
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_TKILL (-6)
#define SI_DETHREAD (-7)
#define SI_ASYNCNL (-60)

/* si_code of the faults that arch reports. */
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define FPE_INTDIV 1
#define FPE_FLTDIV 3
#define FPE_FLTOVF 4
#define FPE_FLTUND 5
#define FPE_FLTRES 6
#define FPE_FLTINV 7
#define ILL_ILLOPN 2
#define TRAP_BRKPT 1
#define TRAP_TRACE 2

/* si_code of SIGCHLD. */
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_STOPPED 5
#define CLD_CONTINUED 6

struct siginfo {
	s32 signo;
	s32 error;
	s32 code;
	s32 pad;
	union {
		struct {
			s32 pid;
			u32 uid;
			union {
				u64 value;  /* SI_QUEUE, SI_TIMER */
				s32 status; /* SIGCHLD: exit code or signal */
			};
			s64 utime; /* SIGCHLD: clock ticks */
			s64 stime;
		};
		u64 addr; /* faults */
	};
};

_Static_assert(sizeof(struct siginfo) == 48, "the beginning of siginfo_t");

struct process;

/* siginfo_kernel - @sig comes from the kernel, for no other reason than itself. */
static inline struct siginfo
siginfo_kernel(int sig)
{
	return (struct siginfo){.signo = sig, .code = SI_KERNEL};
}

static inline struct siginfo
siginfo_fault(int sig, int code, u64 addr)
{
	return (struct siginfo){.signo = sig, .code = code, .addr = addr};
}

/* siginfo_sent - the current process sends @sig by kill() (SI_USER) or tkill() (SI_TKILL). */
struct siginfo siginfo_sent(int sig, int code);

/*
 * siginfo_to_user - all 128 bytes at @to
 * siginfo_from_user - of a siginfo that a program made; signo becomes @sig
 *
 * Returns   0; -EFAULT; from: -E2BIG there is something behind the 48 bytes of a kind that is not known
 * Context   may sleep
 */
int siginfo_to_user(const struct siginfo *info, u64 to);
int siginfo_from_user(struct siginfo *info, u64 from, int sig);
