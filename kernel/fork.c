/* SPDX-License-Identifier: MIT */
/*
 * kernel/fork.c - fork, vfork, clone: a new process, or a new thread of this one
 *
 * Idea        Three beats.
 *
 *                 prepare  task with its stack; for a process also struct process, memory, files    may sleep and fail
 *                 commit   under process_lock: dying? full? number, family, signals                cannot sleep
 *                 start    the number for the parent, then the run queue; vfork waits
 *
 *             A thread shares everything that its process owns, so its preparation is the task alone. What is shared is
 *             all or nothing: a thread is CLONE_VM, FS, FILES and SIGHAND together, as every C library asks for it;
 *             other mixtures with CLONE_THREAD or CLONE_SIGHAND are -EINVAL (Simple: Linux counts each of these
 *             structures by itself), and so is CLONE_THREAD with VFORK.
 * Invariants  I1  Until the commit nobody else knows of the child; undoing is freeing.
 *             I2  No child joins a process that has begun to die, and none starts unkilled.
 * Locks       process_lock for the commit
 * Follow      from sys_clone.c   to mm/fork.c, process.c, arch_task_fork
 * Tests       tests/guest/proc.c, tests/guest/thread.c, tests/guest/clone.c
 */
#include <kernel/exit.h>
#include <kernel/fork.h>
#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/fs_context.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/sched_attr.h>
#include <kernel/signal.h>
#include <kernel/signal_action.h>
#include <kernel/signal_stack.h>
#include <kernel/signal_stop.h>
#include <kernel/trace.h>
#include <kernel/uaccess.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>

#define CLONE_PROCESS_SHARED (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND)
/* Ignored, as Linux ignores them where there is no tracer, no I/O context and no System V semaphore to share. */
#define CLONE_IGNORED (CLONE_SYSVSEM | CLONE_DETACHED | 0x2000UL | 0x800000UL | 0x80000000UL)
#define CLONE_BUILT                                                                                              \
	(CLONE_PROCESS_SHARED | CLONE_VFORK | CLONE_PARENT | CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | \
	 CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_IGNORED)

/* An eighth of memory may become kernel stacks: Linux's threads-max. */
#define THREADS_MEMORY_SHARE 8
#define THREADS_MIN 20U

/* One fork on its way. */
struct fork {
	const struct fork_request *request;
	struct process *parent;  /* the caller's */
	struct process *process; /* the child's own, or the caller's for a thread */
	struct task *task;
	s32 tid;
};

static int flags_check(const struct fork_request *request);
static int fork_prepare(struct fork *f);
static int prepare_process(struct fork *f);
static int prepare_mm(struct fork *f, struct process *child);
static void undo_process(struct process *child);
static void prepare_task(struct fork *f);
static int fork_commit(struct fork *f);
static int fork_commit_locked(struct fork *f);
static void link_process(struct fork *f);
static bool threads_full(void);
static bool user_full(const struct process *parent);
static void fork_start(struct fork *f);
static void fork_undo(struct fork *f);

s64
fork_process(const struct fork_request *request)
{
	struct fork f = {.request = request, .parent = current->process};
	int error = flags_check(request);

	if (error)
		return error;
	if (threads_full())
		return -EAGAIN;
	error = fork_prepare(&f);
	if (error)
		return error;
	error = fork_commit(&f);
	if (error) {
		fork_undo(&f);
		return error;
	}
	fork_start(&f);
	return f.tid;
}

static int
flags_check(const struct fork_request *request)
{
	u64 flags = request->flags;
	bool thread = flags & CLONE_THREAD;

	if (flags & ~CLONE_BUILT)
		return -EINVAL;
	if (thread != !!(flags & CLONE_SIGHAND))
		return -EINVAL;
	if (thread && (flags & CLONE_VFORK))
		return -EINVAL;
	if (thread && (flags & CLONE_PROCESS_SHARED) != CLONE_PROCESS_SHARED)
		return -EINVAL;
	if ((flags & CLONE_PARENT) && current->process->init)
		return -EINVAL;
	/* Why: the child's first switch loads it, and the CPU faults on an address that is none. */
	if ((flags & CLONE_SETTLS) && request->tls >= USER_TOP)
		return -EPERM;
	assertf(!request->exit_signal || signal_valid(request->exit_signal), "exit signal %d", request->exit_signal);
	return 0;
}

/* ---- prepare ---- */

static int
fork_prepare(struct fork *f)
{
	const struct fork_request *r = f->request;
	bool thread = r->flags & CLONE_THREAD;
	int error = -ENOMEM;

	f->task = task_alloc();
	if (!f->task)
		return -ENOMEM;
	f->process = f->parent;
	if (!thread)
		error = prepare_process(f);
	if (!thread && error)
		goto free_task;
	prepare_task(f);
	error = arch_task_fork(f->task, task_stack_top(f->task), current, r->stack, r->tls, r->flags & CLONE_SETTLS);
	if (error)
		goto free_process;
	return 0;

free_process:
	if (!thread)
		undo_process(f->process);
free_task:
	f->task->mm = NULL;
	task_free(f->task);
	return error;
}

static int
prepare_process(struct fork *f)
{
	struct process *child = process_alloc();
	u64 flags = f->request->flags;

	if (!child)
		return -ENOMEM;
	child->fs = flags & CLONE_FS ? fs_context_get(f->parent->fs) : fs_context_fork(f->parent->fs);
	child->files = flags & CLONE_FILES ? files_get(f->parent->files) : files_fork(f->parent->files);
	if (!child->fs || !child->files || prepare_mm(f, child)) {
		undo_process(child);
		return -ENOMEM;
	}
	child->exe = f->parent->exe ? file_hold(f->parent->exe) : NULL;
	child->exit_signal = flags & CLONE_PARENT ? f->parent->exit_signal : f->request->exit_signal;
	child->vfork_busy = flags & CLONE_VFORK;
	child->oom_score_adj = READ_ONCE(f->parent->oom_score_adj);
	child->oom_score_adj_min = READ_ONCE(f->parent->oom_score_adj_min);
	memcpy(child->comm, f->parent->comm, sizeof(child->comm));
	f->process = child;
	return 0;
}

