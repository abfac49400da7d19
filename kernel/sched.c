/* SPDX-License-Identifier: MIT */
/*
 * kernel/sched.c - which task runs where
 *
 * Idea        Every CPU has a queue of the tasks that wait for it, served in turn. A task runs until it sleeps, or,
 *             while others wait, for a slice of 10 ms. How work spreads over the CPUs, balance.c says.
 *             The one-shot timer is armed for the end of a slice only while somebody waits.
 *             Simple: no priorities. A bigger kernel weighs tasks by niceness and recent sleep (CFS, EEVDF).
 *
 *                 schedule() on CPU c, in the old task          sched_tail(), in the new task
 *                 lock queue c .. pick .. address space ..  |  .. unlock queue c .. free a dead predecessor
 *                                                     cpu_switch
 *
 * Invariants  I1  A task is linked in a queue if and only if it is RUNNING and no CPU's current one.
 *             I2  The queue lock of task->cpu guards the task's state, cpu and link, but for a state that the task
 *                 itself sets.
 *             I3  That lock is held from the choice of the next task until its predecessor's registers are saved. So
 *                 whoever holds it finds a sleeping task either still current or wholly switched out: nobody runs a
 *                 task whose stack is still in use elsewhere.
 * Locks       run_queue.lock (RANK_RUNQUEUE, interrupts off)
 * Follow      from wait.c, lock_wait.c, kthread.c, fork.c, exit.c   to balance.c, arch cpu_switch,
 *             mm_activate
 * Tests       selftest=threads
 * See         docs/locking.md
 */
#include <kernel/balance.h>
#include <kernel/lib/format.h>
#include <kernel/panic.h>
#include <kernel/run_queue.h>
#include <kernel/sched.h>
#include <mm/mm.h>
#include <mm/vmalloc.h>

#define LONE_YIELDS 32 /* in a row: some microseconds */
#define YIELD_NAP_NS (50 * NS_PER_US)

DEFINE_PER_CPU(struct run_queue, run_queue);
DECLARE_PER_CPU(struct task, idle_task);
DEFINE_PER_CPU(struct task, idle_task) = {.switches = 1};

static atomic_t ending_tasks; /* called sched_exit_begin, not freed yet */

static void idle_loop(struct run_queue *rq);
static struct task *pick_next(struct run_queue *rq, struct task *prev);
static void switch_to(struct run_queue *rq, struct task *prev, struct task *next);
static struct run_queue *lock_queue_of(const struct task *t);
static bool state_wake(struct task *t);

void __init
sched_init(void)
{
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct run_queue *rq = &per_cpu(run_queue, cpu);
		struct task *idle = &per_cpu(idle_task, cpu);

		spin_init(&rq->lock, RANK_RUNQUEUE);
		list_init(&rq->queue);
		rq->idle = idle;
		rq->running = idle;
		idle->cpu = cpu;
		idle->cpus_allowed = BIT(cpu);
		list_init(&idle->run_link);
		list_init(&idle->thread_link);
		task_init_timer(idle);
		format(idle->comm, sizeof(idle->comm), "idle/%u", cpu);
	}
}

struct task *
sched_idle_task(u32 cpu)
{
	struct task *idle = &per_cpu(idle_task, cpu);

	assertf(cpu < MAX_CPUS, "there is no CPU %u", cpu);
	if (!idle->stack)
		idle->stack = vmalloc_named(KSTACK_SIZE, "idle task's stack");
	return idle->stack ? idle : NULL;
}

__noreturn void
sched_cpu_start(void)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);

	assertf(current == rq->idle && current->cpu == this_cpu_id(), "CPU %u starts in task %s", this_cpu_id(),
		current->comm);
	irq_disable();
	rq->idle->started_ns = clock_ns();
	WRITE_ONCE(rq->online_ns, rq->idle->started_ns);
	rq->online = true;
	irq_enable();
	for (;;)
		idle_loop(rq);
}

bool
sched_is_running(void)
{
	return READ_ONCE(per_cpu(run_queue, 0).online);
}

