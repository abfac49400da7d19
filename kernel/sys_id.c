/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_id.c - the system calls about numbers: of threads, processes, groups, sessions
 *
 * Idea        reading is one load where nothing can change it, else under process_lock
 * Invariants  none
 * Locks       process_lock
 * Follow      from syscall.c   to pid.c
 * Tests       tests/guest/basics.c, tests/guest/proc.c
 */
#include <kernel/lib/errno.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

static struct process *process_or_self(s32 pid);
static s64 group_change(s32 pid, s32 pgid);
static bool group_in_session(s32 pgid, s32 sid);

s64
sys_getpid(void)
{
	return current->process->pid;
}

s64
sys_gettid(void)
{
	return current->tid;
}

/* Why the lock: the parent may be ending on another CPU and give this process to init. */
s64
sys_getppid(void)
{
	s32 pid;

	spin_lock(&process_lock);
	pid = current->process->parent ? current->process->parent->pid : 0;
	spin_unlock(&process_lock);
	return pid;
}

/* ---- groups and sessions ---- */

s64
sys_getpgrp(void)
{
	return sys_getpgid(0);
}

s64
sys_getpgid(u64 pid)
{
	struct process *process;
	s64 result = -ESRCH;

	spin_lock(&process_lock);
	process = process_or_self((s32)pid);
	if (process)
		result = process->pgid;
	spin_unlock(&process_lock);
	return result;
}

s64
sys_getsid(u64 pid)
{
	struct process *process;
	s64 result = -ESRCH;

	spin_lock(&process_lock);
	process = process_or_self((s32)pid);
	if (process)
		result = process->sid;
	spin_unlock(&process_lock);
	return result;
}

static struct process *
process_or_self(s32 pid)
{
	return pid ? process_find(pid) : current->process;
}

s64
sys_setpgid(u64 pid, u64 pgid)
{
	s64 result;

	if ((s32)pgid < 0)
		return -EINVAL;
	spin_lock(&process_lock);
	result = group_change((s32)pid, (s32)pgid);
	spin_unlock(&process_lock);
	return result;
}

/* The order of the tests is that of setpgid(2). */
static s64
group_change(s32 pid, s32 pgid)
{
	struct process *self = current->process;
	struct process *process = process_or_self(pid);

	must_hold(&process_lock);
	if (!process || (process != self && process->parent != self))
		return -ESRCH;
	if (process != self && process->sid != self->sid)
		return -EPERM;
	if (process != self && process->exec_done)
		return -EACCES;
	if (process->sid == process->pid)
		return -EPERM;
	pgid = pgid ? pgid : process->pid;
	if (pgid != process->pid && !group_in_session(pgid, self->sid))
		return -EPERM;
	if (pgid != process->pgid) {
		pid_detach(&process->pgid_node);
		process->pgid = pgid;
		pid_attach(&process->pgid_node, PID_GROUP, pgid);
	}
	return 0;
}

static bool
group_in_session(s32 pgid, s32 sid)
{
	struct pid_node *node = pid_find(PID_GROUP, pgid);

	return node && container_of(node, struct process, pgid_node)->sid == sid;
}

/* Race: the number of our own process stays in use while its nodes move, because the process itself carries it. */
s64
sys_setsid(void)
{
	struct process *process = current->process;
	s64 result = -EPERM;

	spin_lock(&process_lock);
	if (!pid_find(PID_GROUP, process->pid)) {
		pid_detach(&process->pgid_node);
		pid_detach(&process->sid_node);
		process->pgid = process->pid;
		process->sid = process->pid;
		process->tty = NULL;
		pid_attach(&process->sid_node, PID_SESSION, process->sid);
		pid_attach(&process->pgid_node, PID_GROUP, process->pgid);
		result = process->pid;
	}
	spin_unlock(&process_lock);
	return result;
}
