/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/msi.c - vectors for devices that interrupt by message
 *
 * Idea        A vector a device, from VECTOR_MSI upwards, never given back: devices do not go. One device's arrive at
 *             the boot CPU, the next one's at the next CPU, and so on. Simple: they stay there; a disk's interrupt only
 *             marks requests done and wakes. How often each came to which CPU: irq_count.c.
 * Invariants  I1  handlers[i] is complete before msi_count says that it exists.
 * Locks       none: allocation happens at boot, in one task
 * Follow      from trap.c   to kernel/dev
 * Tests       tests/guest/disk.c, tests/guest/interrupts.c
 * See         Intel SDM volume 3, 10.11.1 and 10.11.2
 */
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/pci.h>
#include <arch/trap.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/errno.h>

#define MSI_ADDRESS 0xfee00000UL
#define MSI_DESTINATION_SHIFT 12
#define MSI_MOST (VECTOR_CALL - VECTOR_MSI)
#define MSI_NUMBER 24 /* of the first, for programs: behind the lines of an I/O APIC, as on Linux */

struct msi_handler {
	void (*fn)(void *arg);
	void *arg;
	const char *name;
	u32 source; /* which message of which device: msi_alloc */
};

static struct msi_handler handlers[MSI_MOST];
static u32 msi_count; /* I1 */

int
msi_alloc(void (*fn)(void *arg), void *arg, const char *name, u32 source, struct msi_message *out)
{
	u32 i = msi_count;

	if (i == MSI_MOST)
		return -ENOSPC;
	handlers[i] = (struct msi_handler){.fn = fn, .arg = arg, .name = name, .source = source};
	__atomic_store_n(&msi_count, i + 1, __ATOMIC_RELEASE);
	out->address = MSI_ADDRESS | (u64)per_cpu(apic_id, i % cpu_count()) << MSI_DESTINATION_SHIFT;
	out->data = VECTOR_MSI + i; /* fixed delivery, edge */
	return 0;
}

bool
msi_interrupt(u32 vector)
{
	u32 i = vector - VECTOR_MSI;

	if (i >= __atomic_load_n(&msi_count, __ATOMIC_ACQUIRE))
		return false;
	apic_eoi();
	handlers[i].fn(handlers[i].arg);
	return true;
}

bool
msi_describe(u32 i, struct irq_source *out)
{
	if (i >= __atomic_load_n(&msi_count, __ATOMIC_ACQUIRE))
		return false;
	*out = (struct irq_source){.number = MSI_NUMBER + i,
				   .chip = "PCI-MSI",
				   .line = handlers[i].source,
				   .name = handlers[i].name,
				   .vector = VECTOR_MSI + i};
	return true;
}
