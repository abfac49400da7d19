/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/acpi_tables.c - what the MADT (CPUs and interrupt controllers) and the FADT (power) say
 *
 * Idea        Each table is walked once; every offset is checked against the table's length, every entry against its
 *             own.
 * Invariants  none
 * Locks       none: boot CPU only
 * Follow      from acpi.c   to apic.c, smp.c, clock.c, power.c by struct acpi_machine
 * Tests       every boot
 * See         ACPI specification 5.2.9, 5.2.12, 7.4.2 (\_S5)
 */
#include <arch/acpi_tables.h>
#include <kernel/lib/string.h>
#include <kernel/printk.h>

#define LAPIC_DEFAULT_PA 0xfee00000

/* Offsets in the FADT. */
#define FADT_DSDT 40
#define FADT_SMI_PORT 48
#define FADT_ACPI_ENABLE 52
#define FADT_PM1A_CONTROL 64
#define FADT_PM1B_CONTROL 68
#define FADT_PM_TIMER 76
#define FADT_FLAGS 112
#define FADT_RESET_SPACE 116
#define FADT_RESET_ADDRESS 120
#define FADT_RESET_VALUE 128
#define FADT_DSDT_WIDE 140
#define FADT_FLAG_RESET BIT(10)

enum madt_type {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
};

#define MADT_CPU_ENABLED BIT(0)

struct acpi_machine acpi_machine = {.lapic_pa = LAPIC_DEFAULT_PA};

static void madt_read(const struct acpi_header *madt);
static void madt_entry(const u8 *e, u32 len);
static void madt_cpu(u32 apic_id, u32 flags);
static void madt_override(const u8 *e);
static void fadt_read(const struct acpi_header *fadt);
static void fadt_s5_find(const struct acpi_header *dsdt);
static u64 acpi_field(const void *base, u32 offset, u32 size);

void __init
acpi_tables_read(void)
{
	const struct acpi_header *madt = acpi_table_find("APIC");
	const struct acpi_header *fadt = acpi_table_find("FACP");

	/*
	 * ISA lines arrive at the inputs of the same number, active high, edge triggered, unless the MADT says
	 * otherwise.
	 */
	for (u32 i = 0; i < ISA_IRQS; i++)
		acpi_machine.isa[i].gsi = i;
	if (madt && madt->length >= 44)
		madt_read(madt);
	if (fadt && fadt->length >= FADT_FLAGS + 4)
		fadt_read(fadt);
}

static void __init
madt_read(const struct acpi_header *madt)
{
	const u8 *base = (const u8 *)madt;
	u32 at = 44;

	acpi_machine.lapic_pa = acpi_field(base, 36, 4);
	while (at + 2 <= madt->length) {
		u32 len = base[at + 1];

		if (len < 2 || at + len > madt->length)
			break;
		madt_entry(base + at, len);
		at += len;
	}
	if (acpi_machine.cpus_left_out)
		pr_warn("%u CPUs more than this kernel can use", acpi_machine.cpus_left_out);
}

static void __init
madt_entry(const u8 *e, u32 len)
{
	struct acpi_machine *m = &acpi_machine;

	switch (e[0]) {
	case MADT_LAPIC:
		if (len >= 8)
			madt_cpu(e[3], acpi_field(e, 4, 4));
		break;
	case MADT_X2APIC:
		if (len >= 16)
			madt_cpu(acpi_field(e, 4, 4), acpi_field(e, 8, 4));
		break;
	case MADT_IOAPIC:
		if (len >= 12 && m->ioapic_count < ACPI_IOAPICS_MAX)
			m->ioapics[m->ioapic_count++] =
				(struct acpi_ioapic){.pa = acpi_field(e, 4, 4), .gsi_base = acpi_field(e, 8, 4)};
		break;
	case MADT_OVERRIDE:
		if (len >= 10)
			madt_override(e);
		break;
	case MADT_LAPIC_ADDRESS:
		if (len >= 12)
			m->lapic_pa = acpi_field(e, 4, 8);
		break;
	}
}

static void __init
madt_cpu(u32 apic_id, u32 flags)
{
	struct acpi_machine *m = &acpi_machine;

	if (!(flags & MADT_CPU_ENABLED))
		return;
	for (u32 i = 0; i < m->cpu_count; i++) {
		if (m->apic_ids[i] == apic_id)
			return;
	}
	if (m->cpu_count < MAX_CPUS)
		m->apic_ids[m->cpu_count++] = apic_id;
	else
		m->cpus_left_out++;
}

/* Flags: polarity in bits 0..1, trigger mode in bits 2..3; 3 means low, or level; 0 the bus's habit. */
static void __init
madt_override(const u8 *e)
{
	u32 flags = acpi_field(e, 8, 2);

	if (e[3] >= ISA_IRQS)
		return;
	acpi_machine.isa[e[3]] = (struct acpi_isa_irq){
		.gsi = acpi_field(e, 4, 4), .active_low = (flags & 3) == 3, .level = (flags >> 2 & 3) == 3};
}

static void __init
fadt_read(const struct acpi_header *fadt)
{
	struct acpi_machine *m = &acpi_machine;
	const struct acpi_header *dsdt;
	u64 dsdt_pa = acpi_field(fadt, FADT_DSDT, 4);

	m->smi_port = acpi_field(fadt, FADT_SMI_PORT, 4);
	m->acpi_enable = acpi_field(fadt, FADT_ACPI_ENABLE, 1);
	m->pm1a_port = acpi_field(fadt, FADT_PM1A_CONTROL, 4);
	m->pm1b_port = acpi_field(fadt, FADT_PM1B_CONTROL, 4);
	m->pm_timer_port = acpi_field(fadt, FADT_PM_TIMER, 4);
	if (fadt->length > FADT_RESET_VALUE && acpi_field(fadt, FADT_FLAGS, 4) & FADT_FLAG_RESET) {
		m->reset_in_memory = acpi_field(fadt, FADT_RESET_SPACE, 1) == 0;
		m->reset_address = acpi_field(fadt, FADT_RESET_ADDRESS, 8);
		m->reset_value = acpi_field(fadt, FADT_RESET_VALUE, 1);
	}
	if (fadt->length >= FADT_DSDT_WIDE + 8 && acpi_field(fadt, FADT_DSDT_WIDE, 8))
		dsdt_pa = acpi_field(fadt, FADT_DSDT_WIDE, 8);
	dsdt = acpi_table_map(dsdt_pa);
	if (dsdt)
		fadt_s5_find(dsdt);
}

/*
 * Name (\_S5, Package () {a, b, ...}) is encoded as: 08 [5c] "_S5_" 12 length count a b, with a length of one byte
 * (bits 6 and 7 clear) and each small number as 00, 01 or 0a number.
 */
static void __init
fadt_s5_find(const struct acpi_header *dsdt)
{
	const u8 *p = (const u8 *)(dsdt + 1);
	const u8 *end = (const u8 *)dsdt + dsdt->length - 12;

	for (; p < end; p++) {
		const u8 *value = p + 7;

		if (memcmp(p, "_S5_\x12", 5) || p[5] & 0xc0)
			continue;
		value += *value == 0x0a;
		acpi_machine.s5_type_a = *value++ & 7;
		value += *value == 0x0a;
		acpi_machine.s5_type_b = *value & 7;
		acpi_machine.s5_known = true;
		return;
	}
}

/* Little-endian, any alignment; the caller has checked the length. */
static u64 __init
acpi_field(const void *base, u32 offset, u32 size)
{
	u64 value = 0;

	memcpy(&value, (const u8 *)base + offset, size);
	return value;
}
