/* SPDX-License-Identifier: MIT */
/*
 * mm/oom_report.c - what the log says of a kill
 *
 * Idea        Linux's lines, because people and programs search logs for them: who asked and how they came to it, what
 *             memory is used for (oom_meminfo.c), what each process has, the verdict. And two lines more: why this
 *             one, term by term; and who was next. docs/oom-log.md explains a report line by line.
 * Invariants  none
 * Locks       none is held while a line is printed; the table of tasks takes the process list's lock once a line
 * Follow      from oom.c   to oom_meminfo.c, kernel/oom_hooks.c
 * Tests       tests/guest/oom_report.c, tests/guest/test_oom.py
 * See         docs/oom-log.md; Linux mm/oom_kill.c, dump_header()
 */
#include <kernel/lib/format.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/wait.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>

/* Linux's numbers for what an allocation may do. */
#define GFP_DMA 0x1U
#define GFP_ATOMIC 0xa20U
#define GFP_KERNEL 0xcc0U
#define GFP_HIGHUSER_MOVABLE 0x100ccaU
#define GFP_ZERO 0x100U
#define GFP_NOWARN 0x2000U

/* Whole reports in so many seconds, as Linux's rate limit has it; the line of a kill is always there. */
#define BURST 10
#define BURST_NS (5 * NS_PER_SEC)

static u32 gfp_of(u32 flags, char *text, size_t size);
static void print_tasks(void);

bool
oom_report_wanted(void)
{
	static u64 begin; /* oom_lock */
	static u32 reports;
	u64 now = clock_ns();

	if (!begin || now - begin > BURST_NS) {
		begin = now;
		reports = 0;
	}
	return reports++ < BURST;
}

void
oom_report_asker(u32 order, u32 flags)
{
	struct oom_candidate self = {0};
	char text[64];
	u32 gfp = gfp_of(order == OOM_BY_HAND ? ALLOC_KERNEL : flags, text, sizeof(text));

	(void)oom_process_self(&self);
	pr_warn("%s invoked oom-killer: gfp_mask=%#x(%s), order=%d, oom_score_adj=%d", current->comm, gfp, text,
		(s32)order, self.adj);
	oom_print_asker();
	cond_resched();
	oom_meminfo();
	cond_resched();
	if (READ_ONCE(sysctl_oom_dump_tasks))
		print_tasks();
}

void
oom_report_choice(const struct oom_choice *choice)
{
	const struct oom_candidate *c = &choice->worst;

	if (choice->worst_score == OOM_NEVER) {
		pr_warn("Out of memory and no killable processes...");
		return;
	}
	pr_info("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,"
		"task=%s,pid=%d,uid=%u",
		c->comm, c->pid, c->uid);
	pr_info("Out of memory: why %d (%s): score %ld = %lu resident + %lu swapped + %lu page tables - %lu that "
		"others "
		"keep + %d thousandths of %lu pages",
		c->pid, c->comm, choice->worst_score, c->anon + c->file + c->shmem, c->swap, c->tables, c->kept, c->adj,
		choice->total_pages);
	if (choice->next_score != OOM_NEVER)
		pr_info("Out of memory: next would be %d (%s), score %ld", choice->next.pid, choice->next.comm,
			choice->next_score);
	else
		pr_info("Out of memory: nobody would be next");
}

void
oom_report_kill(const char *message, const struct oom_candidate *victim)
{
	const u64 kib = PAGE_SIZE / 1024;

	pr_err("%s: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, file-rss:%lukB, shmem-rss:%lukB, UID:%u "
	       "pgtables:%lukB oom_score_adj:%d",
	       message, victim->pid, victim->comm, victim->total_vm * kib, victim->anon * kib, victim->file * kib,
	       victim->shmem * kib, victim->uid, victim->tables * kib, victim->adj);
}

/* The mask that Linux would print for an allocation like this one, and its words in @text. */
static u32
gfp_of(u32 flags, char *text, size_t size)
{
	bool waits = flags & ALLOC_WAIT;
	bool user = flags & ALLOC_CHARGE;
	u32 gfp = !waits ? GFP_ATOMIC : user ? GFP_HIGHUSER_MOVABLE : GFP_KERNEL;

	format(text, size, "%s%s%s%s",
	       !waits ? "GFP_ATOMIC"
	       : user ? "GFP_HIGHUSER_MOVABLE"
		      : "GFP_KERNEL",
	       flags & ALLOC_DMA ? "|GFP_DMA" : "", flags & ALLOC_NOWARN ? "|__GFP_NOWARN" : "",
	       flags & ALLOC_ZERO ? "|__GFP_ZERO" : "");
	return gfp | (flags & ALLOC_DMA ? GFP_DMA : 0) | (flags & ALLOC_NOWARN ? GFP_NOWARN : 0) |
	       (flags & ALLOC_ZERO ? GFP_ZERO : 0);
}

/* All who could be killed. Why one at a time: a serial line is slow, and nobody forks or ends under that lock. */
static void
print_tasks(void)
{
	struct oom_candidate c;

	pr_info("Tasks state (memory values in pages):");
	pr_info("[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name");
	for (s32 pid = oom_process_next(0, &c); pid; pid = oom_process_next(pid, &c)) {
		cond_resched();
		if (c.unkillable || !c.mm)
			continue;
		pr_info("[%7d] %5u %5d %8lu %8lu %8lu %8lu         %5d %s", c.pid, c.uid, c.pid, c.total_vm,
			c.anon + c.file + c.shmem, c.tables * PAGE_SIZE, c.swap, c.adj, c.comm);
	}
}
