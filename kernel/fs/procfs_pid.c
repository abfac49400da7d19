/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_pid.c - one process or thread: its directory, and stat, statm, status
 *
 * Idea        What process_lock guards is copied in one go (struct snapshot), then written at leisure. A thread's own
 *             directory has the same files: those below show the thread's figures instead of the sums.
 * Invariants  none
 * Locks       process_lock; mm->lock to add up vmas
 * Follow      from procfs.c   to process.h, mm/vma.h
 * Tests       tests/guest/proc_pid.c, user/story.c
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <kernel/dev/tty_job.h>
#include <kernel/fs/abi.h>
#include <kernel/fs/files.h>
#include <kernel/fs/fs_context.h>
#include <kernel/fs/seq.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/signal_queue.h>
#include <kernel/task.h>
#include <mm/mm.h>

#define TICK_NS 10000000UL /* of the clock that /proc counts in: 100 Hz */

/* A process, or one thread of it, at one moment. */
struct snapshot {
	s32 pid, tgid, ppid, pgid, sid;
	u32 terminal;
	s32 foreground;
	s32 exit_signal, exit_status;
	u32 threads;
	u64 start_ns;
	u64 pending, pending_thread, blocked, ignored, caught, queue_limit;
	u64 cpus_allowed;
	s32 nice;
	u32 umask;
	u32 fd_size;
	u32 cpu;
	char comm[16];
	char state;
	struct usage usage, children;
};

/* Its memory; all zero for one that has none. Pages. */
struct memory {
	u64 total, peak, peak_rss, anon, file, shmem, swap;
	u64 data, stack, code, lib, locked, tables;
	u64 start_code, end_code, start_stack, start_data, end_data, start_brk;
	u64 arg_start, arg_end, env_start, env_end;
};

static int stat_show(struct seq *s, const struct proc_who *who);
static int statm_show(struct seq *s, const struct proc_who *who);
static int status_show(struct seq *s, const struct proc_who *who);

static int snapshot_take(const struct proc_who *who, struct snapshot *out);
static void snapshot_locked(struct process *process, struct snapshot *out);
static void snapshot_task(const struct task *task, struct snapshot *out);
static void snapshot_thread(struct task *task, struct snapshot *out);
static char task_state_letter(const struct task *task);
static void memory_take(struct process *process, struct memory *out);
static void memory_locked(struct mm *mm, struct memory *out);
static void memory_vma(struct memory *out, const struct vma *vma);
static void status_name(struct seq *s, const char *comm);
static void status_memory(struct seq *s, const struct memory *m);
static void status_signals(struct seq *s, const struct snapshot *p);
static void status_cpus(struct seq *s, const struct snapshot *p);
static const char *state_word(char letter);

/* Those of a process alone come first: a thread's directory begins behind them. */
const struct proc_entry procfs_pid_entries[] = {
	{.name = "task", .mode = S_IFDIR | 0555, .members = &procfs_threads},
#define THREAD_ENTRIES 1
	{.name = "stat", .show_who = stat_show},
	{.name = "statm", .show_who = statm_show},
	{.name = "status", .show_who = status_show},
	{.name = "comm", .show_who = proc_comm_show, .store = proc_comm_store, .mode = S_IFREG | 0644},
	{.name = "fail-nth", .show_who = proc_fail_nth_show, .store = proc_fail_nth_store, .mode = S_IFREG | 0644},
	{.name = "cmdline", .fops = &proc_cmdline_ops},
	{.name = "environ", .fops = &proc_environ_ops, .mode = S_IFREG | 0400},
	{.name = "auxv", .fops = &proc_auxv_ops, .mode = S_IFREG | 0400},
	{.name = "mounts", .show = procfs_mounts_show},
	{.name = "limits", .show_who = proc_limits_show},
	{.name = "exe", .mode = S_IFLNK | 0777, .read_link = proc_exe_read_link, .jump = proc_exe_jump},
	{.name = "cwd", .mode = S_IFLNK | 0777, .read_link = proc_cwd_read_link, .jump = proc_cwd_jump},
	{.name = "root", .mode = S_IFLNK | 0777, .read_link = proc_root_read_link, .jump = proc_root_jump},
	{.name = "fd", .mode = S_IFDIR | 0500, .members = &procfs_descriptors},
	{.name = "maps", .show_who = proc_maps_show},
	{.name = "smaps", .show_who = proc_smaps_show},
	{.name = "smaps_rollup", .show_who = proc_smaps_rollup_show},
	{.name = "pagemap", .fops = &proc_pagemap_ops, .mode = S_IFREG | 0400},
	{.name = "clear_refs", .store = proc_clear_refs_store, .mode = S_IFREG | 0200},
	{.name = "oom_score", .show_who = proc_oom_score_show},
	{.name = "oom_score_adj",
	 .show_who = proc_oom_score_adj_show,
	 .store = proc_oom_score_adj_store,
	 .mode = S_IFREG | 0644},
	{.name = "oom_adj", .show_who = proc_oom_adj_show, .store = proc_oom_adj_store, .mode = S_IFREG | 0644},
	{},
};

