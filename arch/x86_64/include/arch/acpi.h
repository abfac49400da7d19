/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/acpi.h - the firmware's tables: CPUs, interrupt controllers, timers and power registers
 *
 * Idea        see acpi.c
 * Invariants  struct acpi_machine is const after acpi_init
 * Locks       none
 * Follow      from apic.c, smp.c, clock.c, power.c   to acpi.c
 * Tests       every boot; without ACPI: QEMUEXTRA="-machine pc,acpi=off"
 * See         ACPI specification 5.2
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

#define ACPI_IOAPICS_MAX 8
#define ISA_IRQS 16

/* What every table begins with. */
struct acpi_header {
	char signature[4];
	u32 length; /* bytes, header included */
	u8 revision;
	u8 checksum;
	char oem[6];
	char oem_table[8];
	u32 oem_revision;
	u32 creator;
	u32 creator_revision;
} __packed;

struct acpi_ioapic {
	u64 pa;
	u32 gsi_base; /* number of its first input among all */
};

/* Where an ISA interrupt line arrives. */
struct acpi_isa_irq {
	u32 gsi;
	bool active_low;
	bool level;
};

struct acpi_machine {
	u64 lapic_pa;
	u32 apic_ids[MAX_CPUS]; /* in the firmware's order; the boot CPU may be anywhere */
	u32 cpu_count;          /* entries of apic_ids; 0: the firmware names none */
	u32 cpus_left_out;      /* more than MAX_CPUS */
	struct acpi_ioapic ioapics[ACPI_IOAPICS_MAX];
	u32 ioapic_count;
	struct acpi_isa_irq isa[ISA_IRQS];

	u16 pm_timer_port; /* 0: none */
	u16 pm1a_port;     /* control register; 0: none */
	u16 pm1b_port;
	u16 smi_port; /* 0: ACPI mode needs no switching on */
	u8 acpi_enable;
	bool s5_known;
	u8 s5_type_a; /* what turns the machine off */
	u8 s5_type_b;
	bool reset_in_memory;
	u64 reset_address; /* 0: none */
	u8 reset_value;
};

extern struct acpi_machine acpi_machine;

/*
 * acpi_table_find - the first table with this four-letter signature, checksum verified
 *
 * Returns   the table, mapped for good; NULL when there is none
 * Context   after acpi_init
 */
const struct acpi_header *acpi_table_find(const char *signature);
