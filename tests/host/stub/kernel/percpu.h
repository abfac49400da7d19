/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/percpu.h - per-CPU variables of a machine with one CPU
 *
 * Idea        A per-CPU variable is a variable.
 * Follow      in place of <kernel/percpu.h>
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

#define DEFINE_PER_CPU(type, name) __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name
#define this_cpu(name) (name)
#define this_cpu_ptr(name) (&(name))
#define per_cpu(name, cpu) (name)

static inline u32
this_cpu_id(void)
{
	return 0;
}
