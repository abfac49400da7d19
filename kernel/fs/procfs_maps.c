/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_maps.c - the mappings of a process: maps, smaps, smaps_rollup, clear_refs
 *
 * Idea        One line for each vma; smaps adds what its leaves say. The texts are written in parts, each under
 *             mm->lock; the cursor is the address behind the last vma. The leaves of a table are copied first and
 *             looked at afterwards, with nothing held but mm->lock.
 *             Pss divides a page among those who map it: each leaf counts as page size / rmap_users(page). Summed over
 *             all processes that is the memory itself, also where fork shares whole tables. SwapPss divides a slot by
 *             the leaves that name it, and each leaf by the users of its table: the sum is the slots in use.
 *             Simple: no way leads from a slot back to its leaves. While some of a family share a table and others
 *             have parted, each table counts alike, not each process as in Linux. A word (mm/swap_same.h) is named by
 *             strangers too: its leaves are divided by the users of their table only.
 *             Simple: a dirty page of a file in memory shows only where a program's own write made it so, not where
 *             write(2) did.
 * Invariants  none
 * Locks       mm->lock for reading; map locks and table locks one at a time, by rmap_users()
 * Follow      from procfs_pid.c   to mm/vma.h, mm/rmap.h
 * Tests       tests/guest/proc_maps.c, tests/guest/proc_smaps.c
 * See         Linux Documentation/filesystems/proc.rst section 1.1
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/abi.h>
#include <kernel/fs/procfs_name.h>
#include <kernel/fs/seq.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/rmap.h>
#include <mm/shmem.h>
#include <mm/slab.h>
#include <mm/swap.h>
#include <mm/tlb.h>

#define NAME_COLUMN 73 /* where Linux starts the name */
#define PSS_SHIFT 12   /* shares of a page are kept in fractions of a byte, as Linux does */

/* What smaps says of a vma, or of all; bytes. */
struct smaps {
	u64 rss, pss, pss_dirty; /* pss: << PSS_SHIFT */
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 referenced, anonymous, lazy;
	u64 pss_anon, pss_file, pss_shmem, pss_locked;
	u64 swap;     /* leaves that name a slot, and pages of the object that have left memory */
	u64 swap_pss; /* of the leaves alone, as in Linux; << PSS_SHIFT */
};

/* Which leaves clear_refs means. */
enum clear_refs {
	CLEAR_ALL = 1,
	CLEAR_ANON = 2,
	CLEAR_MAPPED = 3,
	CLEAR_PEAK = 5,
};

/* Room to work in: a page of leaves, and one for a path. Either is used at a time. */
union scratch {
	pte_t leaves[TABLE_ENTRIES];
	char path[PATH_MAX];
};

_Static_assert(sizeof(union scratch) == PAGE_SIZE, "one page");

typedef void (*part_fn)(struct seq *s, struct mm *mm, struct vma *vma, union scratch *scratch);

static int show_parts(struct seq *s, const struct proc_who *who, part_fn show);
static int show_part_locked(struct seq *s, struct mm *mm, union scratch *scratch, part_fn show);
static void maps_part(struct seq *s, struct mm *mm, struct vma *vma, union scratch *scratch);
static void smaps_part(struct seq *s, struct mm *mm, struct vma *vma, union scratch *scratch);
static void maps_line(struct seq *s, struct mm *mm, const struct vma *vma, char *buf);
static void maps_path(struct seq *s, const char *path);
static void smaps_vma(struct mm *mm, const struct vma *vma, pte_t *leaves, struct smaps *sum);
static u64 swapped_pages(const struct vma *vma, u64 start, u64 end);
static u32 slot_users(swap_entry_t entry);
static void smaps_swap(pte_t e, u32 table_users, struct smaps *sum);
static void smaps_leaf(const struct vma *vma, pte_t e, struct smaps *sum);
static void smaps_print(struct seq *s, const struct smaps *sum, bool rollup);
static void smaps_flags(struct seq *s, const struct vma *vma);
static void rollup_locked(struct seq *s, struct mm *mm, pte_t *leaves);
static void line_kb(struct seq *s, const char *label, u64 bytes);
static void clear_refs_locked(struct mm *mm, enum clear_refs which);
static void clear_table(struct page *table, const struct vma *vma, u64 va);

int
proc_maps_show(struct seq *s, const struct proc_who *who)
{
	return show_parts(s, who, maps_part);
}

int
proc_smaps_show(struct seq *s, const struct proc_who *who)
{
	return show_parts(s, who, smaps_part);
}

