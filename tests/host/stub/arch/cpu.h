/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/arch/cpu.h - what pure code may ask of a CPU, for host tests
 *
 * Idea        A program cannot turn interrupts off: a flag remembers what the code under test thinks.
 * Follow      in place of <arch/cpu.h>; <arch/mmu.h> is the kernel's own
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

__attribute__((weak)) u64 host_irq_on = 1; /* one for all files of a test */

static inline u64
irq_save(void)
{
	u64 was = host_irq_on;

	host_irq_on = 0;
	return was;
}

static inline void
irq_restore(u64 was)
{
	host_irq_on = was;
}

static inline bool
irq_enabled(void)
{
	return host_irq_on;
}

static inline void
cpu_relax(void)
{
}
