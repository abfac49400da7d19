/* SPDX-License-Identifier: MIT */
/*
 * mm/oom.c - when nothing is left: the order of things
 *
 * Idea        One at a time, and for each the same questions:
 *
 *                 a victim is still giving back, or memory came back meanwhile      yes: wait for it
 *                 vm.panic_on_oom                                                   yes: panic
 *                 vm.oom_kill_allocating_task, and who asks may be killed           yes: it is the one
 *                 the worst of all (oom_score.c)                                    nobody: there is none to kill
 *                 it has been told to end already                                   yes: help it, without a word
 *                                                                                   no: report, kill
 *
 *             Why memory that came back is looked for at min and not, as Linux does, at high: what the allocator can
 *             have is not worth a life.
 * Invariants  I1, I2 and I4 of oom.h
 * Locks       oom_lock (mutex): one choice at a time; victims is atomic; mm->oom_kept is under oom_lock
 * Follow      from page_ladder.c   to oom_score.c, oom_report.c, oom_reap.c, kernel/oom_hooks.c
 * Tests       tests/host/oom_test.c, tests/guest/oom.c, tests/guest/oom_gone.c, tests/guest/exhaust.c
 * See         docs/mm.md section 7
 */
#include <kernel/lib/atomic.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/trace.h>
#include <kernel/wait.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/pagetable.h>
#include <mm/swap.h>
#include <mm/vmstat.h>

s32 sysctl_oom_kill_allocating_task;
s32 sysctl_panic_on_oom;
s32 sysctl_oom_dump_tasks = 1;

static struct mutex oom_lock = MUTEX_INIT(oom_lock, RANK_OOM);
static atomic_t victims;

/* Who is to die, with what score, and the words in front of its line in the log. */
struct verdict {
	const struct oom_candidate *victim;
	s64 score;
	const char *message;
};

static bool oom_kill_locked(u32 order, u32 flags);
static void check_panic(u32 order, u32 flags);
static bool asker_is_killed(u32 order, u32 flags, u64 total_pages);
static void verdict_execute(const struct verdict *v);
static void kill_note(void *arg);
static void kept_count(void);
static void kept_count_range(u64 pfn, u64 end);
static void kept_forget(struct oom_candidate *c, void *arg);
static void kept_count_table(struct page *table);
static u32 table_kept(const struct page *table);
static void oom_pick(struct oom_candidate *c, void *arg);

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
	if (__atomic_exchange_n(&mm->oom_victim, true, __ATOMIC_SEQ_CST))
		return;
	atomic_inc(&victims);
	oom_reaper_wake();
}

void
oom_victim_done(struct mm *mm)
{
	if (!READ_ONCE(mm->oom_victim) || __atomic_exchange_n(&mm->oom_skip, true, __ATOMIC_SEQ_CST))
		return;
	assert(atomic_read(&victims) > 0); /* I2 */
	atomic_dec(&victims);
	oom_done_wake();
	page_alloc_wake();
}

u32
oom_victims(void)
{
	return (u32)atomic_read(&victims);
}

u64
oom_total_pages(void)
{
	return total_pages() + swap_total_pages();
}

static bool
oom_kill_locked(u32 order, u32 flags)
{
	struct oom_choice choice = {
		.total_pages = oom_total_pages(), .worst_score = OOM_NEVER, .next_score = OOM_NEVER};
	bool report;

	/* I1: a victim's memory is on the way; or the last one's has come back since the allocator looked. */
	if (atomic_read(&victims) > 0 || (order != OOM_BY_HAND && page_alloc_possible(order, flags)))
		return true;
	check_panic(order, flags);
	if (READ_ONCE(sysctl_oom_kill_allocating_task) && order != OOM_BY_HAND &&
	    asker_is_killed(order, flags, choice.total_pages))
		return true;
	kept_count();
	cond_resched();
	oom_process_each(oom_pick, &choice);
	report = choice.worst_score == OOM_NEVER || !choice.worst.dying;
	if (report && oom_report_wanted()) {
		oom_report_asker(order, flags);
		oom_report_choice(&choice);
	}
	if (choice.worst_score == OOM_NEVER)
		return false;
	verdict_execute(&(struct verdict){&choice.worst, choice.worst_score, "Out of memory"});
	return true;
}

/* vm.panic_on_oom: some machines are worth more dead than without one of their programs. Not when it is asked for. */
static void
check_panic(u32 order, u32 flags)
{
	s32 mode = READ_ONCE(sysctl_panic_on_oom);

	if (likely(!mode) || order == OOM_BY_HAND)
		return;
	oom_report_asker(order, flags);
	panic("Out of memory: %s panic_on_oom is enabled", mode == 2 ? "compulsory" : "system-wide");
}

