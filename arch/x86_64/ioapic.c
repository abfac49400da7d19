/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/ioapic.c - from a device's interrupt line to a vector on a CPU
 *
 * Idea        Each I/O APIC has some inputs; all inputs of the machine are numbered through (GSI). ISA interrupts
 *             mostly keep their number; the MADT lists the exceptions. All go to the boot CPU.
 *             Simple: no balancing over CPUs and no MSI: one serial line interrupts, rarely.
 * Invariants  none
 * Locks       none: routing happens at boot, before other CPUs run
 * Follow      from apic.c, serial.c   to acpi_tables.c
 * Tests       typing at the console
 * See         Intel 82093AA data sheet
 */
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/mmu.h>
#include <arch/x86.h>

#define REG_SELECT 0x00
#define REG_WINDOW 0x10
#define IOAPIC_VERSION 1
#define IOAPIC_REDIRECT(n) (0x10 + 2 * (n))
#define REDIRECT_ACTIVE_LOW BIT(13)
#define REDIRECT_LEVEL BIT(15)
#define REDIRECT_MASKED BIT(16)

struct ioapic {
	volatile u8 *registers; /* NULL: could not be mapped */
	u32 gsi_base;
	u32 inputs;
};

static struct ioapic ioapics[ACPI_IOAPICS_MAX]; /* const after ioapic_init */

static u32 ioapic_read(const struct ioapic *io, u32 reg);
static void ioapic_write(const struct ioapic *io, u32 reg, u32 value);

void
ioapic_init(void)
{
	for (u32 i = 0; i < acpi_machine.ioapic_count; i++) {
		struct ioapic *io = &ioapics[i];

		io->registers = mmio_map(acpi_machine.ioapics[i].pa, PAGE_SIZE, PTE_KERNEL_MMIO);
		if (!io->registers)
			continue;
		io->gsi_base = acpi_machine.ioapics[i].gsi_base;
		io->inputs = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
		for (u32 n = 0; n < io->inputs; n++)
			ioapic_write(io, IOAPIC_REDIRECT(n), REDIRECT_MASKED);
	}
}

bool
ioapic_route_isa(u32 irq, u32 vector)
{
	const struct acpi_isa_irq *line = &acpi_machine.isa[irq];
	u32 low = vector;

	low |= (line->active_low ? REDIRECT_ACTIVE_LOW : 0) | (line->level ? REDIRECT_LEVEL : 0);
	for (u32 i = 0; i < ACPI_IOAPICS_MAX; i++) {
		const struct ioapic *io = &ioapics[i];
		u32 n = line->gsi - io->gsi_base;

		if (!io->registers || line->gsi < io->gsi_base || n >= io->inputs)
			continue;
		ioapic_write(io, IOAPIC_REDIRECT(n) + 1, per_cpu(apic_id, 0) << 24);
		ioapic_write(io, IOAPIC_REDIRECT(n), low);
		return true;
	}
	return false;
}

static u32
ioapic_read(const struct ioapic *io, u32 reg)
{
	mmio_write32(io->registers + REG_SELECT, reg);
	return mmio_read32(io->registers + REG_WINDOW);
}

static void
ioapic_write(const struct ioapic *io, u32 reg, u32 value)
{
	mmio_write32(io->registers + REG_SELECT, reg);
	mmio_write32(io->registers + REG_WINDOW, value);
}
