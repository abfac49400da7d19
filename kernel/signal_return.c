/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_return.c - the receiver's side of signals: on the way to user mode, and back from a handler
 *
 * Idea        A thread looks at its signals where it cannot miss them: each time before it enters user mode. One look
 *             (next_work) takes signals until one matters:
 *
 *                 SIGKILL, or a fatal default    exit_thread()
 *                 the process is stopped         park, look again
 *                 a handler                      write the frame to the program's stack; registers begin the handler
 *                 nothing any more               an interrupted system call begins again, or ends
 *
 *             Several handlers nest: the frame of the last one taken is on top and runs first.
 * Invariants  I1  A thread with SIGKILL pending enters user mode no more.
 *             I2  signal_pending is cleared only under process_lock, and only when there is nothing to do.
 * Locks       process_lock for the look; none while parked, and none while the frame is written
 * Follow      from arch/x86_64 (exit to user mode)   to exit.c, signal_stop.c, arch/x86_64/sigframe.c
 * Tests       tests/guest/signal.c, tests/guest/proc.c, tests/guest/trap.c
 */
#include <kernel/exit.h>
#include <kernel/itimer.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/signal_action.h>
#include <kernel/signal_queue.h>
#include <kernel/signal_stack.h>
#include <kernel/signal_stop.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define SYSCALL_LENGTH 2    /* bytes of the instruction */
#define SYSCALL_RESTART 219 /* restart_syscall */

/* What a thread that looks at its signals has to do. */
enum signal_work {
	WORK_NONE,
	WORK_PARK,
	WORK_DIE,
	WORK_HANDLER,
	WORK_OWN_ACTIONS, /* signal_actions_own(), then look again */
};

/* One handler about to run. */
struct delivery {
	struct siginfo info;
	struct signal_action action;
	u64 old_mask; /* what the frame brings back */
	s32 status;   /* for who must die */
};

static void write_child_tid(void);
static void signal_obey(struct trap_frame *frame);
static enum signal_work next_work(struct delivery *d);
static enum signal_work next_work_locked(struct delivery *d);
static enum signal_work take_one(struct delivery *d);
static void begin_handler(struct delivery *d, int sig);
static void pending_update(struct task *task);
static void handler_start(struct trap_frame *frame, struct delivery *d);
static void syscall_end(struct trap_frame *frame, const struct signal_action *action);
static void syscall_again(struct trap_frame *frame, u64 nr);
static void frame_failed(int sig, u64 old_mask);
static void nothing_ran(struct trap_frame *frame);

