/* SPDX-License-Identifier: MIT */
/*
 * kernel/exit.c - a thread ends; the last one takes the process with it
 *
 * Idea        The order is the whole point:
 *
 *                 every thread   release robust locks, ring clear_child_tid, leave the address space
 *                 not the last   leave the thread list: gone
 *                 the last       memory back, files back, vfork parent released
 *                                then, in one step under process_lock: children to init, ZOMBIE, tell the parent
 *
 *             Each thread has left the address space before it leaves the list; so the one that is alone on the list is
 *             the last user among the threads, and the memory is in the allocator again before a parent can learn of
 *             the end.
 * Invariants  I1  A thread that is alone on its process's list stays so: only a thread of the process can make another.
 *             I2  Whoever finds a zombie finds its memory returned.
 * Locks       process_lock
 * Follow      from sys_proc.c, signal.c   to wait_child.c, mm_put, files_put, sched_exit
 * Tests       tests/guest/proc.c, tests/guest/wait.c, tests/guest/thread.c
 */
#include <kernel/dev/tty_job.h>
#include <kernel/exit.h>
#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/fs_context.h>
#include <kernel/futex.h>
#include <kernel/job.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/robust_list.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/signal_action.h>
#include <kernel/signal_queue.h>
#include <kernel/sys_abi.h>
#include <kernel/trace.h>
#include <kernel/uaccess.h>
#include <mm/mm.h>

/* What the last thread takes out of its process, to give it back without the lock. */
struct belongings {
	struct mm *mm;
	struct files *files;
	struct fs_context *fs;
	struct file *exe;
};

static void leave_address_space(struct task *task);
static bool leave_or_inherit(struct process *process, s32 status, struct belongings *out);
static void take_belongings(struct process *process, struct belongings *out);
static void init_died(s32 status) __noreturn;
static void give_back(struct belongings *b);
static void become_zombie(struct process *process);
static struct process *reaper_of(const struct process *process);
static void orphan_children(struct process *process);
static bool tell_parent(struct process *process);
static void send_exit_signal(struct process *process, struct process *parent);
static struct siginfo siginfo_child(struct process *process, int sig, int code, int status);

void
exit_thread(s32 status)
{
	struct process *process = current->process;
	struct belongings belongings;

	may_sleep();
	assertf(process, "the kernel thread %s ends as if it were a program's", current->comm);
	robust_list_exit();
	exit_clear_child_tid();
	leave_address_space(current);
	if (leave_or_inherit(process, status, &belongings)) {
		give_back(&belongings);
		exit_release_vfork();
		tty_job_exit(process);
		become_zombie(process);
	}
	sched_exit();
}

void
exit_group(s32 status)
{
	struct process *process = current->process;

	spin_lock(&process_lock);
	signal_group_exit(process, status, current);
	spin_unlock(&process_lock);
	exit_thread(status);
}

/* Why only when the memory has other users: nobody else could look. A program that ends alone saves a page fault. */
void
exit_clear_child_tid(void)
{
	u32 __user *where = (u32 __user *)current->clear_child_tid;
	struct mm *mm = current->mm;

	current->clear_child_tid = NULL;
	if (!where || !mm)
		return;
	if (READ_ONCE(current->process->nr_threads) == 1 && atomic_read(&mm->users) == 1)
		return;
	if (!put_user_u32(0, where))
		(void)futex_wake((u64)where, 1);
}

static void
leave_address_space(struct task *task)
{
	task->mm = NULL;
	mm_activate(NULL);
}

/* False: others live on, the current thread is out of the process. True: it is the last and owns what is in *out. */
static bool
leave_or_inherit(struct process *process, s32 status, struct belongings *out)
{
	bool last;

	spin_lock(&process_lock);
	last = process->nr_threads == 1;
	/* Why: without exit_group the process leaves what its first thread left, whichever ends last. */
	if (!process->group_exit && current->tid == process->pid)
		process->exit_status = status;
	if (last) {
		take_belongings(process, out);
	} else {
		sched_exit_begin();
		process_remove_thread(process, current);
		if (process->nr_threads == 1 && process->exec_task)
			wake_all(&process->wait_children);
	}
	spin_unlock(&process_lock);
	return last;
}

static void
take_belongings(struct process *process, struct belongings *out)
{
	must_hold(&process_lock);
	process->group_exit = true;
	if (process->init)
		init_died(process->exit_status);
	if (process->mm)
		process->dead_threads.maxrss = max_u64(process->dead_threads.maxrss, mm_rss_peak(process->mm));
	*out = (struct belongings){process->mm, process->files, process->fs, process->exe};
	process->mm = NULL;
	process->files = NULL;
	process->fs = NULL;
	process->exe = NULL;
}

