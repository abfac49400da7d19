/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/tty_job.c - whose terminal it is
 *
 * Idea        see tty_job.h. The number of the foreground group is kept in use by a node of the terminal's own, so that
 *             no later group can inherit the foreground by having the same number.
 * Invariants  see tty.h
 * Locks       process_lock; tty->lock for the bytes that a hang-up throws away
 * Follow      from dev/tty.c, dev/tty_ioctl.c, exit.c   to job.h, pid.h
 * Tests       tests/guest/jobs.c
 */
#include <kernel/dev/tty_job.h>

#include <kernel/dev/tty.h>
#include <kernel/fs/abi.h>
#include <kernel/job.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/restart.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

static s64 acquire_locked(struct tty *tty, bool readable, bool force);
static int check_locked(struct tty *tty, int sig);
static s64 set_group_locked(struct tty *tty, s32 pgid);
static s32 session_of_group(s32 pgid);
static void foreground_set(struct tty *tty, s32 pgid);
static void session_forget(struct tty *tty);
static void hang_up(struct tty *tty, const struct process *leader);
static bool is_leader(const struct process *process);

void
tty_job_open(struct tty *tty, bool readable)
{
	struct process *self = current->process;

	if (!self || !is_leader(self) || !readable)
		return;
	spin_lock(&process_lock);
	if (!self->tty && !tty->session)
		(void)acquire_locked(tty, readable, false);
	spin_unlock(&process_lock);
}

s64
tty_job_acquire(struct tty *tty, bool readable, u64 arg)
{
	s64 result;

	spin_lock(&process_lock);
	result = acquire_locked(tty, readable, arg == 1);
	spin_unlock(&process_lock);
	return result;
}

/* @force: take it from another session, which root may. */
static s64
acquire_locked(struct tty *tty, bool readable, bool force)
{
	struct process *self = current->process;

	must_hold(&process_lock);
	if (is_leader(self) && tty->session == self->sid)
		return 0;
	if (!is_leader(self) || self->tty)
		return -EPERM;
	if (tty->session && !force)
		return -EPERM;
	session_forget(tty);
	self->tty = tty;
	tty->session = self->sid;
	foreground_set(tty, self->pgid);
	return 0;
}

/* ---- what only the foreground may ---- */

int
tty_job_check(struct tty *tty, int sig)
{
	int result;

	/* Racy, and so is the question: both are written by the process itself, or by one that changes its place. */
	if (READ_ONCE(current->process->tty) != tty)
		return 0;
	spin_lock(&process_lock);
	result = check_locked(tty, sig);
	spin_unlock(&process_lock);
	return result;
}