int
proc_smaps_rollup_show(struct seq *s, const struct proc_who *who)
{
	struct mm *mm = process_mm_get(who->process);
	pte_t *leaves;
	int err;

	if (!mm)
		return -ESRCH;
	leaves = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	err = leaves ? rwsem_read_lock_killable(&mm->lock) : -ENOMEM;
	if (!err) {
		rollup_locked(s, mm, leaves);
		rwsem_read_unlock(&mm->lock);
	}
	kfree(leaves);
	mm_put(mm);
	return err;
}

/* 4 would mark what is written from now on: without that mechanism it is no number that we know. */
int
proc_clear_refs_store(const struct proc_who *who, char *text, u64 len)
{
	struct mm *mm;
	s64 which;
	int err = proc_parse_s64(text, &which);

	if (err)
		return err;
	if (which < CLEAR_ALL || which > CLEAR_PEAK || which == 4)
		return -EINVAL;
	mm = process_mm_get(who->process);
	if (!mm)
		return 0;
	err = which == CLEAR_PEAK ? rwsem_write_lock_killable(&mm->lock) : rwsem_read_lock_killable(&mm->lock);
	if (!err && which == CLEAR_PEAK) {
		WRITE_ONCE(mm->rss_peak, mm_rss(mm));
		rwsem_write_unlock(&mm->lock);
	} else if (!err) {
		clear_refs_locked(mm, (enum clear_refs)which);
		rwsem_read_unlock(&mm->lock);
	}
	mm_put(mm);
	return err;
}

/* Writes the next part. A process without memory has no mappings. */
static int
show_parts(struct seq *s, const struct proc_who *who, part_fn show)
{
	struct mm *mm = process_mm_get(who->process);
	union scratch *scratch;
	int err = -ENOMEM;

	if (!mm)
		return 0;
	scratch = kmalloc(sizeof(*scratch), ALLOC_KERNEL);
	if (scratch)
		err = show_part_locked(s, mm, scratch, show);
	kfree(scratch);
	mm_put(mm);
	return err;
}

static int
show_part_locked(struct seq *s, struct mm *mm, union scratch *scratch, part_fn show)
{
	struct vma *vma;
	int err = rwsem_read_lock_killable(&mm->lock);

	if (err)
		return err;
	for (vma = vma_find(&mm->vmas, s->cursor); vma && s->len < PROC_PART; vma = vma_next(vma)) {
		show(s, mm, vma, scratch);
		s->cursor = vma->end;
	}
	s->more = vma;
	rwsem_read_unlock(&mm->lock);
	return 0;
}

static void
maps_part(struct seq *s, struct mm *mm, struct vma *vma, union scratch *scratch)
{
	maps_line(s, mm, vma, scratch->path);
}

static void
smaps_part(struct seq *s, struct mm *mm, struct vma *vma, union scratch *scratch)
{
	struct smaps sum = {0};

	smaps_vma(mm, vma, scratch->leaves, &sum);
	maps_line(s, mm, vma, scratch->path);
	line_kb(s, "Size:", vma->end - vma->start);
	line_kb(s, "KernelPageSize:", PAGE_SIZE);
	line_kb(s, "MMUPageSize:", PAGE_SIZE);
	smaps_print(s, &sum, false);
	seq_puts(s, "THPeligible:    0\n");
	smaps_flags(s, vma);
}

static void
maps_line(struct seq *s, struct mm *mm, const struct vma *vma, char *buf)
{
	struct proc_vma_name name;

	proc_vma_name(mm, vma, buf, &name);
	seq_printf(s, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", vma->start, vma->end,
		   vma->flags & VM_READ ? 'r' : '-', vma->flags & VM_WRITE ? 'w' : '-',
		   vma->flags & VM_EXEC ? 'x' : '-', vma->flags & VM_SHARED ? 's' : 'p', name.offset, name.major,
		   name.minor, name.ino);
	if (name.text) {
		seq_pad(s, NAME_COLUMN);
		maps_path(s, name.text);
	}
	seq_puts(s, "\n");
}

/* A line's end in a name would end the line. */
static void
maps_path(struct seq *s, const char *path)
{
	u32 n;

	for (; *path; path += n) {
		for (n = 0; path[n] && path[n] != '\n'; n++)
			;
		seq_write(s, path, n);
		if (path[n]) {
			seq_puts(s, "\\012");
			n++;
		}
	}
}

