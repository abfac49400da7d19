/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_itimer.c - the system calls alarm, setitimer, getitimer
 *
 * Idea        decode, check, hand to itimer.c. The ABI counts microseconds: what is left is rounded up, so that a timer
 *             that runs never shows 0.
 * Invariants  none
 * Locks       process_lock
 * Follow      from syscall.c   to itimer.c
 * Tests       tests/guest/itimer.c
 */
#include <kernel/itimer.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/sys_abi.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define US_PER_SEC 1000000
#define SECONDS_MAX (TIMER_NEVER / NS_PER_SEC / 4) /* more is as good as for ever */

struct itimerval {
	struct timeval interval;
	struct timeval value;
};

static struct itimer exchange(enum itimer_kind kind, const struct itimer *new);
static struct itimerval itimerval_from(const struct itimer *t);
static struct timeval timeval_round_up(u64 ns);
static u64 timeval_to_ns(const struct timeval *time);

/* Seconds: half a second and more counts as one, and what is left of a running timer is never 0. */
s64
sys_alarm(u64 seconds)
{
	struct itimer new = {.deadline_ns = (u32)seconds * NS_PER_SEC};
	struct itimer old = exchange(ITIMER_REAL, &new);
	struct timeval left = timeval_round_up(old.deadline_ns);

	if ((!left.sec && left.usec) || left.usec >= US_PER_SEC / 2)
		left.sec++;
	return left.sec;
}

s64
sys_getitimer(u64 which, u64 to)
{
	struct itimer now;
	struct itimerval out;

	if ((u32)which >= ITIMER_KINDS)
		return -EINVAL;
	now = exchange((enum itimer_kind)which, NULL);
	out = itimerval_from(&now);
	return copy_to_user((void __user *)to, &out, sizeof(out));
}

/* Without a new value the timer is turned off, as in Linux. */
s64
sys_setitimer(u64 which, u64 from, u64 to)
{
	struct itimerval value = {0};
	struct itimer new;
	struct itimer old;

	if (from && copy_from_user(&value, (const void __user *)from, sizeof(value)))
		return -EFAULT;
	if (!timeval_valid(&value.value) || !timeval_valid(&value.interval) || (u32)which >= ITIMER_KINDS)
		return -EINVAL;
	new = (struct itimer){timeval_to_ns(&value.value), timeval_to_ns(&value.interval)};
	old = exchange((enum itimer_kind)which, &new);
	if (!to)
		return 0;
	value = itimerval_from(&old);
	return copy_to_user((void __user *)to, &value, sizeof(value));
}

/* What is left of the old one; @new NULL: it goes on. */
static struct itimer
exchange(enum itimer_kind kind, const struct itimer *new)
{
	struct process *process = current->process;
	struct itimer old;

	spin_lock(&process_lock);
	old = itimer_left(process, kind);
	if (new)
		itimer_set(process, kind, new->deadline_ns, new->interval_ns);
	spin_unlock(&process_lock);
	return old;
}

static struct itimerval
itimerval_from(const struct itimer *t)
{
	return (struct itimerval){.interval = timeval_round_up(t->interval_ns),
				  .value = timeval_round_up(t->deadline_ns)};
}

static struct timeval
timeval_round_up(u64 ns)
{
	u64 us = ns / NS_PER_US + (ns % NS_PER_US != 0);

	return (struct timeval){(s64)(us / US_PER_SEC), (s64)(us % US_PER_SEC)};
}

static u64
timeval_to_ns(const struct timeval *time)
{
	return min_u64((u64)time->sec, SECONDS_MAX) * NS_PER_SEC + (u64)time->usec * NS_PER_US;
}