static int
prepare_mm(struct fork *f, struct process *child)
{
	struct mm *mm = f->parent->mm;

	if (!(f->request->flags & CLONE_VM))
		return mm_fork(mm, &child->mm);
	mm_get(mm);
	child->mm = mm;
	return 0;
}

static void
undo_process(struct process *child)
{
	if (child->mm)
		mm_put(child->mm);
	if (child->files)
		files_put(child->files);
	if (child->fs)
		fs_context_put(child->fs);
	child->mm = NULL;
	child->files = NULL;
	child->fs = NULL;
	if (child->exe)
		file_put(child->exe);
	child->exe = NULL;
	process_put(child);
}

static void
prepare_task(struct fork *f)
{
	const struct fork_request *r = f->request;
	struct task *task = f->task;

	task->mm = f->process->mm;
	sched_attr_fork(task, current);
	task->timer_slack_ns = task->timer_slack_default_ns = current->timer_slack_ns;
	task->signal.blocked = current->signal.blocked;
	/* Why not always: two that run in one memory would run on one stack. */
	if (!(r->flags & CLONE_VM) || (r->flags & CLONE_VFORK))
		task->signal.stack = current->signal.stack;
	else
		signal_stack_reset(&task->signal);
	memcpy(task->comm, current->comm, sizeof(task->comm));
	if (r->flags & CLONE_CHILD_CLEARTID)
		task->clear_child_tid = (u32 *)r->child_tid;
	if (r->flags & CLONE_CHILD_SETTID) {
		task->signal.set_child_tid = r->child_tid;
		/* Why: so that the child passes through user_return_work(), which writes the number into its memory. */
		task->signal_pending = true;
	}
}

/* ---- commit ---- */

static int
fork_commit(struct fork *f)
{
	int error;

	spin_lock(&process_lock);
	error = fork_commit_locked(f);
	spin_unlock(&process_lock);
	return error;
}

/*
 * Race: A forks while B kills the process. If B comes first, A is refused here. If A comes first, its new thread is on
 * the list and B kills it with the rest; a new process is not B's business. So too with execve, which kills siblings.
 */
static int
fork_commit_locked(struct fork *f)
{
	s32 tid;

	must_hold(&process_lock);
	if (signal_state_fatal(&current->signal) || f->parent->group_exit)
		return -EINTR;
	/*
	 * Why: a stop of the whole group would miss a child that joins it between the stop and its parent's look at it.
	 */
	if (f->parent->stop_signal || signal_stop_waits(current))
		return -ERESTARTNOINTR;
	if (!(f->request->flags & CLONE_THREAD) && user_full(f->parent))
		return -EAGAIN;
	tid = pid_alloc();
	if (tid < 0)
		return tid;
	f->tid = tid;
	if (!(f->request->flags & CLONE_THREAD))
		link_process(f);
	process_add_thread(f->process, f->task, tid);
	return 0;
}

/* Why: limits are copied here, because a sibling may be changing them. */
static void
link_process(struct fork *f)
{
	struct process *child = f->process;
	struct process *parent = f->request->flags & CLONE_PARENT ? f->parent->parent : f->parent;

	memcpy(child->limits, f->parent->limits, sizeof(child->limits));
	cred_fork(child, f->parent);
	child->traits.personality = f->parent->traits.personality;
	child->traits.dumpable = f->parent->traits.dumpable;
	child->tty = f->parent->tty;
	signal_actions_fork(child, f->parent);
	process_link(child, parent, f->tid, f->parent->pgid, f->parent->sid);
}

/* RLIMIT_NPROC of a user: it does not bind root. (Simple: counted each time.) */
static bool
user_full(const struct process *parent)
{
	u32 user = parent->cred.user.real;
	const struct process *process;
	u64 count = 0;

	must_hold(&process_lock);
	if (likely(!user || cred_is_root()))
		return false;
	list_for_each (process, &process_list, all)
		count += process->cred.user.real == user ? process->nr_threads : 0;
	return count >= rlimit_get(parent, RLIMIT_NPROC);
}

/* This is what stops a fork bomb of root's. */
static bool
threads_full(void)
{
	u64 max = total_pages() * PAGE_SIZE / (KSTACK_SIZE * THREADS_MEMORY_SHARE);

	return process_thread_count() >= max_u64(max, THREADS_MIN);
}

/* ---- start, or undo ---- */

/* Why the reference: a child that runs may be gone, and even waited for by another thread, before vfork looks at it. */
static void
fork_start(struct fork *f)
{
	struct process *child = f->process;
	u64 flags = f->request->flags;

	trace(fork, f->parent->pid, f->tid, 0);
	if (flags & CLONE_PARENT_SETTID)
		(void)put_user_u32((u32)f->tid, (u32 __user *)f->request->parent_tid);
	process_get(child);
	sched_add_new(f->task);
	if (flags & CLONE_VFORK && !(flags & CLONE_THREAD))
		(void)wait_event_killable(&child->wait_self, !READ_ONCE(child->vfork_busy));
	process_put(child);
}

static void
fork_undo(struct fork *f)
{
	if (!(f->request->flags & CLONE_THREAD))
		undo_process(f->process);
	f->task->mm = NULL;
	task_free(f->task);
}
