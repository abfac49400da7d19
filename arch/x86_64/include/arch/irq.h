/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/irq.h - interrupts of this CPU, on and off; part of arch/cpu.h
 *
 * Idea        irq_save returns what irq_restore takes: pairs nest.
 * Invariants  none
 * Locks       none
 * Follow      from everywhere, most of all kernel/spinlock.h
 * Tests       none
 * See         Intel SDM volume 3, 6.8
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

#define RFLAGS_FIXED BIT(1)
#define RFLAGS_TF BIT(8)
#define RFLAGS_IF BIT(9)
#define RFLAGS_DF BIT(10)
#define RFLAGS_RF BIT(16)
#define RFLAGS_AC BIT(18)

static inline bool
irq_enabled(void)
{
	u64 flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return flags & RFLAGS_IF;
}

static inline void
irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void
irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline u64
irq_save(void)
{
	u64 flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void
irq_restore(u64 flags)
{
	if (flags & RFLAGS_IF)
		irq_enable();
}

/* In a loop that waits for another CPU. */
static inline void
cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* Interrupts off before; on after. An interrupt that is pending wakes at once: none is lost in between. */
static inline void
cpu_halt_until_interrupt(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}
