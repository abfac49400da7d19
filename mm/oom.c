/* SPDX-License-Identifier: MIT */
/*
 * mm/oom.c - when nothing is left: choose a process, say why, end it
 *
 * Idea        The score is the memory that a death would free, so that one death is likely to be enough; a program or
 *             its owner may shift it. One look at all processes fills a table of two: the worst, and who would be next.
 *             Simple: the victim frees its memory itself when it runs; a bigger kernel reaps for one that cannot.
 * Invariants  I1 of oom.h: victims is the number of address spaces marked and not yet torn down.
 * Locks       oom_lock (mutex): one choice at a time; victims is atomic
 * Follow      from page_alloc.c (alloc_slow)   to kernel/oom_hooks.c, kernel/signal.c
 * Tests       tests/host/oom_test.c, tests/guest/exhaust.c
 * See         docs/mm.md section 7
 */
#include <kernel/lib/atomic.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/trace.h>
#include <mm/mm.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/vmstat.h>

struct verdict {
	u64 total_pages;
	struct oom_candidate worst;
	s64 worst_score; /* OOM_NEVER: nobody */
	struct oom_candidate next;
	s64 next_score;
	u64 total_vm; /* pages of worst, read while it was visited */
	u64 rss[RSS_KINDS];
};

static struct mutex oom_lock = MUTEX_INIT(oom_lock, RANK_OOM);
static atomic_t victims;

static bool oom_kill_locked(u32 order, u32 flags);
static void oom_pick(struct oom_candidate *c, void *arg);
static void oom_report(const struct verdict *v, u32 order, u32 flags);

s64
oom_score(const struct oom_candidate *c, u64 total_pages)
{
	s64 score;

	dassert(c->adj >= OOM_ADJ_MIN && c->adj <= OOM_ADJ_MAX);
	if (c->unkillable || !c->mm || c->adj == OOM_ADJ_MIN)
		return OOM_NEVER;
	score = (s64)(c->rss + c->tables);
	return score + (s64)c->adj * ((s64)total_pages / OOM_ADJ_MAX);
}

bool
oom_kill(u32 order, u32 flags)
{
	bool hope;

	may_sleep();
	dassert(order <= MAX_ORDER || order == OOM_BY_HAND);
	mutex_lock(&oom_lock);
	hope = oom_kill_locked(order, flags);
	mutex_unlock(&oom_lock);
	return hope;
}

void
oom_mark_victim(struct mm *mm)
{
	if (!__atomic_exchange_n(&mm->oom_victim, true, __ATOMIC_SEQ_CST))
		atomic_inc(&victims);
}

void
oom_victim_done(struct mm *mm)
{
	dassert(!atomic_read(&mm->users));
	if (!mm->oom_victim)
		return;
	assert(atomic_read(&victims) > 0);
	atomic_dec(&victims);
}

static bool
oom_kill_locked(u32 order, u32 flags)
{
	struct verdict v = {.total_pages = total_pages(), .worst_score = OOM_NEVER, .next_score = OOM_NEVER};

	/* I1: a victim's memory is on the way; or the last one's has come back since the allocator looked. */
	if (atomic_read(&victims) > 0 || (order != OOM_BY_HAND && page_alloc_possible(order, flags)))
		return true;
	oom_process_each(oom_pick, &v);
	dassert(v.next_score <= v.worst_score);
	if (v.worst_score == OOM_NEVER)
		return false;
	oom_report(&v, order, flags);
	trace(oom_kill, v.worst.pid, v.worst_score, 0);
	if (oom_process_kill(v.worst.pid)) /* else it is gone already, and its memory came back */
		count_event(VM_OOM_KILL);
	return true;
}

/* One process of the many: keeps the two highest scores. */
static void
oom_pick(struct oom_candidate *c, void *arg)
{
	struct verdict *v = arg;
	s64 score;

	if (c->mm) {
		c->rss = mm_rss(c->mm);
		c->tables = atomic64_read(&c->mm->tables);
	}
	dassert(v->next_score <= v->worst_score);
	score = oom_score(c, v->total_pages);
	if (score == OOM_NEVER || score <= v->next_score)
		return;
	if (score <= v->worst_score) {
		v->next = *c;
		v->next_score = score;
		return;
	}
	v->next = v->worst;
	v->next_score = v->worst_score;
	v->worst = *c;
	v->worst_score = score;
	assert(c->mm && !c->unkillable);
	v->total_vm = c->mm->total_vm;
	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		v->rss[kind] = max_s64(atomic64_read(&c->mm->rss[kind]), 0);
}

/* The lines that people search logs for, in Linux's words, and one that says why. */
static void
oom_report(const struct verdict *v, u32 order, u32 flags)
{
	u32 kib = PAGE_SIZE / 1024;

	dassert(v->worst_score != OOM_NEVER);
	pr_warn("Out of memory: order %d, flags %#x, %lu of %lu pages free\n", (s32)order, flags, nr_free_pages(),
		v->total_pages);
	pr_warn("Out of memory: score of %d (%s) is %ld pages = %lu resident + %lu page tables + adjustment %d/1000\n",
		v->worst.pid, v->worst.comm, v->worst_score, v->worst.rss, v->worst.tables, v->worst.adj);
	if (v->next_score != OOM_NEVER)
		pr_warn("Out of memory: next would be %d (%s), score %ld\n", v->next.pid, v->next.comm, v->next_score);
	pr_err("Out of memory: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, file-rss:%lukB, shmem-rss:%lukB, "
	       "pgtables:%lukB oom_score_adj:%d\n",
	       v->worst.pid, v->worst.comm, v->total_vm * kib, v->rss[RSS_ANON] * kib, v->rss[RSS_FILE] * kib,
	       v->rss[RSS_SHMEM] * kib, v->worst.tables * kib, v->worst.adj);
}