const struct proc_entry procfs_process_entry = {.mode = S_IFDIR | 0555, .dir = procfs_pid_entries};
const struct proc_entry procfs_thread_entry = {.mode = S_IFDIR | 0555, .dir = procfs_pid_entries + THREAD_ENTRIES};

/* The 52 fields of proc(5), five to a line here; 0 where the kernel has no such thing. */
static int
stat_show(struct seq *s, const struct proc_who *who)
{
	struct snapshot p;
	struct memory m;
	int err = snapshot_take(who, &p);

	if (err)
		return err;
	memory_take(who->process, &m);
	seq_printf(s, "%d (%s) %c %d %d %d %u %d 0 ", p.pid, p.comm, p.state, p.ppid, p.pgid, p.sid, p.terminal,
		   p.foreground);
	seq_printf(s, "%lu %lu %lu %lu ", p.usage.minflt, p.children.minflt, p.usage.majflt, p.children.majflt);
	seq_printf(s, "%lu %lu %lu %lu ", p.usage.utime_ns / TICK_NS, p.usage.stime_ns / TICK_NS,
		   p.children.utime_ns / TICK_NS, p.children.stime_ns / TICK_NS);
	seq_printf(s, "%d %d %u 0 %lu %lu %lu %lu ", 20 + p.nice, p.nice, p.threads, p.start_ns / TICK_NS,
		   m.total * PAGE_SIZE, m.anon + m.file + m.shmem, rlimit_get(who->process, RLIMIT_RSS));
	seq_printf(s, "%lu %lu %lu 0 0 ", m.start_code, m.end_code, m.start_stack);
	seq_printf(s, "%lu %lu %lu %lu 0 0 0 ", p.pending | p.pending_thread, p.blocked, p.ignored, p.caught);
	seq_printf(s, "%d %u 0 0 0 0 0 ", p.exit_signal, p.cpu);
	seq_printf(s, "%lu %lu %lu %lu %lu %lu %lu %d\n", m.start_data, m.end_data, m.start_brk, m.arg_start, m.arg_end,
		   m.env_start, m.env_end, p.exit_status);
	return 0;
}

static int
statm_show(struct seq *s, const struct proc_who *who)
{
	struct memory m;

	memory_take(who->process, &m);
	seq_printf(s, "%lu %lu %lu %lu 0 %lu 0\n", m.total, m.anon + m.file + m.shmem, m.file + m.shmem, m.code,
		   m.data + m.stack);
	return 0;
}

static void
status_ids(struct seq *s, const char *name, const struct ids *ids)
{
	seq_printf(s, "%s:\t%u\t%u\t%u\t%u\n", name, ids->real, ids->effective, ids->saved, ids->file);
}

