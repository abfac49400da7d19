/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_stop.c - a process stops and goes on
 *
 * Idea        see signal_stop.h
 * Invariants  see signal_stop.h
 * Locks       process_lock; none while parked
 * Follow      from signal.c, signal_return.c   to exit.c (exit_notify_parent_stop)
 * Tests       tests/guest/signal_stop.c
 */
#include <kernel/exit.h>
#include <kernel/job.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/signal_stop.h>
#include <kernel/task.h>

static void go_on(struct process *process);
static void stop_complete(struct process *process);
static bool park_over(const struct process *process, const struct task *task);

void
signal_stop_prepare(struct process *process, int sig)
{
	must_hold(&process_lock);
	if (SIGNAL_BIT(sig) & SIGNALS_STOP) {
		signal_forget(process, SIGNAL_BIT(SIGCONT));
	} else if (sig == SIGCONT) {
		signal_forget(process, SIGNALS_STOP);
		go_on(process);
	}
}

static void
go_on(struct process *process)
{
	bool stopped = process->stopped;
	s32 sig = process->stop_signal;
	struct task *task;

	if (!sig)
		return;
	WRITE_ONCE(process->stop_signal, 0);
	process->stopped = false;
	process->continued = stopped;
	list_for_each (task, &process->threads, thread_link)
		WRITE_ONCE(task->signal.parked, false);
	wake_all(&process->wait_self);
	exit_notify_parent_stop(process, stopped ? CLD_CONTINUED : CLD_STOPPED, stopped ? SIGCONT : sig);
}

void
signal_stop(struct process *process, int sig)
{
	struct task *task;

	must_hold(&process_lock);
	if (process->stop_signal || process->group_exit)
		return;
	if (sig != SIGSTOP && job_orphaned(process->pgid, NULL))
		return;
	process->stop_signal = sig;
	process->parked = 0;
	process->stopped = false;
	process->stop_reported = false;
	process->continued = false;
	list_for_each (task, &process->threads, thread_link)
		signal_wake(task);
}

bool
signal_stop_waits(const struct task *task)
{
	must_hold(&process_lock);
	return (task->signal.queue.set | task->process->queue.set) & SIGNALS_STOP & ~task->signal.blocked;
}

/* Race: it goes on and stops again before this thread has run: then it is parked for the old stop, and parks anew. */
void
signal_park(void)
{
	struct process *process = current->process;
	struct signal_state *s = &current->signal;

	spin_lock(&process_lock);
	if (process->stop_signal && !signal_state_fatal(s)) {
		s->parked = true;
		process->parked++;
		if (process->parked == process->nr_threads)
			stop_complete(process);
	}
	spin_unlock(&process_lock);
	(void)wait_event_killable(&process->wait_self, park_over(process, current));
	spin_lock(&process_lock);
	if (s->parked && process->stop_signal)
		process->parked--;
	s->parked = false;
	spin_unlock(&process_lock);
}

static bool
park_over(const struct process *process, const struct task *task)
{
	return !READ_ONCE(task->signal.parked) || !READ_ONCE(process->stop_signal);
}

static void
stop_complete(struct process *process)
{
	must_hold(&process_lock);
	assertf(!process->stopped, "process %d stops twice", process->pid);
	process->stopped = true;
	exit_notify_parent_stop(process, CLD_STOPPED, process->stop_signal);
}

void
signal_stop_thread_left(struct process *process, struct task *task)
{
	must_hold(&process_lock);
	assertf(!task->signal.parked, "thread %d leaves while parked", task->tid);
	if (process->stop_signal && !process->stopped && process->nr_threads && process->parked == process->nr_threads)
		stop_complete(process);
}
