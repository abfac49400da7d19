/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/serial.c - COM1: polled output, input by interrupt
 *
 * Idea        Output is polled because it must work in a panic, with interrupts off, before everything else. The
 *             transmit FIFO takes 16 bytes at a time. The wait for it is bounded: a line that nobody drains costs
 *             time, not the machine. A port that does not echo its scratch register does not exist, and is left alone.
 * Invariants  none
 * Locks       none: printk's lock orders writers; the interrupt only reads
 * Follow      from kernel/printk.c   to kernel/dev (console_input)
 * Tests       every boot
 * See         National Semiconductor PC16550D data sheet
 */
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/serial.h>
#include <arch/trap.h>
#include <arch/x86.h>
#include <kernel/dev/console.h>
#include <kernel/printk.h>

#define COM1 0x3f8
#define COM1_IRQ 4
#define REG_DATA 0
#define REG_INTERRUPT_ENABLE 1
#define REG_FIFO 2
#define REG_LINE_CONTROL 3
#define REG_MODEM_CONTROL 4
#define REG_LINE_STATUS 5
#define REG_SCRATCH 7
#define STATUS_DATA 0x01
#define STATUS_TRANSMIT_EMPTY 0x20
#define FIFO_DEPTH 16
/* A FIFO of 16 bytes at 115200 baud drains in 1.4 ms; a port read takes about 1 us on real machines. */
#define WAIT_LIMIT 20000
/* Bytes that one interrupt takes at most: a stuck status bit must not hold the CPU. */
#define INPUT_LIMIT 256

static bool serial_present; /* const after serial_init */

static void serial_put(u8 byte);

/* Bytes that the transmit FIFO surely has room for. Guard: whoever guards serial_write. */
static u32 serial_room;

void
serial_init(void)
{
	outb(COM1 + REG_SCRATCH, 0x5a);
	serial_present = inb(COM1 + REG_SCRATCH) == 0x5a;
	if (!serial_present)
		return;
	outb(COM1 + REG_INTERRUPT_ENABLE, 0);
	outb(COM1 + REG_LINE_CONTROL, 0x80); /* the divisor */
	outb(COM1 + REG_DATA, 1);
	outb(COM1 + REG_INTERRUPT_ENABLE, 0);
	outb(COM1 + REG_LINE_CONTROL, 0x03); /* 8 data bits, no parity */
	outb(COM1 + REG_FIFO, 0x07);
	outb(COM1 + REG_MODEM_CONTROL, 0x0b); /* DTR, RTS, and OUT2, which lets interrupts through */
}

void
serial_irq_init(void)
{
	if (!serial_present)
		return;
	if (!ioapic_route_isa(COM1_IRQ, VECTOR_SERIAL)) {
		pr_warn("no interrupt for the serial line: it takes no input");
		return;
	}
	outb(COM1 + REG_INTERRUPT_ENABLE, 0x01);
}

void
serial_write(const char *s, size_t n)
{
	if (!serial_present)
		return;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			serial_put('\r');
		serial_put(s[i]);
	}
}

static void
serial_put(u8 byte)
{
	u32 tries = 0;

	if (serial_room == 0) {
		while (!(inb(COM1 + REG_LINE_STATUS) & STATUS_TRANSMIT_EMPTY) && ++tries < WAIT_LIMIT)
			cpu_relax();
		serial_room = FIFO_DEPTH;
	}
	serial_room--;
	outb(COM1 + REG_DATA, byte);
}

void
serial_interrupt(void)
{
	for (u32 i = 0; i < INPUT_LIMIT && inb(COM1 + REG_LINE_STATUS) & STATUS_DATA; i++)
		console_input(inb(COM1 + REG_DATA));
}
