/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/features.h - what this machine's CPUs can do, found once
 *
 * Idea        Each feature is asked of CPUID by the boot CPU; the others are taken to be alike.
 * Invariants  const after arch_early_init
 * Locks       none
 * Follow      from all of arch/x86_64   to cpu.c
 * Tests       boots with -cpu qemu64 and -cpu max
 * See         Intel SDM volume 2, CPUID
 */
#pragma once

#include <kernel/lib/types.h>

struct cpu_features {
	bool smep, smap, umip, pge;
	bool gib_pages;    /* leaves of level 3 */
	bool x2apic;       /* the CPU has it; whether it is on, the APIC's own register tells */
	bool tsc_deadline; /* the local timer compares with the TSC */
	bool xsave, xsaveopt;
	bool rdrand, rdseed;
	u64 xcr0;      /* state components that the kernel switches on */
	u32 fpu_size;  /* bytes of the save area with these components */
	u32 hwcap;     /* CPUID(1).EDX */
	char name[49]; /* brand string */
};

extern struct cpu_features cpu_features;

/*
 * cpu_init - control registers, system call entry and FPU of this CPU, as the features allow
 *
 * Returns   nothing
 * Context   once per CPU, interrupts off
 */
void cpu_init(void);
