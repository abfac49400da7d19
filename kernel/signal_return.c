/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_return.c - the receiver's side of signals: on the way to user mode, in an interrupted sleep, at a fault
 *
 * Idea        A sender has settled what a signal means for the process (signal.c); a thread only has to notice that it
 *             must die or park. It looks where it cannot miss it: each time before it enters user mode.
 * Invariants  I1  A thread with SIGKILL pending enters user mode no more.
 *             I2  signal_pending is cleared only under process_lock, and only when there is neither a kill nor a stop.
 * Locks       process_lock for the look; none while parked
 * Follow      from arch/x86_64 (exit to user mode, faults), sys_time.c, futex.c   to exit.c
 * Tests       tests/guest/proc.c, tests/guest/trap.c
 */
#include <kernel/exit.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define SYSCALL_LENGTH 2    /* bytes of the instruction */
#define SYSCALL_RESTART 219 /* restart_syscall */

/* What a thread that looks at its signals has to do. */
enum signal_work {
	WORK_NONE,
	WORK_PARK,
	WORK_DIE,
};

static void write_child_tid(void);
static void signal_obey(struct trap_frame *frame);
static void syscall_restart(struct trap_frame *frame);
static enum signal_work signal_work(s32 *status);
static void signal_park(void);
static const char *fault_name(int sig, int code);

void
user_return_work(struct trap_frame *frame)
{
	while (READ_ONCE(current->need_resched) || READ_ONCE(current->signal_pending)) {
		if (current->need_resched)
			schedule();
		if (current->signal.set_child_tid)
			write_child_tid();
		if (current->signal_pending)
			signal_obey(frame);
	}
}

/* Why: a bad address is not an error, as in Linux: the caller of clone() could not be told any more. */
static void
write_child_tid(void)
{
	u32 __user *where = (u32 __user *)current->signal.set_child_tid;

	current->signal.set_child_tid = 0;
	(void)put_user_u32((u32)current->tid, where);
}

static void
signal_obey(struct trap_frame *frame)
{
	s32 status;
	enum signal_work work = signal_work(&status);

	if (work == WORK_DIE)
		exit_thread(status);
	if (work == WORK_PARK)
		signal_park();
	if (frame_is_syscall(frame))
		syscall_restart(frame);
}

/* No handler ran: an interrupted system call is made again, or goes on. The table is in restart.h. */
static void
syscall_restart(struct trap_frame *frame)
{
	switch ((s64)frame->rax) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
		frame->rax = (u64)frame->orig_rax;
		break;
	case -ERESTART_RESTARTBLOCK:
		frame->rax = SYSCALL_RESTART;
		break;
	default:
		return;
	}
	frame->rip -= SYSCALL_LENGTH;
}

/* Looks and settles signal_pending; *status is for who must die. */
static enum signal_work
signal_work(s32 *status)
{
	struct task *task = current;
	enum signal_work work = WORK_NONE;

	spin_lock(&process_lock);
	*status = task->process->exit_status;
	if (signal_state_fatal(&task->signal))
		work = WORK_DIE;
	else if (task->process->stop_signal)
		work = WORK_PARK;
	else
		task->signal_pending = false;
	spin_unlock(&process_lock);
	return work;
}

/* Until the process goes on, or dies. */
static void
signal_park(void)
{
	struct process *process = current->process;

	(void)wait_event_killable(&process->wait_self, !READ_ONCE(process->stop_signal));
}

/* ---- faults ---- */

void
signal_fault(int sig, int code, u64 addr)
{
	const struct trap_frame *f = task_frame(current);
	u32 error = frame_is_syscall(f) ? 0 : f->error;

	assertf(current->process, "signal %d for the kernel thread %s", sig, current->comm);
	if (sig == SIGSEGV && code != SI_KERNEL)
		pr_info("%s[%d]: segfault at %lx ip %016lx sp %016lx error %x\n", current->comm, current->process->pid,
			addr, f->rip, f->rsp, error);
	else if (sig != SIGTRAP)
		pr_info("traps: %s[%d] trap %s ip:%lx sp:%lx error:%x\n", current->comm, current->process->pid,
			fault_name(sig, code), f->rip, f->rsp, error);
	signal_force(sig);
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
