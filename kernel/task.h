/* SPDX-License-Identifier: MIT */
/*
 * kernel/task.h - struct task: a thread of execution, in user mode or in the kernel alone
 *
 * Idea        A task is what a CPU runs: registers, a kernel stack, a place in a run queue. What several threads share
 *             (memory, files, signals' actions) belongs to struct process. Life of a task:
 *
 *                             sched_add_new              sched_wake
 *                 task_alloc ---------------> RUNNING <-------------- INTERRUPTIBLE, KILLABLE, UNINTERRUPTIBLE
 *                                               |  `------------------^  state set, then schedule()
 *                                               | sched_exit
 *                                               v
 *                                             DEAD, freed by the task that runs next on that CPU
 *
 * Invariants  I1  A task is on a run queue if and only if it is RUNNING and not running. (run queue lock of task->cpu)
 *             I2  A task has a stack of KSTACK_SIZE with an unmapped page on either side; the boot CPU's idle task has
 *                 the boot stack.
 * Locks       named at each field
 * Follow      from everywhere   to task.c, sched.c
 * Tests       selftest=threads
 * See         kernel/process.h
 */
#pragma once

#include <arch/cpu.h>
#include <kernel/cputime.h>
#include <kernel/lib/list.h>
#include <kernel/lib/types.h>
#include <kernel/percpu.h>
#include <kernel/restart.h>
#include <kernel/signal_state.h>
#include <kernel/timer.h>

struct mm;
struct process;

/* Bytes of a kernel stack: the deepest known path (fault, allocation, OOM report) needs less than half. */
#define KSTACK_SIZE 16384
#define TASK_COMM_LEN 16
/* Sleeping locks that a task can hold at once, for the rank checker. mm_check holds every mm->lock: counted once. */
#define TASK_HELD_MAX 12

enum task_state {
	TASK_RUNNING,         /* runs, or waits for a CPU */
	TASK_INTERRUPTIBLE,   /* sleeps until woken; any signal may wake it */
	TASK_KILLABLE,        /* sleeps until woken; only a fatal signal may wake it */
	TASK_UNINTERRUPTIBLE, /* sleeps until woken */
	TASK_DEAD,            /* has run for the last time */
};

/* Debug builds: the sleeping locks a task holds, in order of taking. Owner only. */
struct lock_held {
	u32 depth;
	u8 rank[TASK_HELD_MAX];
	u16 times[TASK_HELD_MAX]; /* how many of that rank (nested) */
};

struct task {
	struct arch_task arch; /* first: arch relies on it */
	bool need_resched;     /* another task should run; set by its CPU, cleared by schedule() */
	bool signal_pending;   /* see signal_state.h; beside need_resched: the way to user mode tests both at once */
	bool reclaims;        /* frees memory just now: allocates from the reserves, and does not reclaim; owner only */
	bool oom_victim;      /* may use the memory reserves; set by the OOM killer, never cleared */
	bool swaps_in;        /* brings a page back just now: for fail_inject.h; owner only */
	u8 state;             /* enum task_state; own task, and sched_wake under the run queue lock */
	u32 cpu;              /* where it runs or ran last; run queue lock of that CPU */
	struct mm *mm;        /* address space; NULL for a kernel thread; owner only */
	struct list run_link; /* on a run queue; its lock */
	u64 cpus_allowed;     /* mask of CPUs; the run queue lock of its CPU, read racily */
	u64 slice_end_ns;     /* the run queue lock of its CPU */
	u64 debt_ns;          /* what it ran beyond its last slice; likewise */
	u64 runtime_ns;       /* CPU time until the last switch away; likewise */
	u64 started_ns;       /* when it was last switched to; likewise */
	u64 turn_ns;          /* how long its last turn was; likewise */
	u64 switches;         /* times switched to; likewise */
	bool ending;          /* sched_exit_begin was called; owner only */
	u32 lone_yields;      /* calls of sched_yield with nobody to yield to; owner only */

	/* Accounts. */
	u64 preempted;            /* times switched away while RUNNING; the run queue lock of its CPU */
	struct cputime samples;   /* its CPU in interrupts; see cputime.h */
	struct cputime time_told; /* what cputime_split() gave last; process_lock */

	/* Its share of a CPU: sched_attr.h. The run queue lock of its CPU, read racily. */
	s32 nice;                   /* -20 to 19 */
	u32 weight;                 /* what nice and policy come to */
	u8 policy;                  /* enum sched_policy */
	bool reset_on_fork;         /* children get the defaults */
	u64 timer_slack_ns;         /* how late a sleep may end for all it cares: we never are; owner only */
	u64 timer_slack_default_ns; /* likewise */

	void *stack;              /* lowest byte; const */
	s32 tid;                  /* const once visible; 0 for a kernel thread */
	char comm[TASK_COMM_LEN]; /* name; owner only, read racily */
	struct timer sleep_timer; /* wakes this task; owner only */

	struct process *process;    /* NULL for a kernel thread; const */
	struct list thread_link;    /* on process->threads; process_lock */
	struct signal_state signal; /* process_lock */
	struct restart restart;     /* owner only */
	u64 minflt;                 /* faults served without reading from a device; owner only */
	u64 majflt;                 /* faults that waited for a device; owner only */
	u32 fail_nth;               /* the n-th allocation from now on fails; fail_inject.h; owner, or set for it */
	u64 robust_list;            /* user address, or 0; owner only, read racily */
	u32 *clear_child_tid;       /* user address, zeroed and woken at exit; owner only */

	void (*kthread_fn)(void *arg); /* kernel threads; const */
	void *kthread_arg;             /* likewise */
	struct lock_held held;         /* debug builds; owner only */
};

/* End of the stack, where it begins to grow down. */
static inline u64
task_stack_top(const struct task *t)
{
	return (u64)t->stack + KSTACK_SIZE;
}

/*
 * task_alloc - a task with a stack, all else zero but: state RUNNING, cpus_allowed all, lists empty
 *
 * The caller fills in the rest, calls arch_task_init or arch_task_fork, then sched_add_new.
 *
 * Returns   the task; NULL when memory ran out
 * Context   may sleep
 * Gives     the task (task_free, or sched_exit once it runs)
 */
struct task *task_alloc(void);

/*
 * task_free - give back a task that never ran, or never will again
 *
 * A few per CPU are kept with their stacks for the next task_alloc on that CPU.
 *
 * Returns   nothing
 * Context   interrupts on, no spinlock held
 * Takes     the task
 */
void task_free(struct task *t);

/* Gives back the tasks that task_free keeps, of all CPUs. Context: interrupts on, no spinlock held. */
void task_cache_drain(void);

/* Frames of the stacks that task_free keeps. Context: any; a moment old. */
u64 task_cache_pages(void);

/* Readies the timer that wakes @t. Context: @t is new. */
void task_init_timer(struct task *t);

/* The cache of struct task. Context: boot, once, after slab_init and vmalloc_init. */
void task_init(void);

/* Sets the name, cut to fit. Context: any, for a task that does not run, or the current one. */
void task_set_comm(struct task *t, const char *name);

/*
 * task_state_set - the current task is about to sleep, or has thought better of it
 *
 * Race: the sleeper stores its state, then looks at its condition; the waker makes the condition true, then looks at
 * the state. The full barriers on both sides mean that at least one of them sees the other.
 */
static inline void
task_state_set(enum task_state state)
{
	__atomic_store_n(&current->state, (u8)state, __ATOMIC_SEQ_CST);
}

/* Tasks that exist, beside idle tasks and what task_free keeps. Context: any, racy. */
u64 tasks_total(void);
