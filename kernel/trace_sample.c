/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_sample.c - how memory stands, as trace records
 *
 * Idea        see trace_sample.h
 * Invariants  see trace_sample.h
 * Locks       see trace_sample.h
 * Follow      from trace_port.c   to mm/zone.h, mm/vmstat.h, mm/lru.h, mm/swap.h
 * Tests       tests/report/test_stream.py
 */
#include <kernel/trace_sample.h>

#include <kernel/lib/crc32.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>
#include <kernel/trace.h>
#include <kernel/trace_latency.h>
#include <kernel/trace_text.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/page.h>
#include <mm/page_alloc.h>
#include <mm/swap.h>
#include <mm/vmstat.h>
#include <mm/zone.h>

#define TASKS 12 /* the largest ones */
#define ZONES (MAX_NODES * NR_ZONES)
#define CELLS 256 /* of the map; 32 to a record */
#define CELLS_A_RECORD 32
#define MAP_EVERY 5       /* samples: it is dearer than all the rest */
#define LOOKS 8           /* frames of a cell that are looked at */
#define CELL_SWAPCACHE 10 /* behind enum page_kind: of programs, and in the swap cache */
#define CELL_NOTHING 15   /* no RAM there */

struct task_figures {
	s32 pid; /* 0: a free place */
	s32 adj;
	u64 rss, swap, tables; /* pages */
	char comm[16];
};

/* What was sent last. The sampling task's, as all here. */
static struct {
	u64 zone_free[ZONES];
	u64 marks[ZONES][2]; /* min, low: high is as far above low as low above min */
	u64 blocks[ZONES][NR_ORDERS];
	u64 lru[4]; /* inactive, active, unevictable, lazy */
	u64 swap[3];
	s64 vmstat[NR_VMSTAT];
	struct task_figures tasks[TASKS];
	u64 map[CELLS / CELLS_A_RECORD][2];
	u64 latency[FAULT_KINDS][LATENCY_BUCKETS];
} sent;
static bool everything; /* a first sample */
static u32 since_map;   /* samples */

static void sample_zones(void);
static void sample_zone(struct zone *zone, u32 number);
static void sample_vmstat(void);
static void sample_tasks(void);
static void tasks_collect(struct task_figures *largest);
static void task_figures_fill(struct task_figures *t, struct process *process);
static void tasks_insert(struct task_figures *largest, const struct task_figures *t);
static void task_send(const struct task_figures *t, const struct task_figures *old);
static const struct task_figures *task_sent(s32 pid);
static void sample_map(void);
static u64 cell_kind(u64 first, u64 frames);
static u64 frame_kind(u64 pfn);
static void sample_latency(void);
static bool changed(u64 *last, u64 now);

void
trace_sample_all(bool all)
{
	u64 active = lru_active(LRU_ANON) + lru_active(LRU_FILE);
	u64 pages = max_u64(lru_pages(LRU_ANON) + lru_pages(LRU_FILE), active);
	const u64 lists[] = {pages - active, active, lru_unevictable(), lru_lazy()};
	u64 cached = (u64)max_s64(vmstat_sum(VM_NR_SWAPCACHE), 0);
	bool swap;

	everything = all;
	sample_zones();
	for (u32 i = 0; i < ARRAY_SIZE(lists); i++)
		if (changed(&sent.lru[i], lists[i]))
			trace(sample_lru, i, sent.lru[i], 0);
	swap = changed(&sent.swap[0], swap_free_pages());
	swap |= changed(&sent.swap[1], swap_steady_pages());
	swap |= changed(&sent.swap[2], cached);
	if (swap)
		trace(sample_swap, sent.swap[0], sent.swap[1], sent.swap[2]);
	sample_vmstat();
	sample_tasks();
	sample_latency();
	if (all || ++since_map == MAP_EVERY) {
		since_map = 0;
		sample_map();
	}
}

u32
trace_checksum(void)
{
	u32 crc = 0;

	for (u32 i = 0; i < TRACE_EVENTS; i++)
		crc = crc32(crc, trace_event_name(i), strlen(trace_event_name(i)) + 1);
	for (u32 i = 0; i < NR_VMSTAT; i++)
		crc = crc32(crc, vmstat_name(i), strlen(vmstat_name(i)) + 1);
	return crc;
}

static bool
changed(u64 *last, u64 now)
{
	if (*last == now && !everything)
		return false;
	*last = now;
	return true;
}

static void
sample_zones(void)
{
	struct zone *zone = NULL;

	for (u32 number = 0; (zone = zone_next(zone)); number++)
		sample_zone(zone, number);
}

static void
sample_zone(struct zone *zone, u32 number)
{
	u64 blocks[NR_ORDERS];
	bool moved;
	u64 irq;
	u64 free;

	moved = changed(&sent.marks[number][0], READ_ONCE(zone->min));
	moved |= changed(&sent.marks[number][1], READ_ONCE(zone->low));
	if (moved)
		trace(sample_marks, number, sent.marks[number][0], sent.marks[number][1]);
	/* Why locked: the blocks add up to the free frames in each sample, whatever the other CPUs do. */
	irq = spin_lock_irqsave(&zone->lock);
	free = zone->free;
	for (u32 order = 0; order < NR_ORDERS; order++)
		blocks[order] = zone->area[order].count;
	spin_unlock_irqrestore(&zone->lock, irq);
	if (changed(&sent.zone_free[number], free))
		trace(sample_zone, number, free, READ_ONCE(zone->managed));
	for (u32 order = 0; order < NR_ORDERS; order++)
		if (changed(&sent.blocks[number][order], blocks[order]))
			trace(sample_order, number, order, blocks[order]);
}

