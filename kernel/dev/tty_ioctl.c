/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/tty_ioctl.c - the ioctls of a terminal
 *
 * Idea        a table in the form of a switch. What changes the terminal is for the foreground only: others get SIGTTOU
 *             first. Settings come in three layouts of which termios2 holds all: the fields of termios, and the speeds;
 *             System V's has 16 bits a word and the first eight characters. Simple: a speed is a number that is kept;
 *             breaks, modem lines and other line disciplines do not exist (TCSBRK only waits, as on a Linux terminal
 *             without breaks).
 * Invariants  none
 * Locks       tty->lock for settings and size; no lock over user memory
 * Follow      from dev/tty.c   to ldisc.h, tty_job.h
 * Tests       tests/guest/tty.c
 * See         ioctl_tty(2)
 */
#include <kernel/dev/console.h>
#include <kernel/dev/tty.h>
#include <kernel/dev/tty_job.h>
#include <kernel/fs/file.h>
#include <kernel/lib/string.h>
#include <kernel/signal.h>
#include <kernel/uaccess.h>

#define UART_16550A 4 /* serial_struct.type */
#define COM1_PORT 0x3f8
#define COM1_IRQ 4

enum layout {
	LAYOUT_TERMIO,
	LAYOUT_TERMIOS,
	LAYOUT_TERMIOS2,
};

static s64 ioctl_settings(struct tty *tty, u32 cmd, u64 arg);
static s64 ioctl_line(struct tty *tty, u32 cmd, u64 arg);
static s64 ioctl_job(struct tty *tty, const struct file *f, u32 cmd, u64 arg);
static s64 settings_get(struct tty *tty, u64 arg, enum layout layout);
static s64 settings_set(struct tty *tty, u64 arg, enum layout layout, u32 how);
static int settings_read(struct termios2 *tios, u64 arg, enum layout layout);
static u32 speed_of(const struct termios2 *tios);
static s64 size_get(struct tty *tty, u64 arg);
static s64 size_set(struct tty *tty, u64 arg);
static s64 flow(struct tty *tty, u64 arg);
static s64 flush(struct tty *tty, u64 arg);
static s64 drain(struct tty *tty);
static s64 bytes_ready(struct tty *tty, u64 arg);
static s64 serial_describe(u64 arg);

/* ---- which it is ---- */

s64
tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct tty *tty = &console_tty;
	s64 result;

	if (tty_hung_up(f))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	result = ioctl_settings(tty, cmd, arg);
	if (result == -ENOTTY)
		result = ioctl_line(tty, cmd, arg);
	return result == -ENOTTY ? ioctl_job(tty, f, cmd, arg) : result;
}

static s64
ioctl_settings(struct tty *tty, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TCGETA:
		return settings_get(tty, arg, LAYOUT_TERMIO);
	case TCGETS:
		return settings_get(tty, arg, LAYOUT_TERMIOS);
	case TCGETS2:
		return settings_get(tty, arg, LAYOUT_TERMIOS2);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return settings_set(tty, arg, LAYOUT_TERMIO, cmd - TCSETA);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return settings_set(tty, arg, LAYOUT_TERMIOS, cmd - TCSETS);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return settings_set(tty, arg, LAYOUT_TERMIOS2, cmd - TCSETS2);
	case TIOCGWINSZ:
		return size_get(tty, arg);
	case TIOCSWINSZ:
		return size_set(tty, arg);
	default:
		return -ENOTTY;
	}
}

static s64
ioctl_line(struct tty *tty, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TCXONC:
		return flow(tty, arg);
	case TCFLSH:
		return flush(tty, arg);
	case TCSBRK:
	case TCSBRKP:
		return drain(tty);
	case FIONREAD:
		return bytes_ready(tty, arg);
	case TIOCOUTQ:
		return put_user_u32(ldisc_unsent(&tty->ldisc), (u32 __user *)arg);
	case TIOCSTI: /* as on a Linux without it: typing for others is how programs break out of their terminal */
		return -EIO;
	case TIOCGETD:
		return put_user_u32(0, (u32 __user *)arg);
	case TIOCGSERIAL:
		return serial_describe(arg);
	default:
		return -ENOTTY;
	}
}

static s64
ioctl_job(struct tty *tty, const struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TIOCSCTTY:
		return tty_job_acquire(tty, file_can_read(f), arg);
	case TIOCNOTTY:
		return tty_job_release(tty);
	case TIOCGPGRP:
		return tty_job_get_group(tty, arg);
	case TIOCSPGRP:
		return tty_job_set_group(tty, arg);
	case TIOCGSID:
		return tty_job_get_session(tty, arg);
	case TIOCVHANGUP:
		tty_hang_up(tty);
		return 0;
	default:
		return -ENOTTY;
	}
}

/* ---- settings ---- */

static s64
settings_get(struct tty *tty, u64 arg, enum layout layout)
{
	struct termios2 tios;
	struct termio old = {0};

	mutex_lock(&tty->lock);
	tios = tty->ldisc.tios;
	mutex_unlock(&tty->lock);
	if (layout != LAYOUT_TERMIO)
		return copy_to_user((void __user *)arg, &tios, layout == LAYOUT_TERMIOS2 ? sizeof(tios) : TERMIOS_SIZE);
	old.c_iflag = (u16)tios.c_iflag;
	old.c_oflag = (u16)tios.c_oflag;
	old.c_cflag = (u16)tios.c_cflag;
	old.c_lflag = (u16)tios.c_lflag;
	old.c_line = tios.c_line;
	memcpy(old.c_cc, tios.c_cc, sizeof(old.c_cc));
	return copy_to_user((void __user *)arg, &old, sizeof(old));
}

