/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/apic.h - interrupt controllers
 *
 * Idea        see apic.c and ioapic.c
 * Invariants  none
 * Locks       see apic.c
 * Follow      from trap.c, clock.c, smp.c, serial.c   to apic.c, ioapic.c
 * Tests       every boot
 * See         Intel SDM volume 3, chapter 10; Intel 82093AA data sheet
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/percpu.h>

/* How an interprocessor interrupt is delivered: bits 8..10 of the command register, with the level bit where needed. */
#define IPI_FIXED 0x4000
#define IPI_NMI 0x4400
#define IPI_INIT 0x4500
#define IPI_STARTUP 0x4600

/* The number that interrupts are addressed to; const once the CPU runs. */
DECLARE_PER_CPU(u32, apic_id);

/* Switches this CPU's local APIC on. Context: once per CPU, interrupts off; apic_init() does it for the boot CPU. */
void apic_init_cpu(void);

/* The interrupt at hand is served. Context: interrupt. */
void apic_eoi(void);

/* Sends @command (IPI_... | vector) to the CPU with APIC number @id. Context: any. */
void apic_ipi(u32 id, u32 command);

/* APIC number of this CPU, as the hardware says. */
u32 apic_id_read(void);

/* The timer: counts down at one rate on all CPUs; @count 0 stops it. */
void apic_timer_set(u32 count);
u32 apic_timer_read(void);

/* One-shot by count, or by TSC deadline. Context: once per CPU. */
void apic_timer_mode(bool tsc_deadline);

/* Finds the I/O APICs and masks all their inputs. Context: boot. */
void ioapic_init(void);

/*
 * ioapic_route_isa - let ISA interrupt @irq arrive as @vector on the boot CPU
 *
 * Returns   false when no I/O APIC has the line
 * Context   boot
 */
bool ioapic_route_isa(u32 irq, u32 vector);
