/* SPDX-License-Identifier: MIT */
/*
 * mm/meminfo.h - what memory is used for, under the names of /proc/meminfo
 *
 * Idea        One look that all who print such figures share: /proc/meminfo and /proc/vmstat, and the report of the OOM
 *             killer. So a figure means the same wherever it stands.
 * Invariants  none
 * Locks       none: figures are a moment old, and of slightly different moments
 * Follow      from kernel/fs/procfs_mm.c, oom_meminfo.c   to lru_count.c, vmstat.c, slab.h
 * Tests       tests/guest/proc.c, tests/guest/test_oom.py
 * See         proc(5); Linux fs/proc/meminfo.c
 */
#pragma once

#include <kernel/lib/types.h>

/* Pages. */
struct meminfo {
	u64 active_anon;      /* private and shmem, on lists that the policy calls active */
	u64 inactive_anon;    /* on the others; while nobody keeps lists, all that is neither locked nor given up */
	u64 active_file;      /* 0: no file system here reads from a device and keeps pages of it */
	u64 inactive_file;    /* given up by their programs (lazyfree.h): Linux counts those here, too */
	u64 unevictable;      /* locked: nothing else keeps a page */
	u64 isolated_anon;    /* off their lists for a moment, given up or not: most while they are written */
	u64 slab_reclaimable; /* slabs without an object in use */
	u64 slab_unreclaimable;
	u64 misc_reclaimable; /* stacks kept for the next task */
	u64 stacks;           /* of tasks */
	u64 mapped, shmem, anon, tables;
	u64 cached; /* of files and shmem */
	u64 swap_cached;
	u64 writeback; /* on their way to the disk */
	u64 free;
	u64 free_pcp; /* of these, on lists of the CPUs */
};

/* meminfo_take - the figures of this moment. Context: any; takes each cache->lock. */
void meminfo_take(struct meminfo *m);

/* meminfo_gauge - a gauge of vmstat.h; its sum over CPUs that go on counting may be below 0: 0. Context: any. */
u64 meminfo_gauge(u32 item);
