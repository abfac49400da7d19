/* SPDX-License-Identifier: MIT */
/*
 * kernel/process.c - processes: creation, family, numbers, accounts
 *
 * Idea        see process.h. Everything here that changes the family expects process_lock from its caller, so that
 *             fork, exec and exit each make one step out of several of these calls.
 * Invariants  as in process.h
 * Locks       process_lock
 * Follow      from fork.c, exit.c, exec.c, fs/procfs.c   to pid.c, slab.h
 * Tests       tests/guest/proc.c, tests/guest/wait.c
 */
#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/fs_context.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/signal_action.h>
#include <kernel/task.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

struct spinlock process_lock = SPINLOCK_INIT(RANK_PROCESS);
struct list process_list = LIST_INIT(process_list);
struct process *init_process;

static struct kmem_cache *process_cache; /* const after init */
static u32 processes;                    /* process_lock, read racily: not reaped */
static u32 threads;                      /* process_lock, read racily */
static u64 forks;                        /* process_lock, read racily */

static int start_first_thread(struct process *process, void (*fn)(void *arg), void *arg);
static void usage_split(struct usage *usage, struct cputime *told);
static void usage_of_task(const struct task *task, struct usage *out);

void
process_init(void)
{
	pid_init();
	signal_init();
	process_cache = kmem_cache_create("process", sizeof(struct process), 0);
}

struct process *
process_alloc(void)
{
	struct process *p = kmem_cache_alloc(process_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!p)
		return NULL;
	atomic_set(&p->refs, 1);
	p->traits.dumpable = true;
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->all);
	list_init(&p->threads);
	signal_queue_init(&p->queue);
	itimer_init(p);
	wait_init(&p->wait_children);
	wait_init(&p->wait_self);
	return p;
}

void
process_put(struct process *process)
{
	if (!atomic_dec_and_test(&process->refs))
		return;
	assertf(process->state != PROCESS_LIVE || list_empty(&process->all), "process %d is freed while it lives",
		process->pid);
	assert(list_empty(&process->threads) && list_empty(&process->children));
	assert(!process->mm && !process->files && !process->fs && !process->exe);
	signal_actions_drop(process);
	cred_drop(process);
	kmem_cache_free(process_cache, process);
}

int
process_start_init(void (*fn)(void *arg), void *arg)
{
	struct process *p = process_alloc();
	int error = -ENOMEM;

	if (!p)
		return error;
	p->init = true;
	p->exit_signal = SIGCHLD;
	rlimit_init(p->limits);
	p->files = files_create();
	p->fs = fs_context_create();
	if (p->files && p->fs)
		error = start_first_thread(p, fn, arg);
	assertf(!error, "no memory for the first process");
	return error;
}

static int
start_first_thread(struct process *process, void (*fn)(void *arg), void *arg)
{
	struct task *task = task_alloc();
	s32 pid;

	if (!task)
		return -ENOMEM;
	strlcpy(process->comm, "init", sizeof(process->comm));
	task_set_comm(task, process->comm);
	arch_task_init(task, task_stack_top(task), fn, arg);
	spin_lock(&process_lock);
	pid = pid_alloc();
	assertf(pid == 1, "the first process has number %d: it must be started before any other", pid);
	signal_actions_fork(process, NULL);
	process_link(process, NULL, pid, 0, 0);
	process_add_thread(process, task, pid);
	init_process = process;
	spin_unlock(&process_lock);
	sched_add_new(task);
	return 0;
}

/* ---- family and numbers ---- */

void
process_link(struct process *process, struct process *parent, s32 pid, s32 pgid, s32 sid)
{
	must_hold(&process_lock);
	process->pid = pid;
	process->pgid = pgid;
	process->sid = sid;
	pid_attach(&process->pid_node, PID_PROCESS, pid);
	pid_attach(&process->sid_node, PID_SESSION, sid);
	pid_attach(&process->pgid_node, PID_GROUP, pgid);
	process->parent = parent;
	if (parent)
		list_add_tail(&process->sibling, &parent->children);
	list_add_tail(&process->all, &process_list);
	process->start_ns = clock_ns();
	processes++;
}

void
process_unlink(struct process *process)
{
	must_hold(&process_lock);
	assertf(process->state == PROCESS_ZOMBIE, "process %d is reaped in state %u", process->pid, process->state);
	process->state = PROCESS_REAPED;
	list_del(&process->sibling);
	list_del(&process->all);
	pid_detach(&process->pgid_node);
	pid_detach(&process->sid_node);
	pid_detach(&process->pid_node);
	process->parent = NULL;
	processes--;
}

void
process_add_thread(struct process *process, struct task *task, s32 tid)
{
	must_hold(&process_lock);
	assert(process->state == PROCESS_LIVE);
	task->process = process;
	task->tid = tid;
	pid_attach(&task->signal.tid, PID_THREAD, tid);
	list_add_tail(&task->thread_link, &process->threads);
	process->nr_threads++;
	threads++;
	forks++;
}