static void
sample_vmstat(void)
{
	for (u32 i = 0; i < NR_VMSTAT; i++)
		if (changed((u64 *)&sent.vmstat[i], (u64)vmstat_sum(i)))
			trace(sample_vmstat, i, sent.vmstat[i], 0);
}

/* ---- the largest processes ---- */

static void
sample_tasks(void)
{
	struct task_figures largest[TASKS] = {0};

	tasks_collect(largest);
	for (u32 i = 0; i < TASKS; i++)
		if (largest[i].pid)
			task_send(&largest[i], everything ? NULL : task_sent(largest[i].pid));
	memcpy(sent.tasks, largest, sizeof(largest));
}

static void
tasks_collect(struct task_figures *largest)
{
	struct process *process;

	spin_lock(&process_lock);
	list_for_each (process, &process_list, all) {
		struct task_figures t = {0};

		if (process->state == PROCESS_LIVE && process->mm) {
			task_figures_fill(&t, process);
			tasks_insert(largest, &t);
		}
	}
	spin_unlock(&process_lock);
}

static void
task_figures_fill(struct task_figures *t, struct process *process)
{
	struct mm *mm = process->mm;

	must_hold(&process_lock);
	t->pid = process->pid;
	t->adj = READ_ONCE(process->oom_score_adj);
	t->rss = mm_rss(mm);
	t->swap = (u64)max_s64(atomic64_read(&mm->rss[RSS_SWAP]), 0);
	t->tables = (u64)max_s64(atomic64_read(&mm->tables), 0);
	memcpy(t->comm, process->comm, strnlen(process->comm, sizeof(t->comm))); /* what is behind it is not its name */
}

/* By size, largest first; what falls off the end is forgotten. */
static void
tasks_insert(struct task_figures *largest, const struct task_figures *t)
{
	u32 i = TASKS;

	while (i && (!largest[i - 1].pid || largest[i - 1].rss + largest[i - 1].swap < t->rss + t->swap))
		i--;
	if (i == TASKS)
		return;
	memmove(&largest[i + 1], &largest[i], (TASKS - 1 - i) * sizeof(*t));
	largest[i] = *t;
}

static void
task_send(const struct task_figures *t, const struct task_figures *old)
{
	u64 name[2];

	memcpy(name, t->comm, sizeof(name));
	if (!old || memcmp(old->comm, t->comm, sizeof(t->comm)))
		trace(sample_name, t->pid, name[0], name[1]);
	if (!old || old->rss != t->rss || old->swap != t->swap)
		trace(sample_task, t->pid, t->rss, t->swap);
	if (!old || old->adj != t->adj || old->tables != t->tables)
		trace(sample_score, t->pid, (s64)t->adj, t->tables);
}

static const struct task_figures *
task_sent(s32 pid)
{
	for (u32 i = 0; i < TASKS; i++)
		if (sent.tasks[i].pid == pid)
			return &sent.tasks[i];
	return NULL;
}

/* ---- the map of frames ---- */

static void
sample_map(void)
{
	u64 end = memblock_ram.count ? memblock_ram.range[memblock_ram.count - 1].end >> PAGE_SHIFT : 0;
	u64 frames = (end + CELLS - 1) / CELLS;

	if (everything)
		trace(sample_cells, CELLS, frames, 0);
	for (u32 first = 0; first < CELLS; first += CELLS_A_RECORD) {
		u64 *last = sent.map[first / CELLS_A_RECORD];
		u64 now[2] = {0};

		for (u32 i = 0; i < CELLS_A_RECORD; i++)
			now[i / 16] |= cell_kind((first + i) * frames, frames) << (i % 16 * 4);
		if (!everything && !memcmp(last, now, sizeof(now)))
			continue;
		memcpy(last, now, sizeof(now));
		trace(sample_map, first, now[0], now[1]);
	}
}

/* The kind that most of the frames have which are looked at. */
static u64
cell_kind(u64 first, u64 frames)
{
	u64 step = max_u64(frames / LOOKS, 1);
	u8 count[CELL_NOTHING + 1] = {0};
	u64 most = CELL_NOTHING;

	for (u64 i = 0; i < frames; i += step)
		count[frame_kind(first + i)]++;
	for (u64 kind = 0; kind < CELL_NOTHING; kind++)
		if (count[kind] > count[most])
			most = kind;
	return most;
}

static u64
frame_kind(u64 pfn)
{
	for (u32 i = 0; i < memblock_ram.count; i++) {
		const struct page *page;
		u64 kind;

		if (pfn < memblock_ram.range[i].base >> PAGE_SHIFT || pfn >= memblock_ram.range[i].end >> PAGE_SHIFT)
			continue;
		page = pfn_to_page(pfn);
		kind = READ_ONCE(page->kind);
		if (kind == PAGE_PCP)
			return PAGE_FREE;
		return kind == PAGE_ANON && READ_ONCE(page->object) ? CELL_SWAPCACHE : kind;
	}
	return CELL_NOTHING;
}

static void
sample_latency(void)
{
	for (u32 kind = 0; kind < FAULT_KINDS; kind++) {
		for (u32 bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
			u64 sum = 0;

			for (u32 cpu = 0; cpu < cpu_count(); cpu++)
				sum += READ_ONCE(per_cpu(trace_latency, cpu).count[kind][bucket]);
			if (sum != sent.latency[kind][bucket] || (everything && sum)) {
				sent.latency[kind][bucket] = sum;
				trace(sample_latency, kind, bucket, sum);
			}
		}
	}
}
