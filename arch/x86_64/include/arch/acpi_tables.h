/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/acpi_tables.h - between acpi.c and acpi_tables.c
 *
 * Idea        see acpi_tables.c
 * Invariants  none
 * Locks       none
 * Follow      from acpi.c   to acpi_tables.c
 * Tests       every boot
 */
#pragma once

#include <arch/acpi.h>

/* Fills acpi_machine from the tables that acpi.c has found; defaults where there are none. Context: boot. */
void acpi_tables_read(void);

/*
 * acpi_table_map - map the table at @pa and verify length and checksum
 *
 * Returns   the table; NULL (and a line in the log) when it is not valid
 * Context   boot
 */
const struct acpi_header *acpi_table_map(u64 pa);
