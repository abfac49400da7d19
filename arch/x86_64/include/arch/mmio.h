/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/mmio.h - device registers in memory
 *
 * Idea        One access of exactly the size given, never merged or left out. Registers are mapped uncached
 *             (PTE_KERNEL_MMIO), so that the processor keeps their order too.
 * Invariants  none
 * Locks       none: the driver's
 * Follow      from arch/x86_64/apic.c, kernel/dev   to mmio_map in arch/mmu.h
 * Tests       every boot
 */
#pragma once

#include <kernel/lib/types.h>

static inline u8
mmio_read8(const volatile void *reg)
{
	return *(const volatile u8 *)reg;
}

static inline u16
mmio_read16(const volatile void *reg)
{
	return *(const volatile u16 *)reg;
}

static inline u32
mmio_read32(const volatile void *reg)
{
	return *(const volatile u32 *)reg;
}

static inline void
mmio_write8(volatile void *reg, u8 v)
{
	*(volatile u8 *)reg = v;
}

static inline void
mmio_write16(volatile void *reg, u16 v)
{
	*(volatile u16 *)reg = v;
}

static inline void
mmio_write32(volatile void *reg, u32 v)
{
	*(volatile u32 *)reg = v;
}
