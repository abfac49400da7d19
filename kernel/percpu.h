/* SPDX-License-Identifier: MIT */
/*
 * kernel/percpu.h - variables of which every CPU has its own
 *
 * Idea        The linker gathers them in one section, .percpu. Each further CPU gets a copy, and its GS base is the
 *             distance from the section to the copy: `%gs:symbol` is this CPU's variable in one instruction. The boot
 *             CPU uses the section itself; its GS base is 0, which is what the processor starts with, so that per-CPU
 *             variables work from the first line of C.
 *
 *                 .percpu (CPU 0)          copy (CPU 1)
 *                 | header | x | y |  ...  | header | x | y |
 *                          ^------ offset ------->^
 *
 * Invariants  I1  percpu_header.offset on CPU c is percpu_offset[c], and its GS base in kernel mode.
 * Locks       The kernel is not preemptible: a task keeps its CPU until it sleeps. What interrupts touch as well is
 *             guarded by interrupts off.
 * Follow      from everywhere   to percpu.c, arch/x86_64/entry.S
 * Tests       none
 * See         GCC manual, "Named address spaces"
 */
#pragma once

/* Offsets in struct percpu_header for assembler: %gs:percpu_header+PERCPU_USER_SP. */
#define PERCPU_OFFSET 0
#define PERCPU_USER_SP 8
#define PERCPU_KERNEL_SP 16
#define PERCPU_CURRENT 24
#define PERCPU_CPU 32

#ifndef __ASSEMBLER__

#include <arch/mmu.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

struct task;

/* What assembler and the most frequent questions need. Owner: its CPU. */
struct percpu_header {
	u64 offset;        /* const after percpu_init: address here - address in .percpu */
	u64 user_sp;       /* scratch of the system call entry */
	u64 kernel_sp;     /* where the entry continues: top of current's stack */
	struct task *task; /* the running one; changed by cpu_switch */
	u32 cpu;           /* const after percpu_init */
};

_Static_assert(offsetof(struct percpu_header, user_sp) == PERCPU_USER_SP, "assembler uses this offset");
_Static_assert(offsetof(struct percpu_header, kernel_sp) == PERCPU_KERNEL_SP, "assembler uses this offset");
_Static_assert(offsetof(struct percpu_header, task) == PERCPU_CURRENT, "assembler uses this offset");
_Static_assert(offsetof(struct percpu_header, cpu) == PERCPU_CPU, "assembler uses this offset");

/*
 * DEFINE_PER_CPU(type, name) [= {...}]; starts as given on every CPU. An array goes into a struct: gcc 12 forgets
 * the GS prefix of an array (the enum constant makes `name[8]` an error).
 */
#define DEFINE_PER_CPU(type, name) \
	__section(".percpu")       \
		__aligned(__alignof__(type) + 0 * sizeof(enum {percpu_no_array_##name})) __typeof__(type) name

#define DECLARE_PER_CPU(type, name) extern __section(".percpu") __typeof__(type) name

/*
 * this_cpu(name)         this CPU's variable, an lvalue; one instruction where C needs one. Never copy a whole struct
 *                        through it (clang 14 cannot), never take its address: that is this_cpu_ptr().
 * this_cpu_ptr(name)     its address, good until the task sleeps
 * per_cpu(name, cpu)     another CPU's, an lvalue
 */
#define this_cpu(name) (*(__seg_gs __typeof__(name) *)(uintptr_t) & (name))
#define this_cpu_ptr(name) ((__typeof__(name) *)((u64) & (name) + this_cpu(percpu_header).offset))
#define per_cpu(name, cpu) (*(__typeof__(name) *)((u64) & (name) + percpu_offset[cpu]))

DECLARE_PER_CPU(struct percpu_header, percpu_header);

/* Of each CPU; const after percpu_init, 0 for the boot CPU. */
extern u64 percpu_offset[MAX_CPUS];

/*
 * percpu_init - make the copies for all CPUs that may come
 *
 * Variables of another CPU exist from here on; the boot CPU's work before.
 *
 * Returns   nothing; panics when memory is missing
 * Context   boot, once, as soon as memblock has memory
 */
void percpu_init(void);

/* Frames that the variables of all CPUs take. Context: any. */
u64 percpu_pages(void);

/* The number of this CPU: 0 is the boot CPU. */
static inline u32
this_cpu_id(void)
{
	return this_cpu(percpu_header).cpu;
}

static inline struct task *
task_current(void)
{
	return this_cpu(percpu_header).task;
}

/* The running task. */
#define current task_current()

#endif /* __ASSEMBLER__ */
