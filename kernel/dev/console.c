/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/console.c - /dev/console: a terminal on the serial line, with the text screen beside it
 *
 * Idea        Output goes where printk's goes, up to a chunk in one piece. Input arrives byte by byte from an
 *             interrupt and is edited there: a line at a time with echo, erase (DEL, ^H), kill (^U) and ^D, or raw,
 *             as the termios say.
 *
 *                 tail              line              head
 *                  v                 v                 v
 *                 [finished lines    |being edited     |free ...]       a ring; ^D leaves MARK_EOF in it
 *
 *             Simple: one terminal, the same for all of /dev/console, tty and ttyS0; no sessions and no job control,
 *             so that TIOCGPGRP is ENOTTY, and ^C and ^Z are ordinary bytes. A line feed goes out as CR LF whatever
 *             OPOST says.
 * Invariants  I1  tail <= line <= head <= tail + RING, counted without wrapping.
 *             I2  In raw mode line == head.
 * Locks       console_lock (spin, interrupts off): the ring, its indices, termios, window size
 * Follow      from arch/x86_64/serial.c, devfs.c   to printk.c
 * Tests       every guest test that prints; typing at the console
 * See         termios(3), ioctl_tty(2)
 */
#include <kernel/dev/console.h>

#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>

#define RING 1024    /* a power of two; more typed ahead than this is lost */
#define CHUNK 256    /* bytes copied at a time, on the stack */
#define MARK_EOF 256 /* no byte has this value */

static s64 console_read(struct file *f, struct io *io);
static s64 console_write(struct file *f, struct io *io);
static s64 console_ioctl(struct file *f, u32 cmd, u64 arg);
static bool take(u8 *buf, u32 max, u32 *len);
static bool take_one_locked(u8 *buf, u32 *len);
static bool input_locked(u8 byte);
static bool edit_locked(u8 byte);
static void store_locked(u16 value);
static void erase_locked(void);
static void echo(u8 byte);
static s64 termios_get(u64 arg);
static s64 termios_set(u64 arg, bool flush);
static u32 bytes_ready(void);

const struct file_ops console_ops = {
	.read = console_read,
	.write = console_write,
	.ioctl = console_ioctl,
	.stream = true,
};

static struct spinlock console_lock = SPINLOCK_INIT(RANK_CONSOLE);
static struct wait_queue console_readers = WAIT_QUEUE_INIT(console_readers);
static u16 ring[RING]; /* console_lock */
static u32 tail;       /* console_lock */
static u32 line;       /* console_lock; read without it to decide about sleeping */
static u32 head;       /* console_lock */
static struct termios tios = {
	/* console_lock */
	.c_iflag = ICRNL,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B115200 | CS8 | CREAD,
	.c_lflag = ICANON | ECHO | ECHOE | ECHOK,
	.c_cc = {[VERASE] = 0x7f, [VKILL] = 0x15, [VEOF] = 0x04, [VMIN] = 1},
};
static struct winsize window = {.ws_row = 25, .ws_col = 80}; /* console_lock */

void
console_input(u8 byte)
{
	u64 flags = spin_lock_irqsave(&console_lock);
	bool ready = input_locked(byte);

	assertf(line - tail <= head - tail && head - tail <= RING, "tail %u line %u head %u", tail, line, head);
	spin_unlock_irqrestore(&console_lock, flags);
	if (ready)
		wake_all(&console_readers);
}

/* One line, or what a raw line has. */
static s64
console_read(struct file *f, struct io *io)
{
	u8 buf[CHUNK];
	u64 moved = 0;
	bool more = true;
	u32 len;
	int err;

	while (io->left && more && !io->faulted) {
		more = take(buf, min_u64(io->left, CHUNK), &len);
		if (len) {
			moved += io_put(io, buf, len);
			continue;
		}
		if (!more || moved)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&console_readers, READ_ONCE(line) != READ_ONCE(tail));
		if (err)
			return err;
	}
	return io_result(io, moved);
}

static s64
console_write(struct file *f, struct io *io)
{
	u8 buf[CHUNK];
	u64 moved = 0;
	u64 len;

	while (io->left && !io->faulted) {
		len = io_take(io, buf, CHUNK);
		printk_console_write((const char *)buf, len);
		moved += len;
		cond_resched();
	}
	return io_result(io, moved);
}

