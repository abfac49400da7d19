/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/irq_count.c - how often each interrupt came to each CPU
 *
 * Idea        A counter a vector and CPU, which costs an interrupt one instruction. Here is what vectors are called.
 * Invariants  none
 * Locks       none: a counter is its CPU's own, read racily
 * Follow      from trap.c, kernel/fs/procfs_cpu.c   to msi.c
 * Tests       tests/guest/proc_sys.c, tests/guest/interrupts.c
 */
#include <arch/cpu.h>
#include <arch/pci.h>
#include <arch/trap.h>
#include <kernel/lib/compiler.h>

#define SERIAL_LINE 4

static const struct irq_source fixed[] = {
	{.number = SERIAL_LINE, .chip = "IO-APIC", .line = SERIAL_LINE, .name = "ttyS0", .vector = VECTOR_SERIAL},
	{.number = ~0U, .label = "NMI", .name = "Non-maskable interrupts", .vector = VECTOR_NMI},
	{.number = ~0U, .label = "LOC", .name = "Local timer interrupts", .vector = VECTOR_TIMER},
	{.number = ~0U, .label = "SPU", .name = "Spurious interrupts", .vector = VECTOR_SPURIOUS},
	{.number = ~0U, .label = "RES", .name = "Rescheduling interrupts", .vector = VECTOR_KICK},
	{.number = ~0U, .label = "CAL", .name = "Function call interrupts", .vector = VECTOR_CALL},
};

DEFINE_PER_CPU(struct irq_counts, irq_counts);

/* The serial line, then devices by message, then what the CPUs send themselves and each other. */
bool
irq_source_at(u32 i, struct irq_source *out)
{
	u32 messages = 0;

	if (i == 0) {
		*out = fixed[0];
		return true;
	}
	if (msi_describe(i - 1, out))
		return true;
	while (msi_describe(messages, out))
		messages++;
	if (i - messages >= ARRAY_SIZE(fixed))
		return false;
	*out = fixed[i - messages];
	return true;
}

u64
irq_count(const struct irq_source *source, u32 cpu)
{
	return READ_ONCE(per_cpu(irq_counts, cpu).vector[source->vector]);
}