static int
check_locked(struct tty *tty, int sig)
{
	struct process *self = current->process;
	u64 deaf = signal_ignored_set(self) | current->signal.blocked;

	if (self->tty != tty || !tty->foreground.nr || self->pgid == tty->foreground.nr)
		return 0;
	if (deaf & SIGNAL_BIT(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (self->init || job_orphaned(self->pgid, NULL))
		return -EIO;
	job_signal(self->pgid, sig);
	/* Why: another thread may take the signal; the call is made again all the same. */
	WRITE_ONCE(current->signal_pending, true);
	return -ERESTARTSYS;
}

void
tty_job_signal(struct tty *tty, int sig)
{
	spin_lock(&process_lock);
	if (tty->foreground.nr)
		job_signal(tty->foreground.nr, sig);
	spin_unlock(&process_lock);
}

s64
tty_job_get_group(struct tty *tty, u64 arg)
{
	s32 nr;

	spin_lock(&process_lock);
	nr = current->process->tty == tty ? tty->foreground.nr : -1;
	spin_unlock(&process_lock);
	return nr < 0 ? -ENOTTY : put_user_u32((u32)nr, (u32 __user *)arg);
}

s64
tty_job_set_group(struct tty *tty, u64 arg)
{
	int result = tty_job_check(tty, SIGTTOU);
	u32 pgid;

	if (result)
		return result == -EIO ? -ENOTTY : result;
	if (get_user_u32(&pgid, (const u32 __user *)arg))
		return -EFAULT;
	if ((s32)pgid < 0)
		return -EINVAL;
	spin_lock(&process_lock);
	result = set_group_locked(tty, (s32)pgid);
	spin_unlock(&process_lock);
	return result;
}

static s64
set_group_locked(struct tty *tty, s32 pgid)
{
	struct process *self = current->process;
	s32 sid;

	if (self->tty != tty || tty->session != self->sid)
		return -ENOTTY;
	sid = session_of_group(pgid);
	if (sid < 0)
		return -ESRCH;
	if (sid != self->sid)
		return -EPERM;
	foreground_set(tty, pgid);
	return 0;
}

/* Of a group, or of the process with that number; -1: there is neither. */
static s32
session_of_group(s32 pgid)
{
	struct pid_node *node = pid_find(PID_GROUP, pgid);
	struct process *p = node ? container_of(node, struct process, pgid_node) : process_find(pgid);

	return p ? p->sid : -1;
}

s64
tty_job_get_session(struct tty *tty, u64 arg)
{
	s32 sid;

	spin_lock(&process_lock);
	sid = current->process->tty == tty ? tty->session : 0;
	spin_unlock(&process_lock);
	return sid ? put_user_u32((u32)sid, (u32 __user *)arg) : -ENOTTY;
}

static void
foreground_set(struct tty *tty, s32 pgid)
{
	must_hold(&process_lock);
	if (tty->foreground.nr == pgid)
		return;
	if (tty->foreground.nr)
		pid_detach(&tty->foreground);
	tty->foreground.nr = 0;
	if (pgid)
		pid_attach(&tty->foreground, PID_FOREGROUND, pgid);
}

/* ---- the end of a session's hold ---- */

s64
tty_job_release(struct tty *tty)
{
	struct process *self = current->process;
	s64 result = -ENOTTY;

	spin_lock(&process_lock);
	if (self->tty == tty) {
		if (is_leader(self)) {
			if (tty->foreground.nr) {
				job_signal(tty->foreground.nr, SIGHUP);
				job_signal(tty->foreground.nr, SIGCONT);
			}
			session_forget(tty);
		}
		self->tty = NULL;
		result = 0;
	}
	spin_unlock(&process_lock);
	return result;
}

/* No process of the session has the terminal any more. */
static void
session_forget(struct tty *tty)
{
	struct process *p;

	must_hold(&process_lock);
	if (!tty->session)
		return;
	list_for_each (p, &process_list, all)
		if (p->tty == tty)
			WRITE_ONCE(p->tty, NULL);
	tty->session = 0;
	foreground_set(tty, 0);
}

void
tty_hang_up(struct tty *tty)
{
	hang_up(tty, NULL);
}

/* Everybody is root, who may. */
s64
sys_vhangup(void)
{
	struct tty *tty = READ_ONCE(current->process->tty);

	if (tty)
		tty_hang_up(tty);
	return 0;
}

void
tty_job_exit(struct process *process)
{
	if (!is_leader(process) || !READ_ONCE(process->tty))
		return;
	hang_up(process->tty, process);
}

/* @leader: it is its end that does it; NULL: the leader, if any, is told. */
static void
hang_up(struct tty *tty, const struct process *leader)
{
	struct process *p;

	mutex_lock(&tty->lock);
	spin_lock(&process_lock);
	if (!leader || leader->tty == tty) {
		if (leader && tty->foreground.nr)
			job_signal(tty->foreground.nr, SIGHUP);
		p = leader ? NULL : process_find(tty->session);
		if (p && p->tty == tty) {
			signal_send_process(p, SIGHUP);
			signal_send_process(p, SIGCONT);
		}
		session_forget(tty);
		WRITE_ONCE(tty->hangups, tty->hangups + 1);
	}
	spin_unlock(&process_lock);
	ldisc_flush_input(&tty->ldisc);
	mutex_unlock(&tty->lock);
	wake_all(&tty->readers);
	wake_all(&tty->writers);
}

static bool
is_leader(const struct process *process)
{
	return process->sid == process->pid;
}

/* ---- for /proc ---- */

u32
tty_job_number(const struct process *process)
{
	must_hold(&process_lock);
	return process->tty ? (u32)dev_make(TTY_RDEV_MAJOR, TTY_RDEV_MINOR) : 0;
}

s32
tty_job_foreground(const struct process *process)
{
	must_hold(&process_lock);
	return process->tty ? process->tty->foreground.nr : -1;
}
