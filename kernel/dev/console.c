/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/console.c - the terminal's line: bytes between the serial port and the line discipline
 *
 * Idea        An interrupt may take no lock that the line discipline and signals need. So it only moves bytes from the
 *             port to a ring; the thread "console" hands them to the line discipline, which echoes and signals.
 *
 *                 port --interrupt--> [ typed ] --thread--> ldisc --> readers, signals
 *                 port <--writers, thread-------------------- ldisc <-- writers, echo
 *                        (what the port does not take now: the transmit interrupt wakes the thread)
 *
 *             Nothing is lost on the way in: when the line discipline has no room the thread leaves bytes in the ring,
 *             and when the ring is full the interrupt leaves them in the port, which holds off the sender.
 *             Output goes by whole chunks through printk's lock, so that a message of the kernel does not land inside
 *             of a line that is being printed.
 * Invariants  I1  typed_tail <= typed_head <= typed_tail + TYPED, counted without wrapping.
 *             I2  receiving is false only while the ring is full; whoever makes room sets it.
 * Locks       console_lock (spin, interrupts off): the ring and which interrupts are on. tty->lock before it.
 * Follow      from arch/x86_64/serial.c   to ldisc.h, dev/tty_job.h, printk.h
 * Tests       tests/guest/tty.c; every guest test that prints
 */
#include <kernel/dev/console.h>

#include <arch/cpu.h>
#include <kernel/dev/tty.h>
#include <kernel/dev/tty_job.h>
#include <kernel/kthread.h>
#include <kernel/panic.h>
#include <kernel/printk.h>

#define TYPED 8192 /* bytes between interrupt and thread, a power of two */
#define BATCH 64   /* bytes that the thread takes at a time; their echo fits into what programs leave to it */
#define SETTLE_NS NS_PER_SEC
#define LOOKS_MAX 64 /* times that one interrupt looks at the port: a stuck status bit must not hold the CPU */

static void console_thread(void *arg);
static bool has_work(void);
static void take_in(struct tty *tty);
static bool typed_take(u8 *byte);
static void port_look(void);
static void transmit_when_ready(void);

static struct spinlock console_lock = SPINLOCK_INIT(RANK_CONSOLE);
static struct wait_queue console_work = WAIT_QUEUE_INIT(console_work);
static u8 typed[TYPED];       /* console_lock */
static u32 typed_head;        /* console_lock; read without it to decide about sleeping */
static u32 typed_tail;        /* console_lock; likewise */
static bool receiving = true; /* console_lock: the receive interrupt is on */
static bool transmit_wanted;  /* console_lock: the transmit interrupt is on */
static bool transmit_ready;   /* console_lock to set; the thread clears it before it pumps */

void
console_start(void)
{
	if (!kthread_create(console_thread, &console_tty, "console"))
		panic("no memory for the console's thread");
	serial_irq_init();
}

/* ---- the interrupt ---- */

void
console_interrupt(void)
{
	u64 flags = spin_lock_irqsave(&console_lock);

	for (u32 i = 0; i < LOOKS_MAX; i++) {
		port_look();
		serial_interrupts(receiving, transmit_wanted);
		if (!serial_interrupt_pending())
			break;
	}
	assertf(typed_head - typed_tail <= TYPED, "head %u tail %u", typed_head, typed_tail);
	spin_unlock_irqrestore(&console_lock, flags);
	wake_all(&console_work);
}

static void
port_look(void)
{
	u8 byte;

	receiving = typed_head - typed_tail < TYPED;
	while (receiving && serial_receive(&byte)) {
		typed[typed_head % TYPED] = byte;
		WRITE_ONCE(typed_head, typed_head + 1);
		receiving = typed_head - typed_tail < TYPED;
	}
	if (transmit_wanted && serial_can_send()) {
		transmit_wanted = false;
		WRITE_ONCE(transmit_ready, true);
	}
}

/* ---- the thread ---- */

static void
console_thread(void *arg)
{
	struct tty *tty = arg;

	for (;;) {
		(void)wait_event_interruptible(&console_work, has_work());
		WRITE_ONCE(transmit_ready, false);
		mutex_lock(&tty->lock);
		take_in(tty);
		console_pump(tty);
		mutex_unlock(&tty->lock);
		if (ldisc_readable(&tty->ldisc, 1))
			wake_all(&tty->readers);
	}
}

static bool
has_work(void)
{
	return READ_ONCE(transmit_ready) ||
	       (READ_ONCE(typed_head) != READ_ONCE(typed_tail) && ldisc_room(&console_tty.ldisc));
}

static void
take_in(struct tty *tty)
{
	u8 byte;
	int sig;

	for (u32 i = 0; i < BATCH && ldisc_room(&tty->ldisc) && typed_take(&byte); i++) {
		sig = ldisc_input(&tty->ldisc, byte);
		if (sig)
			tty_job_signal(tty, sig);
	}
}

static bool
typed_take(u8 *byte)
{
	u64 flags = spin_lock_irqsave(&console_lock);
	bool found = typed_head != typed_tail;

	if (found) {
		*byte = typed[typed_tail % TYPED];
		WRITE_ONCE(typed_tail, typed_tail + 1);
	}
	if (found && !receiving) {
		receiving = true;
		serial_interrupts(receiving, transmit_wanted);
	}
	spin_unlock_irqrestore(&console_lock, flags);
	return found;
}

void
console_input_wanted(void)
{
	if (has_work())
		wake_all(&console_work);
}

/* ---- output ---- */

void
console_settle(void)
{
	(void)wait_event_timeout(&console_tty.writers, !ldisc_unsent(&console_tty.ldisc), clock_ns() + SETTLE_NS);
}

void
console_pump(struct tty *tty)
{
	struct ldisc *l = &tty->ldisc;
	const u8 *bytes;
	u32 sent = 0;
	u32 n;

	assert(mutex_is_mine(&tty->lock));
	while ((n = ldisc_pending(l, &bytes))) {
		sent = printk_console_send(bytes, n);
		ldisc_sent(l, sent);
		if (sent < n)
			break;
	}
	if (sent < n)
		transmit_when_ready();
	if (ldisc_writable(l))
		wake_all(&tty->writers);
}

/* The interrupt comes at once when the port has become ready meanwhile. */
static void
transmit_when_ready(void)
{
	u64 flags = spin_lock_irqsave(&console_lock);

	transmit_wanted = true;
	serial_interrupts(receiving, transmit_wanted);
	spin_unlock_irqrestore(&console_lock, flags);
}
