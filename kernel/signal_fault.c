/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_fault.c - an exception of user mode becomes a signal
 *
 * Idea        The program's handler is told where and why. A program without one dies, and the log says of what, in
 *             Linux's words.
 * Invariants  none
 * Locks       process_lock for the look at the handlers
 * Follow      from arch/x86_64/trap.c   to signal.c (signal_force)
 * Tests       tests/guest/trap.c, tests/guest/signal_frame.c
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/task.h>

static bool is_fatal(int sig);
static void report(int sig, int code, u64 addr);
static const char *fault_name(int sig, int code);

void
signal_fault(int sig, int code, u64 addr)
{
	struct siginfo info = siginfo_fault(sig, code, addr);

	assertf(current->process, "signal %d for the kernel thread %s", sig, current->comm);
	if (is_fatal(sig))
		report(sig, code, addr);
	signal_force(&info);
}

/* Racy: only whether the line is printed hangs on it. */
static bool
is_fatal(int sig)
{
	u64 caught;

	spin_lock(&process_lock);
	caught = signal_caught_set(current->process);
	spin_unlock(&process_lock);
	return !(caught & ~current->signal.blocked & SIGNAL_BIT(sig));
}

static void
report(int sig, int code, u64 addr)
{
	const struct trap_frame *f = task_frame(current);
	u32 error = frame_is_syscall(f) ? 0 : f->error;

	if (sig == SIGSEGV && code != SI_KERNEL)
		pr_info("%s[%d]: segfault at %lx ip %016lx sp %016lx error %x\n", current->comm, current->process->pid,
			addr, f->rip, f->rsp, error);
	else if (sig != SIGTRAP)
		pr_info("traps: %s[%d] trap %s ip:%lx sp:%lx error:%x\n", current->comm, current->process->pid,
			fault_name(sig, code), f->rip, f->rsp, error);
}

/* Linux's names of the traps. */
static const char *
fault_name(int sig, int code)
{
	switch (sig) {
	case SIGFPE:
		return code == FPE_INTDIV ? "divide error" : "floating point";
	case SIGILL:
		return "invalid opcode";
	case SIGSEGV:
		return "general protection fault";
	case SIGBUS:
		return code == BUS_ADRALN ? "alignment check" : "bus error";
	default:
		return "exception";
	}
}
