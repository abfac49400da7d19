/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/pci.h - what the PC adds to PCI: configuration space, and interrupts that are messages
 *
 * Idea        A function of a device is named by bus, device and function number in one word. Its configuration space
 *             is read and written through two ports. Simple: only the first 256 bytes are reached this way; PCI
 *             Express's further ones, through memory, hold nothing that is needed here.
 *             An interrupt by message (MSI-X) is a write of `data` to `address`, which the CPUs' interrupt controllers
 *             take for an interrupt: the device needs no line, and no line is shared.
 * Invariants  none
 * Locks       see pci_config.c, msi.c
 * Follow      from kernel/dev/pci.c   to pci_config.c, msi.c
 * Tests       tests/guest/disk.c
 * See         PCI Local Bus 3.0, 3.2.2.3; Intel SDM volume 3, 10.11
 */
#pragma once

#include <kernel/lib/types.h>

struct irq_source;

/* bus << 8 | device << 3 | function */
typedef struct {
	u16 value;
} pci_address_t;

static inline pci_address_t
pci_address(u32 bus, u32 device, u32 function)
{
	return (pci_address_t){(u16)(bus << 8 | device << 3 | function)};
}

/*
 * pci_config_read, pci_config_write - the 32-bit register at byte @reg, a multiple of 4 below 256
 *
 * Returns   (read) its value; all ones where there is no such function
 * Context   any, interrupts too
 */
u32 pci_config_read(pci_address_t at, u32 reg);
void pci_config_write(pci_address_t at, u32 reg, u32 value);

/* What a device writes, and where, to interrupt. */
struct msi_message {
	u64 address;
	u32 data;
};

/* Message @n of a function, as Linux numbers all there can be. */
static inline u32
msi_source(pci_address_t at, u32 n)
{
	return (u32)at.value << 11 | n;
}

/*
 * msi_alloc - an interrupt of its own that calls @fn(@arg), in interrupt context, always on the same CPU
 *
 * @source   msi_source: what /proc/interrupts calls it beside @name
 *
 * Returns   0 and the message in *out; -ENOSPC: all vectors are taken
 * Context   boot; @name and @arg stay for good
 */
int msi_alloc(void (*fn)(void *arg), void *arg, const char *name, u32 source, struct msi_message *out);

/*
 * msi_interrupt - the interrupt at @vector came; ends it and calls its function
 *
 * Returns   false: the vector is no device's
 * Context   interrupt
 */
bool msi_interrupt(u32 vector);

/* The i-th of all interrupts by message, for /proc/interrupts. False past the last. Context: any. */
bool msi_describe(u32 i, struct irq_source *out);
