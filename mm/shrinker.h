/* SPDX-License-Identifier: MIT */
/*
 * mm/shrinker.h - caches of the kernel that can give memory back
 *
 * Idea        Who keeps things that it could make again registers a shrinker: how many there are, and a function that
 *             lets some go. Reclaim asks all of them, for as large a part of what they have as it looks at of the
 *             programs' pages: at priority 12 for 1/2048, at priority 0 for everything.
 *
 *                 reclaim_pages --priority--> shrink_caches --count, scan--> slab, vmalloc, task, ...
 *                 drop_caches ----------0----^
 *
 * Invariants  none
 * Locks       none held when a shrinker is called; it takes its own
 * Follow      from reclaim.c, page_ladder.c, kernel/fs/procfs_sysctl.c   to slab_shrink.c, vmalloc.c, kernel/task.c
 * Tests       tests/host/shrinker_test.c, tests/guest/vmscan.c
 * See         Linux Documentation/core-api/mm-api.rst; Linux's struct shrinker
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/lib/types.h>

#define SHRINK_SEEKS 2 /* an object of ordinary cost, as Linux's DEFAULT_SEEKS */
#define SHRINK_BATCH 128

/* What a shrinker is asked for, and what came of it: on the stack of shrink_caches. */
struct shrink_control {
	u64 want;    /* look at so many objects */
	u64 scanned; /* out: so many were looked at; 0: nothing can be done now */
	u64 frames;  /* out: so many frames went to the page allocator */
};

struct shrinker {
	const char *name;                        /* const */
	u64 (*count)(void);                      /* const; objects that could go */
	void (*scan)(struct shrink_control *sc); /* const; lets some go; fills the rest of @sc, which is 0 before */
	u32 seeks;                               /* const; cost of an object; 0: costs nothing, half goes each time */
	atomic64_t deferred;                     /* objects that were due and were not worth a call yet */
	struct shrinker *next;                   /* const after shrinker_register */
};

/* shrinker_register - @shrinker, which lives for good, is asked from now on. Context: boot; one CPU. */
void shrinker_register(struct shrinker *shrinker);

/*
 * shrink_caches - let caches go, as far as @priority demands: 12 a little, 0 everything
 *
 * Returns   frames that went to the page allocator
 * Context   may sleep; no spinlock held; interrupts other CPUs and waits for them
 */
u64 shrink_caches(u32 priority);

/*
 * shrink_due - how many of @freeable objects are due at @priority, each of @seeks
 *
 * Context   pure
 */
u64 shrink_due(u64 freeable, u32 seeks, u32 priority);
