/* SPDX-License-Identifier: MIT */
/*
 * kernel/sched.c - which task runs where
 *
 * Idea        Every CPU has a queue of the tasks that wait for it, served in turn. A task runs until it sleeps, or,
 *             while others wait, for a slice of 10 ms or so. How work spreads over the CPUs, balance.c says.
 *             The one-shot timer is armed for the end of a slice only while somebody waits. Who becomes runnable, and
 *             when it goes first: sched_wake.c. What was counted: sched_count.c.
 *             Slices are longer or shorter as tasks are more or less nice (sched_attr.h).
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
 * Follow      from wait.c, lock_wait.c, kthread.c, exit.c   to balance.c, arch cpu_switch, mm_activate
 * Tests       selftest=threads
 * See         docs/locking.md
 */
#include <kernel/balance.h>
#include <kernel/lib/format.h>
#include <kernel/panic.h>
#include <kernel/run_queue.h>
#include <kernel/sched.h>
#include <kernel/sched_attr.h>
#include <mm/mm.h>
#include <mm/vmalloc.h>

#define LONE_YIELDS 32 /* in a row: some microseconds */
#define YIELD_NAP_NS (50 * NS_PER_US)
#define TURNS_PAID_MAX 64 /* before somebody is forgiven */

DEFINE_PER_CPU(struct run_queue, run_queue);
DECLARE_PER_CPU(struct task, idle_task);
DEFINE_PER_CPU(struct task, idle_task) = {.switches = 1};

static atomic_t ending_tasks; /* called sched_exit_begin, not freed yet */

static void see_off(struct run_queue *rq, struct task *gone);
static void idle_loop(struct run_queue *rq);
static struct task *pick_next(struct run_queue *rq, struct task *prev);
static void give_way(struct run_queue *rq, struct task *prev);
static struct task *next_in_turn(struct run_queue *rq, struct task *next);
static void go_on(struct run_queue *rq, struct task *prev);
static void slice_begin(struct run_queue *rq, struct task *t, u64 now);
static void switch_to(struct run_queue *rq, struct task *prev, struct task *next);

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
		idle->weight = SCHED_WEIGHT_DEFAULT;
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
	else if (rq->waiting)
		go_on(rq, prev);
	sched_tail();
}

void
sched_tail(void)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);
	struct task *gone = rq->gone;

	if (unlikely(gone)) {
		see_off(rq, gone); /* consumes the lock */
		return;
	}
	spin_unlock(&rq->lock);
	irq_enable();
}

/* The task that ran before is wholly switched out: now it may be freed, or run elsewhere. */
static void
see_off(struct run_queue *rq, struct task *gone)
{
	bool dead = gone->state == TASK_DEAD;

	rq->gone = NULL;
	if (dead)
		spin_unlock(&rq->lock);
	else
		balance_place(rq, gone); /* consumes the lock */
	irq_enable();
	if (!dead)
		return;
	task_free(gone);
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

bool
sched_is_idle(const struct task *t)
{
	return t == per_cpu(run_queue, t->cpu).idle;
}

void
sched_kick(void)
{
	struct run_queue *rq = this_cpu_ptr(run_queue);
	u64 flags = spin_lock_irqsave(&rq->lock);

	rq->ticking = false;
	if (rq->running == rq->idle)
		rq->idle->need_resched = rq->online;
	else if (!(rq->running->cpus_allowed & BIT(this_cpu_id())))
		rq->running->need_resched = true;
	else if (rq->waiting)
		run_queue_compete(rq);
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
			balance_nudge();
			now_ns += SCHED_SLICE_NS; /* if it has not gone by then, look again */
		}
		run_queue_tick(rq, max_u64(rq->running->slice_end_ns, now_ns));
	}
	spin_unlock_irqrestore(&rq->lock, flags);
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
		if (unlikely(!(prev->cpus_allowed & BIT(prev->cpu))))
			rq->gone = prev;
		else if (!rq->waiting)
			return prev;
		else
			give_way(rq, prev);
		prev->preempted++;
	}
	if (!rq->waiting)
		balance_pull(rq);
	if (!rq->waiting)
		return rq->idle;
	next = list_first(&rq->queue, struct task, run_link);
	run_queue_del(rq, next);
	return likely(!next->debt_ns) ? next : next_in_turn(rq, next);
}

/* To the end of the queue. What @prev ran beyond its slice, because nothing could stop it, it owes to the others. */
static void
give_way(struct run_queue *rq, struct task *prev)
{
	u64 now = clock_ns();

	if (now > prev->slice_end_ns)
		prev->debt_ns = now - prev->slice_end_ns;
	run_queue_add(rq, prev);
}

/*
 * @next, off the queue, is first, but owes: it pays with this turn, unless it owes less than a slice or nobody else
 * waits. When all owe much, one of them is forgiven.
 */
static struct task *
next_in_turn(struct run_queue *rq, struct task *next)
{
	for (u32 left = rq->waiting + TURNS_PAID_MAX; left && rq->waiting; left--) {
		u64 slice = sched_slice(rq, next);

		if (next->debt_ns < slice)
			return next;
		next->debt_ns -= slice;
		run_queue_add(rq, next);
		next = list_first(&rq->queue, struct task, run_link);
		run_queue_del(rq, next);
	}
	next->debt_ns = 0;
	return next;
}

/* It was its turn again: no switch. */
static void
go_on(struct run_queue *rq, struct task *prev)
{
	prev->preempted--;
	slice_begin(rq, prev, clock_ns());
}

/* @t's slice begins. */
static void
slice_begin(struct run_queue *rq, struct task *t, u64 now)
{
	t->slice_end_ns = now + SCHED_SLICE_NS;
	if (likely(!rq->waiting))
		return;
	t->slice_end_ns = now + sched_slice(rq, t) - t->debt_ns;
	t->debt_ns = 0;
	if (!rq->ticking || t->slice_end_ns < rq->tick_ns)
		run_queue_tick(rq, t->slice_end_ns);
}

/* Returns in @prev, when it is switched to again: on which CPU, sched_tail() finds out. */
static void
switch_to(struct run_queue *rq, struct task *prev, struct task *next)
{
	u64 now = clock_ns();

	prev->turn_ns = now - prev->started_ns;
	prev->runtime_ns += prev->turn_ns;
	next->started_ns = now;
	next->switches++;
	rq->switches++;
	rq->running = next;
	slice_begin(rq, next, now);
	if (prev == rq->idle)
		timer_tick_start();
	if (unlikely(prev->state == TASK_DEAD))
		rq->gone = prev;
	if (prev->mm != next->mm)
		mm_activate(next->mm);
	cpu_switch(prev, next);
}
