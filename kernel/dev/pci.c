/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/pci.c - the devices on the PCI buses
 *
 * Idea        Bus 0 is there; a bridge leads to one more. Buses that were found wait in a bitmap to be looked at, so
 *             that neither depth nor a circle matters: each bus is scanned once.
 * Invariants  none
 * Locks       none: boot, one task
 * Follow      from virtio_blk.c   to arch/pci.h
 * Tests       tests/guest/disk.c
 * See         PCI Local Bus 3.0, chapter 6; 6.8.2 for MSI-X
 */
#include <kernel/dev/pci.h>

#include <arch/mmio.h>
#include <arch/mmu.h>
#include <kernel/lib/bitmap.h>
#include <kernel/lib/errno.h>

#define BUSES 256
#define DEVICES 32
#define FUNCTIONS 8

#define REG_ID 0x00
#define REG_COMMAND 0x04
#define REG_STATUS 0x06
#define REG_CLASS 0x08
#define REG_HEADER 0x0e
#define REG_BAR0 0x10
#define REG_SECONDARY_BUS 0x19
#define REG_CAPABILITIES 0x34

#define COMMAND_MEMORY BIT(1)
#define COMMAND_MASTER BIT(2)
#define COMMAND_NO_INTX BIT(10)
#define STATUS_CAPABILITIES BIT(4)
#define HEADER_MANY 0x80
#define HEADER_BRIDGE 0x01
#define BAR_IO BIT(0)
#define BAR_64 0x4
#define BAR_TYPE 0x6
#define BAR_FLAGS 0xfUL
#define NO_DEVICE 0xffff

#define CAP_MSIX 0x11
#define CAPS_MOST 48 /* as many fit into 192 bytes: more is a circle */
#define MSIX_CONTROL 2
#define MSIX_TABLE 4
#define MSIX_ENABLE BIT(31) /* of the register that holds MSIX_CONTROL in its upper half */
#define MSIX_MASK_ALL BIT(30)
#define MSIX_ENTRY_SIZE 16
#define MSIX_ENTRY_MASKED 1

static u64 buses_found[BITMAP_WORDS(BUSES)]; /* boot, one task */

static void scan_bus(u32 bus, const struct pci_driver *driver);
static void scan_function(struct pci_device *dev, const struct pci_driver *driver);
static bool driver_knows(const struct pci_driver *driver, const struct pci_device *dev);
static u64 bar_size(const struct pci_device *dev, u32 bar, bool wide);

void
pci_scan(const struct pci_driver *driver)
{
	bitmap_set(buses_found, 0);
	for (u32 bus = 0; bus < BUSES; bus++)
		if (bitmap_test(buses_found, bus))
			scan_bus(bus, driver);
}

u8
pci_read8(const struct pci_device *dev, u32 reg)
{
	return (u8)(pci_config_read(dev->at, reg & ~3U) >> (reg & 3) * 8);
}

u16
pci_read16(const struct pci_device *dev, u32 reg)
{
	return (u16)(pci_config_read(dev->at, reg & ~3U) >> (reg & 2) * 8);
}

u32
pci_read32(const struct pci_device *dev, u32 reg)
{
	return pci_config_read(dev->at, reg);
}

u32
pci_capability(const struct pci_device *dev, u8 id, u32 after)
{
	u32 reg;

	if (!(pci_read16(dev, REG_STATUS) & STATUS_CAPABILITIES))
		return 0;
	reg = pci_read8(dev, after ? after + 1 : REG_CAPABILITIES) & 0xfc;
	for (u32 i = 0; reg && i < CAPS_MOST; i++) {
		if (pci_read8(dev, reg) == id)
			return reg;
		reg = pci_read8(dev, reg + 1) & 0xfc;
	}
	return 0;
}

volatile u8 *
pci_map(struct pci_device *dev, u32 bar)
{
	u32 low;
	u64 pa;
	u64 size;
	bool wide;

	if (bar >= PCI_BARS || dev->bar[bar])
		return bar < PCI_BARS ? dev->bar[bar] : NULL;
	low = pci_read32(dev, REG_BAR0 + 4 * bar);
	wide = (low & BAR_TYPE) == BAR_64;
	if ((low & BAR_IO) || (wide && bar + 1 == PCI_BARS))
		return NULL;
	pa = low & ~BAR_FLAGS;
	if (wide)
		pa |= (u64)pci_read32(dev, REG_BAR0 + 4 * bar + 4) << 32;
	size = bar_size(dev, bar, wide);
	if (!pa || !size)
		return NULL;
	dev->bar[bar] = mmio_map(pa, size, PTE_KERNEL_MMIO);
	return dev->bar[bar];
}