static int
status_show(struct seq *s, const struct proc_who *who)
{
	struct snapshot p;
	struct memory m;
	int err = snapshot_take(who, &p);

	if (err)
		return err;
	memory_take(who->process, &m);
	status_name(s, p.comm);
	seq_printf(s, "Umask:\t%04o\n", p.umask);
	seq_printf(s, "State:\t%c (%s)\n", p.state, state_word(p.state));
	seq_printf(s, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", p.tgid, p.pid, p.ppid);
	status_ids(s, "Uid", &who->process->cred.user);
	status_ids(s, "Gid", &who->process->cred.group);
	seq_printf(s, "FDSize:\t%u\nGroups:\t \n", p.fd_size);
	seq_printf(s, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", p.tgid, p.pid, p.pgid, p.sid);
	if (m.total)
		status_memory(s, &m);
	seq_printf(s, "Threads:\t%u\n", p.threads);
	status_signals(s, &p);
	status_cpus(s, &p);
	seq_printf(s, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n", p.usage.nvcsw,
		   p.usage.nivcsw);
	return 0;
}

static int
snapshot_take(const struct proc_who *who, struct snapshot *out)
{
	struct process *process = who->process;
	struct task *task;

	*out = (struct snapshot){.state = process_state_letter(process)};
	spin_lock(&process_lock);
	if (process->state != PROCESS_REAPED)
		snapshot_locked(process, out);
	if (who->tid) {
		task = process_find_thread(who->tid);
		if (task && task->process == process)
			snapshot_thread(task, out);
		else
			out->pid = 0;
	}
	spin_unlock(&process_lock);
	return out->pid ? 0 : -ESRCH;
}

static void
snapshot_locked(struct process *process, struct snapshot *out)
{
	must_hold(&process_lock);
	out->pid = out->tgid = process->pid;
	out->ppid = process->parent ? process->parent->pid : 0;
	out->pgid = process->pgid;
	out->sid = process->sid;
	out->terminal = tty_job_number(process);
	out->foreground = tty_job_foreground(process);
	out->exit_signal = process->exit_signal;
	out->exit_status = process->exit_status;
	out->threads = process->nr_threads;
	out->start_ns = process->start_ns;
	out->pending = process->queue.set;
	out->ignored = signal_ignored_set(process);
	out->caught = signal_caught_set(process);
	out->queue_limit = rlimit_get(process, RLIMIT_SIGPENDING);
	out->umask = process->fs ? READ_ONCE(process->fs->umask) : 0;
	out->fd_size = process->files ? READ_ONCE(process->files->size) : 0;
	memcpy(out->comm, process->comm, sizeof(out->comm));
	process_usage(process, &out->usage);
	out->children = process->dead_children;
	if (!list_empty(&process->threads))
		snapshot_task(list_first(&process->threads, struct task, thread_link), out);
}

/* What is known of a thread only: of a process, its first. */
static void
snapshot_task(const struct task *task, struct snapshot *out)
{
	out->pending_thread = task->signal.queue.set;
	out->blocked = task->signal.blocked;
	out->cpu = READ_ONCE(task->cpu);
	out->cpus_allowed = task->cpus_allowed;
	out->nice = READ_ONCE(task->nice);
}

static void
snapshot_thread(struct task *task, struct snapshot *out)
{
	snapshot_task(task, out);
	out->pid = task->tid;
	process_thread_usage(task, &out->usage);
	memcpy(out->comm, task->comm, sizeof(out->comm));
	out->comm[sizeof(out->comm) - 1] = 0;
	if (out->state != 'T')
		out->state = task_state_letter(task);
}

static char
task_state_letter(const struct task *task)
{
	switch (READ_ONCE(task->state)) {
	case TASK_RUNNING:
		return 'R';
	case TASK_INTERRUPTIBLE:
		return 'S';
	case TASK_DEAD:
		return 'X';
	default:
		return 'D';
	}
}

static void
memory_take(struct process *process, struct memory *out)
{
	struct mm *mm = process_mm_get(process);

	*out = (struct memory){0};
	if (!mm)
		return;
	if (!rwsem_read_lock_killable(&mm->lock)) {
		memory_locked(mm, out);
		rwsem_read_unlock(&mm->lock);
	}
	mm_put(mm);
}

static void
memory_locked(struct mm *mm, struct memory *out)
{
	s64 rss[RSS_KINDS];

	for (u32 k = 0; k < RSS_KINDS; k++)
		rss[k] = atomic64_read(&mm->rss[k]) > 0 ? atomic64_read(&mm->rss[k]) : 0;
	*out = (struct memory){
		.total = mm->total_vm,
		.peak = max_u64(mm->total_vm_peak, mm->total_vm),
		.peak_rss = max_u64(mm_rss_peak(mm), mm_rss(mm)),
		.anon = rss[RSS_ANON],
		.file = rss[RSS_FILE],
		.shmem = rss[RSS_SHMEM],
		.swap = rss[RSS_SWAP],
		.tables = atomic64_read(&mm->tables),
		.code = (round_up(mm->end_code, PAGE_SIZE) - round_down(mm->start_code, PAGE_SIZE)) / PAGE_SIZE,
		.start_code = mm->start_code,
		.end_code = mm->end_code,
		.start_stack = mm->start_stack,
		.start_data = mm->start_data,
		.end_data = mm->end_data,
		.start_brk = mm->start_brk,
		.arg_start = mm->arg_start,
		.arg_end = mm->arg_end,
		.env_start = mm->env_start,
		.env_end = mm->env_end,
	};
	for (struct vma *vma = vma_first(&mm->vmas); vma; vma = vma_next(vma))
		memory_vma(out, vma);
	out->lib = out->lib > out->code ? out->lib - out->code : 0;
}

/* Linux's classes: data is what is private and writable; a stack grows; VmLib is code that is not the program's own. */
static void
memory_vma(struct memory *out, const struct vma *vma)
{
	u64 pages = vma_pages(vma);

	if (vma->flags & VM_LOCKED)
		out->locked += pages;
	if (vma->flags & VM_GROWSDOWN)
		out->stack += pages;
	else if ((vma->flags & VM_WRITE) && !(vma->flags & VM_SHARED))
		out->data += pages;
	else if ((vma->flags & VM_EXEC) && !(vma->flags & VM_WRITE))
		out->lib += pages;
}

/* A name may hold anything: what would break the lines is spelled. */
static void
status_name(struct seq *s, const char *comm)
{
	seq_puts(s, "Name:\t");
	for (; *comm; comm++) {
		if (*comm == '\n')
			seq_puts(s, "\\n");
		else if (*comm == '\\')
			seq_puts(s, "\\\\");
		else
			seq_write(s, comm, 1);
	}
	seq_puts(s, "\n");
}

static void
status_memory(struct seq *s, const struct memory *m)
{
	const u64 kb = PAGE_SIZE / 1024;

	seq_printf(s, "VmPeak:\t%8lu kB\n", m->peak * kb);
	seq_printf(s, "VmSize:\t%8lu kB\n", m->total * kb);
	seq_printf(s, "VmLck:\t%8lu kB\nVmPin:\t%8u kB\n", m->locked * kb, 0);
	seq_printf(s, "VmHWM:\t%8lu kB\n", m->peak_rss * kb);
	seq_printf(s, "VmRSS:\t%8lu kB\n", (m->anon + m->file + m->shmem) * kb);
	seq_printf(s, "RssAnon:\t%8lu kB\n", m->anon * kb);
	seq_printf(s, "RssFile:\t%8lu kB\n", m->file * kb);
	seq_printf(s, "RssShmem:\t%8lu kB\n", m->shmem * kb);
	seq_printf(s, "VmData:\t%8lu kB\n", m->data * kb);
	seq_printf(s, "VmStk:\t%8lu kB\n", m->stack * kb);
	seq_printf(s, "VmExe:\t%8lu kB\n", m->code * kb);
	seq_printf(s, "VmLib:\t%8lu kB\n", m->lib * kb);
	seq_printf(s, "VmPTE:\t%8lu kB\n", m->tables * kb);
	seq_printf(s, "VmSwap:\t%8lu kB\n", m->swap * kb);
}

/* A mask of processors as Linux prints one: 32 bits to a word; the system can have 64. */
static void
status_cpus(struct seq *s, const struct snapshot *p)
{
	u64 all = cpu_count() < 64 ? BIT(cpu_count()) - 1 : ~0UL;
	u64 mask = p->cpus_allowed & all;
	bool first = true;

	seq_printf(s, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", mask);
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		u32 last = cpu;

		if (!(mask & BIT(cpu)))
			continue;
		while (last + 1 < cpu_count() && (mask & BIT(last + 1)))
			last++;
		seq_printf(s, last > cpu ? "%s%u-%u" : "%s%u", first ? "" : ",", cpu, last);
		first = false;
		cpu = last;
	}
	seq_puts(s, "\n");
}

static void
status_signals(struct seq *s, const struct snapshot *p)
{
	seq_printf(s, "SigQ:\t%lu/%lu\n", signal_queue_count(), p->queue_limit);
	seq_printf(s, "SigPnd:\t%016lx\nShdPnd:\t%016lx\n", p->pending_thread, p->pending);
	seq_printf(s, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", p->blocked, p->ignored, p->caught);
}

static const char *
state_word(char letter)
{
	switch (letter) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 'Z':
		return "zombie";
	default:
		return "dead";
	}
}
