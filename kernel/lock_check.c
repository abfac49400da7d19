/* SPDX-License-Identifier: MIT */
/*
 * kernel/lock_check.c - debug builds: the lock order is obeyed
 *
 * Idea        see lock_check.h
 * Invariants  see lock_check.h
 * Locks       none; a CPU's record is touched by that CPU with interrupts off
 * Follow      from spinlock.h, mutex.h, rwsem.h
 * Tests       selftest=rank, selftest=sleep
 */
#include <kernel/lock_check.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

/* Spinlocks that one CPU can hold at once, interrupts included. */
#define CPU_HELD_MAX 24

struct cpu_held {
	u32 depth;
	const struct spinlock *lock[CPU_HELD_MAX]; /* in order of taking */
};

static DEFINE_PER_CPU(struct cpu_held, cpu_held);

static const struct spinlock *highest_held(void);
static u32 held_find(const struct lock_held *held, enum lock_rank rank);

void
lock_check_spin(const struct spinlock *l, enum lock_how how)
{
	const struct spinlock *top;

	if (panic_in_progress())
		return;
	if (l->holder == this_cpu_id() + 1)
		panic("CPU %u waits for spinlock %s at %p, which it holds itself", this_cpu_id(),
		      lock_rank_name(l->rank), (const void *)l);
	if (l->rank == RANK_NONE)
		return;
	top = highest_held();
	if (top && (l->rank < top->rank || (l->rank == top->rank && how != LOCK_NESTED)))
		panic("lock order: spinlock %s is taken while %s is held, but kernel/lock_rank.h %s",
		      lock_rank_name(l->rank), lock_rank_name(top->rank),
		      l->rank < top->rank ? "puts it first" : "allows one of a rank");
}

void
lock_note_spin(struct spinlock *l)
{
	struct cpu_held *held = this_cpu_ptr(cpu_held);
	u64 flags = irq_save();

	if (held->depth < CPU_HELD_MAX)
		held->lock[held->depth] = l;
	held->depth++;
	l->holder = (u8)(this_cpu_id() + 1);
	irq_restore(flags);
}

void
lock_forget_spin(struct spinlock *l)
{
	struct cpu_held *held = this_cpu_ptr(cpu_held);
	u64 flags = irq_save();
	u32 i = held->depth < CPU_HELD_MAX ? held->depth : CPU_HELD_MAX;

	lock_check_held(l);
	while (i > 0 && held->lock[i - 1] != l)
		i--;
	for (; i > 0 && i < held->depth && i < CPU_HELD_MAX; i++)
		held->lock[i - 1] = held->lock[i];
	held->depth--;
	l->holder = 0;
	irq_restore(flags);
}

void
lock_check_held(const struct spinlock *l)
{
	if (!panic_in_progress() && (!spin_is_held(l) || l->holder != this_cpu_id() + 1))
		panic("CPU %u should hold spinlock %s at %p here, but its holder is %d (-1: nobody)", this_cpu_id(),
		      lock_rank_name(l->rank), (const void *)l, l->holder - 1);
}

void
lock_check_sleep(enum lock_rank rank, enum lock_how how)
{
	const struct lock_held *held = &current->held;
	enum lock_rank top = RANK_NONE;

	if (panic_in_progress())
		return;
	lock_check_may_sleep();
	for (u32 i = 0; i < held->depth; i++)
		top = held->rank[i] > top ? held->rank[i] : top;
	if (rank < top || (rank == top && how == LOCK_PLAIN && rank != RANK_NONE))
		panic("lock order: %s is taken by task %d (%s) while it holds %s, which kernel/lock_rank.h puts %s",
		      lock_rank_name(rank), current->tid, current->comm, lock_rank_name(top),
		      rank == top ? "there only once" : "behind it");
}

void
lock_note_sleep(enum lock_rank rank)
{
	struct lock_held *held = &current->held;
	u32 i = held_find(held, rank);

	assertf(i < TASK_HELD_MAX, "task %d (%s) holds more than %u sleeping locks", current->tid, current->comm,
		TASK_HELD_MAX);
	if (i == held->depth) {
		held->rank[i] = (u8)rank;
		held->times[i] = 0;
		held->depth++;
	}
	held->times[i]++;
}

void
lock_forget_sleep(enum lock_rank rank)
{
	struct lock_held *held = &current->held;
	u32 i = held_find(held, rank);

	assertf(i < held->depth, "task %d (%s) releases a lock %s that it does not hold", current->tid, current->comm,
		lock_rank_name(rank));
	if (--held->times[i])
		return;
	for (held->depth--; i < held->depth; i++) {
		held->rank[i] = held->rank[i + 1];
		held->times[i] = held->times[i + 1];
	}
}

void
lock_check_may_sleep(void)
{
	const struct spinlock *top = highest_held();

	if (panic_in_progress())
		return;
	if (top)
		panic("something that may sleep is called while CPU %u holds spinlock %s", this_cpu_id(),
		      lock_rank_name(top->rank));
	if (sched_is_running() && !irq_enabled())
		panic("something that may sleep is called while interrupts are off on CPU %u", this_cpu_id());
}

const char *
lock_rank_name(enum lock_rank rank)
{
	static const char *const names[RANK_COUNT] = {
#define NAME(rank) [rank] = #rank
		NAME(RANK_NONE),         NAME(RANK_TREE),      NAME(RANK_FILE),     NAME(RANK_INODE),
		NAME(RANK_PIPE),         NAME(RANK_MM_LIST),   NAME(RANK_MM),       NAME(RANK_PAGE),
		NAME(RANK_OOM),          NAME(RANK_PROCESS),   NAME(RANK_FUTEX),    NAME(RANK_FILES),
		NAME(RANK_PAGECACHE),    NAME(RANK_MAP),       NAME(RANK_MM_TABLE), NAME(RANK_TABLE),
		NAME(RANK_LRUVEC),       NAME(RANK_SWAP),      NAME(RANK_VMALLOC),  NAME(RANK_CPU_CALL),
		NAME(RANK_KERNEL_TABLE), NAME(RANK_SLAB_LIST), NAME(RANK_SLAB),     NAME(RANK_TASK_CACHE),
		NAME(RANK_ZONE),         NAME(RANK_DISK),      NAME(RANK_CONSOLE),  NAME(RANK_WAIT),
		NAME(RANK_RUNQUEUE),     NAME(RANK_TIMER),     NAME(RANK_PRINTK),   NAME(RANK_PAGECACHE_LIST),
		NAME(RANK_TTY),          NAME(RANK_TRACE),     NAME(RANK_SWAPOFF),  NAME(RANK_CHECK),
		NAME(RANK_FILE_LOCKS),   NAME(RANK_NAMES),
#undef NAME
	};

	return rank < RANK_COUNT && names[rank] ? names[rank] : "RANK_?";
}

/* The held spinlock of the highest rank, or NULL. */
static const struct spinlock *
highest_held(void)
{
	const struct cpu_held *held = this_cpu_ptr(cpu_held);
	const struct spinlock *top = NULL;

	for (u32 i = 0; i < held->depth && i < CPU_HELD_MAX; i++)
		if (held->lock[i] && (!top || held->lock[i]->rank > top->rank))
			top = held->lock[i];
	return top;
}

/* Where @rank stands in the record; its depth when it does not. */
static u32
held_find(const struct lock_held *held, enum lock_rank rank)
{
	u32 i = 0;

	while (i < held->depth && held->rank[i] != rank)
		i++;
	return i;
}