void
pci_enable(const struct pci_device *dev)
{
	u32 command = pci_read16(dev, REG_COMMAND) | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INTX;

	/* The upper half is the status: its bits are cleared by ones, so zeroes leave it alone. */
	pci_config_write(dev->at, REG_COMMAND, command);
}

void
pci_silence(const struct pci_device *dev)
{
	pci_config_write(dev->at, REG_COMMAND, pci_read16(dev, REG_COMMAND) & ~COMMAND_MASTER);
}

u32
pci_msix_enable(struct pci_device *dev)
{
	u32 cap = pci_capability(dev, CAP_MSIX, 0);
	volatile u8 *registers;
	u32 where;
	u32 control;

	if (!cap)
		return 0;
	control = pci_read32(dev, cap);
	where = pci_read32(dev, cap + MSIX_TABLE);
	registers = pci_map(dev, where & 7);
	if (!registers)
		return 0;
	dev->msix = registers + (where & ~7U);
	dev->msix_count = (control >> 16 & 0x7ff) + 1;
	for (u32 n = 0; n < dev->msix_count; n++)
		mmio_write32(dev->msix + n * MSIX_ENTRY_SIZE + 12, MSIX_ENTRY_MASKED);
	pci_config_write(dev->at, cap, (control | MSIX_ENABLE) & ~MSIX_MASK_ALL);
	return dev->msix_count;
}

int
pci_msix_wire(struct pci_device *dev, u32 n, void (*fn)(void *arg), void *arg, const char *name)
{
	volatile u8 *entry = dev->msix + n * MSIX_ENTRY_SIZE;
	struct msi_message message;
	int err;

	if (n >= dev->msix_count)
		return -EINVAL;
	err = msi_alloc(fn, arg, name, msi_source(dev->at, n), &message);
	if (err)
		return err;
	mmio_write32(entry, (u32)message.address);
	mmio_write32(entry + 4, (u32)(message.address >> 32));
	mmio_write32(entry + 8, message.data);
	mmio_write32(entry + 12, 0);
	return 0;
}

static void
scan_bus(u32 bus, const struct pci_driver *driver)
{
	for (u32 device = 0; device < DEVICES; device++) {
		u32 functions = 1;

		for (u32 function = 0; function < functions; function++) {
			struct pci_device dev = {.at = pci_address(bus, device, function)};

			dev.vendor = pci_read16(&dev, REG_ID);
			dev.device = pci_read16(&dev, REG_ID + 2);
			if (dev.vendor == NO_DEVICE)
				continue;
			if (function == 0 && (pci_read8(&dev, REG_HEADER) & HEADER_MANY))
				functions = FUNCTIONS;
			scan_function(&dev, driver);
		}
	}
}

static void
scan_function(struct pci_device *dev, const struct pci_driver *driver)
{
	u32 bus = pci_read8(dev, REG_SECONDARY_BUS);

	if ((pci_read8(dev, REG_HEADER) & ~HEADER_MANY) == HEADER_BRIDGE)
		bitmap_set(buses_found, bus);
	else if (driver_knows(driver, dev))
		driver->probe(dev);
}

static bool
driver_knows(const struct pci_driver *driver, const struct pci_device *dev)
{
	if (dev->vendor != driver->vendor)
		return false;
	for (const u16 *id = driver->devices; id && *id; id++)
		if (*id == dev->device)
			return true;
	return !driver->devices;
}

/* Of all ones that are written, those bits stick that choose a place: the lowest of them is the size. */
static u64
bar_size(const struct pci_device *dev, u32 bar, bool wide)
{
	u32 reg = REG_BAR0 + 4 * bar;
	u32 low = pci_read32(dev, reg);
	u32 high = wide ? pci_read32(dev, reg + 4) : 0;
	u32 command = pci_read16(dev, REG_COMMAND);
	u64 mask;

	/* Why: for a moment the registers lie at the top of memory: the device must not answer there. */
	pci_config_write(dev->at, REG_COMMAND, command & ~COMMAND_MEMORY);
	pci_config_write(dev->at, reg, ~0U);
	mask = pci_read32(dev, reg) & ~BAR_FLAGS;
	pci_config_write(dev->at, reg, low);
	if (wide) {
		pci_config_write(dev->at, reg + 4, ~0U);
		mask |= (u64)pci_read32(dev, reg + 4) << 32;
		pci_config_write(dev->at, reg + 4, high);
	} else {
		mask |= ~0UL << 32;
	}
	pci_config_write(dev->at, REG_COMMAND, command);
	return mask & -mask;
}
