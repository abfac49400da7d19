/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/msi.c - vectors for devices that interrupt by message
 *
 * Idea        A vector a device, from VECTOR_MSI upwards, never given back: devices do not go. All arrive at the boot
 *             CPU. Simple: no balancing over CPUs; a disk's interrupt only marks requests done and wakes.
 * Invariants  I1  handlers[i] is complete before msi_count says that it exists.
 * Locks       none: allocation happens at boot, in one task; count is the boot CPU's own
 * Follow      from trap.c   to kernel/dev
 * Tests       tests/guest/disk.c
 * See         Intel SDM volume 3, 10.11.1 and 10.11.2
 */
#include <arch/apic.h>
#include <arch/pci.h>
#include <arch/trap.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/errno.h>

#define MSI_ADDRESS 0xfee00000UL
#define MSI_DESTINATION_SHIFT 12
#define MSI_MOST (VECTOR_CALL - VECTOR_MSI)

struct msi_handler {
	void (*fn)(void *arg);
	void *arg;
	const char *name;
	u64 count; /* times it came; the boot CPU's */
};

static struct msi_handler handlers[MSI_MOST];
static u32 msi_count; /* I1 */

int
msi_alloc(void (*fn)(void *arg), void *arg, const char *name, struct msi_message *out)
{
	u32 i = msi_count;

	if (i == MSI_MOST)
		return -ENOSPC;
	handlers[i] = (struct msi_handler){.fn = fn, .arg = arg, .name = name};
	__atomic_store_n(&msi_count, i + 1, __ATOMIC_RELEASE);
	out->address = MSI_ADDRESS | (u64)per_cpu(apic_id, 0) << MSI_DESTINATION_SHIFT;
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
	handlers[i].count++;
	handlers[i].fn(handlers[i].arg);
	return true;
}

bool
msi_describe(u32 i, u32 *vector, const char **name, u64 *count)
{
	if (i >= __atomic_load_n(&msi_count, __ATOMIC_ACQUIRE))
		return false;
	*vector = VECTOR_MSI + i;
	*name = handlers[i].name;
	*count = READ_ONCE(handlers[i].count);
	return true;
}
