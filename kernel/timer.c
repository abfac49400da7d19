/* SPDX-License-Identifier: MIT */
/*
 * kernel/timer.c - call a function at a time
 *
 * Idea        see timer.h. The hardware is armed earlier when that becomes necessary, but never later: when it fires
 *             before anything is due, the interrupt arms it for what is really next. So a slice that never ends,
 *             because tasks keep switching, costs no access to the timer at all.
 * Invariants  see timer.h; and
 *             I3  due.armed_ns is what the hardware is armed for; TIMER_NEVER: off, or it has just fired.
 * Locks       due.lock (RANK_TIMER, interrupts off): tree, running. the moments: own CPU, interrupts off
 * Follow      from wait.c, sched.c   to arch timer_arm
 * Tests       selftest=timers
 */
#include <kernel/cputime.h>
#include <kernel/loadavg.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>
#include <kernel/wait.h>

/* What is due on one CPU, and when. */
struct due {
	struct spinlock lock;
	struct rb_tree tree;   /* of struct timer, by deadline; lock */
	struct timer *running; /* its function runs now; lock */
	u64 slice_ns;          /* when sched_tick shall be called; own CPU */
	u64 tick_ns;           /* when cputime_tick shall be called; own CPU */
	u64 armed_ns;          /* I3; own CPU */
};

static DEFINE_PER_CPU(struct due, due);

static void due_run(struct due *d, u64 now_ns);
static struct timer *due_first(struct due *d);
static u64 next_tick(u64 now_ns);
static void due_arm(struct due *d);
static void arm_no_later(struct due *d, u64 deadline_ns);
static bool timer_insert(struct due *d, struct timer *t);
static void timer_remove(struct due *d, struct timer *t);

void __init
timers_init(void)
{
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct due *d = &per_cpu(due, cpu);

		spin_init(&d->lock, RANK_TIMER);
		rb_tree_init(&d->tree, NULL);
		d->slice_ns = TIMER_NEVER;
		d->tick_ns = TIMER_NEVER;
		d->armed_ns = TIMER_NEVER;
	}
}

void
timer_set(struct timer *t, u64 deadline_ns)
{
	struct due *d;
	u64 flags;

	assert(t->fn);
	if (t->queued)
		timer_cancel(t);
	flags = irq_save();
	d = this_cpu_ptr(due);
	spin_lock(&d->lock);
	t->deadline_ns = deadline_ns;
	t->cpu = this_cpu_id();
	if (timer_insert(d, t))
		arm_no_later(d, deadline_ns);
	spin_unlock(&d->lock);
	irq_restore(flags);
}

bool
timer_cancel(struct timer *t)
{
	bool cancelled = false;
	bool running;

	do {
		struct due *d = &per_cpu(due, t->cpu);
		u64 flags = spin_lock_irqsave(&d->lock);

		if (t->queued) {
			timer_remove(d, t);
			cancelled = true;
		}
		running = d->running == t;
		spin_unlock_irqrestore(&d->lock, flags);
		if (running)
			cpu_relax();
	} while (running);
	return cancelled;
}

int
sleep_until(u64 deadline_ns)
{
	int result = 0;

	may_sleep();
	wait_timer_start(deadline_ns);
	for (;;) {
		task_state_set(TASK_INTERRUPTIBLE);
		if (wait_timed_out(deadline_ns))
			break;
		result = wait_interrupted(TASK_INTERRUPTIBLE);
		if (result)
			break;
		schedule();
	}
	task_state_set(TASK_RUNNING);
	wait_timer_stop(deadline_ns);
	return result;
}

void
timer_interrupt(bool user)
{
	struct due *d = this_cpu_ptr(due);
	u64 now = clock_ns();

	d->armed_ns = TIMER_NEVER;
	due_run(d, now);
	if (d->tick_ns <= now) {
		d->tick_ns = cputime_tick(now, user) ? next_tick(now) : TIMER_NEVER;
		loadavg_tick(now);
	}
	if (d->slice_ns <= now) {
		d->slice_ns = TIMER_NEVER;
		sched_tick(now);
	}
	due_arm(d);
}

/* Why on a grid: were the first tick so long after the work began, work that is done in less would never be seen. */
void
timer_tick_start(void)
{
	struct due *d = this_cpu_ptr(due);

	if (d->tick_ns != TIMER_NEVER)
		return;
	d->tick_ns = next_tick(clock_ns());
	arm_no_later(d, d->tick_ns);
}

void
timer_slice_set(u64 deadline_ns)
{
	struct due *d = this_cpu_ptr(due);

	d->slice_ns = deadline_ns;
	arm_no_later(d, deadline_ns);
}

void
timer_nap(u64 ns)
{
	arm_no_later(this_cpu_ptr(due), clock_ns() + ns);
	cpu_halt_until_interrupt();
}

/* Calls the functions of all timers that are due. */
static void
due_run(struct due *d, u64 now_ns)
{
	struct timer *t;

	spin_lock(&d->lock);
	while ((t = due_first(d)) && t->deadline_ns <= now_ns) {
		timer_remove(d, t);
		d->running = t;
		spin_unlock(&d->lock);
		t->fn(t->arg);
		/* Here @t may be gone already: running is only ever compared. */
		spin_lock(&d->lock);
		d->running = NULL;
	}
	spin_unlock(&d->lock);
}

/* The timer with the earliest deadline, or NULL. */
static struct timer *
due_first(struct due *d)
{
	struct rb_node *node = rb_first(&d->tree);

	return node ? container_of(node, struct timer, node) : NULL;
}

static u64
next_tick(u64 now_ns)
{
	return (now_ns / CPUTIME_TICK_NS + 1) * CPUTIME_TICK_NS;
}

/* Arms the hardware for whatever comes next. */
static void
due_arm(struct due *d)
{
	struct timer *first;

	spin_lock(&d->lock);
	first = due_first(d);
	arm_no_later(d, min_u64(min_u64(first ? first->deadline_ns : TIMER_NEVER, d->slice_ns), d->tick_ns));
	spin_unlock(&d->lock);
}

static void
arm_no_later(struct due *d, u64 deadline_ns)
{
	if (deadline_ns >= d->armed_ns)
		return;
	d->armed_ns = deadline_ns;
	timer_arm(deadline_ns);
}

/* True: @t is now the earliest. */
static bool
timer_insert(struct due *d, struct timer *t)
{
	struct rb_node **link = &d->tree.root;
	struct rb_node *parent = NULL;
	bool first = true;

	while (*link) {
		bool before;

		parent = *link;
		before = t->deadline_ns < container_of(parent, struct timer, node)->deadline_ns;
		first &= before;
		link = before ? &parent->left : &parent->right;
	}
	rb_insert_at(&d->tree, &t->node, parent, link);
	t->queued = true;
	return first;
}

static void
timer_remove(struct due *d, struct timer *t)
{
	rb_erase(&d->tree, &t->node);
	t->queued = false;
}