static void
init_died(s32 status)
{
	if (status & 0x7f)
		panic("process 1 (%s) was killed by signal %d. It is the parent of all others: without it nothing can "
		      "go on.",
		      current->comm, status & 0x7f);
	panic("process 1 (%s) ended with exit code %d. It is the parent of all others and must not end; let it call "
	      "reboot() when its work is done.",
	      current->comm, status >> 8 & 0xff);
}

static void
give_back(struct belongings *b)
{
	if (b->mm)
		mm_put(b->mm);
	files_put(b->files);
	fs_context_put(b->fs);
	if (b->exe)
		file_put(b->exe);
}

/* vfork_busy is cleared by the child alone, so that it may look without the lock. */
void
exit_release_vfork(void)
{
	struct process *process = current->process;

	if (!process->vfork_busy)
		return;
	spin_lock(&process_lock);
	WRITE_ONCE(process->vfork_busy, false);
	wake_all(&process->wait_self);
	spin_unlock(&process_lock);
}

/* ---- the news ---- */

static void
become_zombie(struct process *process)
{
	bool reaped;

	trace(exit, process->pid, process->exit_status, 0);
	sched_exit_begin(); /* before the news */
	spin_lock(&process_lock);
	process_remove_thread(process, current);
	assertf(!process->nr_threads && !process->mm, "process %d ends with %u threads", process->pid,
		process->nr_threads);
	process->state = PROCESS_ZOMBIE;
	itimer_exit(process);
	signal_queue_forget(&process->queue, ~0UL);
	job_member_leaves(process);
	orphan_children(process);
	reaped = tell_parent(process);
	spin_unlock(&process_lock);
	if (reaped)
		process_put(process);
}

/* Who inherits its children: the nearest ancestor that has asked for orphans and lives, else init. */
static struct process *
reaper_of(const struct process *process)
{
	struct process *reaper = process->parent;

	must_hold(&process_lock);
	while (reaper && !(reaper->traits.reaper && reaper->state == PROCESS_LIVE && !reaper->group_exit))
		reaper = reaper->parent;
	return reaper ? reaper : init_process;
}

/* All children get another parent; it hears of those that are zombies already. */
static void
orphan_children(struct process *process)
{
	struct process *reaper = reaper_of(process);
	struct process *child;
	struct process *next;

	must_hold(&process_lock);
	list_for_each_safe (child, next, &process->children, sibling) {
		child->parent = reaper;
		child->exit_signal = SIGCHLD;
		list_del(&child->sibling);
		list_add_tail(&child->sibling, &reaper->children);
		if (child->traits.death_signal)
			signal_send_process(child, child->traits.death_signal);
		if (child->state == PROCESS_ZOMBIE && tell_parent(child))
			process_put(child);
		else
			job_parent_leaves(process, child);
	}
}

/*
 * Puts a zombie first among its siblings and tells its parent. True when the parent does not want to know: the zombie
 * is unlinked, and the caller holds its last reference but for those of lookers.
 */
static bool
tell_parent(struct process *process)
{
	struct process *parent = process->parent;
	bool unwanted = process->exit_signal == SIGCHLD && signal_ignores_children(parent);

	must_hold(&process_lock);
	if (unwanted) {
		process_unlink(process);
	} else {
		list_del(&process->sibling);
		list_add(&process->sibling, &parent->children);
	}
	if (process->exit_signal)
		send_exit_signal(process, parent);
	wake_all(&parent->wait_children);
	return unwanted;
}

/* Why not to who ignores SIGCHLD: blocked as well, it would be kept. */
static void
send_exit_signal(struct process *process, struct process *parent)
{
	s32 status = process->exit_status;
	bool killed = status & 0x7f;
	struct siginfo info;

	if (process->exit_signal == SIGCHLD &&
	    (!signal_is_kept(parent, SIGCHLD) || (signal_ignored_set(parent) & SIGNAL_BIT(SIGCHLD))))
		return;
	info = siginfo_child(process, process->exit_signal, killed ? CLD_KILLED : CLD_EXITED,
			     killed ? status & 0x7f : status >> 8 & 0xff);
	(void)signal_send_process_info(parent, &info);
}

static struct siginfo
siginfo_child(struct process *process, int sig, int code, int status)
{
	struct usage usage;

	process_usage(process, &usage);
	return (struct siginfo){.signo = sig,
				.code = code,
				.pid = process->pid,
				.uid = process->cred.user.real,
				.status = status,
				.utime = (s64)(usage.utime_ns / CLOCK_TICK_NS),
				.stime = (s64)(usage.stime_ns / CLOCK_TICK_NS)};
}

void
exit_notify_parent_stop(struct process *process, int code, int status)
{
	struct process *parent = process->parent;
	struct siginfo info;

	must_hold(&process_lock);
	if (!parent)
		return;
	info = siginfo_child(process, SIGCHLD, code, status);
	if (signal_wants_stop_news(parent))
		(void)signal_send_process_info(parent, &info);
	wake_all(&parent->wait_children);
}
