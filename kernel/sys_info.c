/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_info.c - the system calls that tell: sysinfo, getrusage, times
 *
 * Idea        numbers that the kernel has; a field for something that does not exist here is 0, as Linux would say it
 * Invariants  none
 * Locks       process_lock
 * Follow      from syscall.c   to process.c, mm/page_alloc.h
 * Tests       tests/guest/basics.c, tests/guest/wait.c
 */
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/loadavg.h>
#include <kernel/process.h>
#include <kernel/sys_abi.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/swap.h>

#define SYSINFO_LOAD_SHIFT 16 /* binary places of a load */

struct sysinfo {
	s64 uptime; /* seconds */
	u64 loads[3];
	u64 totalram, freeram, sharedram, bufferram, totalswap, freeswap; /* in mem_unit bytes */
	u16 procs;
	u16 pad;
	u32 pad2;
	u64 totalhigh, freehigh;
	u32 mem_unit;
	u32 pad3;
};

_Static_assert(sizeof(struct sysinfo) == 112, "struct sysinfo as programs know it");

struct tms {
	s64 utime, stime, cutime, cstime; /* clock ticks */
};

/* getrusage's whom. */
enum usage_whom {
	RUSAGE_CHILDREN = -1,
	RUSAGE_SELF = 0,
	RUSAGE_THREAD = 1,
};

s64
sys_sysinfo(u64 to)
{
	struct sysinfo info = {
		.uptime = (s64)div_round_up(clock_ns(), NS_PER_SEC),
		.totalram = total_pages() * PAGE_SIZE,
		.freeram = nr_free_pages() * PAGE_SIZE,
		.sharedram = pagecache_total_pages() * PAGE_SIZE,
		.totalswap = swap_total_pages() * PAGE_SIZE,
		.freeswap = swap_free_pages() * PAGE_SIZE,
		.procs = (u16)process_thread_count(),
		.mem_unit = 1,
	};

	loadavg_get(info.loads);
	for (u32 i = 0; i < LOADS; i++)
		info.loads[i] <<= SYSINFO_LOAD_SHIFT - LOAD_SHIFT;
	return copy_to_user((void __user *)to, &info, sizeof(info));
}

/* ---- accounts ---- */

int
usage_to_user(const struct usage *usage, u64 to)
{
	struct rusage out = {
		.utime = timeval_from_ns(usage->utime_ns),
		.stime = timeval_from_ns(usage->stime_ns),
		.maxrss = (s64)(usage->maxrss * (PAGE_SIZE / 1024)),
		.minflt = (s64)usage->minflt,
		.majflt = (s64)usage->majflt,
		.nvcsw = (s64)usage->nvcsw,
		.nivcsw = (s64)usage->nivcsw,
	};

	return copy_to_user((void __user *)to, &out, sizeof(out));
}

s64
sys_getrusage(u64 whom, u64 to)
{
	struct process *process = current->process;
	struct usage usage = {0};
	s64 error = 0;

	spin_lock(&process_lock);
	switch ((s32)whom) {
	case RUSAGE_SELF:
		process_usage(process, &usage);
		break;
	case RUSAGE_CHILDREN:
		usage = process->dead_children;
		break;
	case RUSAGE_THREAD:
		process_thread_usage(current, &usage);
		usage.maxrss = mm_rss_peak(current->mm);
		break;
	default:
		error = -EINVAL;
	}
	spin_unlock(&process_lock);
	return error ? error : usage_to_user(&usage, to);
}

s64
sys_times(u64 to)
{
	struct process *process = current->process;
	struct usage own;
	struct tms out = {0};

	spin_lock(&process_lock);
	process_usage(process, &own);
	out.cutime = (s64)(process->dead_children.utime_ns / CLOCK_TICK_NS);
	out.cstime = (s64)(process->dead_children.stime_ns / CLOCK_TICK_NS);
	spin_unlock(&process_lock);
	out.utime = (s64)(own.utime_ns / CLOCK_TICK_NS);
	out.stime = (s64)(own.stime_ns / CLOCK_TICK_NS);
	if (to && copy_to_user((void __user *)to, &out, sizeof(out)))
		return -EFAULT;
	return (s64)(clock_ns() / CLOCK_TICK_NS);
}
