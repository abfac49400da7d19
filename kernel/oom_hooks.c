/* SPDX-License-Identifier: MIT */
/*
 * kernel/oom_hooks.c - processes as the OOM killer sees them
 *
 * Idea        mm/ knows address spaces, not processes; these two functions are its view of them.
 * Invariants  as in mm/oom.h
 * Locks       process_lock
 * Follow      from mm/oom.c   to process.h, signal.h
 * Tests       tests/guest/exhaust.c
 */
#include <kernel/exit.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <mm/mm.h>
#include <mm/oom.h>

static void candidate_fill(struct process *process, struct oom_candidate *c);
static void kill_users_of(struct mm *mm);
static void kill_process(struct process *process);

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

/* Why init's memory and not only init: a vfork child of it uses the same, and killing that would free nothing. */
static void
candidate_fill(struct process *process, struct oom_candidate *c)
{
	*c = (struct oom_candidate){
		.pid = process->pid,
		.mm = process->mm,
		.adj = READ_ONCE(process->oom_score_adj),
		.unkillable = process->mm == init_process->mm,
	};
	memcpy(c->comm, process->comm, sizeof(c->comm));
}

bool
oom_process_kill(s32 pid)
{
	struct process *process;
	struct mm *mm = NULL;

	spin_lock(&process_lock);
	process = process_find(pid);
	if (process)
		mm = process->mm;
	if (mm) {
		oom_mark_victim(mm);
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
