/* SPDX-License-Identifier: MIT */
/*
 * kernel/process.h - a program in execution: what its threads share, and its place in the family
 *
 * Idea        A task runs, a process owns. The process has the address space, the files, the signals' actions, the
 *             number that parents wait for; it outlives its threads as a zombie until its parent has read the status.
 *
 *             LIVE --last thread gone, memory given back--> ZOMBIE --waited for, or nobody cares--> REAPED (unlinked)
 *
 * Invariants  I1  A process is on its parent's children list and in the pid table until it is reaped.
 *             I2  A live process has threads; a zombie has none, and neither mm nor files.
 *             I3  The process holds one use of its mm for all its threads; task->mm is a borrowed copy.
 *             I4  Only a thread of the process changes process->mm, under process_lock; others take a use under it.
 * Locks       process_lock guards the family tree, thread lists, pid table, signals, and what says so below. It is
 *             a plain spinlock: in an interrupt only tried (itimer.c), never held over a user copy or a sleep.
 * Follow      from fork.c, exit.c, exec.c, signal.c, fs/procfs.c   to kernel/task.h
 * Tests       tests/guest/proc.c, tests/guest/wait.c
 * See         docs/locking.md
 */
#pragma once

#include <kernel/cputime.h>
#include <kernel/cred.h>
#include <kernel/itimer.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/list.h>
#include <kernel/process_traits.h>
#include <kernel/rlimit.h>
#include <kernel/signal_state.h>
#include <kernel/spinlock.h>
#include <kernel/wait.h>

struct file;
struct files;
struct fs_context;
struct mm;
struct signal_actions;
struct task;
struct tty;

enum process_state {
	PROCESS_LIVE,
	PROCESS_ZOMBIE, /* all threads gone, memory and files given back, status waits for the parent */
	PROCESS_REAPED, /* unlinked; only references keep the struct */
};

/* What getrusage() and wait4() tell, summed up. */
struct usage {
	u64 runtime_ns; /* CPU time, exact */
	u64 utime_ns;   /* its parts; of dead_threads samples, in all other places what cputime_split() made of them */
	u64 stime_ns;
	u64 nvcsw;  /* switches away: asleep */
	u64 nivcsw; /* because others waited */
	u64 minflt;
	u64 majflt;
	u64 maxrss; /* pages; the largest, not a sum */
};

struct process {
	/* Identity and family: process_lock. */
	s32 pid; /* const after fork */
	s32 pgid;
	s32 sid;
	struct tty *tty;          /* the controlling terminal, or NULL; also read by the process itself without it */
	s32 exit_signal;          /* what the parent is sent: SIGCHLD, another, or 0 */
	struct pid_node pid_node; /* pid table: PROCESS, GROUP, SESSION */
	struct pid_node pgid_node;
	struct pid_node sid_node;
	struct process *parent; /* NULL only for init */
	struct list children;   /* of sibling; zombies first */
	struct list sibling;
	struct list all;     /* on process_list */
	struct list threads; /* of task->thread_link */
	u32 nr_threads;
	u8 state;       /* enum process_state */
	bool exec_done; /* has called execve since fork: setpgid is refused to the parent */
	bool init;      /* const after fork: the first process; never killed by the OOM killer */

	/* Memory, files. */
	struct mm *mm;         /* I3, I4 */
	struct files *files;   /* changed by the last thread only (exec, exit); process_lock to look from outside */
	struct fs_context *fs; /* root, working directory and umask; likewise */
	struct file *exe;      /* the program that runs, or NULL; likewise */
	struct rlimit limits[RLIMIT_COUNT]; /* process_lock; words are read without it */
	s32 oom_score_adj;                  /* process_lock; READ_ONCE, WRITE_ONCE */
	s32 oom_score_adj_min;              /* below it only root may set it: oom_adj.h; process_lock */
	char comm[16];                      /* the name of the program; owner only, read racily */

	/* Who it is, what it is like: cred.h, process_traits.h. */
	struct cred cred;
	struct process_traits traits;

	/* Signals and the end: process_lock. */
	struct signal_queue queue;      /* signals sent to the process as a whole */
	struct signal_actions *actions; /* shared after fork until one side changes them */
	s32 exit_status;        /* in wait4's form; of the first thread, or of the whole group once group_exit */
	bool group_exit;        /* every thread is on its way out */
	struct task *exec_task; /* alone to survive: execve is ending the other threads. See exec.c */
	s32 stop_signal;        /* not 0: threads park before they enter user mode; see signal_stop.h */
	u32 parked;             /* threads that have */
	bool stopped;           /* all of them have */
	bool stop_reported;     /* wait4(WUNTRACED) has told the parent */
	bool continued;         /* wait4(WCONTINUED) has something to tell */
	bool vfork_busy;        /* the parent waits until this process releases the parent's memory */
	struct wait_queue wait_children; /* threads of this process in wait4; also execve waiting for its siblings */
	struct wait_queue wait_self;     /* parked threads; the vfork parent */

