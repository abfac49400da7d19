/* SPDX-License-Identifier: MIT */
/*
 * kernel/percpu.c - the copies of the per-CPU section
 *
 * Idea        see percpu.h. Copies for MAX_CPUS are made at once, because every table that is filled at boot has an
 *             entry for each CPU; the section is small (Simple: a bigger kernel sizes this by the firmware's tables).
 * Invariants  see percpu.h
 * Locks       none: boot
 * Follow      from main.c   to mm/memblock.c
 * Tests       none
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/task.h>
#include <mm/memblock.h>

/* Copies start on cache lines of their own. */
#define PERCPU_ALIGN 64

extern char __percpu_start[];
extern char __percpu_end[];

DECLARE_PER_CPU(struct task, idle_task);
DEFINE_PER_CPU(struct percpu_header, percpu_header) = {.task = &idle_task};

u64 percpu_offset[MAX_CPUS];

void __init
percpu_init(void)
{
	u64 size = (u64)(__percpu_end - __percpu_start);
	u64 stride = round_up(size, PERCPU_ALIGN);
	u64 copy = (u64)pa_to_va(memblock_alloc(stride * (MAX_CPUS - 1), PAGE_SIZE));

	assertf(this_cpu_id() == 0 && !percpu_offset[1], "percpu_init runs once, on CPU 0; this is CPU %u",
		this_cpu_id());
	for (u32 cpu = 1; cpu < MAX_CPUS; cpu++, copy += stride) {
		memcpy((void *)copy, __percpu_start, size);
		percpu_offset[cpu] = copy - (u64)__percpu_start;
		per_cpu(percpu_header, cpu) = (struct percpu_header){
			.offset = percpu_offset[cpu],
			.task = &per_cpu(idle_task, cpu),
			.cpu = cpu,
		};
	}
}

u64
percpu_pages(void)
{
	u64 size = (u64)(__percpu_end - __percpu_start);

	return div_round_up(size + round_up(size, PERCPU_ALIGN) * (MAX_CPUS - 1), PAGE_SIZE);
}
