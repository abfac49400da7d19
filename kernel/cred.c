/* SPDX-License-Identifier: MIT */
/*
 * kernel/cred.c - who a process is
 *
 * Idea        see cred.h
 * Invariants  see cred.h
 * Locks       process_lock
 * Follow      from fork.c, exec.c, process.c, sys_signal.c, sys_sched.c
 * Tests       tests/guest/ids.c
 */
#include <kernel/cred.h>
#include <kernel/fs/abi.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <mm/slab.h>

bool
cred_is_root(void)
{
	return !current->process || !READ_ONCE(current->process->cred.user.effective);
}

bool
cred_may_signal(const struct process *target, int sig)
{
	const struct ids *own = &current->process->cred.user;
	const struct ids *its = &target->cred.user;

	must_hold(&process_lock);
	if (!own->effective || target == current->process)
		return true;
	if (own->effective == its->saved || own->effective == its->real || own->real == its->saved ||
	    own->real == its->real)
		return true;
	return sig == SIGCONT && target->sid == current->process->sid;
}

bool
cred_may_nice(const struct process *target)
{
	u32 own = current->process->cred.user.effective;

	must_hold(&process_lock);
	return !own || own == target->cred.user.real || own == target->cred.user.effective;
}

/* As for ptrace in Linux: all numbers of the other are the caller's real ones. */
bool
cred_may_look(const struct process *target)
{
	const struct cred *own = &current->process->cred;
	const struct cred *other = &target->cred;

	must_hold(&process_lock);
	if (target == current->process || cred_is_root())
		return true;
	return other->user.real == own->user.real && other->user.effective == own->user.real &&
	       other->user.saved == own->user.real && other->group.real == own->group.real &&
	       other->group.effective == own->group.real && other->group.saved == own->group.real;
}

void
cred_fork(struct process *child, const struct process *parent)
{
	must_hold(&process_lock);
	if (!parent)
		return;
	child->cred = parent->cred;
	if (child->cred.groups)
		atomic_inc(&child->cred.groups->refs);
}

void
cred_drop(struct process *process)
{
	struct group_list *groups = process->cred.groups;

	process->cred.groups = NULL;
	if (groups && atomic_dec_and_test(&groups->refs))
		kfree(groups);
}

/* The saved and file numbers follow the effective ones in any case. */
bool
cred_exec(u32 mode, u32 uid, u32 gid, struct cred *out)
{
	bool secure;

	*out = current->process->cred;
	if (!out->no_new_privs && (mode & S_ISUID))
		out->user.effective = uid;
	if (!out->no_new_privs && (mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		out->group.effective = gid;
	secure = out->user.effective != out->user.real || out->group.effective != out->group.real;
	out->user.saved = out->user.file = out->user.effective;
	out->group.saved = out->group.file = out->group.effective;
	return secure;
}
