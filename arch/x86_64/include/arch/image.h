/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/image.h - the places in the kernel image that kernel.ld names
 *
 * Idea        only their addresses mean anything; each begins a page
 * Invariants  none
 * Locks       none
 * Follow      from mmu.c   to kernel.ld, boot.S
 * Tests       none
 */
#pragma once

#include <kernel/lib/types.h>

extern const u8 __image_start[], __image_end[];
extern const u8 __text_start[], __text_end[];
extern const u8 __rodata_start[], __rodata_end[];
extern const u8 __data_start[], __data_end[];
extern const u8 __init_start[], __init_text_end[], __init_end[];
extern const u8 __bss_start[], __bss_end[];
extern const u8 boot_stack_guard[], boot_stack[], boot_stack_top[];
