/* SPDX-License-Identifier: MIT */
/*
 * kernel/sched.h - which task runs where
 *
 * Idea        see sched.c
 * Invariants  see sched.c
 * Locks       a run queue lock per CPU (RANK_RUNQUEUE), interrupts off
 * Follow      from wait.h, kthread.c, fork.c, exit.c   to sched.c, arch cpu_switch
 * Tests       selftest=threads
 * See         docs/locking.md
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/lock_check.h>
#include <kernel/task.h>

/* How long a task runs while another waits for the CPU. */
#define SCHED_SLICE_NS (10 * NS_PER_MS)

/*
 * sched_init - run queues and idle tasks of all CPUs; what runs now becomes the boot CPU's idle task
 *
 * Returns   nothing
 * Context   boot, once, after percpu_init. Tasks may be added from here on; they run once this CPU sleeps or calls
 *           sched_cpu_start
 */
void sched_init(void);

/*
 * sched_idle_task - the idle task of @cpu, with a stack
 *
 * Returns   the task; NULL when there is no memory for its stack
 * Context   boot, may allocate; for arch, which starts @cpu on this task's stack
 */
struct task *sched_idle_task(u32 cpu);

/*
 * sched_cpu_start - the life of this CPU from here on: run tasks, halt when there are none
 *
 * Returns   never
 * Context   the CPU's idle task, interrupts on or off; clock and timer of this CPU work
 */
__noreturn void sched_cpu_start(void);

/*
 * schedule - let another task run; return when it is this one's turn again
 *
 * A task whose state is not RUNNING leaves the run queue until sched_wake. A RUNNING one goes to its end.
 *
 * Returns   perhaps on another CPU, state RUNNING
 * Context   may sleep: no spinlock held, interrupts on
 */
void schedule(void);

/* Has the boot CPU finished the boot and become idle for the first time? Before that interrupts may be off. */
bool sched_is_running(void);

/* Lets every other task that waits for this CPU go first; with none, a caller that insists naps. Context: may sleep. */
void sched_yield_current(void);

/*
 * sched_wake - make a sleeping task runnable, whatever it waits for
 *
 * Every sleeper looks at its condition again after schedule(), so that a wake-up too many does no harm.
 *
 * Returns   true: it slept; false: it was awake, or dead
 * Context   any, interrupts too; takes a run queue lock. The caller sees to it that @t still exists
 */
bool sched_wake(struct task *t);

/*
 * sched_wake_timed - sched_wake for a task whose time has come: it goes first on this CPU, if whoever runs there has
 *                    had a turn at least as long as its own last one
 *
 * Why: who naps and does little is waited for by somebody. Why the condition: nobody gets more than half a CPU by it.
 *
 * Context   interrupts; as sched_wake
 */
void sched_wake_timed(struct task *t);

/*
 * sched_add_new - make a task that has never run runnable
 *
 * Returns   nothing; the task may have run and ended by then
 * Context   any; takes a run queue lock
 * Takes     the task: it frees itself by sched_exit
 */
void sched_add_new(struct task *t);

/*
 * sched_exit_begin - the current task is about to call sched_exit: sched_quiesce waits for it from now on
 *
 * Whoever tells others of its end calls this first. Else they may count what is free while its stack is not.
 *
 * Returns   nothing
 * Context   any; from here to sched_exit the task takes no sleeping lock, which a caller of sched_quiesce may hold
 */
void sched_exit_begin(void);

/*
 * sched_exit - the current task ends; the next task on this CPU frees it (task_free)
 *
 * Returns   never
 * Context   no lock held; current->mm is NULL and mm_activate(NULL) was called, if it had one
 */
__noreturn void sched_exit(void);

/*
 * What every task does first when it is switched to, a new one before its own first line. Called by arch for new ones.
 */
void sched_tail(void);

/* Returns when every task that called sched_exit_begin before has been freed. Context: may sleep. */
void sched_quiesce(void);

/* CPU time of @t so far; exact. Context: any; takes a run queue lock unless @t is current. */
u64 task_runtime_ns(const struct task *t);

/* Does @t run when nobody else wants to? Context: any. */
bool sched_is_idle(const struct task *t);

/* When @cpu entered sched_cpu_start(), by clock_ns(); 0: not yet. Context: any, racy. */
u64 sched_cpu_started_ns(u32 cpu);

/* Another CPU added a task to this one's queue. Called by arch in the interrupt that cpu_kick() sends. */
void sched_kick(void);

/* The slice's end, or a moment when the queue should be looked at. Called by timer.c, interrupts off. */
void sched_tick(u64 now_ns);

/* How often @t was switched away, asleep and still RUNNING. Context: any, racy. */
void sched_switches_away(const struct task *t, u64 *asleep, u64 *preempted);

/* Tasks that wait for a CPU now, and task switches since boot, of all CPUs. Context: any, racy. */
u64 sched_runnable_count(void);
u64 sched_switch_count(void);

/* Time that @cpu spent without a task, in ns. Context: any, racy. */
u64 sched_idle_ns(u32 cpu);

/*
 * cond_resched - give way if another task should run: for long loops in the kernel
 *
 * Returns   true: others ran meanwhile
 * Context   may sleep
 */
static inline bool
cond_resched(void)
{
	may_sleep();
	if (likely(!__atomic_load_n(&current->need_resched, __ATOMIC_RELAXED)))
		return false;
	schedule();
	return true;
}
