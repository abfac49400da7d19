/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/acpi.c - finds the firmware's tables and proves that they are what they claim
 *
 * Idea        A pointer (RSDP) leads to a list (XSDT or RSDT) of tables, each with a length and a checksum. A table
 *             is mapped by its header's length, within a limit, and kept only when its bytes add up to zero. What the
 *             tables mean is read in acpi_tables.c. A machine without them still boots, with one CPU.
 *             Simple: no AML interpreter. The one value that needs it, the power-off code, is found by its pattern.
 * Invariants  none
 * Locks       none: boot CPU only
 * Follow      from kernel/main.c   to acpi_tables.c
 * Tests       every boot; without ACPI: QEMUEXTRA="-machine pc,acpi=off"
 * See         ACPI specification 5.2.5 to 5.2.8
 */
#include <arch/acpi.h>
#include <arch/acpi_tables.h>
#include <arch/cpu.h>
#include <kernel/boot_info.h>
#include <kernel/lib/string.h>
#include <kernel/printk.h>

#define TABLES_MAX 48
#define TABLE_LENGTH_MAX (4U << 20)
#define EBDA_POINTER_PA 0x40e
#define BIOS_START_PA 0xe0000
#define BIOS_END_PA 0x100000

struct acpi_rsdp {
	char signature[8];
	u8 checksum; /* of the first 20 bytes */
	char oem[6];
	u8 revision;
	u32 rsdt_pa;
	/* From revision 2 on: */
	u32 length;
	u64 xsdt_pa;
	u8 checksum_all;
	u8 reserved[3];
} __packed;

#define RSDP_OLD_SIZE 20

static const struct acpi_header *acpi_tables[TABLES_MAX]; /* const after acpi_init */
static u32 acpi_table_count;

static const struct acpi_rsdp *acpi_rsdp_find(const struct boot_info *info);
static const struct acpi_rsdp *acpi_rsdp_scan(u64 start_pa, u64 end_pa);
static bool acpi_rsdp_valid(const struct acpi_rsdp *rsdp);
static void acpi_list_read(const struct acpi_rsdp *rsdp);
static bool acpi_sum_is_zero(const void *bytes, u32 len);

void __init
acpi_init(const struct boot_info *info)
{
	const struct acpi_rsdp *rsdp = acpi_rsdp_find(info);

	if (rsdp)
		acpi_list_read(rsdp);
	else
		pr_warn("ACPI: no tables found; one CPU, no power-off");
	acpi_tables_read();
}

/* Where the loader says, else where a BIOS puts it: the first KiB of the extended BIOS data, or the ROM below 1 MiB. */
static const struct acpi_rsdp *__init
acpi_rsdp_find(const struct boot_info *info)
{
	const struct acpi_rsdp *rsdp;
	u64 ebda_pa;

	if (info->rsdp_pa) {
		rsdp = mmio_map(info->rsdp_pa, sizeof(*rsdp), PTE_KERNEL_RODATA);
		if (rsdp && acpi_rsdp_valid(rsdp))
			return rsdp;
	}
	ebda_pa = (u64) * (const u16 *)pa_to_va(EBDA_POINTER_PA) << 4;
	rsdp = NULL;
	if (ebda_pa >= PAGE_SIZE && ebda_pa < BIOS_START_PA)
		rsdp = acpi_rsdp_scan(ebda_pa, ebda_pa + 1024);
	return rsdp ? rsdp : acpi_rsdp_scan(BIOS_START_PA, BIOS_END_PA);
}

/* Below 1 MiB, which the direct map covers. */
static const struct acpi_rsdp *__init
acpi_rsdp_scan(u64 start_pa, u64 end_pa)
{
	for (u64 pa = round_up(start_pa, 16); pa + sizeof(struct acpi_rsdp) <= end_pa; pa += 16) {
		const struct acpi_rsdp *rsdp = pa_to_va(pa);

		if (acpi_rsdp_valid(rsdp))
			return rsdp;
	}
	return NULL;
}

static bool __init
acpi_rsdp_valid(const struct acpi_rsdp *rsdp)
{
	if (memcmp(rsdp->signature, "RSD PTR ", 8) || !acpi_sum_is_zero(rsdp, RSDP_OLD_SIZE))
		return false;
	return rsdp->revision < 2 || acpi_sum_is_zero(rsdp, sizeof(*rsdp));
}

/* The list's entries are 4 bytes wide in an RSDT, 8 in an XSDT. */
static void __init
acpi_list_read(const struct acpi_rsdp *rsdp)
{
	bool wide = rsdp->revision >= 2 && rsdp->xsdt_pa;
	const struct acpi_header *list = acpi_table_map(wide ? rsdp->xsdt_pa : rsdp->rsdt_pa);
	u32 entry_size = wide ? 8 : 4;

	if (!list)
		return;
	for (u32 at = sizeof(*list); at + entry_size <= list->length; at += entry_size) {
		const struct acpi_header *table;
		u64 pa = 0;

		memcpy(&pa, (const u8 *)list + at, entry_size);
		table = acpi_table_map(pa);
		if (table && acpi_table_count < TABLES_MAX)
			acpi_tables[acpi_table_count++] = table;
	}
}

const struct acpi_header *__init
acpi_table_map(u64 pa)
{
	const struct acpi_header *table = pa ? mmio_map(pa, sizeof(*table), PTE_KERNEL_RODATA) : NULL;
	u32 length = table ? table->length : 0;

	if (length < sizeof(*table) || length > TABLE_LENGTH_MAX) {
		pr_warn("ACPI: table at %#lx has length %u, ignored", pa, length);
		return NULL;
	}
	table = mmio_map(pa, length, PTE_KERNEL_RODATA);
	if (!table || !acpi_sum_is_zero(table, length)) {
		pr_warn("ACPI: table at %#lx has a wrong checksum, ignored", pa);
		return NULL;
	}
	return table;
}

static bool
acpi_sum_is_zero(const void *bytes, u32 len)
{
	const u8 *b = bytes;
	u8 sum = 0;

	for (u32 i = 0; i < len; i++)
		sum += b[i];
	return sum == 0;
}

const struct acpi_header *
acpi_table_find(const char *signature)
{
	for (u32 i = 0; i < acpi_table_count; i++) {
		if (!memcmp(acpi_tables[i]->signature, signature, 4))
			return acpi_tables[i];
	}
	return NULL;
}