/* vm.oom_kill_allocating_task: no search. False: the one who asks must not be killed. */
static bool
asker_is_killed(u32 order, u32 flags, u64 total_pages)
{
	struct oom_candidate self;
	s64 score;

	if (!oom_process_self(&self))
		return false;
	score = oom_score(&self, total_pages);
	if (score == OOM_NEVER)
		return false;
	if (!self.dying && oom_report_wanted())
		oom_report_asker(order, flags);
	verdict_execute(&(struct verdict){&self, score, "Out of memory (oom_kill_allocating_task)"});
	return true;
}

/* Who is dying already is helped without a word. And who is gone already was not killed: its memory came back. */
static void
verdict_execute(const struct verdict *v)
{
	bool told = !v->victim->dying;

	if (oom_process_kill(v->victim->pid, told ? kill_note : NULL, (void *)v) && told)
		oom_report_kill(v->message, v->victim);
}

/* I4. Before the first signal is sent: in the stream of events nobody ends of a kill that comes later. */
static void
kill_note(void *arg)
{
	const struct verdict *v = arg;

	count_event(VM_OOM_KILL);
	trace(oom_kill, v->victim->pid, v->score, swap_free_pages());
}

void
oom_measure(struct oom_candidate *c)
{
	struct mm *mm = c->mm;
	u64 *into[RSS_KINDS] = {&c->anon, &c->file, &c->shmem, &c->swap};

	if (!mm)
		return;
	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		*into[kind] = (u64)max_s64(atomic64_read(&mm->rss[kind]), 0);
	c->tables = (u64)max_s64(atomic64_read(&mm->tables), 0);
	c->total_vm = READ_ONCE(mm->total_vm);
	c->spent = READ_ONCE(mm->oom_skip);
	c->kept = READ_ONCE(mm->oom_kept);
}

void
oom_measure_kept(struct oom_candidate *c)
{
	u64 base = 0;
	pte_t *entry;

	may_sleep();
	c->kept = 0;
	rwsem_read_lock(&c->mm->lock);
	while ((entry = pagetable_next(c->mm, &base, USER_TOP))) {
		struct page *table = leaf_page(pte_read(entry));

		if (table_is_shared(table))
			c->kept += table_kept(table);
		base = round_down(base, TABLE_SPAN) + TABLE_SPAN;
	}
	rwsem_read_unlock(&c->mm->lock);
}

/*
 * For every address space at once, from the side of the frames. Why not down its page tables: that wants mm->lock, and
 * who holds it may be the one who waits for memory.
 */
static void
kept_count(void)
{
	dassert(mutex_is_mine(&oom_lock));
	oom_process_each(kept_forget, NULL);
	cond_resched();
	for (u32 i = 0; i < memblock_ram.count; i++)
		kept_count_range(memblock_ram.range[i].base >> PAGE_SHIFT, memblock_ram.range[i].end >> PAGE_SHIFT);
}

static void
kept_count_range(u64 pfn, u64 end)
{
	struct page *page = pfn_to_page(pfn);

	/* A guess; decided under the table lock, which any frame has (page.h I4). */
	for (struct page *last = pfn_to_page(end); page < last; page++)
		if (unlikely(READ_ONCE(page->kind) == PAGE_TABLE) && READ_ONCE(page->mms.head) & CHAIN_MANY)
			kept_count_table(page);
}

static void
kept_forget(struct oom_candidate *c, void *arg)
{
	if (c->mm)
		c->mm->oom_kept = 0;
}

/* An address space on the chain is alive: it leaves its tables before it goes. */
static void
kept_count_table(struct page *table)
{
	struct chain_iter it;

	spin_lock(&table->lock);
	if (table->kind == PAGE_TABLE && table->level == 1 && table_is_shared(table))
		for (u64 word = chain_first(&table->mms, &it); word; word = chain_next(&it))
			((struct mm *)word)->oom_kept += table_kept(table);
	spin_unlock(&table->lock);
}

/* Pages that stay when one of several users of @table ends: what it maps, and itself. */
static u32
table_kept(const struct page *table)
{
	u32 sum = 1;

	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		sum += READ_ONCE(table->counts[kind]);
	return sum;
}

static void
oom_pick(struct oom_candidate *c, void *arg)
{
	oom_choose(arg, c);
}
