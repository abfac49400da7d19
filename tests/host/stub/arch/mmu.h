/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/arch/mmu.h - the kernel's own arch/mmu.h, moved to addresses that a program can map
 *
 * Idea        The direct map and the page structs get windows in the lower half; arena.h puts memory there. What only a
 *             kernel may execute does nothing.
 * Follow      in place of <arch/mmu.h>; to arch/x86_64/include/arch/mmu.h
 */
#pragma once

#define pa_to_va kernel_pa_to_va
#define va_to_pa kernel_va_to_pa
#define mmu_flush_local_page kernel_mmu_flush_local_page
#define mmu_flush_local_all kernel_mmu_flush_local_all
#define mmu_root_switch kernel_mmu_root_switch
#include "../../../../arch/x86_64/include/arch/mmu.h"
#undef pa_to_va
#undef va_to_pa
#undef mmu_flush_local_page
#undef mmu_flush_local_all
#undef mmu_root_switch

#undef DIRECT_BASE
#undef VMEMMAP_BASE
#define DIRECT_BASE 0x200000000000UL
#define VMEMMAP_BASE 0x300000000000UL

static inline void *
pa_to_va(u64 pa)
{
	return (void *)(DIRECT_BASE + pa);
}

static inline u64
va_to_pa(const void *va)
{
	return (u64)va - DIRECT_BASE;
}

static inline void
mmu_flush_local_page(u64 va)
{
}

static inline void
mmu_flush_local_all(void)
{
}

static inline void
mmu_root_switch(u64 root_pa)
{
}