/* Table by table: copies its leaves, then looks at them. */
static void
smaps_vma(struct mm *mm, const struct vma *vma, pte_t *leaves, struct smaps *sum)
{
	u64 va = vma->start;
	u32 count;
	u32 users;

	sum->swap += swapped_pages(vma, vma->start, vma->end) << PAGE_SHIFT;
	while (va < vma->end) {
		count = pagetable_copy(mm, &va, vma->end, leaves);
		users = count ? rmap_table_users(slot_table(pagetable_walk(mm, va).slot)) : 0;
		for (u32 i = 0; i < count; i++) {
			if (leaf_is_swap(leaves[i]))
				smaps_swap(leaves[i], users, sum);
			else
				smaps_leaf(vma, leaves[i], sum);
			/* A private copy hides the page. */
			if (!pte_none(leaves[i]) && !(vma->flags & VM_SHARED))
				sum->swap -= swapped_pages(vma, va + i * PAGE_SIZE, va + (i + 1) * PAGE_SIZE)
					     << PAGE_SHIFT;
		}
		va += count * PAGE_SIZE;
		cond_resched();
	}
}

/* Pages of the object in [start, end) that have left memory: no leaf says so, the object knows. */
static u64
swapped_pages(const struct vma *vma, u64 start, u64 end)
{
	u64 index = vma->pgoff + ((start - vma->start) >> PAGE_SHIFT);

	return vma->object ? shmem_swapped(vma->object, index, index + ((end - start) >> PAGE_SHIFT)) : 0;
}

/* A leaf that names a slot, or a word, in a table of so many users. */
static void
smaps_swap(pte_t e, u32 table_users, struct smaps *sum)
{
	dassert(table_users);
	sum->swap += PAGE_SIZE;
	sum->swap_pss += (PAGE_SIZE << PSS_SHIFT) / ((u64)slot_users(leaf_to_swap(e)) * table_users);
}

/*
 * Leaves that name the same slot. A word's page, or what is lost, counts in full.
 *
 * Race: mm->lock is held for reading, as by swapoff, which may have filled the leaf since it was copied, freed the slot
 * and closed the area: then nobody else has it.
 */
static u32
slot_users(swap_entry_t entry)
{
	u32 users;

	if (swap_entry_is_same(entry) || swap_entry_is_lost(entry) || !swap_area_get(entry))
		return 1;
	users = swap_count(entry);
	swap_area_put(entry);
	return users ? users : 1;
}

/* The zero frame is nobody's memory. */
static void
smaps_leaf(const struct vma *vma, pte_t e, struct smaps *sum)
{
	struct page *page = leaf_page(e);
	bool dirty = pte_has(e, PTE_DIRTY);
	u32 users;
	u64 pss;

	if (!leaf_has_frame(e) || page == zero_frame)
		return;
	users = rmap_users(page);
	if (!users) /* it was unmapped a moment ago */
		return;
	pss = (PAGE_SIZE << PSS_SHIFT) / users;
	sum->rss += PAGE_SIZE;
	sum->pss += pss;
	sum->pss_dirty += dirty ? pss : 0;
	sum->referenced += pte_has(e, PTE_ACCESSED) ? PAGE_SIZE : 0;
	sum->pss_locked += vma->flags & VM_LOCKED ? pss : 0;
	if (page->kind == PAGE_ANON) {
		sum->anonymous += PAGE_SIZE;
		if (!dirty && (READ_ONCE(page->flags) & (BIT(PG_LAZY) | BIT(PG_DIRTY))) == BIT(PG_LAZY))
			sum->lazy += PAGE_SIZE;
		sum->pss_anon += pss;
	} else if (page->kind == PAGE_SHMEM) {
		sum->pss_shmem += pss;
	} else {
		sum->pss_file += pss;
	}
	if (users > 1)
		*(dirty ? &sum->shared_dirty : &sum->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &sum->private_dirty : &sum->private_clean) += PAGE_SIZE;
}

