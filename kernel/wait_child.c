/* SPDX-License-Identifier: MIT */
/*
 * kernel/wait_child.c - the parent's side of exit, stop and continue
 *
 * Idea        see wait_child.h. Zombies stand first among the children, so that waiting for any child looks at one of
 *             them.
 * Invariants  I1  A zombie's status goes to one waiter: scan and unlink are one step under process_lock.
 * Locks       process_lock
 * Follow      from sys_proc.c   to process.c
 * Tests       tests/guest/wait.c
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/wait.h>
#include <kernel/wait_child.h>

#define STATUS_CONTINUED 0xffff
#define STATUS_STOPPED(sig) ((sig) << 8 | 0x7f)

/* One wait on its way. */
struct waiting {
	struct wait_request *request;
	struct process *reaped; /* to be put without the lock */
	s64 result;
};

static s64 scan_once(struct waiting *w);
static s64 scan(struct waiting *w);
static s64 scan_one(struct waiting *w, struct process *child);
static s64 scan_children(struct waiting *w);
static bool eligible(const struct wait_request *r, const struct process *child);
static s64 take_event(struct waiting *w, struct process *child);
static void take_zombie(struct waiting *w, struct process *child);

s64
wait_child(struct wait_request *request)
{
	struct waiting w = {.request = request};

	if (request->options & WNOHANG)
		(void)scan_once(&w);
	else if (wait_event_interruptible(&current->process->wait_children, scan_once(&w)))
		w.result = -ERESTARTSYS;
	if (w.reaped)
		process_put(w.reaped);
	return w.result;
}

/* 0: nothing yet. */
static s64
scan_once(struct waiting *w)
{
	spin_lock(&process_lock);
	w->result = scan(w);
	spin_unlock(&process_lock);
	return w->result;
}

static s64
scan(struct waiting *w)
{
	struct process *child;

	if (w->request->whom != WAIT_PID)
		return scan_children(w);
	child = process_find(w->request->id);
	return child ? scan_one(w, child) : -ECHILD;
}

static s64
scan_one(struct waiting *w, struct process *child)
{
	if (child->parent != current->process || !eligible(w->request, child))
		return -ECHILD;
	return take_event(w, child);
}

static s64
scan_children(struct waiting *w)
{
	bool exits_only = !(w->request->options & (WSTOPPED | WCONTINUED));
	s64 result = -ECHILD;
	struct process *child;

	list_for_each (child, &current->process->children, sibling) {
		if (!eligible(w->request, child))
			continue;
		result = take_event(w, child);
		if (result)
			break;
		/* Behind the first that lives, none has ended. */
		if (exits_only && child->state == PROCESS_LIVE)
			break;
	}
	return result;
}

/* Children whose end is told by another signal than SIGCHLD are seen with __WCLONE or __WALL only. */
static bool
eligible(const struct wait_request *r, const struct process *child)
{
	bool clone = child->exit_signal != SIGCHLD;

	if (r->whom == WAIT_GROUP && child->pgid != r->id)
		return false;
	return (r->options & WALL) || clone == !!(r->options & WCLONE);
}

/* The child's number if it has something to tell, else 0. */
static s64
take_event(struct waiting *w, struct process *child)
{
	struct wait_request *r = w->request;
	bool keep = r->options & WNOWAIT;

	if (child->state == PROCESS_ZOMBIE) {
		if (!(r->options & WEXITED))
			return 0;
		r->status = child->exit_status;
		take_zombie(w, child);
	} else if (child->stopped && !child->stop_reported && (r->options & WSTOPPED)) {
		r->status = STATUS_STOPPED(child->stop_signal);
		process_usage(child, &r->usage);
		child->stop_reported = !keep;
	} else if (child->continued && (r->options & WCONTINUED)) {
		r->status = STATUS_CONTINUED;
		process_usage(child, &r->usage);
		child->continued = keep;
	} else {
		return 0;
	}
	r->pid = child->pid;
	return r->pid;
}

static void
take_zombie(struct waiting *w, struct process *child)
{
	struct usage *usage = &w->request->usage;

	process_usage(child, usage);
	usage_add(usage, &child->dead_children);
	if (w->request->options & WNOWAIT)
		return;
	usage_add(&current->process->dead_children, usage);
	process_unlink(child);
	w->reaped = child;
}
