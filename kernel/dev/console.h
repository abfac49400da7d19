/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/console.h - the terminal's line: bytes between the serial port and the line discipline
 *
 * Idea        see console.c
 * Invariants  see console.c
 * Locks       see console.c
 * Follow      from arch/x86_64/serial.c (interrupts), dev/tty.c   to ldisc.h, printk.h
 * Tests       every guest test that prints; tests/guest/tty.c
 */
#pragma once

struct tty;

/* console_start - start the thread that takes input in; then interrupts may come. Context: boot, may sleep. */
void console_start(void);

/* console_interrupt - the serial port wants something. Context: its interrupt, interrupts off. */
void console_interrupt(void);

/* console_pump - send what the line discipline has, as far as the port takes it. Context: holds tty->lock. */
void console_pump(struct tty *tty);

/* console_settle - give what is printed already a second to get out. Context: the machine's end; may sleep. */
void console_settle(void);

/* console_input_wanted - the line discipline may have room again. Context: any; no tty->lock needed. */
void console_input_wanted(void);