static void
smaps_print(struct seq *s, const struct smaps *sum, bool rollup)
{
	line_kb(s, "Rss:", sum->rss);
	line_kb(s, "Pss:", sum->pss >> PSS_SHIFT);
	line_kb(s, "Pss_Dirty:", sum->pss_dirty >> PSS_SHIFT);
	if (rollup) {
		line_kb(s, "Pss_Anon:", sum->pss_anon >> PSS_SHIFT);
		line_kb(s, "Pss_File:", sum->pss_file >> PSS_SHIFT);
		line_kb(s, "Pss_Shmem:", sum->pss_shmem >> PSS_SHIFT);
	}
	line_kb(s, "Shared_Clean:", sum->shared_clean);
	line_kb(s, "Shared_Dirty:", sum->shared_dirty);
	line_kb(s, "Private_Clean:", sum->private_clean);
	line_kb(s, "Private_Dirty:", sum->private_dirty);
	line_kb(s, "Referenced:", sum->referenced);
	line_kb(s, "Anonymous:", sum->anonymous);
	line_kb(s, "LazyFree:", sum->lazy);
	line_kb(s, "AnonHugePages:", 0);
	line_kb(s, "ShmemPmdMapped:", 0);
	line_kb(s, "FilePmdMapped:", 0);
	line_kb(s, "Shared_Hugetlb:", 0);
	line_kb(s, "Private_Hugetlb:", 0);
	line_kb(s, "Swap:", sum->swap);
	line_kb(s, "SwapPss:", sum->swap_pss >> PSS_SHIFT);
	line_kb(s, "Locked:", sum->pss_locked >> PSS_SHIFT);
}

/* Two letters for each flag, in the order of Linux's bits. A file open for reading only is mapped "ms" without "sh". */
static void
smaps_flags(struct seq *s, const struct vma *vma)
{
	static const char letters[32][3] = {
		"rd", "wr", "ex", "sh", "mr", "mw", "me", "ms", "gd", "",   "pf", "",   "",   "lo", "io", "sr",
		"rr", "dc", "de", "lf", "ac", "nr", "ht", "sf", "ar", "wf", "dd", "sd", "mm", "hg", "nh", "mg",
	};
	u32 flags = vma->flags;

	if (flags & VM_SHARED) {
		flags |= 0x80;
		if (!(flags & VM_MAYWRITE))
			flags &= ~VM_SHARED;
	}
	seq_puts(s, "VmFlags: ");
	for (u32 bit = 0; bit < 32; bit++)
		if ((flags & BIT(bit)) && letters[bit][0])
			seq_printf(s, "%s ", letters[bit]);
	seq_puts(s, "\n");
}

static void
rollup_locked(struct seq *s, struct mm *mm, pte_t *leaves)
{
	struct vma *first = vma_first(&mm->vmas);
	struct smaps sum = {0};
	u64 end = 0;

	for (struct vma *vma = first; vma; vma = vma_next(vma)) {
		smaps_vma(mm, vma, leaves, &sum);
		end = vma->end;
	}
	seq_printf(s, "%08lx-%08lx ---p %08lx 00:00 0 ", first ? first->start : 0, end, 0UL);
	seq_pad(s, NAME_COLUMN);
	seq_puts(s, "[rollup]\n");
	smaps_print(s, &sum, true);
}

static void
line_kb(struct seq *s, const char *label, u64 bytes)
{
	seq_printf(s, "%-16s%8lu kB\n", label, bytes >> 10);
}

/*
 * Clears the processor's accessed bits. In a table that fork shares, that is one bit for all who use it: they read the
 * same memory through the same leaf.
 */
static void
clear_refs_locked(struct mm *mm, enum clear_refs which)
{
	pte_t *entry;

	for (struct vma *vma = vma_first(&mm->vmas); vma; vma = vma_next(vma)) {
		if ((which == CLEAR_ANON && vma->object) || (which == CLEAR_MAPPED && !vma->object))
			continue;
		for (u64 va = vma->start; (entry = pagetable_next(mm, &va, vma->end));
		     va = round_down(va, TABLE_SPAN) + TABLE_SPAN)
			clear_table(leaf_page(pte_read(entry)), vma, va);
		cond_resched();
	}
}

/* Why the flush: a processor that remembers a translation as accessed does not set the bit again. */
static void
clear_table(struct page *table, const struct vma *vma, u64 va)
{
	u64 end = min_u64(vma->end, table->base + TABLE_SPAN);
	struct tlb_batch batch;

	tlb_batch_init(&batch);
	spin_lock(&table->lock);
	for (u64 at = va; at < end; at += PAGE_SIZE) {
		pte_t *slot = table_slot(table, 1, at);

		if (pte_has(pte_read(slot), PTE_PRESENT) && pte_has(pte_read(slot), PTE_ACCESSED))
			pte_clear_bits(slot, PTE_ACCESSED);
	}
	tlb_batch_range(&batch, tlb_cpus(table), va, end);
	spin_unlock(&table->lock);
	tlb_batch_flush(&batch);
}
