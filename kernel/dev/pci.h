/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/pci.h - the devices on the PCI buses
 *
 * Idea        The firmware has numbered the buses and placed the devices' registers. What is left to do: find the
 *             functions that a driver knows, map their registers, let them write to memory, give them interrupts.
 * Invariants  a driver's probe is called once for each function that it knows
 * Locks       none: boot, one task
 * Follow      from kernel/main.c   to pci.c, virtio_blk.c
 * Tests       tests/guest/disk.c
 * See         PCI Local Bus 3.0, chapter 6
 */
#pragma once

#include <arch/pci.h>

#define PCI_BARS 6

/* One function, as probe sees it. */
struct pci_device {
	pci_address_t at;
	u16 vendor;
	u16 device;
	volatile u8 *bar[PCI_BARS]; /* registers that pci_map has mapped; else NULL */
	volatile u8 *msix;          /* the table of messages; NULL: pci_msix_enable was not called, or found none */
	u32 msix_count;             /* entries in it */
};

/* A driver: which devices, and what to do with one. */
struct pci_driver {
	u16 vendor;
	const u16 *devices; /* up to a 0; NULL: all of the vendor */
	void (*probe)(struct pci_device *dev);
};

/* pci_scan - call probe for each function that @driver knows. Context: boot, may sleep; *dev lives during the call. */
void pci_scan(const struct pci_driver *driver);

/* Bytes, words of configuration space at any @reg that is a multiple of their size. */
u8 pci_read8(const struct pci_device *dev, u32 reg);
u16 pci_read16(const struct pci_device *dev, u32 reg);
u32 pci_read32(const struct pci_device *dev, u32 reg);

/*
 * pci_capability - the next capability @id behind @after (0: from the beginning)
 *
 * Returns   its register; 0: there is none. A list that runs in a circle ends
 * Context   any
 */
u32 pci_capability(const struct pci_device *dev, u8 id, u32 after);

/*
 * pci_map - map the registers of base address @bar
 *
 * Returns   the registers, also in dev->bar[bar]; NULL: it is no memory, or there is no room
 * Context   boot, may sleep
 */
volatile u8 *pci_map(struct pci_device *dev, u32 bar);

/* pci_enable - let the device answer to its registers and write to memory. Context: any. */
void pci_enable(const struct pci_device *dev);

/* pci_silence - the device may neither write to memory nor interrupt any more. Context: any. */
void pci_silence(const struct pci_device *dev);

/*
 * pci_msix_enable - interrupts by message from now on; none is wired yet
 *
 * Returns   the number of messages; 0: the device has no MSI-X
 * Context   boot, may sleep
 */
u32 pci_msix_enable(struct pci_device *dev);

/*
 * pci_msix_wire - let message @n call @fn(@arg) in interrupt context; /proc/interrupts calls it @name
 *
 * Returns   0; -ENOSPC, -EINVAL (no such message)
 * Context   boot
 */
int pci_msix_wire(struct pci_device *dev, u32 n, void (*fn)(void *arg), void *arg, const char *name);
