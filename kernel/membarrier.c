/* SPDX-License-Identifier: MIT */
/*
 * kernel/membarrier.c - the system call that makes every other thread pass a memory barrier
 *
 * Idea        A thread pays once so that its siblings need no barrier at all on their fast path: each CPU concerned is
 *             interrupted, and taking and leaving an interrupt orders all its memory accesses. Entering an address
 *             space is an atomic operation and loads CR3; so a CPU that enters after the look at mm->cpus has passed
 *             its barrier too. The same instructions serialise the instruction stream: SYNC_CORE costs nothing more.
 *             Simple: GLOBAL interrupts every CPU, where Linux waits for each to pass through its scheduler.
 * Invariants  none
 * Locks       none; mm->membarrier is atomic
 * Follow      from syscall.c   to arch cpu_call_many
 * Tests       tests/guest/membarrier.c
 * See         membarrier(2)
 */
#include <arch/mmu.h>
#include <kernel/lib/errno.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <mm/mm.h>

enum membarrier_command {
	BARRIER_QUERY = 0,
	BARRIER_GLOBAL = 1,
	BARRIER_GLOBAL_EXPEDITED = 2,
	BARRIER_REGISTER_GLOBAL_EXPEDITED = 4,
	BARRIER_PRIVATE_EXPEDITED = 8,
	BARRIER_REGISTER_PRIVATE_EXPEDITED = 16,
	BARRIER_PRIVATE_EXPEDITED_SYNC_CORE = 32,
	BARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64,
	BARRIER_ALL = 127,
};

static s64 barrier_register(u32 command);
static s64 barrier_private(u32 command);
static void barrier_cpus(u64 cpus);
static void barrier_here(void *unused);

s64
sys_membarrier(u64 command, u64 flags, u64 cpu)
{
	if ((u32)flags)
		return -EINVAL;
	switch ((u32)command) {
	case BARRIER_QUERY:
		return BARRIER_ALL;
	case BARRIER_GLOBAL:
	case BARRIER_GLOBAL_EXPEDITED:
		barrier_cpus(~0UL);
		return 0;
	case BARRIER_REGISTER_GLOBAL_EXPEDITED:
	case BARRIER_REGISTER_PRIVATE_EXPEDITED:
	case BARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		return barrier_register((u32)command);
	case BARRIER_PRIVATE_EXPEDITED:
	case BARRIER_PRIVATE_EXPEDITED_SYNC_CORE:
		return barrier_private((u32)command);
	default:
		return -EINVAL;
	}
}

static s64
barrier_register(u32 command)
{
	__atomic_fetch_or(&current->mm->membarrier, command, __ATOMIC_SEQ_CST);
	return 0;
}

/* The bit to register for a command is the next one. */
static s64
barrier_private(u32 command)
{
	if (!(__atomic_load_n(&current->mm->membarrier, __ATOMIC_SEQ_CST) & command << 1))
		return -EPERM;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	barrier_cpus(READ_ONCE(current->mm->cpus));
	return 0;
}

static void
barrier_cpus(u64 cpus)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cpu_call_many(cpus & ~BIT(this_cpu_id()), barrier_here, NULL);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void
barrier_here(void *unused)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