void
process_remove_thread(struct process *process, struct task *task)
{
	struct usage usage;

	must_hold(&process_lock);
	assert(task->process == process && process->nr_threads > 0);
	usage_of_task(task, &usage);
	usage_add(&process->dead_threads, &usage);
	pid_detach(&task->signal.tid);
	list_del(&task->thread_link);
	process->nr_threads--;
	threads--;
	signal_thread_exit(task);
	task->process = NULL;
}

struct process *
process_find(s32 pid)
{
	struct pid_node *node;

	must_hold(&process_lock);
	node = pid_find(PID_PROCESS, pid);
	return node ? container_of(node, struct process, pid_node) : NULL;
}

struct task *
process_find_thread(s32 tid)
{
	struct pid_node *node;

	must_hold(&process_lock);
	node = pid_find(PID_THREAD, tid);
	return node ? container_of(node, struct task, signal.tid) : NULL;
}

struct process *
process_find_any(s32 tid)
{
	struct process *process = process_find(tid);
	struct task *task = process ? NULL : process_find_thread(tid);

	return task ? task->process : process;
}

struct process *
process_find_get(s32 pid)
{
	struct process *p;

	spin_lock(&process_lock);
	p = process_find(pid);
	if (p)
		process_get(p);
	spin_unlock(&process_lock);
	return p;
}

struct process *
process_next_get(s32 pid)
{
	struct process *p = NULL;

	spin_lock(&process_lock);
	do {
		pid = pid_next_used(pid);
		p = process_find(pid);
	} while (pid && !p);
	if (p)
		process_get(p);
	spin_unlock(&process_lock);
	return p;
}

struct file *
process_exe_get(struct process *process)
{
	struct file *exe;

	spin_lock(&process_lock);
	exe = process->exe ? file_hold(process->exe) : NULL;
	spin_unlock(&process_lock);
	return exe;
}

struct fs_context *
process_fs_get(struct process *process)
{
	struct fs_context *fs;

	spin_lock(&process_lock);
	fs = process->fs ? fs_context_get(process->fs) : NULL;
	spin_unlock(&process_lock);
	return fs;
}

struct mm *
process_mm_get(struct process *process)
{
	struct mm *mm;

	spin_lock(&process_lock);
	mm = process->mm;
	if (mm)
		mm_get(mm);
	spin_unlock(&process_lock);
	return mm;
}

/* ---- accounts ---- */

void
usage_add(struct usage *to, const struct usage *from)
{
	to->runtime_ns += from->runtime_ns;
	to->utime_ns += from->utime_ns;
	to->stime_ns += from->stime_ns;
	to->nvcsw += from->nvcsw;
	to->nivcsw += from->nivcsw;
	to->minflt += from->minflt;
	to->majflt += from->majflt;
	to->maxrss = max_u64(to->maxrss, from->maxrss);
}

void
process_usage(struct process *process, struct usage *out)
{
	struct task *task;

	must_hold(&process_lock);
	*out = process->dead_threads;
	list_for_each (task, &process->threads, thread_link) {
		struct usage usage;

		usage_of_task(task, &usage);
		usage_add(out, &usage);
	}
	if (process->mm)
		out->maxrss = max_u64(out->maxrss, mm_rss_peak(process->mm));
	usage_split(out, &process->time_told);
}

void
process_thread_usage(struct task *task, struct usage *out)
{
	must_hold(&process_lock);
	usage_of_task(task, out);
	usage_split(out, &task->time_told);
}

/* From samples to what is told. */
static void
usage_split(struct usage *usage, struct cputime *told)
{
	struct cputime samples = {usage->utime_ns, usage->stime_ns};

	cputime_split(usage->runtime_ns, &samples, told);
	usage->utime_ns = told->utime_ns;
	usage->stime_ns = told->stime_ns;
}

/* Its parts as samples. Why runtime last: the samples are then never more than it. */
static void
usage_of_task(const struct task *task, struct usage *out)
{
	out->utime_ns = READ_ONCE(task->samples.utime_ns);
	out->stime_ns = READ_ONCE(task->samples.stime_ns);
	sched_switches_away(task, &out->nvcsw, &out->nivcsw);
	out->runtime_ns = task_runtime_ns(task);
	out->minflt = READ_ONCE(task->minflt);
	out->majflt = READ_ONCE(task->majflt);
	out->maxrss = 0;
}

/* Of several threads the most awake one counts. */
char
process_state_letter(struct process *process)
{
	char letter = 'S';
	struct task *task;

	spin_lock(&process_lock);
	list_for_each (task, &process->threads, thread_link) {
		enum task_state state = READ_ONCE(task->state);

		if (state == TASK_RUNNING)
			letter = 'R';
		else if (state != TASK_INTERRUPTIBLE && letter == 'S')
			letter = 'D';
	}
	if (process->state != PROCESS_LIVE)
		letter = 'Z';
	else if (process->stopped)
		letter = 'T';
	spin_unlock(&process_lock);
	return letter;
}

u32
process_count(void)
{
	return READ_ONCE(processes);
}

u32
process_thread_count(void)
{
	return READ_ONCE(threads);
}

u64
process_fork_count(void)
{
	return READ_ONCE(forks);
}
