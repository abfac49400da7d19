/* SPDX-License-Identifier: MIT */
/*
 * kernel/selftest.c - what mistakes in the kernel look like, and stress for its base
 *
 * Idea        see selftest.h
 * Invariants  none
 * Locks       its own, to be misused
 * Follow      from main.c
 * Tests       tests/guest/test_guest.py (test_self)
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/cmdline.h>
#include <kernel/kthread.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/string.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/rwsem.h>
#include <kernel/sched.h>
#include <kernel/selftest.h>
#include <kernel/wait.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define STRESS_THREADS 8
#define STRESS_ROUNDS 480 /* a multiple of 8 and 10 */
#define TIMER_ROUNDS 20
#define SWITCH_ROUNDS 10000

static void test_panic(void);
static void test_assert(void);
static void test_stack_overflow(void);
static void test_null(void);
static void test_wx(void);
static void test_rank(void);
static void test_sleep(void);
static void test_double_free(void);
static void test_threads(void);
static void test_locks(void);
static void test_timers(void);
static void test_switch(void);
static u64 overflow(u64 depth);
static void stress(void (*fn)(void *));
static void thread_worker(void *arg);
static void lock_worker(void *arg);
static void timer_worker(void *arg);
static void switch_worker(void *arg);
static void worker_done(void);

static const struct {
	const char *name;
	void (*fn)(void);
} modes[] = {
	{"panic", test_panic},
	{"assert", test_assert},
	{"stack_overflow", test_stack_overflow},
	{"null", test_null},
	{"wx", test_wx},
	{"rank", test_rank},
	{"sleep", test_sleep},
	{"double_free", test_double_free},
	{"threads", test_threads},
	{"locks", test_locks},
	{"timers", test_timers},
	{"switch", test_switch},
	{"disk", selftest_disk},
};

/* What the stress tests share. */
static struct {
	atomic_t left; /* workers that are not done */
	struct wait_queue done;
	struct spinlock spin;
	struct mutex mutex;
	struct rwsem rwsem;
	u64 by_spin, by_mutex, by_rwsem; /* counted under the lock of that name, by plain additions */
	u64 copy;                        /* of by_rwsem, by its writer; readers compare the two */
	atomic_t turn;                   /* threads: whose turn it is to go on */
	struct wait_queue turns;
} shared = {
	.done = WAIT_QUEUE_INIT(shared.done),
	.spin = SPINLOCK_INIT(RANK_PROCESS),
	.mutex = MUTEX_INIT(shared.mutex, RANK_INODE),
	.rwsem = RWSEM_INIT(shared.rwsem, RANK_MM),
	.turns = WAIT_QUEUE_INIT(shared.turns),
};

void
selftest_run(void)
{
	const char *name = cmdline_get("selftest");

	if (!name)
		return;
	for (u32 i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(name, modes[i].name))
			continue;
		pr_notice("selftest: %s", name);
		modes[i].fn();
		pr_notice("selftest: %s ok", name);
		machine_power_off();
	}
	pr_warn("selftest=%s: there is no such mode. Modes:", name);
	for (u32 i = 0; i < ARRAY_SIZE(modes); i++)
		pr_warn("    %s", modes[i].name);
}

static void
test_panic(void)
{
	panic("selftest asked for this: %d apples and %d pears", 3, 4);
}

static void
test_assert(void)
{
	u32 pages = 3;

	assertf(is_pow2(pages), "pages %u", pages);
}

static void
test_stack_overflow(void)
{
	panic("the stack did not overflow: %lu", overflow(1));
}

/* The address stands in a variable, so that the compiler cannot know; and nothing checks before the CPU does. */
static __attribute__((no_sanitize("undefined"))) void
test_null(void)
{
	static u32 *volatile nowhere;

	panic("address 0 holds %u", *nowhere);
}

static void
test_wx(void)
{
	*(volatile u8 *)(u64)selftest_run = 0;
	panic("kernel text was overwritten");
}

static void
test_rank(void)
{
	static struct spinlock first = SPINLOCK_INIT(RANK_MAP);
	static struct spinlock second = SPINLOCK_INIT(RANK_TABLE);

	spin_lock(&second);
	spin_lock(&first);
	spin_unlock(&first);
	spin_unlock(&second);
	pr_notice("only a debug build (DEBUG=1) checks the order of locks");
}

static void
test_sleep(void)
{
	spin_lock(&shared.spin);
	schedule();
	spin_unlock(&shared.spin);
	pr_notice("only a debug build (DEBUG=1) checks who sleeps");
}

static void
test_double_free(void)
{
	void *p = kmalloc(64, ALLOC_KERNEL);

	kfree(p);
	kfree(p);
	pr_notice("only a debug build (DEBUG=1) checks what is freed twice");
}

