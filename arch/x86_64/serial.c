/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/serial.c - COM1: the kernel's words by polling, programs' bytes by interrupts
 *
 * Idea        What the kernel says is polled out because it must work in a panic, with interrupts off, before all
 *             else. The transmit FIFO takes 16 bytes at a time. The wait for it is bounded: a line that nobody drains
 *             costs time, not the machine. What programs print waits for the transmit interrupt instead, and nothing of
 *             it is lost. A port that does not echo its scratch register does not exist, and is left alone.
 * Invariants  none
 * Locks       none: printk's lock orders writers, console.c's the rest
 * Follow      from kernel/printk.c, kernel/dev/console.c
 * Tests       every boot
 * See         National Semiconductor PC16550D data sheet
 */
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/serial.h>
#include <arch/trap.h>
#include <arch/x86.h>
#include <kernel/printk.h>

#define COM1 0x3f8
#define COM1_IRQ 4
#define REG_DATA 0
#define REG_INTERRUPT_ENABLE 1
#define REG_FIFO 2         /* written */
#define REG_INTERRUPT_ID 2 /* read */
#define REG_LINE_CONTROL 3
#define REG_MODEM_CONTROL 4
#define REG_LINE_STATUS 5
#define REG_SCRATCH 7
#define STATUS_DATA 0x01
#define STATUS_TRANSMIT_EMPTY 0x20
#define ENABLE_RECEIVE 0x01
#define ENABLE_TRANSMIT 0x02
#define ID_NONE_PENDING 0x01
#define FIFO_DEPTH 16
/* A FIFO of 16 bytes at 115200 baud drains in 1.4 ms; a port read takes about 1 us on real machines. */
#define WAIT_LIMIT 20000
/* Where an interrupt can tell: enough for an emulated port, which is never busy for long. */
#define WAIT_SHORT 16

static bool serial_present;      /* const after serial_init */
static bool serial_interrupting; /* const after serial_irq_init */

static void serial_put(u8 byte);
static bool serial_wait(u32 limit);

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
	serial_interrupting = true;
	serial_interrupts(true, false);
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
	(void)serial_wait(WAIT_LIMIT);
	serial_room--;
	outb(COM1 + REG_DATA, byte);
}

/* Room for a byte at least. False: the port was busy all the time; then the FIFO counts as empty. */
static bool
serial_wait(u32 limit)
{
	u32 tries = 0;

	if (serial_room)
		return true;
	while (!serial_can_send() && ++tries < limit)
		cpu_relax();
	serial_room = FIFO_DEPTH;
	return tries < limit;
}

u32
serial_send(const u8 *s, u32 n)
{
	u32 done = 0;
	u32 burst;

	if (!serial_present)
		return n;
	for (; done < n; done += burst) {
		if (!serial_wait(serial_interrupting ? WAIT_SHORT : WAIT_LIMIT) && serial_interrupting) {
			serial_room = 0;
			break;
		}
		burst = min_u64(serial_room, n - done);
		outsb(COM1 + REG_DATA, s + done, burst);
		serial_room -= burst;
	}
	return done;
}

bool
serial_receive(u8 *byte)
{
	if (!(inb(COM1 + REG_LINE_STATUS) & STATUS_DATA))
		return false;
	*byte = inb(COM1 + REG_DATA);
	return true;
}

bool
serial_can_send(void)
{
	return inb(COM1 + REG_LINE_STATUS) & STATUS_TRANSMIT_EMPTY;
}

void
serial_interrupts(bool receive, bool transmit)
{
	outb(COM1 + REG_INTERRUPT_ENABLE, (receive ? ENABLE_RECEIVE : 0) | (transmit ? ENABLE_TRANSMIT : 0));
}

bool
serial_interrupt_pending(void)
{
	return !(inb(COM1 + REG_INTERRUPT_ID) & ID_NONE_PENDING);
}
