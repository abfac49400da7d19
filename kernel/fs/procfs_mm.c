/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_mm.c - figures of memory: meminfo, vmstat, slabinfo, and the judge, mm_check
 *
 * Idea        Linux's formats with the lines of which Tidemark has the figure; a line without one is left out, but
 *             for those that programs look for and whose true value is 0 here (buffers, swap). Reading mm_check
 *             empties every cache that keeps free memory, proves the invariants, and prints what is in use: the same
 *             on a quiet system before and after anything, to the page.
 * Invariants  none
 * Locks       none held; the figures' own functions take theirs
 * Follow      from procfs.c   to mm/meminfo.h, the headers of mm/
 * Tests       tests/guest/main.c (mm_check), user/story.c
 * See         proc(5); Linux Documentation/filesystems/proc.rst
 */
#include <kernel/fs/procfs.h>

#include <arch/mmu.h>
#include <kernel/fs/abi.h>
#include <kernel/fs/seq.h>
#include <kernel/kmsg.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/sys_swap.h>
#include <kernel/sysrq.h>
#include <kernel/task.h>
#include <mm/check.h>
#include <mm/commit.h>
#include <mm/lru.h>
#include <mm/meminfo.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/swap.h>
#include <mm/vmalloc.h>
#include <mm/vmstat.h>
#include <mm/watermark.h>

static void meminfo_show(struct seq *s);
static void meminfo_direct_map(struct seq *s);
static void vmstat_show(struct seq *s);
static void gauges_show(struct seq *s, const char *indent);
static void slabinfo_show(struct seq *s);
static void mm_check_show(struct seq *s);
static int sysrq_store(const struct proc_who *who, char *text, u64 len);
static void line_pages(struct seq *s, const char *label, u64 pages);
static u64 caches_spare(u64 pages);
static u64 available_pages(void);

const struct proc_entry procfs_mm_entries[] = {
	{.name = "meminfo", .show = meminfo_show},
	{.name = "vmstat", .show = vmstat_show},
	{.name = "slabinfo", .show = slabinfo_show, .mode = S_IFREG | 0400},
	{.name = "kpagecount", .fops = &proc_kpagecount_ops, .mode = S_IFREG | 0400},
	{.name = "kpageflags", .fops = &proc_kpageflags_ops, .mode = S_IFREG | 0400},
	{.name = "kmsg", .fops = &kmsg_proc_ops, .mode = S_IFREG | 0400},
	{.name = "sysrq-trigger", .store = sysrq_store, .mode = S_IFREG | 0200},
	{.name = "swaps", .show = swaps_show},
	{.name = "swap_slots", .fops = &proc_swap_slots_ops, .mode = S_IFREG | 0400},
	{.name = "mm_check", .show = mm_check_show, .prepare = proc_caches_drop, .mode = S_IFREG | 0400},
	{},
};

static void
meminfo_show(struct seq *s)
{
	struct meminfo m;

	meminfo_take(&m);
	line_pages(s, "MemTotal:", total_pages());
	line_pages(s, "MemFree:", m.free);
	line_pages(s, "MemAvailable:", available_pages());
	line_pages(s, "Buffers:", 0);
	line_pages(s, "Cached:", m.cached);
	line_pages(s, "SwapCached:", m.swap_cached);
	line_pages(s, "Active:", m.active_anon + m.active_file);
	line_pages(s, "Inactive:", m.inactive_anon + m.inactive_file);
	line_pages(s, "Active(anon):", m.active_anon);
	line_pages(s, "Inactive(anon):", m.inactive_anon);
	line_pages(s, "Active(file):", m.active_file);
	line_pages(s, "Inactive(file):", m.inactive_file);
	line_pages(s, "Unevictable:", m.unevictable);
	line_pages(s, "Mlocked:", m.unevictable);
	line_pages(s, "SwapTotal:", swap_total_pages());
	line_pages(s, "SwapFree:", swap_free_pages());
	line_pages(s, "Dirty:", 0);
	line_pages(s, "Writeback:", m.writeback);
	line_pages(s, "AnonPages:", m.anon);
	line_pages(s, "Mapped:", m.mapped);
	line_pages(s, "Shmem:", m.shmem);
	line_pages(s, "KReclaimable:", m.slab_reclaimable + m.misc_reclaimable);
	line_pages(s, "Slab:", m.slab_reclaimable + m.slab_unreclaimable);
	line_pages(s, "SReclaimable:", m.slab_reclaimable);
	line_pages(s, "SUnreclaim:", m.slab_unreclaimable);
	line_pages(s, "KernelStack:", m.stacks);
	line_pages(s, "PageTables:", m.tables);
	line_pages(s, "CommitLimit:", commit_limit());
	line_pages(s, "Committed_AS:", commit_pages());
	line_pages(s, "VmallocTotal:", (VMALLOC_END - VMALLOC_BASE) / PAGE_SIZE);
	line_pages(s, "VmallocUsed:", meminfo_gauge(VM_NR_VMALLOC));
	line_pages(s, "VmallocChunk:", 0); /* Linux does not count it any more either */
	line_pages(s, "Percpu:", percpu_pages());
	meminfo_direct_map(s);
}

/* How the kernel maps RAM for itself: by leaves of which size. */
static void
meminfo_direct_map(struct seq *s)
{
	u64 bytes[3];

	mmu_direct_map_bytes(bytes);
	line_pages(s, "DirectMap4k:", bytes[0] >> PAGE_SHIFT);
	line_pages(s, "DirectMap2M:", bytes[1] >> PAGE_SHIFT);
	line_pages(s, "DirectMap1G:", bytes[2] >> PAGE_SHIFT);
}

