/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/tty_job.h - whose terminal it is: sessions and the foreground group
 *
 * Idea        A terminal controls at most one session; one group of that session stands in the foreground: it may read,
 *             and signals that are typed go to it. A process whose terminal it is has process->tty set.
 * Invariants  see tty.h
 * Locks       process_lock
 * Follow      from dev/tty.c, dev/tty_ioctl.c, exit.c, sys_id.c, fs/procfs_pid.c   to tty_job.c
 * Tests       tests/guest/jobs.c
 * See         credentials(7), setpgid(2), ioctl_tty(2)
 */
#pragma once

#include <kernel/lib/types.h>

struct process;
struct tty;

/*
 * tty_job_open - a terminal was opened without O_NOCTTY: a leader of a session without one gets it for its session's
 *
 * @readable: the file can be read; what can only be written to is not acquired
 *
 * Context   takes process_lock
 */
void tty_job_open(struct tty *tty, bool readable);

/*
 * tty_job_check - may the current process do to its terminal what only the foreground may? If not, its whole group
 * gets @sig (SIGTTIN: for reading; SIGTTOU)
 *
 * Returns   0; -ERESTARTSYS: the signal is on its way; -EIO: it would change nothing (blocked or ignored SIGTTIN, an
 *           orphaned group)
 * Context   takes process_lock
 */
int tty_job_check(struct tty *tty, int sig);

/* tty_job_signal - @sig for the foreground group, if there is one. Context: takes process_lock. */
void tty_job_signal(struct tty *tty, int sig);

/* The ioctls of the same names; @arg as there. Context: may sleep; take process_lock. */
s64 tty_job_acquire(struct tty *tty, bool readable, u64 arg);
s64 tty_job_release(struct tty *tty);
s64 tty_job_get_group(struct tty *tty, u64 arg);
s64 tty_job_set_group(struct tty *tty, u64 arg);
s64 tty_job_get_session(struct tty *tty, u64 arg);

/*
 * tty_hang_up - the line went dead: who has it open reads end of file and writes in vain; its session loses it
 *
 * The leader gets SIGHUP and SIGCONT.
 *
 * Context   may sleep; takes tty->lock and process_lock
 */
void tty_hang_up(struct tty *tty);

/*
 * tty_job_exit - the current process has ended but for the news: a leader's terminal is hung up, and the foreground
 * group gets SIGHUP
 *
 * Context   may sleep; takes tty->lock and process_lock
 */
void tty_job_exit(struct process *process);

/*
 * For /proc/<pid>/stat: the terminal's device number, 0 for none; and its foreground group, -1 for no terminal
 *
 * Context   holds process_lock
 */
u32 tty_job_number(const struct process *process);
s32 tty_job_foreground(const struct process *process);
