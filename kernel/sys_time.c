/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_time.c - the system calls that tell the time and let it pass
 *
 * Idea        One clock, clock_ns(); the others are it plus a constant, or what a task has run. All have the resolution
 *             of the TSC as far as the ABI can say it: 1 ns.
 *             Simple: no rate is ever adjusted and the machine never sleeps, so MONOTONIC, its RAW and COARSE forms and
 *             BOOTTIME are one, and so are REALTIME and TAI, which settime moves.
 * Invariants  none
 * Locks       process_lock for a process's CPU time
 * Follow      from syscall.c   to arch clock_ns, timer.h
 * Tests       tests/guest/time.c, tests/guest/clocks.c
 */
#include <kernel/cpu_clock.h>
#include <kernel/cred.h>
#include <kernel/futex.h>
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
#define MINUTES_WEST_MAX (15 * 60)
#define WALL_SECONDS_MAX (TIMER_NEVER / 2 / NS_PER_SEC)

/* What gettimeofday still tells of the zone: nothing here looks at it. */
struct timezone {
	s32 minutes_west;
	s32 daylight_saving;
} __aligned(8);

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

static struct timezone timezone; /* atomic as a whole */

static int clock_read(u32 id, u64 *ns);
static u64 process_cpu_ns(void);
static s64 wall_set(u64 seconds, u64 ns);
static s64 sleep_to(u64 deadline_ns, u64 remaining);
static int sleep_by_wall_clock(u64 until_ns);
static int clock_to_sleep_on(u32 id, bool *wall);
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
	if (cpu_clock_is((u32)id))
		resolution.nsec = (s64)cpu_clock_resolution_ns((u32)id);
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
		return cpu_clock_is(id) ? cpu_clock_read(id, ns) : -EINVAL;
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
	struct timeval time = timeval_from_ns(wall_clock_ns());
	struct timezone where;

	if (to && copy_to_user((void __user *)to, &time, sizeof(time)))
		return -EFAULT;
	__atomic_load(&timezone, &where, __ATOMIC_RELAXED);
	return zone ? copy_to_user((void __user *)zone, &where, sizeof(where)) : 0;
}

s64
sys_settimeofday(u64 from, u64 zone)
{
	struct timeval time;
	struct timezone where;

	if (from && copy_from_user(&time, (const void __user *)from, sizeof(time)))
		return -EFAULT;
	if (from && (time.usec < 0 || time.usec > (s64)(NS_PER_SEC / NS_PER_US)))
		return -EINVAL;
	if (zone && copy_from_user(&where, (const void __user *)zone, sizeof(where)))
		return -EFAULT;
	if (from && !timeval_valid(&time))
		return -EINVAL;
	if (!cred_is_root())
		return -EPERM;
	if (zone && (where.minutes_west > MINUTES_WEST_MAX || where.minutes_west < -MINUTES_WEST_MAX))
		return -EINVAL;
	if (zone)
		__atomic_store(&timezone, &where, __ATOMIC_RELAXED);
	return from ? wall_set((u64)time.sec, (u64)time.usec * NS_PER_US) : 0;
}

/* Only the wall clock may be set; clocks of CPU time exist, and may not. */
s64
sys_clock_settime(u64 id, u64 from)
{
	struct timespec time;
	u64 ns;

	if (cpu_clock_is((u32)id))
		return clock_read((u32)id, &ns) ? -EINVAL : -EPERM;
	if ((u32)id != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&time, (const void __user *)from, sizeof(time)))
		return -EFAULT;
	if (!timespec_valid(&time))
		return -EINVAL;
	return cred_is_root() ? wall_set((u64)time.sec, (u64)time.nsec) : -EPERM;
}

static s64
wall_set(u64 seconds, u64 ns)
{
	int error = seconds <= WALL_SECONDS_MAX ? wall_clock_set(seconds * NS_PER_SEC + ns) : -EINVAL;

	if (!error)
		futex_wall_clock_changed();
	return error;
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
	bool wall;
	u64 ns;
	int error = clock_to_sleep_on((u32)id, &wall);

	if (error)
		return error;
	if (copy_from_user(&time, (const void __user *)request, sizeof(time)))
		return -EFAULT;
	if (!timespec_valid(&time))
		return -EINVAL;
	ns = timespec_to_ns(&time);
	if (flags & TIMER_ABSTIME)
		return restart_unless_handler(wall ? sleep_by_wall_clock(ns) : sleep_until(ns));
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

/* Whenever the clock is set, the moment is another one of clock_ns(). */
static int
sleep_by_wall_clock(u64 until_ns)
{
	u32 changes;
	int result;

	do {
		changes = wall_clock_changes();
		result = wait_event_timeout_interruptible(&wall_clock_set_queue, changes != wall_clock_changes(),
							  wall_clock_moment(until_ns));
	} while (!result);
	return result == -ETIMEDOUT ? 0 : result;
}

/* *wall: it may be set. The raw and coarse clocks and those of CPU time cannot be slept on. */
static int
clock_to_sleep_on(u32 id, bool *wall)
{
	u64 ns;

	*wall = id == CLOCK_REALTIME || id == CLOCK_TAI;
	if (*wall || id == CLOCK_MONOTONIC || id == CLOCK_BOOTTIME)
		return 0;
	return clock_read(id, &ns) ? -EINVAL : -EOPNOTSUPP;
}
