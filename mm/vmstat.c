/* SPDX-License-Identifier: MIT */
/*
 * mm/vmstat.c - the counters of /proc/vmstat: storage, sums and names
 *
 * Idea        see vmstat.h
 * Invariants  none
 * Locks       none: each CPU writes its own
 * Follow      from kernel/fs/procfs_mm.c   to nothing
 * Tests       tests/host/page_alloc_test.c
 * See         Linux Documentation/admin-guide/mm
 */
#include <arch/mmu.h>
#include <kernel/panic.h>
#include <mm/vmstat.h>

DEFINE_PER_CPU(struct vmstat, vmstat);

#define VMSTAT_NAME(id, name) name,
static const char *const names[NR_VMSTAT] = {VMSTAT_LIST(VMSTAT_NAME)};

s64
vmstat_sum(enum vmstat_item item)
{
	s64 sum = 0;

	assert(item < NR_VMSTAT);
	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		sum += READ_ONCE(per_cpu(vmstat, cpu).value[item]);
	return sum;
}

const char *
vmstat_name(enum vmstat_item item)
{
	assert(item < NR_VMSTAT);
	return names[item];
}