void
schedule(void)
{
	struct run_queue *rq;
	struct task *prev = current;
	struct task *next;

	may_sleep();
	irq_disable();
	rq = this_cpu_ptr(run_queue);
	spin_lock(&rq->lock);
	prev->need_resched = false;
	next = pick_next(rq, prev);
	if (next != prev)
		switch_to(rq, prev, next);
	sched_tail();
}

void
sched_tail(void)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);
	struct task *dead = rq->dead;

	rq->dead = NULL;
	spin_unlock(&rq->lock);
	irq_enable();
	if (likely(!dead))
		return;
	task_free(dead);
	atomic_dec(&ending_tasks);
}

/*
 * Alone on its CPU, a task that yields again and again waits for another CPU. It naps then: if that is a virtual one,
 * the host may need ours to run it.
 */
void
sched_yield_current(void)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);

	may_sleep();
	if (READ_ONCE(rq->waiting)) {
		current->lone_yields = 0;
		schedule();
	} else if (++current->lone_yields % LONE_YIELDS == 0) {
		irq_disable();
		if (READ_ONCE(rq->waiting) || current->signal_pending)
			irq_enable();
		else
			timer_nap(YIELD_NAP_NS);
	}
}

bool
sched_wake(struct task *t)
{
	u64 flags = irq_save();
	struct run_queue *rq = lock_queue_of(t);
	bool slept = state_wake(t);

	/* Race: the task may still be on its way to schedule(), which will then find it RUNNING and keep it. */
	if (slept && rq->running != t && t != rq->idle)
		balance_place(rq, t); /* consumes the lock */
	else
		spin_unlock(&rq->lock);
	irq_restore(flags);
	return slept;
}

void
sched_add_new(struct task *t)
{
	u64 flags = irq_save();
	struct run_queue *rq = this_cpu_ptr(run_queue);

	assertf(t->state == TASK_RUNNING && !t->switches, "task %d (%s) is not new", t->tid, t->comm);
	spin_lock(&rq->lock);
	t->cpu = this_cpu_id();
	balance_place(rq, t); /* consumes the lock */
	irq_restore(flags);
}

void
sched_exit_begin(void)
{
	assert(!current->ending);
	current->ending = true;
	atomic_inc(&ending_tasks);
}

__noreturn void
sched_exit(void)
{
	struct task *t = current;

	assertf(!t->mm, "task %d (%s) ends and still has an address space", t->tid, t->comm);
	assertf(!t->held.depth, "task %d (%s) ends and still holds %s", t->tid, t->comm,
		lock_rank_name(t->held.rank[0]));
	if (!t->ending)
		sched_exit_begin();
	task_state_set(TASK_DEAD);
	schedule();
	panic("task %d (%s) runs after its end", t->tid, t->comm);
}

void
sched_quiesce(void)
{
	while (atomic_read(&ending_tasks)) {
		sched_yield_current();
		cpu_relax();
	}
}

u64
task_runtime_ns(const struct task *t)
{
	struct run_queue *rq;
	u64 flags;
	u64 sum;

	if (t == current)
		return t->runtime_ns + clock_ns() - t->started_ns;
	flags = irq_save();
	rq = lock_queue_of(t);
	sum = t->runtime_ns;
	if (rq->running == t)
		sum += clock_ns() - t->started_ns;
	spin_unlock(&rq->lock);
	irq_restore(flags);
	return sum;
}

bool
sched_is_idle(const struct task *t)
{
	return t == per_cpu(run_queue, t->cpu).idle;
}

u64
sched_cpu_started_ns(u32 cpu)
{
	return READ_ONCE(per_cpu(run_queue, cpu).online_ns);
}

void
sched_kick(void)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);
	u64 flags = spin_lock_irqsave(&rq->lock);

	rq->ticking = false;
	if (rq->running == rq->idle)
		rq->idle->need_resched = rq->online;
	else if (rq->waiting)
		run_queue_tick(rq);
	spin_unlock_irqrestore(&rq->lock, flags);
}