/* Threads take turns in a ring: each wakes all, one goes on. Every wake-up that is lost hangs the test. */
static void
test_threads(void)
{
	u64 before = tasks_total();

	stress(thread_worker);
	assertf(atomic_read(&shared.turn) == STRESS_THREADS * STRESS_ROUNDS / 10, "turn %d", atomic_read(&shared.turn));
	sched_quiesce();
	assertf(tasks_total() == before, "tasks before %lu, after %lu", before, tasks_total());
}

static void
test_locks(void)
{
	u64 rounds = STRESS_THREADS * STRESS_ROUNDS;

	stress(lock_worker);
	assertf(shared.by_spin == rounds && shared.by_mutex == rounds, "spin %lu, mutex %lu, rounds %lu",
		shared.by_spin, shared.by_mutex, rounds);
	assertf(shared.by_rwsem == rounds / 4 && shared.copy == rounds / 4, "rwsem %lu, copy %lu", shared.by_rwsem,
		shared.copy);
}

static void
test_timers(void)
{
	stress(timer_worker);
}

/* What one wake-up with its switch costs, where two tasks share a CPU: ns are instructions under -icount shift=0. */
static void
test_switch(void)
{
	u64 start_ns = clock_ns();

	atomic_set(&shared.left, 2);
	assert(kthread_create(switch_worker, (void *)0, "ping") && kthread_create(switch_worker, (void *)1, "pong"));
	wait_event(&shared.done, atomic_read(&shared.left) == 0);
	pr_notice("selftest: %lu ns for a wake-up and a switch", (clock_ns() - start_ns) / SWITCH_ROUNDS);
}

/* Recurses until the stack ends. Not inlined, and not a loop: something is done after the call. */
static __noinline u64
overflow(u64 depth)
{
	volatile u64 frame[32];

	frame[depth % ARRAY_SIZE(frame)] = depth;
	return depth ? overflow(depth + 1) + frame[depth % ARRAY_SIZE(frame)] : 0;
}

/* Runs @fn in all workers at once and waits for them. */
static void
stress(void (*fn)(void *))
{
	atomic_set(&shared.left, STRESS_THREADS);
	for (u64 i = 0; i < STRESS_THREADS; i++)
		assert(kthread_create(fn, (void *)i, "selftest"));
	wait_event(&shared.done, atomic_read(&shared.left) == 0);
}

static void
thread_worker(void *arg)
{
	s32 self = (s32)(u64)arg;

	for (s32 round = 0; round < STRESS_ROUNDS / 10; round++) {
		s32 mine = round * STRESS_THREADS + self;

		wait_event(&shared.turns, atomic_read(&shared.turn) == mine);
		atomic_inc(&shared.turn);
		wake_all(&shared.turns);
	}
	worker_done();
}

static void
lock_worker(void *arg)
{
	for (u64 round = 0; round < STRESS_ROUNDS; round++) {
		spin_lock(&shared.spin);
		shared.by_spin++;
		spin_unlock(&shared.spin);
		mutex_lock(&shared.mutex);
		shared.by_mutex++;
		if (round % 8 == 0)
			sched_yield_current();
		mutex_unlock(&shared.mutex);
		if (round % 4 == 0) {
			rwsem_write_lock(&shared.rwsem);
			shared.by_rwsem++;
			sched_yield_current();
			shared.copy++;
			rwsem_write_unlock(&shared.rwsem);
		} else {
			rwsem_read_lock(&shared.rwsem);
			assertf(shared.copy == shared.by_rwsem, "copy %lu, original %lu", shared.copy, shared.by_rwsem);
			if (round % 3 == 0)
				sched_yield_current();
			rwsem_read_unlock(&shared.rwsem);
		}
	}
	worker_done();
}

/* Sleeps for different times; a wait that times out; a wait that does not. */
static void
timer_worker(void *arg)
{
	static struct wait_queue nobody = WAIT_QUEUE_INIT(nobody);

	for (u64 round = 0; round < TIMER_ROUNDS; round++) {
		u64 deadline = clock_ns() + (1 + (round + (u64)arg) % 5) * NS_PER_MS;

		assert(!sleep_until(deadline));
		assertf(clock_ns() >= deadline, "woke %lu ns early", deadline - clock_ns());
		deadline += NS_PER_MS;
		assert(wait_event_timeout(&nobody, false, deadline) == -ETIMEDOUT);
		assert(!wait_event_timeout(&nobody, true, deadline));
		assert(clock_ns() >= deadline && !current->sleep_timer.queued);
	}
	worker_done();
}

static void
switch_worker(void *arg)
{
	s32 self = (s32)(u64)arg;

	for (s32 turn = self; turn < SWITCH_ROUNDS; turn += 2) {
		wait_event(&shared.turns, atomic_read(&shared.turn) == turn);
		atomic_set(&shared.turn, turn + 1);
		wake_one(&shared.turns);
	}
	worker_done();
}

static void
worker_done(void)
{
	sched_exit_begin();
	if (atomic_dec_and_test(&shared.left))
		wake_all(&shared.done);
}