/* @how: 0 now; 1 when the output is sent; 2 likewise, and what is unread is thrown away. */
static s64
settings_set(struct tty *tty, u64 arg, enum layout layout, u32 how)
{
	struct termios2 tios;
	s64 err = tty_job_check(tty, SIGTTOU);

	if (err)
		return err;
	mutex_lock(&tty->lock);
	tios = tty->ldisc.tios;
	mutex_unlock(&tty->lock);
	if (settings_read(&tios, arg, layout))
		return -EFAULT;
	err = how ? tty_drain(tty) : 0;
	if (err)
		return err;
	mutex_lock(&tty->lock);
	if (how == 2)
		ldisc_flush_input(&tty->ldisc);
	ldisc_set(&tty->ldisc, &tios);
	console_pump(tty);
	mutex_unlock(&tty->lock);
	console_input_wanted();
	wake_all(&tty->readers);
	return 0;
}

/* Changes in *tios what the layout has. Returns 0, -EFAULT. */
static int
settings_read(struct termios2 *tios, u64 arg, enum layout layout)
{
	struct termio old;

	if (layout == LAYOUT_TERMIO) {
		if (copy_from_user(&old, (const void __user *)arg, sizeof(old)))
			return -EFAULT;
		tios->c_iflag = (tios->c_iflag & 0xffff0000) | old.c_iflag;
		tios->c_oflag = (tios->c_oflag & 0xffff0000) | old.c_oflag;
		tios->c_cflag = (tios->c_cflag & 0xffff0000) | old.c_cflag;
		tios->c_lflag = (tios->c_lflag & 0xffff0000) | old.c_lflag;
		tios->c_line = old.c_line;
		memcpy(tios->c_cc, old.c_cc, sizeof(old.c_cc));
	} else if (copy_from_user(tios, (const void __user *)arg,
				  layout == LAYOUT_TERMIOS2 ? sizeof(*tios) : TERMIOS_SIZE)) {
		return -EFAULT;
	}
	if (layout != LAYOUT_TERMIOS2 || (tios->c_cflag & CBAUD) != BOTHER)
		tios->c_ispeed = tios->c_ospeed = speed_of(tios);
	return 0;
}

/* Bits per second, from the code in c_cflag. */
static u32
speed_of(const struct termios2 *tios)
{
	static const u32 slow[16] = {0,   50,   75,   110,  134,  150,  200,   300,
				     600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
	static const u32 fast[16] = {0,       57600,   115200,  230400,  460800,  500000,  576000,  921600,
				     1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};
	u32 code = tios->c_cflag & CBAUD;

	if (code == BOTHER)
		return tios->c_ospeed;
	return code & CBAUDEX ? fast[code & 15] : slow[code];
}

/* ---- size ---- */

static s64
size_get(struct tty *tty, u64 arg)
{
	struct winsize size;

	mutex_lock(&tty->lock);
	size = tty->size;
	mutex_unlock(&tty->lock);
	return copy_to_user((void __user *)arg, &size, sizeof(size));
}

static s64
size_set(struct tty *tty, u64 arg)
{
	struct winsize size;
	bool changed;

	if (copy_from_user(&size, (const void __user *)arg, sizeof(size)))
		return -EFAULT;
	mutex_lock(&tty->lock);
	changed = memcmp(&tty->size, &size, sizeof(size));
	tty->size = size;
	mutex_unlock(&tty->lock);
	if (changed)
		tty_job_signal(tty, SIGWINCH);
	return 0;
}

/* ---- the line ---- */

static s64
flow(struct tty *tty, u64 arg)
{
	struct ldisc *l = &tty->ldisc;
	s64 err = tty_job_check(tty, SIGTTOU);

	if (err)
		return err;
	mutex_lock(&tty->lock);
	switch (arg) {
	case TCOOFF:
		l->held = true;
		break;
	case TCOON:
		l->held = false;
		break;
	case TCIOFF:
		ldisc_send_control(l, l->tios.c_cc[VSTOP]);
		break;
	case TCION:
		ldisc_send_control(l, l->tios.c_cc[VSTART]);
		break;
	default:
		err = -EINVAL;
		break;
	}
	console_pump(tty);
	mutex_unlock(&tty->lock);
	return err;
}

static s64
flush(struct tty *tty, u64 arg)
{
	s64 err = tty_job_check(tty, SIGTTOU);

	if (err)
		return err;
	if (arg > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&tty->lock);
	if (arg != TCOFLUSH)
		ldisc_flush_input(&tty->ldisc);
	if (arg != TCIFLUSH)
		ldisc_flush_output(&tty->ldisc);
	console_pump(tty);
	mutex_unlock(&tty->lock);
	console_input_wanted();
	return 0;
}

static s64
drain(struct tty *tty)
{
	s64 err = tty_job_check(tty, SIGTTOU);

	return err ? err : tty_drain(tty);
}

static s64
bytes_ready(struct tty *tty, u64 arg)
{
	u32 n;

	mutex_lock(&tty->lock);
	n = ldisc_bytes_ready(&tty->ldisc);
	mutex_unlock(&tty->lock);
	return put_user_u32(n, (u32 __user *)arg);
}

static s64
serial_describe(u64 arg)
{
	struct serial_struct about = {
		.type = UART_16550A, .port = COM1_PORT, .irq = COM1_IRQ, .xmit_fifo_size = 16, .baud_base = 115200};

	return copy_to_user((void __user *)arg, &about, sizeof(about));
}
