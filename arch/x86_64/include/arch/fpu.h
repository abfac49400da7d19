/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/fpu.h - x87, SSE and AVX registers of tasks
 *
 * Idea        see fpu.c
 * Invariants  see fpu.c
 * Locks       none; owner only
 * Follow      from switch.c   to fpu.c
 * Tests       tests/guest/cpu.c
 * See         Intel SDM volume 1, chapter 13
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

/* Finds the size of the save area (boot CPU) and switches the components on. Context: once per CPU, CR4 is set. */
void fpu_init_cpu(void);

/*
 * fpu_alloc - a save area whose state fpu_save() of any task can fill
 *
 * Returns   the area, 64-byte aligned; NULL when memory ran out
 * Context   may sleep
 * Gives     the area (fpu_free)
 */
void *fpu_alloc(void);
void fpu_free(void *area);

/* Registers to @area, which was last loaded from or is new. Context: interrupts off, or current's own area. */
void fpu_save(void *area);

/* Registers to an @area that may ever have held another task's state. */
void fpu_save_copy(void *area);

/* Registers from @area. */
void fpu_load(const void *area);

/*
 * fpu_to_user, fpu_from_user - the current registers to a signal frame at @va (64-byte aligned), and back
 *
 * From @va 0 come the registers of a fresh program. An image without Linux's magic numbers is taken for FXSAVE's, and
 * all else becomes as in a fresh program.
 *
 * Returns   0; -EFAULT: from: also an image that the CPU refuses, and the registers are a fresh program's
 * Context   may sleep; current's own registers
 */
int fpu_to_user(u64 va);
int fpu_from_user(u64 va);

/* Exceptions raised and not masked: bits 0 to 5 are invalid, denormal, zero divide, overflow, underflow, precision. */
u32 fpu_x87_faults(void);
u32 fpu_simd_faults(void);

/* fpu_user_size - bytes of the image in a signal frame. */
u64 fpu_user_size(void);

/* Registers as a fresh program expects them, all else zero. */
void fpu_load_initial(void);
