/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/tty.c - the terminal as a file: open, read, write, poll
 *
 * Idea        see tty.h. Bytes cross between user memory and the line discipline in chunks on the stack, so that no
 *             lock is held over a page fault. A read without ICANON ends by the four rules of MIN and TIME:
 *
 *                 MIN > 0   TIME == 0   when MIN bytes are there
 *                 MIN > 0   TIME > 0    likewise, or TIME tenths of a second after the last byte
 *                 MIN == 0  TIME > 0    with the first byte, or after TIME tenths of a second
 *                 MIN == 0  TIME == 0   at once
 *
 *             Simple: two readers at once share the input byte by byte as it comes.
 * Invariants  see tty.h
 * Locks       tty->lock around each step of the line discipline
 * Follow      from fs/devfs.c   to ldisc.h, tty_job.h, console.h
 * Tests       tests/guest/tty.c
 * See         termios(3), "Canonical and noncanonical mode"
 */
#include <kernel/dev/tty.h>

#include <kernel/dev/console.h>
#include <kernel/dev/tty_job.h>
#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/poll.h>
#include <kernel/process.h>
#include <kernel/restart.h>
#include <kernel/signal.h>

#define CHUNK 256 /* bytes copied at a time, on the stack */
#define TENTH_NS (NS_PER_SEC / 10)

/* How a read ends. */
struct read_plan {
	u32 least;       /* bytes to wait for; 0: do not wait */
	u64 gap_ns;      /* longest pause after a byte; 0: any */
	u64 deadline_ns; /* TIMER_NEVER: none */
};

static int serial_open(struct file *f);
static int tty_open(struct file *f);
static s64 tty_read(struct file *f, struct io *io);
static s64 tty_write(struct file *f, struct io *io);
static u32 tty_poll(struct file *f, struct poll_item *item);
static void plan_make(struct tty *tty, struct read_plan *plan);
static bool read_more(struct tty *tty, struct io *io, struct read_plan *plan, u64 *moved);
static int read_wait(struct file *f, const struct read_plan *plan);
static int write_chunk(struct file *f, const u8 *buf, u32 len, u32 *done);

const struct file_ops console_file_ops = {
	.read = tty_read,
	.write = tty_write,
	.ioctl = tty_ioctl,
	.poll = tty_poll,
	.stream = true,
};
const struct file_ops serial_file_ops = {
	.open = serial_open,
	.read = tty_read,
	.write = tty_write,
	.ioctl = tty_ioctl,
	.poll = tty_poll,
	.stream = true,
};
const struct file_ops tty_file_ops = {
	.open = tty_open,
	.read = tty_read,
	.write = tty_write,
	.ioctl = tty_ioctl,
	.poll = tty_poll,
	.stream = true,
};

struct tty console_tty;

void
tty_init(void)
{
	struct tty *tty = &console_tty;

	mutex_init(&tty->lock, RANK_TTY);
	ldisc_init(&tty->ldisc);
	/* Why not 0 by 0, as Linux's serial lines have: some programs take that for an error; most guess 80 by 24. */
	tty->size = (struct winsize){.ws_row = 24, .ws_col = 80};
	wait_init(&tty->readers);
	wait_init(&tty->writers);
}

/* private: how often the terminal had been hung up before. */
static int
serial_open(struct file *f)
{
	f->private = (void *)READ_ONCE(console_tty.hangups);
	if (!(f->flags & O_NOCTTY))
		tty_job_open(&console_tty, file_can_read(f));
	return 0;
}

static int
tty_open(struct file *f)
{
	struct tty *tty;

	spin_lock(&process_lock);
	tty = current->process->tty;
	spin_unlock(&process_lock);
	if (!tty)
		return -ENXIO;
	f->private = (void *)READ_ONCE(tty->hangups);
	return 0;
}

bool
tty_file_is_console(const struct file *f)
{
	return f->ops == &console_file_ops;
}

bool
tty_hung_up(const struct file *f)
{
	return !tty_file_is_console(f) && (u64)f->private != READ_ONCE(console_tty.hangups);
}

/* ---- reading ---- */

static s64
tty_read(struct file *f, struct io *io)
{
	struct tty *tty = &console_tty;
	struct read_plan plan;
	u64 moved = 0;
	int err = 0;

	if (tty_hung_up(f))
		return 0;
	if (!tty_file_is_console(f))
		err = tty_job_check(tty, SIGTTIN);
	if (err)
		return err;
	plan_make(tty, &plan);
	while (io->left && !io->faulted && read_more(tty, io, &plan, &moved) && !tty_hung_up(f)) {
		err = read_wait(f, &plan);
		if (err)
			break;
	}
	if (moved || err == -ETIMEDOUT)
		err = 0;
	return err ? err : io_result(io, moved);
}

