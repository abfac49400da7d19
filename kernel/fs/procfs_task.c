/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_task.c - processes and their threads as directories; comm, limits, fail-nth
 *
 * Idea        /proc/<pid>/task lists the threads of a process; each is a directory of its own. comm is a thread's name;
 *             that of the process is its first thread's.
 * Invariants  none
 * Locks       process_lock
 * Follow      from procfs.c, procfs_pid.c   to process.h
 * Tests       tests/guest/proc_pid.c
 * See         proc(5); Linux Documentation/filesystems/proc.rst sections 3.1, 3.2
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/abi.h>
#include <kernel/fs/seq.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>
#include <kernel/task.h>
#include <mm/fail_inject.h>

static int process_find_member(struct inode *dir, u64 n, struct inode *child);
static s64 process_next_member(struct inode *dir, u64 n);
static int thread_find_member(struct inode *dir, u64 n, struct inode *child);
static s64 thread_next_member(struct inode *dir, u64 n);
static struct task *thread_of(const struct proc_who *who);
static void limit_line(struct seq *s, u32 resource, const struct rlimit *limit);

const struct proc_members procfs_processes = {
	.find = process_find_member, .next = process_next_member, .entry = &procfs_process_entry};
const struct proc_members procfs_threads = {
	.find = thread_find_member, .next = thread_next_member, .entry = &procfs_thread_entry};

/* As /proc/<pid>/limits names them, by RLIMIT_*. */
static const struct {
	const char *name, *unit;
} limit_names[RLIMIT_COUNT] = {
	[RLIMIT_CPU] = {"Max cpu time", "seconds"},         [RLIMIT_FSIZE] = {"Max file size", "bytes"},
	[RLIMIT_DATA] = {"Max data size", "bytes"},         [RLIMIT_STACK] = {"Max stack size", "bytes"},
	[RLIMIT_CORE] = {"Max core file size", "bytes"},    [RLIMIT_RSS] = {"Max resident set", "bytes"},
	[RLIMIT_NPROC] = {"Max processes", "processes"},    [RLIMIT_NOFILE] = {"Max open files", "files"},
	[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},  [RLIMIT_AS] = {"Max address space", "bytes"},
	[RLIMIT_LOCKS] = {"Max file locks", "locks"},       [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
	[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"}, [RLIMIT_NICE] = {"Max nice priority", ""},
	[RLIMIT_RTPRIO] = {"Max realtime priority", ""},    [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
};

static int
process_find_member(struct inode *dir, u64 n, struct inode *child)
{
	child->process = process_find_get((s32)n);
	return child->process ? 0 : -ENOENT;
}

static s64
process_next_member(struct inode *dir, u64 n)
{
	struct process *p = process_next_get(n ? (s32)n - 1 : 0); /* 0 is no process, but a number in use */
	s64 pid = p ? p->pid : -1;

	if (p)
		process_put(p);
	return pid;
}

static int
thread_find_member(struct inode *dir, u64 n, struct inode *child)
{
	struct proc_who who = {.process = dir->process, .tid = (s32)n};
	bool found;

	spin_lock(&process_lock);
	found = n && thread_of(&who);
	spin_unlock(&process_lock);
	if (!found)
		return -ENOENT;
	process_get(dir->process);
	child->process = dir->process;
	child->number = n;
	return 0;
}

static s64
thread_next_member(struct inode *dir, u64 n)
{
	struct task *task;
	s64 tid = -1;

	spin_lock(&process_lock);
	list_for_each (task, &dir->process->threads, thread_link)
		if (task->tid >= (s64)n && (tid < 0 || task->tid < tid))
			tid = task->tid;
	spin_unlock(&process_lock);
	return tid;
}

/* The thread that a file is about: of a process, its first. NULL: it has ended. */
static struct task *
thread_of(const struct proc_who *who)
{
	struct task *task;

	must_hold(&process_lock);
	task = process_find_thread(who->tid ? who->tid : who->process->pid);
	return task && task->process == who->process ? task : NULL;
}

int
proc_comm_show(struct seq *s, const struct proc_who *who)
{
	char comm[TASK_COMM_LEN];
	struct task *task;

	spin_lock(&process_lock);
	task = thread_of(who);
	memcpy(comm, task ? task->comm : who->process->comm, sizeof(comm));
	spin_unlock(&process_lock);
	comm[sizeof(comm) - 1] = 0;
	seq_printf(s, "%s\n", comm);
	return 0;
}

/* A name is a program's own business: only a thread of the same process may give one. */
int
proc_comm_store(const struct proc_who *who, char *text, u64 len)
{
	struct task *task;
	int err = -ESRCH;

	if (current->process != who->process)
		return -EINVAL;
	spin_lock(&process_lock);
	task = thread_of(who);
	if (task) {
		err = 0;
		task_set_comm(task, text);
		if (task->tid == who->process->pid)
			strlcpy(who->process->comm, text, sizeof(who->process->comm));
	}
	spin_unlock(&process_lock);
	return err;
}

int
proc_fail_nth_show(struct seq *s, const struct proc_who *who)
{
	struct task *task;
	u32 left = 0;

	spin_lock(&process_lock);
	task = thread_of(who);
	if (task)
		left = READ_ONCE(task->fail_nth);
	spin_unlock(&process_lock);
	if (!task)
		return -ESRCH;
	seq_printf(s, "%u\n", left);
	return 0;
}

int
proc_fail_nth_store(const struct proc_who *who, char *text, u64 len)
{
	struct task *task;
	s64 n;
	int err = proc_parse_s64(text, &n);

	if (err)
		return err;
	if (n < 0 || n > 0xffffffff)
		return n < 0 ? -EINVAL : -ERANGE;
	spin_lock(&process_lock);
	task = thread_of(who);
	if (task)
		fail_inject_nth(task, (u32)n);
	spin_unlock(&process_lock);
	return task ? 0 : -ESRCH;
}

int
proc_limits_show(struct seq *s, const struct proc_who *who)
{
	struct rlimit limits[RLIMIT_COUNT];

	spin_lock(&process_lock);
	memcpy(limits, who->process->limits, sizeof(limits));
	spin_unlock(&process_lock);
	seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (u32 i = 0; i < RLIMIT_COUNT; i++)
		limit_line(s, i, &limits[i]);
	return 0;
}

static void
limit_line(struct seq *s, u32 resource, const struct rlimit *limit)
{
	seq_printf(s, "%-25s ", limit_names[resource].name);
	if (limit->soft == RLIMIT_INFINITY)
		seq_printf(s, "%-20s ", "unlimited");
	else
		seq_printf(s, "%-20lu ", limit->soft);
	if (limit->hard == RLIMIT_INFINITY)
		seq_printf(s, "%-20s ", "unlimited");
	else
		seq_printf(s, "%-20lu ", limit->hard);
	seq_printf(s, *limit_names[resource].unit ? "%-10s\n" : "\n", limit_names[resource].unit);
}
