/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/console.h - /dev/console: a terminal on the serial line, with the text screen beside it
 *
 * Idea        see console.c
 * Invariants  see console.c
 * Locks       console_lock
 * Follow      from arch/x86_64/serial.c (input), devfs.c   to printk.c
 * Tests       every guest test that prints
 */
#pragma once

#include <kernel/lib/types.h>

struct file_ops;

extern const struct file_ops console_ops;

/* console_input - one byte has come in on the serial line. Context: an interrupt; does not sleep. */
void console_input(u8 byte);
