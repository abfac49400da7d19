/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/trap.h - interrupt vectors and what entry.S calls
 *
 * Idea        Vectors 0..31 are the CPU's exceptions. Of the rest a handful is used; higher numbers have priority.
 * Invariants  none
 * Locks       none
 * Follow      from entry.S, apic.c, smp.c   to trap.c
 * Tests       every boot
 * See         Intel SDM volume 3, 6.3
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/percpu.h>

enum vector {
	VECTOR_DIVIDE = 0,
	VECTOR_DEBUG = 1,
	VECTOR_NMI = 2,
	VECTOR_BREAKPOINT = 3,
	VECTOR_INVALID_OPCODE = 6,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_INVALID_TSS = 10,
	VECTOR_GENERAL_PROTECTION = 13,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_X87 = 16,
	VECTOR_ALIGNMENT = 17,
	VECTOR_MACHINE_CHECK = 18,
	VECTOR_SIMD = 19,
	VECTOR_EXCEPTIONS = 32,
	VECTOR_PIC = 0x20,    /* 16: the old controllers, masked; only spurious ones can come */
	VECTOR_SERIAL = 0x40, /* COM1 */
	VECTOR_MSI = 0x50,    /* up to VECTOR_CALL: devices that interrupt by message */
	VECTOR_CALL = 0xf0,   /* cpu_call_many */
	VECTOR_KICK = 0xf1,   /* cpu_kick */
	VECTOR_TIMER = 0xf2,
	VECTOR_SPURIOUS = 0xff,
};

/* How often each vector came to this CPU. Owner only, read racily. */
struct irq_counts {
	u64 vector[256];
};

DECLARE_PER_CPU(struct irq_counts, irq_counts);

struct trap_frame;

/* What entry.S calls; interrupts are off at entry and at return. */
void trap_page_fault(struct trap_frame *f);
struct trap_frame *trap_exception(struct trap_frame *f);
void trap_interrupt(struct trap_frame *f);
void trap_paranoid(struct trap_frame *f);

/* The local APIC's timer fired, @user: in user mode. Context: interrupt. */
void clock_interrupt(bool user);

/* Runs what other CPUs asked for by cpu_call_many. Context: interrupt. */
void smp_call_interrupt(void);

/* True on a CPU that cpu_stop_others() told to stop. Context: NMI. */
bool smp_stop_requested(void);

/* Says that this CPU has stopped, and stops. */
__attribute__((noreturn)) void smp_stop_self(void);
