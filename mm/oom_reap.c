/* SPDX-License-Identifier: MIT */
/*
 * mm/oom_reap.c - the memory of a victim that cannot die
 *
 * Idea        A victim frees its memory itself, as soon as each of its threads has seen the signal. One that sleeps for
 *             a lock sees nothing: and whoever has the lock may be the one who waits for the memory. So a thread of the
 *             kernel comes after a while and empties the victim's private mappings, with nothing but mm->lock for
 *             reading, which it only tries.
 *
 *                 victim marked -> LOOK_NS -> gone? ......................... sleep
 *                                    ^         runs, and is not late? ........'  (again)
 *                                    |         mm->lock busy? ................'  (again, TRIES times)
 *                                    '         else: reap, and the next victim may be chosen
 *
 *             One that dies leaves its memory to the same thread, page tables and all: its parent hears of the death
 *             at once, and other programs run between the pieces.
 *             Why not at once: a thread that can run has words for others before it dies (robust futexes), and they lie
 *             in its private memory. Linux gives every victim 2 s for that; here, one that sleeps where no signal wakes
 *             it does not get them.
 *             What stays: shared mappings, whose pages live on elsewhere; tables that fork shares, whose other users
 *             are innocent; the tables themselves.
 * Invariants  I3 of oom.h
 * Locks       mm->lock for reading, tried; dead_lock: those to be freed
 * Follow      from oom.c   to unmap.c (unmap_reap), rmap.c (was_reaped), fault.c
 * Tests       tests/guest/oom_gone.c (group oom_stuck: a victim that sleeps for a disk)
 * See         docs/mm.md section 7; Linux mm/oom_kill.c, oom_reaper()
 */
#include <kernel/kthread.h>
#include <kernel/lib/atomic.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/timer.h>
#include <kernel/trace.h>
#include <kernel/wait.h>
#include <mm/mm.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/unmap.h>

#define LOOK_NS 100000000UL  /* 100 ms between two looks at a victim */
#define LATE_NS 2000000000UL /* who has not died after 2 s is stuck in some way (Linux: OOM_REAPER_DELAY) */
#define TRIES 10             /* for mm->lock (Linux: MAX_OOM_REAP_RETRIES) */

static struct wait_queue reaper_wait = WAIT_QUEUE_INIT(reaper_wait);
static struct wait_queue done_wait = WAIT_QUEUE_INIT(done_wait);
static struct spinlock dead_lock = SPINLOCK_INIT(RANK_NONE);
static struct mm *dead;  /* of victims that have died: to be freed, by oom_next; dead_lock */
static atomic_t to_bury; /* of those, and the one that is being freed */
static u64 marked_ns;    /* when the last victim was; READ_ONCE, WRITE_ONCE */

static void reaper(void *arg);
static void bury(void);
static bool has_work(void);
static void victim_look(u64 since_ns, u32 *tries);
static bool victim_reap(struct mm *mm, const struct oom_candidate *victim);

void
oom_reaper_start(void)
{
	if (!kthread_create(reaper, NULL, "oom_reaper"))
		panic("no memory for the OOM reaper");
}

void
oom_reaper_wake(void)
{
	WRITE_ONCE(marked_ns, clock_ns());
	wake_all(&reaper_wait);
}

void
oom_reaper_take(struct mm *mm)
{
	atomic_inc(&to_bury);
	spin_lock(&dead_lock);
	mm->oom_next = dead;
	WRITE_ONCE(dead, mm);
	spin_unlock(&dead_lock);
	wake_all(&reaper_wait);
}

void
oom_done_await(void)
{
	(void)wait_event_killable(&done_wait, !oom_victims() && !atomic_read(&to_bury));
}

void
oom_done_wake(void)
{
	wake_all(&done_wait);
}

static void
reaper(void *arg)
{
	u64 since_ns = 0;
	u32 tries = 0;

	for (;;) {
		wait_event(&reaper_wait, has_work());
		bury();
		wait_event_timeout(&reaper_wait, !oom_victims() || READ_ONCE(dead), clock_ns() + LOOK_NS);
		bury();
		if (since_ns != READ_ONCE(marked_ns)) { /* another one than last time */
			since_ns = READ_ONCE(marked_ns);
			tries = 0;
		}
		if (oom_victims())
			victim_look(since_ns, &tries);
	}
}

static bool
has_work(void)
{
	return oom_victims() || READ_ONCE(dead);
}

/* Frees those that have died: the common case, and all there is to do. */
static void
bury(void)
{
	struct mm *mm;

	do {
		spin_lock(&dead_lock);
		mm = dead;
		if (mm)
			WRITE_ONCE(dead, mm->oom_next);
		spin_unlock(&dead_lock);
		if (mm) {
			mm_destroy_victim(mm);
			atomic_dec(&to_bury);
			oom_done_wake();
		}
	} while (mm);
}

static void
victim_look(u64 since_ns, u32 *tries)
{
	struct oom_candidate victim;
	bool stuck, done;
	struct mm *mm = oom_process_victim(&victim, &stuck);

	/* Nobody has it any more: the last one is tearing it down, and tells oom.c itself. */
	if (!mm)
		return;
	if (!stuck && clock_ns() - since_ns < LATE_NS) {
		mm_put(mm);
		return;
	}
	done = victim_reap(mm, &victim);
	if (!done && ++*tries >= TRIES) {
		pr_info("oom_reaper: unable to reap pid:%d (%s)", victim.pid, victim.comm);
		done = true;
	}
	if (done)
		oom_victim_done(mm);
	mm_put(mm);
}

/* False: mm->lock is busy. */
static bool
victim_reap(struct mm *mm, const struct oom_candidate *victim)
{
	const u64 kib = PAGE_SIZE / 1024;
	struct oom_candidate now = {.mm = mm};

	if (!rwsem_read_trylock(&mm->lock))
		return false;
	__atomic_store_n(&mm->oom_unstable, true, __ATOMIC_SEQ_CST); /* before the first table lock: rmap.c */
	for (struct vma *vma = vma_first(&mm->vmas); vma; vma = vma_next(vma))
		if (!(vma->flags & VM_SHARED))
			unmap_reap(mm, vma->start, vma->end);
	oom_measure(&now);
	rwsem_read_unlock(&mm->lock);
	trace(oom_reap, victim->pid, now.anon, 0);
	pr_info("oom_reaper: reaped process %d (%s), now anon-rss:%lukB, file-rss:%lukB, shmem-rss:%lukB", victim->pid,
		victim->comm, now.anon * kib, now.file * kib, now.shmem * kib);
	return true;
}