static s64
console_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct winsize size;
	u64 flags;

	switch (cmd) {
	case TCGETS:
		return termios_get(arg);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return termios_set(arg, cmd == TCSETSF);
	case TIOCGWINSZ:
		flags = spin_lock_irqsave(&console_lock);
		size = window;
		spin_unlock_irqrestore(&console_lock, flags);
		return copy_to_user((void *)arg, &size, sizeof(size));
	case TIOCSWINSZ:
		if (copy_from_user(&size, (void *)arg, sizeof(size)))
			return -EFAULT;
		flags = spin_lock_irqsave(&console_lock);
		window = size;
		spin_unlock_irqrestore(&console_lock, flags);
		return 0;
	case FIONREAD:
		return put_user_u32(bytes_ready(), (u32 *)arg);
	default:
		return -ENOTTY;
	}
}

/* Moves finished input to @buf. False: the read ends after these *len bytes, which may be 0 (^D). */
static bool
take(u8 *buf, u32 max, u32 *len)
{
	u64 flags = spin_lock_irqsave(&console_lock);
	bool more = true;

	*len = 0;
	while (more && *len < max && tail != line)
		more = take_one_locked(buf, len);
	if (more && *len == max && tail != line && ring[tail % RING] == MARK_EOF) {
		tail++; /* a ^D right behind what the reader asked for ends this read, not the next */
		more = false;
	}
	spin_unlock_irqrestore(&console_lock, flags);
	return more;
}

static bool
take_one_locked(u8 *buf, u32 *len)
{
	u16 value = ring[tail++ % RING];

	if (value == MARK_EOF)
		return false;
	buf[(*len)++] = value;
	return !((tios.c_lflag & ICANON) && value == '\n');
}

/* Returns true when readers have something to look at. */
static bool
input_locked(u8 byte)
{
	if (byte == '\r' && (tios.c_iflag & ICRNL))
		byte = '\n';
	if (tios.c_lflag & ICANON)
		return edit_locked(byte);
	store_locked(byte);
	line = head;
	if (tios.c_lflag & ECHO)
		echo(byte);
	return true;
}

static bool
edit_locked(u8 byte)
{
	if (byte == tios.c_cc[VERASE] || byte == '\b') {
		erase_locked();
		return false;
	}
	if (byte == tios.c_cc[VKILL]) {
		while (head != line)
			erase_locked();
		return false;
	}
	if (byte == tios.c_cc[VEOF]) {
		store_locked(MARK_EOF);
		line = head;
		return true;
	}
	/* The last place is for the end of the line. */
	if (byte != '\n' && head - tail >= RING - 1)
		return false;
	store_locked(byte);
	if (tios.c_lflag & ECHO)
		echo(byte);
	if (byte == '\n')
		line = head;
	return byte == '\n';
}

static void
store_locked(u16 value)
{
	if (head - tail < RING)
		ring[head++ % RING] = value;
}

static void
erase_locked(void)
{
	bool control;

	if (head == line)
		return;
	control = ring[--head % RING] < ' ';
	if (tios.c_lflag & ECHO)
		printk_console_write("\b \b\b \b", control ? 6 : 3);
}

/* Control characters show as ^X. */
static void
echo(u8 byte)
{
	char text[2] = {'^', (char)(byte ^ 0x40)};

	if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f)
		printk_console_write(text, 2);
	else
		printk_console_write((const char *)&byte, 1);
}

static s64
termios_get(u64 arg)
{
	u64 flags = spin_lock_irqsave(&console_lock);
	struct termios copy = tios;

	spin_unlock_irqrestore(&console_lock, flags);
	return copy_to_user((void *)arg, &copy, sizeof(copy));
}

/* What is being edited when a program turns to raw input is input too. */
static s64
termios_set(u64 arg, bool flush)
{
	struct termios copy;
	u64 flags;

	if (copy_from_user(&copy, (void *)arg, sizeof(copy)))
		return -EFAULT;
	flags = spin_lock_irqsave(&console_lock);
	tios = copy;
	if (flush)
		tail = line = head;
	if (!(tios.c_lflag & ICANON))
		line = head;
	spin_unlock_irqrestore(&console_lock, flags);
	wake_all(&console_readers);
	return 0;
}

static u32
bytes_ready(void)
{
	u64 flags = spin_lock_irqsave(&console_lock);
	u32 n = line - tail;

	spin_unlock_irqrestore(&console_lock, flags);
	return n;
}
