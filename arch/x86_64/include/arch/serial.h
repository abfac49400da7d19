/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/serial.h - COM1, beside what arch/cpu.h promises
 *
 * Idea        see serial.c
 * Invariants  none
 * Locks       see serial.c
 * Follow      from cpu.c, trap.c   to serial.c
 * Tests       every boot
 * See         National Semiconductor PC16550D data sheet
 */
#pragma once

/* 115200 baud, 8 data bits, FIFOs. Context: boot. */
void serial_init(void);
