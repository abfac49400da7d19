/* SPDX-License-Identifier: MIT */
/*
 * kernel/printk.c - what the kernel says
 *
 * Idea        Format into a buffer on the stack, without any lock; then, under the lock, line by line into the ring and
 *             onto the consoles. The consoles are polled: a message is out when printk returns, so the last words
 *             before a hang are seen. Simple: a bigger kernel hands slow consoles to a thread, and loses them at times.
 * Invariants  see printk.h; and
 *             I2  console_column is 0 exactly when the consoles' last byte was a newline.
 * Locks       console_owner: a word of its own instead of a spinlock, so that the lock checker, an NMI, and a panic on
 *             top of any of these can print. Interrupts off while it is held.
 * Follow      from everywhere   to printk_ring.c, arch serial_write, vga_write
 * Tests       tests/host/printk_ring_test.c, every boot
 */
#include <arch/cpu.h>
#include <kernel/cmdline.h>
#include <kernel/kmsg.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>

static char ring_buffer[PRINTK_RING_SIZE] __aligned(8);
static struct printk_ring ring = {.buffer = ring_buffer, .size = PRINTK_RING_SIZE}; /* console_owner */

static u32 console_owner;                /* atomic: number of the CPU + 1; 0: free */
static u32 lock_broken_by;               /* number of the CPU that panics + 1 */
static u32 console_level = PRINTK_DEBUG; /* less urgent than this, or as urgent, stays off the consoles */
static bool ignore_level;                /* const after boot: the consoles get all, whatever a program says */
static u64 last_ns;                      /* of the latest message; console_owner */
static u64 console_column;               /* bytes of the line that the consoles are in; console_owner */

static bool console_lock(u64 *flags);
static void console_unlock(bool taken, u64 flags);
static void say_lines(enum printk_level level, const char *text, u64 len);
static void say_line(enum printk_level level, u64 ns, const char *line, u64 len);
static void console_write(const char *s, u64 n);
static void console_follow(const char *s, u64 n);

void
printk_va(enum printk_level level, const char *fmt, va_list args)
{
	char text[PRINTK_MAX];
	int wanted = format_va(text, sizeof(text), fmt, args);
	u64 len = min_u64(wanted > 0 ? (u64)wanted : 0, sizeof(text) - 1);
	u64 flags;
	bool taken = console_lock(&flags);

	say_lines(level, text, len);
	console_unlock(taken, flags);
	if (unlikely(kmsg_is_awaited()))
		cpu_kick(this_cpu_id());
}

void
printk_init(void)
{
	if (cmdline_has("quiet"))
		printk_console_level(PRINTK_NOTICE);
	if (cmdline_has("debug"))
		printk_console_level(PRINTK_DEBUG + 1);
	printk_console_level((u32)cmdline_u64("loglevel", console_level));
	ignore_level = cmdline_has("ignore_loglevel");
}

void
printk_console_level(u32 level)
{
	WRITE_ONCE(console_level, level);
}

u32
printk_console_level_get(void)
{
	return READ_ONCE(console_level);
}

u32
printk_console_send(const u8 *s, u32 n)
{
	u64 flags;
	bool taken = console_lock(&flags);

	n = serial_send(s, n);
	vga_write((const char *)s, n);
	console_follow((const char *)s, n);
	console_unlock(taken, flags);
	return n;
}

void
printk_break_lock(void)
{
	WRITE_ONCE(lock_broken_by, this_cpu_id() + 1);
	printk_console_level(PRINTK_DEBUG + 1);
}

u64
printk_next(void)
{
	return READ_ONCE(ring.next);
}

bool
printk_read(u64 *seq, struct printk_record *out)
{
	u64 flags;
	bool taken = console_lock(&flags);
	bool found = printk_ring_get(&ring, *seq, out);

	console_unlock(taken, flags);
	if (found)
		*seq = out->seq + 1;
	return found;
}

/*
 * Waits for the consoles, interrupts off. False: goes on without the lock, because this CPU holds it already (an NMI
 * or a fault inside printk) or is the one that panics.
 */
static bool
console_lock(u64 *flags)
{
	u32 self = this_cpu_id() + 1;
	u32 free = 0;

	*flags = irq_save();
	while (!__atomic_compare_exchange_n(&console_owner, &free, self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (free == self || READ_ONCE(lock_broken_by) == self)
			return false;
		free = 0;
		cpu_relax();
	}
	return true;
}

static void
console_unlock(bool taken, u64 flags)
{
	if (taken)
		__atomic_store_n(&console_owner, 0, __ATOMIC_RELEASE);
	irq_restore(flags);
}

static void
say_lines(enum printk_level level, const char *text, u64 len)
{
	u64 ns = max_u64(clock_ns(), last_ns);
	u64 start = 0;

	/* Why the larger: the clocks of two CPUs may differ a little, but time never runs backwards in a log. */
	last_ns = ns;
	for (u64 i = 0; i < len; i++) {
		if (text[i] != '\n')
			continue;
		say_line(level, ns, text + start, i - start);
		start = i + 1;
	}
	if (start < len || !len)
		say_line(level, ns, text + start, len - start);
}

static void
say_line(enum printk_level level, u64 ns, const char *line, u64 len)
{
	char stamp[32];
	int n;

	printk_ring_put(&ring, ns, level, line, len);
	if (level >= READ_ONCE(console_level) && !ignore_level)
		return;
	if (console_column)
		console_write("\n", 1);
	n = format(stamp, sizeof(stamp), "[%5lu.%06lu] ", ns / 1000000000, ns / 1000 % 1000000);
	console_write(stamp, (u64)n);
	console_write(line, len);
	console_write("\n", 1);
}

static void
console_write(const char *s, u64 n)
{
	serial_write(s, n);
	vga_write(s, n);
	console_follow(s, n);
}

static void
console_follow(const char *s, u64 n)
{
	for (u64 i = 0; i < n; i++)
		console_column = s[i] == '\n' ? 0 : console_column + 1;
}

/* The levels by name. */
void
printk(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printk_va(PRINTK_INFO, fmt, args);
	va_end(args);
}

void
pr_emerg(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printk_va(PRINTK_EMERG, fmt, args);
	va_end(args);
}

void
pr_err(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printk_va(PRINTK_ERR, fmt, args);
	va_end(args);
}

void
pr_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printk_va(PRINTK_WARN, fmt, args);
	va_end(args);
}

void
pr_notice(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printk_va(PRINTK_NOTICE, fmt, args);
	va_end(args);
}

void
pr_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printk_va(PRINTK_INFO, fmt, args);
	va_end(args);
}

void
pr_debug(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printk_va(PRINTK_DEBUG, fmt, args);
	va_end(args);
}
