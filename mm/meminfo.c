/* SPDX-License-Identifier: MIT */
/*
 * mm/meminfo.c - what memory is used for
 *
 * Idea        see meminfo.h
 * Invariants  none
 * Locks       none held; the figures' own functions take theirs
 * Follow      from kernel/fs/procfs_mm.c, oom_meminfo.c   to lru_count.c, vmstat.c, slab.h, kernel/task.c
 * Tests       tests/guest/proc.c, tests/guest/test_oom.py
 * See         meminfo.h
 */
#include <kernel/panic.h>
#include <kernel/task.h>
#include <mm/lru.h>
#include <mm/meminfo.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/swap_io.h>
#include <mm/swap_mend.h>
#include <mm/vmstat.h>

static u64 inactive_anon(const struct meminfo *m);
static u64 less(u64 a, u64 b);

void
meminfo_take(struct meminfo *m)
{
	u64 slab = slab_pages_total();
	u64 empty = min_u64(slab_empty_pages(), slab);

	*m = (struct meminfo){
		.active_anon = lru_active(LRU_ANON),
		.inactive_file = lru_lazy(),
		.unevictable = meminfo_gauge(VM_NR_MLOCK),
		.slab_reclaimable = empty,
		.slab_unreclaimable = slab - empty,
		.misc_reclaimable = task_cache_pages(),
		.stacks = tasks_total() * (KSTACK_SIZE / PAGE_SIZE),
		.mapped = meminfo_gauge(VM_NR_MAPPED),
		.shmem = meminfo_gauge(VM_NR_SHMEM),
		.anon = meminfo_gauge(VM_NR_ANON_PAGES),
		.tables = meminfo_gauge(VM_NR_PAGE_TABLE_PAGES),
		.cached = meminfo_gauge(VM_NR_FILE_PAGES),
		.swap_cached = meminfo_gauge(VM_NR_SWAPCACHE),
		.isolated_anon = meminfo_gauge(VM_NR_ISOLATED_ANON),
		.writeback = less(swap_writes_flying(), swap_mend_waiting()),
		.free = nr_free_pages(),
		.free_pcp = nr_cached_pages(),
	};
	m->inactive_anon = inactive_anon(m);
}

static u64
inactive_anon(const struct meminfo *m)
{
	if (READ_ONCE(lru_on))
		return less(lru_pages(LRU_ANON), m->active_anon);
	return less(m->anon + m->shmem, m->active_anon + m->unevictable + m->inactive_file);
}

/* Figures of different moments: nothing is less than nothing. */
static u64
less(u64 a, u64 b)
{
	return a - min_u64(a, b);
}

u64
meminfo_gauge(u32 item)
{
	s64 sum;

	dassert(item < NR_VMSTAT);
	sum = vmstat_sum(item);
	return sum > 0 ? (u64)sum : 0;
}
