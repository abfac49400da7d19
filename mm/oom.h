/* SPDX-License-Identifier: MIT */
/*
 * mm/oom.h - when nothing is left: choose a process, say why, end it
 *
 * Idea        The allocator calls when reclaim found nothing. The score is pure; the processes are the kernel's, which
 *             therefore implements the two oom_process functions below (kernel/oom_hooks.c).
 * Invariants  I1  At most one victim at a time still owns memory; nobody is killed while one is giving back.
 * Locks       oom_lock (a mutex inside oom.c)
 * Follow      from page_alloc.c   to kernel/signal.c
 * Tests       tests/host/oom_test.c, tests/guest/exhaust.c
 * See         docs/mm.md section 7
 */
#pragma once

#include <kernel/lib/types.h>

struct mm;

#define OOM_ADJ_MIN (-1000) /* such a process is never chosen */
#define OOM_ADJ_MAX 1000

/* One process as the choice sees it; filled by the kernel. */
struct oom_candidate {
	s32 pid;
	char comm[16];
	struct mm *mm;   /* NULL: it has given its memory up already */
	s32 adj;         /* oom_score_adj */
	bool unkillable; /* init, a kernel thread */
	u64 rss;         /* pages; oom.c fills it from mm */
	u64 tables;      /* page-table pages; likewise */
};

/*
 * oom_score - badness of a process: pages that its end would free, shifted by its adjustment
 *
 * Returns   the score in pages; OOM_NEVER when it must not be chosen
 * Context   pure
 * See       Linux mm/oom_kill.c, oom_badness(): rss + swap + page tables + adj * total / 1000
 */
s64 oom_score(const struct oom_candidate *c, u64 total_pages);
#define OOM_NEVER ((s64)0x8000000000000000)

/* For oom_kill's order: an operator wants it, whether there is memory or not. */
#define OOM_BY_HAND (~0U)

/*
 * oom_kill - end the process whose death frees most
 *
 * Returns   true: memory is on its way (a victim was chosen now or is still dying); false: there is nobody to kill
 * Context   may sleep; takes oom_lock, then the process list's lock through the hooks
 */
bool oom_kill(u32 order, u32 flags);

/*
 * oom_mark_victim - @mm belongs to the process that is being killed: wait for it before killing another
 *
 * Context   any; called by oom_process_kill while it knows that @mm is alive
 */
void oom_mark_victim(struct mm *mm);

/* Called by mm_put when a victim's memory has been given back. Context: any. */
void oom_victim_done(struct mm *mm);

/*
 * Implemented by the kernel (kernel/oom_hooks.c).
 *
 * oom_process_each - call @visit once for every process, with what it owns at this moment
 * Context   takes the process list's lock; @visit must not sleep; candidate.mm is valid during the visit only
 *
 * oom_process_kill - SIGKILL to @pid and to every process sharing its address space; their tasks may use the reserves;
 *                    calls oom_mark_victim
 * Returns   false when it no longer exists or has no memory any more
 * Context   takes the process list's lock
 */
void oom_process_each(void (*visit)(struct oom_candidate *c, void *arg), void *arg);
bool oom_process_kill(s32 pid);