void
sched_tick(u64 now_ns)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);
	u64 flags = spin_lock_irqsave(&rq->lock);

	rq->ticking = false;
	if (rq->waiting && rq->running != rq->idle) {
		if (now_ns >= rq->running->slice_end_ns) {
			rq->running->need_resched = true;
			rq->running->slice_end_ns = now_ns + SCHED_SLICE_NS;
			balance_nudge();
		}
		run_queue_tick(rq);
	}
	spin_unlock_irqrestore(&rq->lock, flags);
}

u64
sched_runnable_count(void)
{
	u64 sum = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		const struct run_queue *rq = &per_cpu(run_queue, cpu);

		sum += READ_ONCE(rq->waiting) + (READ_ONCE(rq->running) != rq->idle);
	}
	return sum;
}

u64
sched_switch_count(void)
{
	u64 sum = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		sum += READ_ONCE(per_cpu(run_queue, cpu).switches);
	return sum;
}

u64
sched_idle_ns(u32 cpu)
{
	return task_runtime_ns(&per_cpu(idle_task, cpu));
}

/*
 * Halt until there is work, then run it.
 *
 * Race: a waker queues a task and sends an interrupt after we have found the queue empty: interrupts are off from
 * before the look until the halt itself, which that interrupt then ends at once.
 */
static void
idle_loop(struct run_queue *rq)
{
	irq_disable();
	balance_idle_begin();
	if (!READ_ONCE(rq->waiting) && !rq->idle->need_resched)
		cpu_halt_until_interrupt();
	irq_enable();
	balance_idle_end();
	schedule();
}

/* Chooses the task to run after @prev, and takes it off the queue. */
static struct task *
pick_next(struct run_queue *rq, struct task *prev)
{
	struct task *next;

	if (prev->state == TASK_RUNNING && prev != rq->idle) {
		if (!rq->waiting)
			return prev;
		run_queue_add(rq, prev);
	}
	if (!rq->waiting)
		balance_pull(rq);
	if (!rq->waiting)
		return rq->idle;
	next = list_first(&rq->queue, struct task, run_link);
	run_queue_del(rq, next);
	return next;
}

/* Returns in @prev, when it is switched to again: on which CPU, sched_tail() finds out. */
static void
switch_to(struct run_queue *rq, struct task *prev, struct task *next)
{
	u64 now = clock_ns();

	prev->runtime_ns += now - prev->started_ns;
	prev->left[prev->state == TASK_RUNNING]++;
	next->started_ns = now;
	next->slice_end_ns = now + SCHED_SLICE_NS;
	next->switches++;
	rq->switches++;
	rq->running = next;
	if (rq->waiting && !rq->ticking)
		run_queue_tick(rq);
	if (prev == rq->idle)
		timer_tick_start();
	if (unlikely(prev->state == TASK_DEAD))
		rq->dead = prev;
	if (prev->mm != next->mm)
		mm_activate(next->mm);
	cpu_switch(prev, next);
}

/* Takes the lock of the queue that @t belongs to. Race: while we wait for it, @t may be moved: look again. */
static struct run_queue *
lock_queue_of(const struct task *t)
{
	for (;;) {
		u32 cpu = READ_ONCE(t->cpu);
		struct run_queue *rq = &per_cpu(run_queue, cpu);

		spin_lock(&rq->lock);
		if (likely(t->cpu == cpu))
			return rq;
		spin_unlock(&rq->lock);
	}
}

/*
 * Makes a sleeping task RUNNING. False: it was awake.
 *
 * Race: a task that has not reached schedule() yet may change its own state meanwhile, even to DEAD. It is awake then,
 * and whatever it waits for next, it will look at that after this change.
 */
static bool
state_wake(struct task *t)
{
	u8 old = READ_ONCE(t->state);

	if (old == TASK_RUNNING || old == TASK_DEAD)
		return false;
	return __atomic_compare_exchange_n(&t->state, &old, TASK_RUNNING, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}