	/* Accounts: process_lock. Live threads have their own part in struct task. */
	struct usage dead_threads;    /* threads that are gone */
	struct cputime time_told;     /* what cputime_split() gave last */
	struct usage dead_children;   /* children that were waited for, and theirs */
	struct process_timers timers; /* process_lock */
	u64 start_ns;                 /* const after fork: clock_ns at creation */

	atomic_t refs; /* I1 holds one until reaped; procfs and vfork take more */
};

extern struct spinlock process_lock;
extern struct list process_list;     /* all that are not reaped, by age; process_lock */
extern struct process *init_process; /* process 1; const once it runs */

/* Caches, tables. Context: boot, once slab works. */
void process_init(void);

/*
 * process_start_init - create process 1, with one kernel-mode thread that runs @fn(@arg)
 *
 * @fn opens what fd 0 to 2 shall be and calls exec_kernel(), which does not return on success.
 *
 * Returns   0, -ENOMEM
 * Context   boot, may sleep
 */
int process_start_init(void (*fn)(void *arg), void *arg);

/*
 * process_alloc - a process with defaults: no family, no number, no memory
 *
 * Returns   the process, refs == 1; NULL when memory ran out
 * Context   may sleep
 * Gives     one reference (process_put)
 */
struct process *process_alloc(void);

static inline void
process_get(struct process *process)
{
	atomic_inc(&process->refs);
}

/* Takes one reference; the last one frees. Context: any, no spinlock above the slab's rank. */
void process_put(struct process *process);

/*
 * process_find_get - the process that has number @pid, alive or zombie
 *
 * Returns   the process, or NULL
 * Context   takes process_lock
 * Gives     one reference (process_put)
 */
struct process *process_find_get(s32 pid);

/* process_find - likewise, without a reference. Context: holds process_lock. */
struct process *process_find(s32 pid);

/* process_find_any - the process that has a thread with number @tid, or NULL. Context: holds process_lock. */
struct process *process_find_any(s32 tid);

/* process_find_thread - the task that has number @tid, or NULL. Context: holds process_lock. */
struct task *process_find_thread(s32 tid);

/*
 * process_next_get - walk all processes in the order of their numbers, as readdir("/proc") does
 *
 * Returns   the process with the smallest pid above @pid, or NULL at the end
 * Context   takes process_lock
 * Gives     one reference (process_put)
 */
struct process *process_next_get(s32 pid);

/*
 * process_mm_get - the address space of a process that is somebody else
 *
 * Returns   the mm, or NULL: a zombie, or a process past giving its memory back
 * Context   takes process_lock
 * Gives     one use (mm_put)
 */
struct mm *process_mm_get(struct process *process);

/*
 * process_exe_get - the program that a process runs; process_fs_get - where it stands
 *
 * Returns   the file, the context; NULL: a zombie, or (exe) a kernel thread's process before its first execve
 * Context   takes process_lock
 * Gives     one reference (file_put, fs_context_put)
 */
struct file *process_exe_get(struct process *process);
struct fs_context *process_fs_get(struct process *process);

/* What its threads, dead or alive, have used so far. Context: holds process_lock. */
void process_usage(struct process *process, struct usage *out);

/* What one thread has used so far; maxrss is 0. Context: holds process_lock. */
void process_thread_usage(struct task *task, struct usage *out);

/* usage_add - @to += @from; of maxrss the larger. */
void usage_add(struct usage *to, const struct usage *from);

/* The letter for /proc/<pid>/stat: R, S, D, T, Z. Context: takes process_lock. */
char process_state_letter(struct process *process);

/* Processes that are not reaped, threads that run, forks since boot. Context: any, racy. */
u32 process_count(void);
u32 process_thread_count(void);
u64 process_fork_count(void);

/* Links @process, its first thread @task and the numbers into family and tables. Context: holds process_lock. */
void process_link(struct process *process, struct process *parent, s32 pid, s32 pgid, s32 sid);

/* Adds @task, numbered @tid, to its process. Context: holds process_lock. */
void process_add_thread(struct process *process, struct task *task, s32 tid);

/* Takes the current thread out of its process and moves its accounts there. Context: holds process_lock. */
void process_remove_thread(struct process *process, struct task *task);

/* Ends a zombie's place in family and tables. Context: holds process_lock. Gives: the reference of I1 to the caller. */
void process_unlink(struct process *process);
