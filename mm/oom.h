/* SPDX-License-Identifier: MIT */
/*
 * mm/oom.h - when nothing is left: choose a process, say why, end it, take its memory
 *
 * Idea        The allocator calls when reclaim found nothing. Choosing is pure (oom_score.c); the report is Linux's
 *             (oom_report.c, oom_meminfo.c); a thread takes the memory of a victim that cannot die (oom_reap.c). The
 *             processes are the kernel's, which implements the oom_process functions below (kernel/oom_hooks.c).
 * Invariants  I1  At most one victim at a time still owns memory; nobody is killed while one is giving back.
 *             I2  victims is the number of address spaces with oom_victim and without oom_skip.
 *             I3  In an address space with oom_unstable no leaf is filled from nothing: memory that was taken never
 *                 reads as zeroes.
 *             I4  A kill is one line `Killed process` in the log, one oom_kill in /proc/vmstat and one event oom_kill;
 *                 who is told to die although it is dying already, or is gone, is none of them.
 * Locks       oom_lock (a mutex inside oom.c)
 * Follow      from page_ladder.c   to oom.c, kernel/oom_hooks.c
 * Tests       tests/host/oom_test.c, tests/guest/oom.c, tests/guest/oom_gone.c, tests/guest/exhaust.c
 * See         docs/mm.md section 7; docs/oom-log.md
 */
#pragma once

#include <kernel/lib/types.h>

struct mm;

#define OOM_ADJ_MIN (-1000) /* such a process is never chosen */
#define OOM_ADJ_MAX 1000

/* For oom_kill's order: an operator wants it, whether there is memory or not. */
#define OOM_BY_HAND (~0U)

/* One process as the choice sees it. What it is comes from the kernel, what it has from oom_measure(). */
struct oom_candidate {
	s32 pid;
	u32 uid;
	char comm[16];
	struct mm *mm;   /* NULL: it has given its memory up already. Valid during a visit only */
	s32 adj;         /* oom_score_adj */
	bool unkillable; /* init, who shares its memory with init, who borrows a parent's memory (vfork) */
	bool dying;      /* has been told to end and still has memory */
	bool spent;      /* the memory of an earlier victim: nothing more will come of it */
	u64 total_vm;    /* pages in all mappings */
	u64 anon;        /* resident pages by kind */
	u64 file;
	u64 shmem;
	u64 swap;   /* swapped pages */
	u64 tables; /* page-table pages */
	u64 kept;   /* of all these: in tables that fork shares with others, so that its end would not free them */
};

/* What one look at all processes found. */
struct oom_choice {
	u64 total_pages;            /* RAM and swap */
	struct oom_candidate worst; /* valid when worst_score is not OOM_NEVER */
	struct oom_candidate next;  /* likewise */
	s64 worst_score;
	s64 next_score;
};

#define OOM_NEVER ((s64)0x8000000000000000)

/*
 * oom_score - badness of a process: pages that its end would free, shifted by its adjustment
 *
 * Returns   the score in pages; OOM_NEVER when it must not be chosen
 * Context   pure
 * See       Linux mm/oom_kill.c, oom_badness(): rss + swap + page tables + adj * total / 1000
 */
s64 oom_score(const struct oom_candidate *c, u64 total_pages);

/* oom_points - /proc/<pid>/oom_score: thousandths of @total_pages, up by 1,000, cut to two thirds; 0 for never. */
u64 oom_points(s64 score, u64 total_pages);

/* oom_choose - let @c, measured, compete. Of two equal ones the later wins, as on Linux. Context: pure. */
void oom_choose(struct oom_choice *choice, const struct oom_candidate *c);

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

/* A victim's memory has been given back, by mm_put or the reaper, or never will be. Context: any. */
void oom_victim_done(struct mm *mm);

/* oom_victims - address spaces that are giving back. Context: any. */
u32 oom_victims(void);

