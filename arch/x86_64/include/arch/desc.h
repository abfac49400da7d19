/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/desc.h - descriptor tables: segments, task state, interrupt gates
 *
 * Idea        see desc.c
 * Invariants  see desc.c
 * Locks       none; each CPU owns its tables
 * Follow      from cpu.c, smp.c, switch.c   to desc.c
 * Tests       every boot
 * See         Intel SDM volume 3, chapters 3, 6 and 7
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>
#include <kernel/percpu.h>

/*
 * Private stacks: what may happen when the ordinary stack is unusable or GS is not ours. IST n uses
 * trap_stacks.s[n-1].
 */
#define IST_DOUBLE_FAULT 1
#define IST_NMI 2
#define IST_MACHINE_CHECK 3
#define IST_COUNT 3
#define IST_STACK_SIZE 8192

struct trap_stacks {
	u8 s[IST_COUNT][IST_STACK_SIZE];
};

struct tss {
	u32 reserved0;
	u64 rsp[3]; /* stack for traps from user mode: rsp[0] */
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_bitmap;
} __packed;

/* Of each CPU but the boot CPU, for its desc_init; set by who starts it. */
DECLARE_PER_CPU(struct trap_stacks *, cpu_private_stacks);

/* This CPU's task state segment; const after desc_init. */
DECLARE_PER_CPU(struct tss *, cpu_tss);

/*
 * desc_init - load descriptor tables of CPU @cpu, which is this one
 *
 * @stacks  private stacks, mapped for good
 * @gs      the CPU's per-CPU offset
 *
 * Returns   nothing
 * Context   once per CPU, interrupts off; the interrupt table is built by the first call
 */
void desc_init(u32 cpu, struct trap_stacks *stacks, u64 gs);

/* Sets the stack that traps from user mode and system calls start on. Context: interrupts off. */
static inline void
desc_stack_set(u64 top)
{
	this_cpu(cpu_tss)->rsp[0] = top;
	this_cpu(percpu_header).kernel_sp = top;
}
