/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/vdso/vdso.c - a shared object in every program: what time it is, and on which CPU, without a system call
 *
 * Idea        The kernel maps two things beside each program: a page of data that it alone writes, and behind it this
 *             object, which the C library finds by AT_SYSINFO_EHDR. The time is the TSC, scaled as the kernel scales
 *             it, and for real time one word more. That word is read once: a clock that somebody sets meanwhile is the
 *             old one or the new one, on every CPU, and no lock is needed. The CPU's number is the limit of a segment
 *             that each CPU has in its own table. What is not answered here is asked of the kernel.
 * Invariants  I1  No writable data, no relocations: the pages are the same in all programs.
 * Locks       none
 * Follow      from a C library   to arch/x86_64/clock.c (clock_vdso_fill), which fills the page of data
 * Tests       tests/guest/vdso.c
 * See         vdso(7)
 */
#include <arch/vdso.h>

#define NS_PER_SEC 1000000000UL
#define CLOCKS_WALL (1U << 0 | 1U << 5 | 1U << 11)               /* REALTIME, its coarse form, TAI */
#define CLOCKS_MONOTONIC (1U << 1 | 1U << 4 | 1U << 6 | 1U << 7) /* and RAW, COARSE, BOOTTIME */
#define SYS_GETTIMEOFDAY 96
#define SYS_CLOCK_GETTIME 228
#define SYS_CLOCK_GETRES 229
#define EXPORT __attribute__((visibility("default")))

struct vdso_timespec {
	s64 sec, nsec;
};

struct vdso_timeval {
	s64 sec, usec;
};

int __vdso_clock_gettime(u32 clock, struct vdso_timespec *to);
int __vdso_clock_getres(u32 clock, struct vdso_timespec *to);
int __vdso_gettimeofday(struct vdso_timeval *to, void *zone);
s64 __vdso_time(s64 *to);
int __vdso_getcpu(u32 *cpu, u32 *node, void *unused);

/* Relative to where this object lies. */
static inline const struct vdso_data *
data(void)
{
	const struct vdso_data *d;

	__asm__(".hidden __ehdr_start; leaq __ehdr_start - %c1(%%rip), %0" : "=r"(d) : "i"(VDSO_DATA_SIZE));
	return d;
}

static inline s64
system_call(u64 nr, u64 a, u64 b)
{
	s64 result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

/* Why the fence: the counter must not be read before what the program has done already. */
static inline u64
monotonic_ns(void)
{
	const struct vdso_data *d = data();
	u32 low;
	u32 high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (unsigned __int128)(((u64)high << 32 | low) - d->base_tsc) * d->ns_per_tsc >> 32;
}

static inline u64
wall_ns(void)
{
	return monotonic_ns() + __atomic_load_n(&data()->wall_ahead_ns, __ATOMIC_RELAXED);
}

static inline bool
clock_in(u32 clock, u32 set)
{
	return clock < 32 && set >> clock & 1;
}

EXPORT int
__vdso_clock_gettime(u32 clock, struct vdso_timespec *to)
{
	u64 ns;

	if (clock_in(clock, CLOCKS_MONOTONIC))
		ns = monotonic_ns();
	else if (clock_in(clock, CLOCKS_WALL))
		ns = wall_ns();
	else
		return (int)system_call(SYS_CLOCK_GETTIME, clock, (u64)to);
	*to = (struct vdso_timespec){(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC)};
	return 0;
}

EXPORT int
__vdso_clock_getres(u32 clock, struct vdso_timespec *to)
{
	if (!clock_in(clock, CLOCKS_MONOTONIC | CLOCKS_WALL))
		return (int)system_call(SYS_CLOCK_GETRES, clock, (u64)to);
	if (to)
		*to = (struct vdso_timespec){0, 1};
	return 0;
}

EXPORT int
__vdso_gettimeofday(struct vdso_timeval *to, void *zone)
{
	u64 ns;

	if (zone)
		return (int)system_call(SYS_GETTIMEOFDAY, (u64)to, (u64)zone);
	if (!to)
		return 0;
	ns = wall_ns();
	*to = (struct vdso_timeval){(s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC / 1000)};
	return 0;
}

EXPORT s64
__vdso_time(s64 *to)
{
	s64 seconds = (s64)(wall_ns() / NS_PER_SEC);

	if (to)
		*to = seconds;
	return seconds;
}

EXPORT int
__vdso_getcpu(u32 *cpu, u32 *node, void *unused)
{
	u32 limit;

	(void)unused;
	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(VDSO_CPU_SELECTOR) : "cc");
	if (cpu)
		*cpu = limit;
	if (node)
		*node = 0;
	return 0;
}

extern __typeof__(__vdso_clock_gettime) clock_gettime __attribute__((weak, alias("__vdso_clock_gettime"))) EXPORT;
extern __typeof__(__vdso_clock_getres) clock_getres __attribute__((weak, alias("__vdso_clock_getres"))) EXPORT;
extern __typeof__(__vdso_gettimeofday) gettimeofday __attribute__((weak, alias("__vdso_gettimeofday"))) EXPORT;
extern __typeof__(__vdso_time) time __attribute__((weak, alias("__vdso_time"))) EXPORT;
extern __typeof__(__vdso_getcpu) getcpu __attribute__((weak, alias("__vdso_getcpu"))) EXPORT;