static void
vmstat_show(struct seq *s)
{
	seq_printf(s, "nr_free_pages %lu\n", nr_free_pages());
	gauges_show(s, "");
	for (u32 i = VM_FIRST_EVENT; i < NR_VMSTAT; i++)
		seq_printf(s, "%s %lu\n", vmstat_name(i),
			   meminfo_gauge(i) >> (i == VM_PGPGIN || i == VM_PGPGOUT)); /* KiB */
}

void
proc_gauges_show(struct seq *s)
{
	gauges_show(s, "      ");
}

/* Lists know their lengths, and so nobody counts those again. Stacks are counted as tasks, in KiB as on Linux. */
static void
gauges_show(struct seq *s, const char *indent)
{
	struct meminfo m;

	meminfo_take(&m);
	seq_printf(s, "%snr_inactive_anon %lu\n", indent, m.inactive_anon);
	seq_printf(s, "%snr_active_anon %lu\n", indent, m.active_anon);
	seq_printf(s, "%snr_inactive_file %lu\n", indent, m.inactive_file);
	seq_printf(s, "%snr_active_file %lu\n", indent, m.active_file);
	seq_printf(s, "%snr_unevictable %lu\n", indent, m.unevictable);
	seq_printf(s, "%snr_slab_reclaimable %lu\n", indent, m.slab_reclaimable);
	seq_printf(s, "%snr_slab_unreclaimable %lu\n", indent, m.slab_unreclaimable);
	seq_printf(s, "%snr_kernel_misc_reclaimable %lu\n", indent, m.misc_reclaimable);
	seq_printf(s, "%snr_kernel_stack %lu\n", indent, m.stacks * (PAGE_SIZE / 1024));
	seq_printf(s, "%snr_writeback %lu\n", indent, m.writeback);
	for (u32 i = 0; i < VM_FIRST_EVENT; i++)
		seq_printf(s, "%s%s %lu\n", indent, vmstat_name(i), meminfo_gauge(i));
}

/* Magazines are not tunable: their columns are 0. Objects in magazines count as free. */
static void
slabinfo_show(struct seq *s)
{
	struct kmem_cache *cache = NULL;
	struct slab_info i;

	seq_puts(s, "slabinfo - version: 2.1\n"
		    "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		    " : tunables <limit> <batchcount> <sharedfactor>"
		    " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	while ((cache = slab_info_next(cache, &i))) {
		seq_printf(s, "%-17s %6lu %6lu %6u %4u %4u", i.name, i.objects_used, i.objects_total, i.size,
			   i.per_slab, i.pages_per_slab);
		seq_printf(s, " : tunables %4u %4u %4u : slabdata %6lu %6lu %6u\n", 0, 0, 0, i.slabs_total,
			   i.slabs_total, 0);
	}
}

static int
sysrq_store(const struct proc_who *who, char *text, u64 len)
{
	if (len)
		sysrq_handle(text[0]);
	return 0;
}

static void
mm_check_show(struct seq *s)
{
	int bad;

	proc_caches_drop();
	bad = mm_check();
	if (bad)
		seq_printf(s, "mm_check FAILED %d\n", bad);
	else
		seq_puts(s, "mm_check clean\n");
	seq_printf(s, "free_pages %lu\n", nr_free_pages());
	seq_printf(s, "slab_objects %lu\n", slab_objects_total());
	seq_printf(s, "slab_pages %lu\n", slab_pages_total());
	seq_printf(s, "tasks %lu\n", tasks_total());
	seq_printf(s, "processes %u\n", process_count());
	seq_printf(s, "vmas %lu\n", mm_vmas_total());
	seq_printf(s, "tables %lu\n", meminfo_gauge(VM_NR_PAGE_TABLE_PAGES));
	seq_printf(s, "swap_pages %lu\n", swap_total_pages() - swap_free_pages());
	seq_printf(s, "swapcached %lu\n", meminfo_gauge(VM_NR_SWAPCACHE));
	seq_printf(s, "anon_pages %lu\n", meminfo_gauge(VM_NR_ANON_PAGES));
	seq_printf(s, "file_pages %lu\n", meminfo_gauge(VM_NR_FILE_PAGES));
	seq_printf(s, "vmalloc_pages %lu\n", meminfo_gauge(VM_NR_VMALLOC));
	seq_printf(s, "committed_pages %lu\n", commit_pages());
}

/*
 * Each step gives back what the ones before it have left lying. Why also before a lookup: the reader's own inode and
 * file shall come out of slabs that are in use anyway, not out of a magazine full of objects of an otherwise empty
 * slab.
 */
void
proc_caches_drop(void)
{
	sched_quiesce();
	task_cache_drain();
	vmalloc_purge();
	slab_drain_all();
	page_alloc_drain();
}

static void
line_pages(struct seq *s, const char *label, u64 pages)
{
	seq_printf(s, "%-16s%8lu kB\n", label, pages * (PAGE_SIZE / 1024));
}

/* Of a cache, the part that can go without harm: half of it, or all but what the low marks add up to. */
static u64
caches_spare(u64 pages)
{
	const struct zone *zone = NULL;
	u64 low = 0;

	while ((zone = zone_next(zone)))
		low += READ_ONCE(zone->low);
	return pages - min_u64(pages / 2, low);
}

/* What programs may still take before the system swaps, as Linux reckons it: caches but for a part that is in use. */
static u64
available_pages(void)
{
	u64 free = nr_free_pages() + caches_spare(lru_lazy()) + caches_spare(slab_empty_pages() + task_cache_pages());
	u64 reserve = totalreserve_pages();

	return free > reserve ? free - reserve : 0;
}
