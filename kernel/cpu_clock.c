/* SPDX-License-Identifier: MIT */
/*
 * kernel/cpu_clock.c - clocks that tell the CPU time of one process or thread
 *
 * Idea        see cpu_clock.h. Any process may be asked; of threads only siblings, as in Linux.
 * Invariants  none
 * Locks       process_lock
 * Follow      from sys_time.c   to process.c
 * Tests       tests/guest/clocks.c
 */
#include <kernel/cpu_clock.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/task.h>

#define CLOCK_OF_THREAD 4U

enum cpu_clock_kind {
	CLOCK_PROFILE, /* user and system */
	CLOCK_VIRTUAL, /* user */
	CLOCK_EXACT,
	CLOCK_OF_FILE, /* a device's clock: there are none */
};

static bool usage_of_owner(u32 id, struct usage *usage);

int
cpu_clock_read(u32 id, u64 *ns)
{
	struct usage usage;
	bool found;

	if ((id & 3) == CLOCK_OF_FILE)
		return -EINVAL;
	spin_lock(&process_lock);
	found = usage_of_owner(id, &usage);
	spin_unlock(&process_lock);
	if (!found)
		return -EINVAL;
	*ns = (id & 3) == CLOCK_VIRTUAL ? usage.utime_ns : usage.runtime_ns;
	return 0;
}

static bool
usage_of_owner(u32 id, struct usage *usage)
{
	s32 number = ~((s32)id >> 3);
	struct process *process = current->process;
	struct task *task = current;

	must_hold(&process_lock);
	if (id & CLOCK_OF_THREAD) {
		task = number ? process_find_thread(number) : current;
		if (!task || task->process != process)
			return false;
		process_thread_usage(task, usage);
		return true;
	}
	if (number && number != current->tid)
		process = process_find(number);
	if (process)
		process_usage(process, usage);
	return process;
}

u64
cpu_clock_resolution_ns(u32 id)
{
	return (id & 3) == CLOCK_EXACT ? 1 : CPUTIME_TICK_NS;
}
