/* SPDX-License-Identifier: MIT */
/*
 * kernel/boot_info.h - what the boot loader told us, whichever it was
 *
 * Idea        arch/x86_64/boot_info.c translates multiboot2's tags or PVH's start_info into this struct before
 *             kernel_main(). Nothing in it points into the loader's memory, but for the initial RAM disk itself.
 * Invariants  const after kernel_main() starts; ranges are as the firmware gave them: unsorted, perhaps overlapping
 * Locks       none
 * Follow      from arch/x86_64/boot.S   to kernel/main.c
 * Tests       every boot; BOOT=iso and BOOT=pvh
 * See         Multiboot2 specification 3.6; xen/include/public/arch-x86/hvm/start_info.h (a format description)
 */
#pragma once

#include <kernel/lib/types.h>

#define BOOT_CMDLINE_MAX 2048
#define BOOT_RANGES_MAX 64

enum boot_range_type {
	BOOT_RANGE_USABLE,
	BOOT_RANGE_RESERVED,
	BOOT_RANGE_ACPI, /* tables that could be reclaimed */
};

enum boot_screen {
	BOOT_SCREEN_NONE,
	BOOT_SCREEN_TEXT, /* 80 x 25 characters at 0xb8000 */
};

struct boot_range {
	u64 base; /* bytes, as the firmware aligned it */
	u64 len;
	enum boot_range_type type;
};

struct boot_info {
	char cmdline[BOOT_CMDLINE_MAX];            /* cut when longer, always terminated */
	char loader[40];                           /* for the log */
	struct boot_range ranges[BOOT_RANGES_MAX]; /* what the firmware says of memory */
	u32 range_count;
	u64 initrd_pa;   /* first module */
	u64 initrd_size; /* bytes; 0: none */
	u64 rsdp_pa;     /* ACPI root pointer; 0: to be searched for */
	enum boot_screen screen;
};

/* The boot in C, called once on the boot CPU's stack with interrupts off and early page tables. */
__attribute__((noreturn)) void kernel_main(const struct boot_info *info);
