/* SPDX-License-Identifier: MIT */
/*
 * kernel/task.c - making and freeing tasks
 *
 * Idea        A task and its stack stay together when the task ends, and the next task_alloc takes the pair: a fork
 *             maps no stack, an exit unmaps none. One short list for all CPUs (Simple: a bigger kernel has one per
 *             CPU).
 * Invariants  I1  A task on the kept list has a stack; nothing else in it means anything.
 *             I2  tasks_alive counts what task_alloc gave and task_free did not take back.
 * Locks       kept.lock (RANK_TASK_CACHE)
 * Follow      from fork.c, kthread.c, sched.c   to mm/slab.c, mm/vmalloc.c
 * Tests       selftest=threads
 */
#include <kernel/lib/atomic.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/sched_attr.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <mm/page_alloc.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

/* Enough that a shell's forks and exits, or a storm of them on a few CPUs, reuse stacks: 256 KiB. */
#define KEPT_MAX 16
#define TIMER_SLACK_NS (50 * NS_PER_US) /* Linux's default, which programs can ask for */

static struct kmem_cache *task_cache; /* const after init */
static atomic64_t tasks_alive;

static struct {
	struct spinlock lock;
	u32 count;                   /* lock */
	struct task *task[KEPT_MAX]; /* lock */
} kept = {.lock = SPINLOCK_INIT(RANK_TASK_CACHE)};

static struct task *kept_take(void);
static bool kept_put(struct task *t);
static struct task *task_make(void);
static u64 shrinker_count(void);
static void shrinker_scan(struct shrink_control *sc);
static void task_wake_fn(void *arg);

static struct shrinker task_shrinker = {
	.name = "task", .count = shrinker_count, .scan = shrinker_scan, .seeks = SHRINK_SEEKS};

void __init
task_init(void)
{
	task_cache = kmem_cache_create("task", sizeof(struct task), 64);
	shrinker_register(&task_shrinker);
}

struct task *
task_alloc(void)
{
	struct task *t = kept_take();
	void *stack;

	if (!t)
		t = task_make();
	if (!t)
		return NULL;
	stack = t->stack;
	memset(t, 0, sizeof(*t));
	t->stack = stack;
	t->cpus_allowed = ~0UL;
	t->weight = SCHED_WEIGHT_DEFAULT;
	t->timer_slack_ns = t->timer_slack_default_ns = TIMER_SLACK_NS;
	list_init(&t->run_link);
	list_init(&t->thread_link);
	signal_queue_init(&t->signal.queue);
	task_init_timer(t);
	atomic64_add(&tasks_alive, 1);
	return t;
}

void
task_free(struct task *t)
{
	assertf(t->state == TASK_DEAD || !t->switches, "task %d (%s) is freed in state %u", t->tid, t->comm, t->state);
	assert(!t->sleep_timer.queued);
	arch_task_free(t);
	atomic64_add(&tasks_alive, -1);
	if (kept_put(t))
		return;
	vfree(t->stack);
	kmem_cache_free(task_cache, t);
}

void
task_cache_drain(void)
{
	struct shrink_control sc = {.want = KEPT_MAX};

	shrinker_scan(&sc);
}

u64
task_cache_pages(void)
{
	return shrinker_count() * (KSTACK_SIZE / PAGE_SIZE);
}

static u64
shrinker_count(void)
{
	return READ_ONCE(kept.count);
}

static void
shrinker_scan(struct shrink_control *sc)
{
	struct task *t;

	while (sc->scanned < sc->want && (t = kept_take())) {
		vfree(t->stack);
		kmem_cache_free(task_cache, t);
		sc->frames += KSTACK_SIZE / PAGE_SIZE;
		sc->scanned++;
	}
}

void
task_init_timer(struct task *t)
{
	timer_init(&t->sleep_timer, task_wake_fn, t);
}

void
task_set_comm(struct task *t, const char *name)
{
	strlcpy(t->comm, name, sizeof(t->comm));
}

u64
tasks_total(void)
{
	return (u64)atomic64_read(&tasks_alive);
}

/* A kept task, or NULL. */
static struct task *
kept_take(void)
{
	struct task *t = NULL;

	spin_lock(&kept.lock);
	if (kept.count)
		t = kept.task[--kept.count];
	spin_unlock(&kept.lock);
	return t;
}

/* False: there are enough of them. */
static bool
kept_put(struct task *t)
{
	bool room;

	spin_lock(&kept.lock);
	room = kept.count < KEPT_MAX;
	if (room)
		kept.task[kept.count++] = t;
	spin_unlock(&kept.lock);
	return room;
}

/* A task with a fresh stack, nothing else filled in; NULL without memory. */
static struct task *
task_make(void)
{
	struct task *t = kmem_cache_alloc(task_cache, ALLOC_KERNEL);

	if (!t)
		return NULL;
	t->stack = vmalloc_named(KSTACK_SIZE, "kernel stack");
	if (t->stack)
		return t;
	kmem_cache_free(task_cache, t);
	return NULL;
}

/* The sleep timer's function. */
static void
task_wake_fn(void *arg)
{
	sched_wake_timed(arg);
}
