/* SPDX-License-Identifier: MIT */
/*
 * kernel/lock_rank.h - the lock order of the whole kernel
 *
 * Idea        Every lock has a rank, and a rank is a place in this list. A CPU that holds a lock takes further locks
 *             only from below it; two locks of one rank only where the code says so (the _nested calls). With every
 *             CPU climbing the same ladder in the same direction, no circle of waiting CPUs can close.
 *             The line beside a rank says why it stands there: what is taken while it is held, or what holds it.
 * Invariants  Ranks are taken in ascending order. Debug builds check each acquisition (kernel/lock_check.c).
 * Locks       this file is about nothing else
 * Follow      from every lock   to kernel/lock_check.c
 * Tests       selftest=rank
 * See         docs/locking.md
 */
#pragma once

enum lock_rank {
	RANK_NONE, /* not checked: locks below everything, of code that takes no other lock */

	/* Locks that sleep. No spinlock is held while one is taken. */
	RANK_TREE,    /* all names of the file tree: a lookup then takes the files concerned */
	RANK_FILE,    /* an open file's position: held across the read or write */
	RANK_INODE,   /* a file's contents: copied to and from programs under it, which takes mm->lock */
	RANK_PIPE,    /* a pipe's buffer: likewise */
	RANK_TTY,     /* a terminal's settings and bytes: signals its foreground group, prints */
	RANK_TRACE,   /* who reads trace events: makes rings for the first of them */
	RANK_SWAPOFF, /* who searches all address spaces for slots: one at a time */
	RANK_CHECK,   /* one mm_check at a time */
	RANK_MM_LIST, /* all address spaces: mm_check stops each of them under it */
	RANK_MM,      /* mm->lock: nearly everything in mm/ happens under it */
	RANK_PAGE,    /* the page lock: held across I/O, and taken by a fault */
	RANK_OOM,     /* choosing a victim: under mm->lock or page lock, wherever an allocation may sleep */

	/* Spinlocks. Taken with interrupts on, unless the line says otherwise. */
	RANK_PROCESS,        /* process tree, pid table, signals: wakes, so before all that waking needs */
	RANK_FUTEX,          /* buckets: two at once when waiters move (nested) */
	RANK_FILES,          /* a table of open files */
	RANK_FILE_LOCKS,     /* advisory locks of all files */
	RANK_NAMES,          /* which entry names an inode, where a file system is mounted: whoever prints a path */
	RANK_PAGECACHE_LIST, /* all objects: mm_check visits each */
	RANK_PAGECACHE,      /* index of an object's pages: looks up, then maps */
	RANK_MAP,            /* a page's map lock: its slots; then the tables these lie in */
	RANK_MM_TABLE,       /* entries of levels 4 to 2: a leaf table is examined under it */
	RANK_TABLE,          /* entries of a leaf table: parent's and child's when unsharing (nested) */
	RANK_LRUVEC,         /* lists of pages in use */
	RANK_SWAP,           /* a swap area's slots */
	RANK_VMALLOC,        /* tree of kernel ranges: maps pages and flushes */
	RANK_CPU_CALL,       /* one call to other CPUs at a time: a flush comes from under any of the locks above */
	RANK_KERNEL_TABLE,   /* the kernel's own page tables: takes frames for them */
	RANK_TASK_CACHE, /* tasks kept for the next fork: takes nothing; another CPU's call may drain slabs meanwhile */
	RANK_SLAB_LIST,  /* all caches: visits each */
	RANK_SLAB,       /* a cache's slabs: takes and returns frames */
	RANK_ZONE,       /* free frames, interrupts off: wakes who waits for memory */
	RANK_DISK,       /* a disk's requests, interrupts off: arms a timer */
	RANK_CONSOLE,    /* bytes typed and not read yet, interrupts off: wakes the reader */

	/* What wakes, interrupts off: any lock above may be held by someone who wakes another. */
	RANK_WAIT,     /* a wait queue, or the waiters of a sleeping lock */
	RANK_RUNQUEUE, /* a CPU's runnable tasks: held across the switch of tasks */
	RANK_TIMER,    /* a CPU's timers: sleeping arms one */
	RANK_PRINTK,   /* the ring and consoles: a raw lock, never checked; any code may print */
	RANK_COUNT,
};
