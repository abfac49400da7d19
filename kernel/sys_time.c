/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_time.c - the system calls that tell the time and let it pass
 *
 * Idea        One clock, clock_ns(); the others are it plus a constant, or what a task has run. All have the resolution
 *             of the TSC as far as the ABI can say it: 1 ns.
 *             Simple: the wall clock is read once at boot and not set, so MONOTONIC, its RAW and COARSE forms and
 *             BOOTTIME are one, and so are REALTIME and TAI.
 * Invariants  none
 * Locks       process_lock for a process's CPU time
 * Follow      from syscall.c   to arch clock_ns, timer.h
 * Tests       tests/guest/time.c
 */
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/sys_abi.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <kernel/wall_clock.h>

#define TIMER_ABSTIME 1

enum clock_id {
	CLOCK_REALTIME,
	CLOCK_MONOTONIC,
	CLOCK_PROCESS_CPUTIME_ID,
	CLOCK_THREAD_CPUTIME_ID,
	CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE,
	CLOCK_BOOTTIME,
	CLOCK_TAI = 11,
};

static int clock_read(u32 id, u64 *ns);
static u64 process_cpu_ns(void);
static int clock_base(u32 id, u64 *base);
static s64 sleep_to(u64 deadline_ns, u64 remaining);
static s64 sleep_again(const u64 arg[RESTART_ARGS]);

s64
sys_clock_gettime(u64 id, u64 to)
{
	struct timespec time;
	u64 ns;
	int error = clock_read((u32)id, &ns);

	if (error)
		return error;
	time = timespec_from_ns(ns);
	return copy_to_user((void __user *)to, &time, sizeof(time));
}

s64
sys_clock_getres(u64 id, u64 to)
{
	struct timespec resolution = {0, 1};
	u64 ns;
	int error = clock_read((u32)id, &ns);

	if (error || !to)
		return error;
	return copy_to_user((void __user *)to, &resolution, sizeof(resolution));
}

static int
clock_read(u32 id, u64 *ns)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		*ns = wall_clock_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = clock_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = process_cpu_ns();
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = task_runtime_ns(current);
		return 0;
	default:
		return -EINVAL;
	}
}

static u64
process_cpu_ns(void)
{
	struct usage usage;

	spin_lock(&process_lock);
	process_usage(current->process, &usage);
	spin_unlock(&process_lock);
	return usage.runtime_ns;
}

s64
sys_gettimeofday(u64 to, u64 zone)
{
	u64 ns = wall_clock_ns();
	struct timeval time = {(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC / NS_PER_US)};
	u64 greenwich = 0; /* struct timezone: two ints, minutes west and daylight saving */

	if (to && copy_to_user((void __user *)to, &time, sizeof(time)))
		return -EFAULT;
	return zone ? put_user_u64(greenwich, (u64 __user *)zone) : 0;
}

s64
sys_time(u64 to)
{
	s64 seconds = (s64)(wall_clock_ns() / NS_PER_SEC);

	if (to && put_user_u64((u64)seconds, (u64 __user *)to))
		return -EFAULT;
	return seconds;
}

/* ---- sleeping ---- */

s64
sys_nanosleep(u64 request, u64 remaining)
{
	return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, request, remaining);
}

s64
sys_clock_nanosleep(u64 id, u64 flags, u64 request, u64 remaining)
{
	struct timespec time;
	u64 base;
	u64 ns;
	int error = clock_base((u32)id, &base);

	if (error)
		return error;
	if (copy_from_user(&time, (const void __user *)request, sizeof(time)))
		return -EFAULT;
	if (!timespec_valid(&time))
		return -EINVAL;
	ns = timespec_to_ns(&time);
	if (flags & TIMER_ABSTIME)
		return restart_unless_handler(sleep_until(ns > base ? ns - base : 0));
	return sleep_to(ns_add(clock_ns(), ns), remaining);
}

/* A relative sleep. When a signal ends it, what was left of it goes to @remaining (0: nowhere). */
static s64
sleep_to(u64 deadline_ns, u64 remaining)
{
	int error = sleep_until(deadline_ns);
	struct timespec left;
	u64 now;

	if (error != -ERESTARTSYS)
		return error;
	now = clock_ns();
	left = timespec_from_ns(deadline_ns > now ? deadline_ns - now : 0);
	if (remaining && copy_to_user((void __user *)remaining, &left, sizeof(left)))
		return -EFAULT;
	return restart_later(sleep_again, 2, deadline_ns, remaining);
}

static s64
sleep_again(const u64 arg[RESTART_ARGS])
{
	return sleep_to(arg[0], arg[1]);
}

/* What the clock @id is ahead of clock_ns(). The raw and coarse clocks and those of a task cannot be slept on. */
static int
clock_base(u32 id, u64 *base)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
		*base = wall_clock_ahead_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		*base = 0;
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}
