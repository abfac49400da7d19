/* SPDX-License-Identifier: MIT */
/*
 * mm/tlb.c - make every processor forget translations, in batches
 *
 * Idea        see tlb.h. A short range is flushed page by page; a long one by forgetting everything, which costs the
 *             refill.
 *             Simple: no address-space identifiers (PCID): a CPU that leaves an address space forgets it.
 * Invariants  see tlb.h
 * Locks       see tlb.h
 * Follow      from rmap.c, unmap.c   to arch/x86_64/smp.c
 * Tests       tests/host/share_test.c, tests/guest/unshare.c
 * See         docs/mm.md section 4
 */
#include <arch/mmu.h>
#include <kernel/panic.h>
#include <kernel/trace.h>
#include <mm/lru.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/pagetable.h>
#include <mm/swap_cache.h>
#include <mm/tlb.h>
#include <mm/vmstat.h>

/* Above this many pages a CPU forgets all: about what 32 single flushes cost against refilling a TLB. */
#define FLUSH_ALL_PAGES 32

struct flush {
	u64 start;
	u64 end;
};

static void put_pages(struct tlb_batch *batch);
static void flush_cpus(u64 cpus, u64 start, u64 end);
static void flush_here(void *arg);

void
tlb_batch_flush(struct tlb_batch *batch)
{
	dassert(irq_enabled());
	dassert(batch->count <= TLB_BATCH_PAGES);
	if (batch->end > batch->start)
		flush_cpus(batch->cpus, batch->start, batch->end);
	put_pages(batch);
	for (u32 i = 0; i < batch->orphans; i++)
		swap_cache_drop((swap_entry_t){batch->orphan[i]});
	tlb_batch_init(batch);
}

void
tlb_flush_page(struct page *table, u64 va)
{
	dassert(irq_enabled());
	dassert(!(va & ~PAGE_MASK));
	flush_cpus(tlb_cpus(table), va, va + PAGE_SIZE);
}

void
tlb_flush_range(struct mm *mm, u64 start, u64 end)
{
	dassert(irq_enabled());
	dassert(start < end);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* I2 */
	flush_cpus(READ_ONCE(mm->cpus), start, end);
}

u64
tlb_cpus(struct page *table)
{
	struct chain_iter it;
	u64 cpus = 0;

	must_hold(&table->lock);
	dassert(table->kind == PAGE_TABLE && table->level == 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* I2 */
	for (u64 word = chain_first(&table->mms, &it); word; word = chain_next(&it))
		cpus |= READ_ONCE(((struct mm *)word)->cpus);
	return cpus;
}

/* Gives up the references; frames that nobody else holds go back together. */
static void
put_pages(struct tlb_batch *batch)
{
	u32 last = 0;
	u32 flags = 0;

	for (u32 i = 0; i < batch->count; i++) {
		dassert(atomic_read(&batch->pages[i]->refs) > 0); /* I1 */
		if (unlikely(page_is_cached(batch->pages[i])))
			swap_cache_let_go(batch->pages[i]);
		if (!atomic_dec_and_test(&batch->pages[i]->refs))
			continue;
		/* Race: only now. As long as there was a reference, reclaim could put the page back onto a list. */
		flags |= batch->pages[i]->flags;
		batch->pages[last++] = batch->pages[i];
	}
	if (!last)
		return;
	if (flags & BIT(PG_LRU))
		lru_del_dead_batch(batch->pages, last);
	page_free_batch(batch->pages, last);
}

static void
flush_cpus(u64 cpus, u64 start, u64 end)
{
	struct flush flush = {start, end};
	u64 self = 1UL << this_cpu_id();

	dassert(!((start | end) & ~PAGE_MASK));
	if (!cpus)
		return;
	trace(tlb_flush, start, end, cpus);
	if (cpus & ~self) {
		count_event(VM_TLB_SHOOTDOWN);
		cpu_call_many(cpus & ~self, flush_here, &flush);
	}
	if (cpus & self)
		flush_here(&flush);
}

/* Runs on each CPU concerned, in interrupt context on the others. */
static void
flush_here(void *arg)
{
	const struct flush *flush = arg;

	dassert(flush->start < flush->end);
	if (flush->end - flush->start > FLUSH_ALL_PAGES * PAGE_SIZE) {
		count_event(VM_TLB_LOCAL_ALL);
		mmu_flush_local_all();
		return;
	}
	count_events(VM_TLB_LOCAL_ONE, (flush->end - flush->start) >> PAGE_SHIFT);
	for (u64 va = flush->start; va < flush->end; va += PAGE_SIZE)
		mmu_flush_local_page(va);
}