/* oom_measure - fill in what @c->mm has. Context: it stays alive. */
void oom_measure(struct oom_candidate *c);

/* oom_measure_kept - likewise @c->kept. Context: may sleep; takes mm->lock for reading. */
void oom_measure_kept(struct oom_candidate *c);

/* The size that scores are measured by: frames and slots. Context: any. */
u64 oom_total_pages(void);

/* vm.oom_kill_allocating_task, vm.panic_on_oom, vm.oom_dump_tasks: READ_ONCE, WRITE_ONCE. */
extern s32 sysctl_oom_kill_allocating_task, sysctl_panic_on_oom, sysctl_oom_dump_tasks;

/* ---- oom_report.c, oom_meminfo.c ---- */

/* oom_report_asker - who asked for what, and Mem-Info, and the tasks. Context: may sleep, no spinlock. */
void oom_report_asker(u32 order, u32 flags);

/* oom_report_choice - `oom-kill:`, why this one, who was next. Context: any. */
void oom_report_choice(const struct oom_choice *choice);

/* oom_report_kill - `Killed process`, with the reason in front. Context: any. */
void oom_report_kill(const char *message, const struct oom_candidate *victim);

/* oom_report_wanted - false when there have been too many in the last seconds. Context: under oom_lock. */
bool oom_report_wanted(void);

/* oom_meminfo - what memory is used for, in Linux's lines. Context: may sleep, no spinlock. */
void oom_meminfo(void);

/* ---- oom_reap.c ---- */

/* oom_reaper_start - the thread. Context: boot. */
void oom_reaper_start(void);

/* oom_reaper_wake - there is a victim. Context: any. */
void oom_reaper_wake(void);

/*
 * oom_done_await - sleep until no victim is giving back: for who asks by hand, and so means another one, and for
 *                  mm_check
 * oom_done_wake - another one has
 *
 * Context   (await) may sleep, ends early when a fatal signal comes; the reaper sees to it that it ends. (wake) any
 */
void oom_done_await(void);
void oom_done_wake(void);

/* oom_reaper_take - free @mm, a victim's that nobody uses any more. Context: any. Takes @mm. */
void oom_reaper_take(struct mm *mm);

/* ---- implemented by the kernel (kernel/oom_hooks.c) ---- */

/*
 * oom_process_each - call @visit once for every process, measured at this moment
 *
 * Context   takes the process list's lock; @visit must not sleep
 */
void oom_process_each(void (*visit)(struct oom_candidate *c, void *arg), void *arg);

/*
 * oom_process_next - the process with the smallest number above @pid, measured; what a report walks, one at a time
 *
 * Returns   its number; 0: there is none
 * Context   takes the process list's lock for a moment; out->mm must not be looked at
 */
s32 oom_process_next(s32 pid, struct oom_candidate *out);

/* oom_process_self - the running task's process, measured. False: a kernel thread. Context: as oom_process_next. */
bool oom_process_self(struct oom_candidate *out);

/*
 * oom_process_kill - SIGKILL to @pid and to every process sharing its address space; their tasks may use the reserves;
 *                    calls oom_mark_victim, then @certain, unless NULL, then sends the signals
 *
 * Returns   false when it no longer exists or has no memory any more; @certain was not called
 * Context   takes the process list's lock; @certain must not sleep
 */
bool oom_process_kill(s32 pid, void (*certain)(void *arg), void *arg);

/*
 * oom_process_victim - a process that oom_process_kill has killed and whose memory is not back yet
 *
 * Returns   its address space, with *out measured and *stuck: some thread of it sleeps where no signal wakes it; NULL
 *           when nobody has such an address space any more
 * Context   takes the process list's lock
 * Gives     one use (mm_put)
 */
struct mm *oom_process_victim(struct oom_candidate *out, bool *stuck);

/* oom_print_asker - CPU, task and call trace of who is asking. Context: any. */
void oom_print_asker(void);
