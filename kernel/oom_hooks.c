/* SPDX-License-Identifier: MIT */
/*
 * kernel/oom_hooks.c - processes as the OOM killer sees them
 *
 * Idea        mm/ knows address spaces, not processes; these functions are its view of them.
 * Invariants  as in mm/oom.h
 * Locks       process_lock
 * Follow      from mm/oom.c, mm/oom_report.c, mm/oom_reap.c   to process.h, signal.h
 * Tests       tests/guest/oom.c, tests/guest/oom_gone.c, tests/guest/exhaust.c
 */
#include <arch/cpu.h>
#include <kernel/exit.h>
#include <kernel/ksyms.h>
#include <kernel/lib/string.h>
#include <kernel/oom_adj.h>
#include <kernel/pid.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <kernel/uts.h>
#include <mm/mm.h>
#include <mm/oom.h>

static void candidate_fill(struct process *process, struct oom_candidate *c);
static void kill_users_of(struct mm *mm);
static void kill_process(struct process *process);
static bool has_stuck_thread(const struct process *process);
static void print_return(u64 rip, void *arg);

void
oom_process_each(void (*visit)(struct oom_candidate *c, void *arg), void *arg)
{
	struct process *process;

	spin_lock(&process_lock);
	list_for_each (process, &process_list, all) {
		struct oom_candidate c;

		if (process->state != PROCESS_LIVE)
			continue;
		candidate_fill(process, &c);
		visit(&c, arg);
	}
	spin_unlock(&process_lock);
}

s32
oom_process_next(s32 pid, struct oom_candidate *out)
{
	struct process *process = process_next_get(pid);

	if (!process)
		return 0;
	pid = process->pid;
	spin_lock(&process_lock);
	candidate_fill(process, out);
	spin_unlock(&process_lock);
	process_put(process);
	return pid;
}

bool
oom_process_self(struct oom_candidate *out)
{
	struct process *process = current->process;

	if (!process)
		return false;
	spin_lock(&process_lock);
	candidate_fill(process, out);
	spin_unlock(&process_lock);
	return true;
}

/*
 * Why init's memory and not only init: a vfork child of it uses the same, and killing that would free nothing. Why not
 * a vfork child: it is its parent's memory, and the parent is asked for itself.
 */
static void
candidate_fill(struct process *process, struct oom_candidate *c)
{
	must_hold(&process_lock);
	*c = (struct oom_candidate){
		.pid = process->pid,
		.uid = process->cred.user.real,
		.mm = process->mm,
		.adj = READ_ONCE(process->oom_score_adj),
		.unkillable = process->init || process->mm == init_process->mm || oom_adj_is_borrowed(process),
		.dying = process->group_exit,
	};
	memcpy(c->comm, process->comm, sizeof(c->comm));
	oom_measure(c);
}

bool
oom_process_kill(s32 pid, void (*certain)(void *arg), void *arg)
{
	struct process *process;
	struct mm *mm = NULL;

	spin_lock(&process_lock);
	process = process_find(pid);
	if (process)
		mm = process->mm;
	if (mm) {
		oom_mark_victim(mm);
		if (certain)
			certain(arg);
		kill_users_of(mm);
	}
	spin_unlock(&process_lock);
	return mm;
}

/* All who share the memory must go before it can be given back: also a vfork child that has not called execve. */
static void
kill_users_of(struct mm *mm)
{
	struct process *process;

	must_hold(&process_lock);
	list_for_each (process, &process_list, all)
		if (process->mm == mm && !process->init)
			kill_process(process);
}

/*
 * Why signal_kill_thread for all even when the process is ending already: a thread may sleep where only a kill wakes
 * it, and the mark lets each of them use the reserves on its way out.
 */
static void
kill_process(struct process *process)
{
	struct task *task;

	signal_group_exit(process, exit_status_signal(SIGKILL), NULL);
	list_for_each (task, &process->threads, thread_link) {
		task->oom_victim = true;
		signal_kill_thread(task);
	}
}

struct mm *
oom_process_victim(struct oom_candidate *out, bool *stuck)
{
	struct process *process;
	struct mm *mm = NULL;

	*stuck = false;
	spin_lock(&process_lock);
	list_for_each (process, &process_list, all) {
		if (!process->mm || !process->mm->oom_victim || process->mm->oom_skip || (mm && process->mm != mm))
			continue;
		if (!mm) {
			mm = process->mm;
			mm_get(mm);
			candidate_fill(process, out);
		}
		*stuck |= has_stuck_thread(process);
	}
	spin_unlock(&process_lock);
	return mm;
}

/* A killed thread that still sleeps: no signal wakes it there. */
static bool
has_stuck_thread(const struct process *process)
{
	const struct task *task;

	list_for_each (task, &process->threads, thread_link)
		if (READ_ONCE(task->state) == TASK_UNINTERRUPTIBLE)
			return true;
	return false;
}

void
oom_print_asker(void)
{
	pr_warn("CPU: %u PID: %d Comm: %.20s Not tainted %s #1", this_cpu_id(), current->process ? current->tid : 0,
		current->comm, UTS_RELEASE);
	pr_warn("Call Trace:\n <TASK>");
	backtrace_walk((u64)__builtin_frame_address(0), print_return, NULL);
	pr_warn(" </TASK>");
}

static void
print_return(u64 rip, void *arg)
{
	char name[96];

	pr_warn(" %s", ksym_format(rip, name, sizeof(name)));
}