void
user_return_work(struct trap_frame *frame)
{
	while (READ_ONCE(current->need_resched) || READ_ONCE(current->signal_pending)) {
		if (current->need_resched)
			schedule();
		if (current->signal.cpu_check) {
			current->signal.cpu_check = false;
			itimer_cpu_check();
		}
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
	struct delivery d;

	switch (next_work(&d)) {
	case WORK_DIE:
		exit_thread(d.status);
	case WORK_PARK:
		signal_park();
		break;
	case WORK_HANDLER:
		handler_start(frame, &d);
		break;
	case WORK_OWN_ACTIONS:
		/* Without memory even after reclaim this task is the one that dies for it. */
		(void)signal_actions_own();
		break;
	case WORK_NONE:
		nothing_ran(frame);
		break;
	}
}

static enum signal_work
next_work(struct delivery *d)
{
	enum signal_work work;

	spin_lock(&process_lock);
	work = next_work_locked(d);
	spin_unlock(&process_lock);
	return work;
}

static enum signal_work
next_work_locked(struct delivery *d)
{
	struct task *task = current;
	struct process *process = task->process;
	enum signal_work work = WORK_NONE;

	must_hold(&process_lock);
	d->status = process->exit_status;
	if (signal_state_fatal(&task->signal))
		return WORK_DIE;
	while (work == WORK_NONE) {
		if (process->stop_signal)
			return WORK_PARK;
		if (!((task->signal.queue.set | process->queue.set) & ~task->signal.blocked))
			break;
		work = take_one(d);
	}
	pending_update(task);
	return work;
}

/* WORK_NONE: a signal was taken that needs nothing more of this thread. */
static enum signal_work
take_one(struct delivery *d)
{
	struct task *task = current;
	struct process *process = task->process;
	struct signal_queue *own = &task->signal.queue;
	int sig = signal_queue_next(own, &process->queue, ~task->signal.blocked);
	enum signal_effect effect = signal_effect(process, sig);

	if (effect == EFFECT_TERMINATE) {
		signal_group_exit(process, exit_status_signal((u32)sig), task);
		d->status = process->exit_status;
		return WORK_DIE;
	}
	if (effect == EFFECT_HANDLER && !signal_action_take(process, sig, &d->action))
		return WORK_OWN_ACTIONS;
	signal_queue_take_from(own, &process->queue, sig, &d->info);
	if (sig == SIGALRM)
		itimer_signal_taken(process);
	if (effect == EFFECT_STOP)
		signal_stop(process, sig);
	if (effect != EFFECT_HANDLER)
		return WORK_NONE;
	begin_handler(d, sig);
	return WORK_HANDLER;
}

/* The mask changes here and now, so that the look for more signals already obeys it. */
static void
begin_handler(struct delivery *d, int sig)
{
	struct signal_state *s = &current->signal;
	u64 mask = s->blocked | d->action.mask;

	if (!(d->action.flags & SA_NODEFER))
		mask |= SIGNAL_BIT(sig);
	d->old_mask = s->restore_mask ? s->saved_mask : s->blocked;
	s->restore_mask = false;
	if (mask == s->blocked)
		return;
	__atomic_store_n(&s->blocked, mask, __ATOMIC_SEQ_CST);
	signal_retarget(current->process, mask);
}

/* I2 */
static void
pending_update(struct task *task)
{
	const struct signal_state *s = &task->signal;
	u64 open = (s->queue.set | task->process->queue.set) & ~s->blocked;

	must_hold(&process_lock);
	WRITE_ONCE(task->signal_pending, open || task->process->stop_signal || signal_state_fatal(s));
}

/* ---- a handler ---- */

static void
handler_start(struct trap_frame *frame, struct delivery *d)
{
	struct signal_state *s = &current->signal;

	if (frame_is_syscall(frame))
		syscall_end(frame, &d->action);
	if (arch_signal_frame(frame, &d->action, &d->info, d->old_mask))
		frame_failed(d->info.signo, d->old_mask);
	else if (s->stack.flags & SS_AUTODISARM)
		signal_stack_reset(s);
}

/* The table is in restart.h. */
static void
syscall_end(struct trap_frame *frame, const struct signal_action *action)
{
	switch ((s64)frame->rax) {
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		frame->rax = (u64)-EINTR;
		break;
	case -ERESTARTSYS:
		if (action->flags & SA_RESTART)
			syscall_again(frame, (u64)frame->orig_rax);
		else
			frame->rax = (u64)-EINTR;
		break;
	case -ERESTARTNOINTR:
		syscall_again(frame, (u64)frame->orig_rax);
		break;
	default:
		break;
	}
}

static void
syscall_again(struct trap_frame *frame, u64 nr)
{
	frame->rax = nr;
	frame->rip -= SYSCALL_LENGTH;
}

/* The handler cannot run. The program gets SIGSEGV instead, and of SIGSEGV itself it dies. */
static void
frame_failed(int sig, u64 old_mask)
{
	struct siginfo info = siginfo_kernel(SIGSEGV);

	signal_mask_set(old_mask);
	if (sig != SIGSEGV) {
		signal_force(&info);
		return;
	}
	spin_lock(&process_lock);
	signal_group_exit(current->process, exit_status_signal(SIGSEGV), NULL);
	spin_unlock(&process_lock);
}

s64
signal_return(struct trap_frame *frame)
{
	struct siginfo info = siginfo_kernel(SIGSEGV);
	struct signal_stack_abi stack;
	u64 mask;

	restart_forget();
	if (arch_signal_return(frame, &mask, &stack)) {
		signal_force(&info);
		return 0;
	}
	signal_mask_set(mask);
	/* Why no error: as in Linux, a stack that cannot be set stays what it was. */
	(void)signal_stack_set(&stack, frame->rsp);
	return (s64)frame->rax;
}

/* ---- no handler ---- */

/* Who interrupted a call for nothing makes it again. */
static void
nothing_ran(struct trap_frame *frame)
{
	struct signal_state *s = &current->signal;

	if (frame_is_syscall(frame)) {
		switch ((s64)frame->rax) {
		case -ERESTARTSYS:
		case -ERESTARTNOINTR:
		case -ERESTARTNOHAND:
			syscall_again(frame, (u64)frame->orig_rax);
			break;
		case -ERESTART_RESTARTBLOCK:
			syscall_again(frame, SYSCALL_RESTART);
			break;
		default:
			break;
		}
	}
	if (s->restore_mask) {
		s->restore_mask = false;
		signal_mask_set(s->saved_mask);
	}
}
