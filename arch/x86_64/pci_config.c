/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/pci_config.c - PCI configuration space through ports 0xcf8 and 0xcfc
 *
 * Idea        see arch/pci.h
 * Invariants  none
 * Locks       config_lock (interrupts off): the address port and the data port are one access together
 * Follow      from kernel/dev/pci.c
 * Tests       every boot with a disk
 * See         PCI Local Bus 3.0, 3.2.2.3.2
 */
#include <arch/pci.h>
#include <arch/x86.h>
#include <kernel/panic.h>
#include <kernel/spinlock.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE BIT(31)
#define CONFIG_SIZE 256

static struct spinlock config_lock = SPINLOCK_INIT(RANK_NONE);

static void select_locked(pci_address_t at, u32 reg);

u32
pci_config_read(pci_address_t at, u32 reg)
{
	u64 flags = spin_lock_irqsave(&config_lock);
	u32 value;

	select_locked(at, reg);
	value = inl(CONFIG_DATA);
	spin_unlock_irqrestore(&config_lock, flags);
	return value;
}

void
pci_config_write(pci_address_t at, u32 reg, u32 value)
{
	u64 flags = spin_lock_irqsave(&config_lock);

	select_locked(at, reg);
	outl(CONFIG_DATA, value);
	spin_unlock_irqrestore(&config_lock, flags);
}

static void
select_locked(pci_address_t at, u32 reg)
{
	assertf(reg < CONFIG_SIZE && !(reg & 3), "PCI register %#x", reg);
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | (u32)at.value << 8 | reg);
}
