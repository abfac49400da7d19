/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_abi.h - structures that system calls about processes and time share with programs
 *
 * Idea        exact layouts, every hole a named field, so that an initialised structure carries nothing of the kernel's
 *             out
 * Invariants  sizes, asserted below
 * Locks       none
 * Follow      from sys_proc.c, sys_time.c, sys_info.c
 * Tests       tests/guest/time.c, tests/guest/wait.c
 * See         the manual pages of section 2; Linux's uapi headers for the numbers
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/timer.h>

struct usage;

#define CLOCK_TICK_NS (NS_PER_SEC / 100) /* the unit of times() and SIGCHLD: USER_HZ */

struct timespec {
	s64 sec;
	s64 nsec;
};

struct timeval {
	s64 sec;
	s64 usec;
};

struct rusage {
	struct timeval utime;
	struct timeval stime;
	s64 maxrss; /* KiB */
	s64 ixrss, idrss, isrss;
	s64 minflt;
	s64 majflt;
	s64 nswap, inblock, oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};

_Static_assert(sizeof(struct rusage) == 144, "struct rusage as programs know it");

/* The part of siginfo that waitid fills. */
struct siginfo_child {
	s32 signo;
	s32 error;
	s32 code;
	s32 pad;
	s32 pid;
	u32 uid;
	s32 status;
	s32 pad2;
};

_Static_assert(sizeof(struct siginfo_child) == 32, "the beginning of siginfo_t");

static inline bool
timespec_valid(const struct timespec *time)
{
	return time->sec >= 0 && time->nsec >= 0 && time->nsec < (s64)NS_PER_SEC;
}

static inline bool
timeval_valid(const struct timeval *time)
{
	return time->sec >= 0 && time->usec >= 0 && time->usec < (s64)(NS_PER_SEC / NS_PER_US);
}

/* Nanoseconds; a time too far away becomes the farthest there is before TIMER_NEVER. */
static inline u64
timespec_to_ns(const struct timespec *time)
{
	u64 max = (TIMER_NEVER - 1) / NS_PER_SEC - 1;

	return (u64)time->sec > max ? TIMER_NEVER - 1 : (u64)time->sec * NS_PER_SEC + (u64)time->nsec;
}

static inline struct timespec
timespec_from_ns(u64 ns)
{
	return (struct timespec){(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC)};
}

static inline struct timeval
timeval_from_ns(u64 ns)
{
	return (struct timeval){(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC / NS_PER_US)};
}

/* a + b without overflow, and never TIMER_NEVER. */
static inline u64
ns_add(u64 a, u64 b)
{
	return a + b < a || a + b == TIMER_NEVER ? TIMER_NEVER - 1 : a + b;
}

/* usage_to_user - as struct rusage at the user address @to. Returns 0, -EFAULT. Context: may sleep. */
int usage_to_user(const struct usage *usage, u64 to);