static void
plan_make(struct tty *tty, struct read_plan *plan)
{
	u64 time;

	*plan = (struct read_plan){.least = 1, .deadline_ns = TIMER_NEVER};
	mutex_lock(&tty->lock);
	if (!(tty->ldisc.tios.c_lflag & ICANON)) {
		plan->least = tty->ldisc.tios.c_cc[VMIN];
		time = tty->ldisc.tios.c_cc[VTIME] * TENTH_NS;
		if (plan->least)
			plan->gap_ns = time;
		else if (time)
			plan->deadline_ns = clock_ns() + time;
		if (time)
			plan->least = max_u64(plan->least, 1);
	}
	mutex_unlock(&tty->lock);
}

/* Moves what there is. False: the read is complete. */
static bool
read_more(struct tty *tty, struct io *io, struct read_plan *plan, u64 *moved)
{
	u8 buf[CHUNK];
	bool more = true;
	u32 len = 1;
	u64 before = *moved;

	while (len && more && io->left && !io->faulted) {
		mutex_lock(&tty->lock);
		len = ldisc_read(&tty->ldisc, buf, min_u64(io->left, CHUNK), &more);
		mutex_unlock(&tty->lock);
		*moved += io_put(io, buf, len);
	}
	console_input_wanted();
	if (*moved != before && plan->gap_ns)
		plan->deadline_ns = clock_ns() + plan->gap_ns;
	return more && *moved < plan->least;
}

static int
read_wait(struct file *f, const struct read_plan *plan)
{
	struct tty *tty = &console_tty;

	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	if (plan->deadline_ns == TIMER_NEVER)
		return wait_event_interruptible(&tty->readers, ldisc_readable(&tty->ldisc, 1) || tty_hung_up(f));
	return wait_event_timeout_interruptible(&tty->readers, ldisc_readable(&tty->ldisc, 1) || tty_hung_up(f),
						plan->deadline_ns);
}

/* ---- writing ---- */

static s64
tty_write(struct file *f, struct io *io)
{
	struct tty *tty = &console_tty;
	u8 buf[CHUNK];
	u64 moved = 0;
	u32 done;
	u32 len;
	int err = 0;

	if (tty_hung_up(f))
		return -EIO;
	if ((READ_ONCE(tty->ldisc.tios.c_lflag) & TOSTOP) && !tty_file_is_console(f))
		err = tty_job_check(tty, SIGTTOU);
	while (io->left && !io->faulted && !err) {
		len = io_take(io, buf, CHUNK);
		err = write_chunk(f, buf, len, &done);
		moved += done;
		if (!err && io->left && READ_ONCE(current->signal_pending))
			err = -ERESTARTSYS;
		cond_resched();
	}
	return err && !moved ? err : io_result(io, moved);
}

/* Returns 0 when all of it is taken; else why not, and *done says how much was. */
static int
write_chunk(struct file *f, const u8 *buf, u32 len, u32 *done)
{
	struct tty *tty = &console_tty;
	int err = 0;

	for (*done = 0; *done < len && !err;) {
		mutex_lock(&tty->lock);
		*done += ldisc_write(&tty->ldisc, buf + *done, len - *done);
		console_pump(tty);
		mutex_unlock(&tty->lock);
		if (*done == len)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&tty->writers, ldisc_writable(&tty->ldisc) || tty_hung_up(f));
		if (!err && tty_hung_up(f))
			err = -EIO;
	}
	return err;
}

/* Racy without the lock, as the questions of every sleeper are: who changes what they ask for wakes them. */
static u32
tty_poll(struct file *f, struct poll_item *item)
{
	struct tty *tty = &console_tty;
	const u8 *cc = tty->ldisc.tios.c_cc;
	u32 mask = 0;

	poll_join(item, &tty->readers);
	poll_join(item, &tty->writers);
	if (tty_hung_up(f))
		return POLL_READABLE | POLL_WRITABLE | POLLERR | POLLHUP;
	if (ldisc_readable(&tty->ldisc, READ_ONCE(cc[VTIME]) ? 1 : READ_ONCE(cc[VMIN])))
		mask |= POLL_READABLE;
	if (ldisc_writable(&tty->ldisc))
		mask |= POLL_WRITABLE;
	return mask;
}

int
tty_drain(struct tty *tty)
{
	return wait_event_interruptible(&tty->writers, !ldisc_unsent(&tty->ldisc));
}
