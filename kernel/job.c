/* SPDX-License-Identifier: MIT */
/*
 * kernel/job.c - process groups as a whole
 *
 * Idea        see job.h
 * Invariants  none
 * Locks       process_lock
 * Follow      from exit.c, signal_stop.c, dev/tty_job.c   to pid.h, signal.h
 * Tests       tests/guest/jobs.c
 */
#include <kernel/job.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/signal.h>

static bool links(const struct process *parent, const struct process *member);
static bool has_stopped(s32 pgid);
static void tell_orphans(s32 pgid, const struct process *except);

bool
job_signal(s32 pgid, int sig)
{
	struct pid_node *node = pid_find(PID_GROUP, pgid);

	must_hold(&process_lock);
	if (!node)
		return false;
	for (; node; node = pid_next(node))
		signal_send_process(container_of(node, struct process, pgid_node), sig);
	return true;
}

/* Why not init: who has lost its parent has init for one, and init continues nobody. */
bool
job_orphaned(s32 pgid, const struct process *except)
{
	must_hold(&process_lock);
	for (struct pid_node *node = pid_find(PID_GROUP, pgid); node; node = pid_next(node)) {
		struct process *p = container_of(node, struct process, pgid_node);

		if (p != except && p->state == PROCESS_LIVE && p->parent && !p->parent->init && links(p->parent, p))
			return false;
	}
	return true;
}

void
job_parent_leaves(const struct process *process, const struct process *child)
{
	if (child->state == PROCESS_LIVE && links(process, child))
		tell_orphans(child->pgid, NULL);
}

void
job_member_leaves(const struct process *process)
{
	if (process->parent && links(process->parent, process))
		tell_orphans(process->pgid, process);
}

/* Is @parent in a position to do job control for the group of @member? */
static bool
links(const struct process *parent, const struct process *member)
{
	return parent->pgid != member->pgid && parent->sid == member->sid;
}

static void
tell_orphans(s32 pgid, const struct process *except)
{
	if (!has_stopped(pgid) || !job_orphaned(pgid, except))
		return;
	job_signal(pgid, SIGHUP);
	job_signal(pgid, SIGCONT);
}

static bool
has_stopped(s32 pgid)
{
	for (struct pid_node *node = pid_find(PID_GROUP, pgid); node; node = pid_next(node))
		if (container_of(node, struct process, pgid_node)->stopped)
			return true;
	return false;
}
