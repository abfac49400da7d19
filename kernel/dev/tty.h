/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/tty.h - the terminal: /dev/console, /dev/ttyS0, and /dev/tty
 *
 * Idea        One terminal, three names. console never becomes a controlling terminal by being opened and is never hung
 *             up; ttyS0 is the terminal itself; tty is whichever terminal controls the process that opens it. Bytes are
 *             the line discipline's business (ldisc.h), the line is console.c's, who may read and who gets ^C is
 *             tty_job.c's.
 * Invariants  I1  session is 0 if and only if no process has this terminal as process->tty.
 * Locks       lock (sleeping) and process_lock, as named at each field. Order: lock, then process_lock.
 * Follow      from fs/devfs.c, dev/console.c   to tty.c, tty_ioctl.c, tty_job.c
 * Tests       tests/guest/tty.c, tests/guest/jobs.c
 */
#pragma once

#include <kernel/dev/ldisc.h>
#include <kernel/mutex.h>
#include <kernel/signal_state.h>
#include <kernel/wait.h>

struct file;
struct file_ops;
struct process;

struct tty {
	struct mutex lock;         /* rank TTY */
	struct ldisc ldisc;        /* lock; see there for what is read without it */
	struct winsize size;       /* lock */
	struct wait_queue readers; /* for input, or a hang-up */
	struct wait_queue writers; /* for room in the output, its end, or a hang-up */

	s32 session;                /* process_lock: whose controlling terminal it is; 0: nobody's */
	struct pid_node foreground; /* process_lock: the foreground group's number, kept from reuse; nr 0: none */
	u64 hangups;                /* process_lock to change: files opened before the last one are dead */
};

#define TTY_RDEV_MAJOR 4
#define TTY_RDEV_MINOR 64

extern const struct file_ops console_file_ops; /* /dev/console */
extern const struct file_ops serial_file_ops;  /* /dev/ttyS0 */
extern const struct file_ops tty_file_ops;     /* /dev/tty */

extern struct tty console_tty; /* the only one */

/* tty_init - ready console_tty. Context: boot, before the first file is opened. */
void tty_init(void);

/*
 * tty_hung_up - has the terminal been taken away from who opened @f?
 *
 * Context   any
 */
bool tty_hung_up(const struct file *f);

/* Was @f opened as /dev/console? Such files are exempt from job control, as on Linux. Context: any. */
bool tty_file_is_console(const struct file *f);

/* The ioctls of a terminal. Returns as ioctl_tty(2); -ENOTTY for others. Context: may sleep. */
s64 tty_ioctl(struct file *f, u32 cmd, u64 arg);

/* tty_drain - wait until all output is sent. Returns 0; -ERESTARTSYS. Context: may sleep. */
int tty_drain(struct tty *tty);
