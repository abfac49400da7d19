/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_pagemap.c - frames by address and by number: /proc/<pid>/pagemap, /proc/kpagecount, /proc/kpageflags
 *
 * Idea        Arrays of 64-bit words, read at any offset that is a multiple of 8: word n of pagemap is about the n-th
 *             page of the address space, word n of the others about frame n. A page of words is made at a time, and
 *             given to the reader with nothing held.
 *
 *                 pagemap   63 present   62 swapped   61 a file's or shared   56 mapped by this one only   54-0 frame
 *
 *             Simple: bit 55, written since clear_refs was told 4, is 0 as on a Linux built without it.
 * Invariants  none
 * Locks       mm->lock for reading while a page of words is made; rmap_users() for counts
 * Follow      from procfs_pid.c, procfs_mm.c   to mm/pagetable.h, mm/rmap.h
 * Tests       tests/guest/proc_pagemap.c
 * See         Linux Documentation/admin-guide/mm/pagemap.rst
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/rmap.h>
#include <mm/slab.h>
#include <mm/swap.h>

#define WORDS (PAGE_SIZE / sizeof(u64)) /* made at a time: as many as a level-1 table has leaves */

#define PM_PRESENT BIT(63)
#define PM_SWAP BIT(62)
#define PM_FILE BIT(61)
#define PM_EXCLUSIVE BIT(56)

#define KPF_LOCKED BIT(0)
#define KPF_UPTODATE BIT(3)
#define KPF_LRU BIT(5)
#define KPF_ACTIVE BIT(6)
#define KPF_SLAB BIT(7)
#define KPF_WRITEBACK BIT(8)
#define KPF_BUDDY BIT(10)
#define KPF_MMAP BIT(11)
#define KPF_ANON BIT(12)
#define KPF_SWAPCACHE BIT(13)
#define KPF_SWAPBACKED BIT(14)
#define KPF_UNEVICTABLE BIT(18)
#define KPF_NOPAGE BIT(20)
#define KPF_ZERO_PAGE BIT(24)
#define KPF_PGTABLE BIT(26)
#define KPF_RESERVED BIT(32)

/* Makes @count words from number @first on. Returns 0 or -errno. */
typedef int (*words_fn)(void *about, u64 first, u64 count, u64 *words);

static s64 pagemap_read(struct file *f, struct io *io);
static s64 kpagecount_read(struct file *f, struct io *io);
static s64 kpageflags_read(struct file *f, struct io *io);
static s64 words_read(struct io *io, u64 end, words_fn make, void *about);
static s64 words_read_into(struct io *io, u64 end, words_fn make, void *about, u64 *words);
static int pagemap_words(void *about, u64 first, u64 count, u64 *words);
static int kpagecount_words(void *about, u64 first, u64 count, u64 *words);
static int kpageflags_words(void *about, u64 first, u64 count, u64 *words);
static u64 leaf_word(pte_t e);
static struct page *frame_of(u64 pfn);
static u64 frame_flags(const struct page *page);
static u64 list_flags(const struct page *page);
static u64 end_pfn(void);

const struct file_ops proc_pagemap_ops = {.read = pagemap_read};
const struct file_ops proc_kpagecount_ops = {.read = kpagecount_read};
const struct file_ops proc_kpageflags_ops = {.read = kpageflags_read};

static s64
pagemap_read(struct file *f, struct io *io)
{
	struct mm *mm = process_mm_get(f->inode->process);
	s64 result;

	if (!mm)
		return 0;
	result = words_read(io, USER_TOP >> PAGE_SHIFT, pagemap_words, mm);
	mm_put(mm);
	return result;
}

static s64
kpagecount_read(struct file *f, struct io *io)
{
	return words_read(io, end_pfn(), kpagecount_words, NULL);
}

static s64
kpageflags_read(struct file *f, struct io *io)
{
	return words_read(io, end_pfn(), kpageflags_words, NULL);
}

/* @end: words in the file. */
static s64
words_read(struct io *io, u64 end, words_fn make, void *about)
{
	s64 result;
	u64 *words;

	if ((io->pos | io->left) % sizeof(u64))
		return -EINVAL;
	if (!io->left || io->pos / sizeof(u64) >= end)
		return 0;
	words = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	if (!words)
		return -ENOMEM;
	result = words_read_into(io, end, make, about, words);
	kfree(words);
	return result;
}

static s64
words_read_into(struct io *io, u64 end, words_fn make, void *about, u64 *words)
{
	s64 moved = 0;
	int err = 0;

	while (io->left && !io->faulted && io->pos / sizeof(u64) < end) {
		u64 first = io->pos / sizeof(u64);
		u64 count = min_u64(min_u64(io->left / sizeof(u64), end - first), WORDS - first % WORDS);

		err = signal_state_fatal(&current->signal) ? -EINTR : make(about, first, count, words);
		if (err || !count)
			break;
		moved += io_put(io, words, count * sizeof(u64));
		cond_resched();
	}
	return moved || !err ? io_result(io, moved) : err;
}

/* The words of one level-1 table. Where there is none, all are 0. */
static int
pagemap_words(void *about, u64 first, u64 count, u64 *words)
{
	struct mm *mm = about;
	u64 start = first << PAGE_SHIFT;
	u64 va = start;
	u32 copied;
	int err = rwsem_read_lock_killable(&mm->lock);

	if (err)
		return err;
	copied = pagetable_copy(mm, &va, start + (count << PAGE_SHIFT), (pte_t *)words);
	assert(!copied || (va == start && copied == count));
	for (u32 i = 0; i < copied; i++)
		words[i] = leaf_word((pte_t){words[i]});
	rwsem_read_unlock(&mm->lock);
	memset(words + copied, 0, (count - copied) * sizeof(u64));
	return 0;
}

static u64
leaf_word(pte_t e)
{
	struct page *page = leaf_page(e);
	u64 word = PM_PRESENT | pte_pfn(e);

	if (leaf_is_swap(e)) /* area and slot stand where Linux has them */
		return PM_SWAP | leaf_to_swap(e).value;
	if (!leaf_has_frame(e))
		return 0;
	if (page == zero_frame)
		return word;
	if (page->kind != PAGE_ANON)
		word |= PM_FILE;
	if (rmap_users(page) == 1)
		word |= PM_EXCLUSIVE;
	return word;
}

static int
kpagecount_words(void *about, u64 first, u64 count, u64 *words)
{
	for (u64 i = 0; i < count; i++) {
		struct page *page = frame_of(first + i);

		words[i] = page ? rmap_users(page) : 0;
	}
	return 0;
}

static int
kpageflags_words(void *about, u64 first, u64 count, u64 *words)
{
	for (u64 i = 0; i < count; i++) {
		struct page *page = frame_of(first + i);

		words[i] = page ? frame_flags(page) : KPF_NOPAGE;
	}
	return 0;
}

/* The record of frame @pfn; NULL: that is no RAM. */
static struct page *
frame_of(u64 pfn)
{
	for (u32 i = 0; i < memblock_ram.count; i++)
		if (pfn >= memblock_ram.range[i].base >> PAGE_SHIFT && pfn < memblock_ram.range[i].end >> PAGE_SHIFT)
			return pfn_to_page(pfn);
	return NULL;
}

/* Simple: no bits of the lists of pages in use, which do not exist yet. */
static u64
frame_flags(const struct page *page)
{
	u64 flags = READ_ONCE(page->flags) & BIT(PG_LOCKED) ? KPF_LOCKED : 0;

	if (page == zero_frame)
		return KPF_ZERO_PAGE;
	switch ((enum page_kind)READ_ONCE(page->kind)) {
	case PAGE_RESERVED:
		return KPF_RESERVED;
	case PAGE_FREE:
		return KPF_BUDDY;
	case PAGE_SLAB:
		return flags | KPF_SLAB;
	case PAGE_TABLE:
		return flags | KPF_PGTABLE;
	case PAGE_ANON:
		flags |= KPF_ANON | KPF_SWAPBACKED | KPF_UPTODATE | list_flags(page);
		flags |= READ_ONCE(page->object) ? KPF_SWAPCACHE : 0;
		break;
	case PAGE_SHMEM:
		flags |= KPF_SWAPBACKED | KPF_UPTODATE | list_flags(page);
		break;
	case PAGE_FILE:
		flags |= KPF_UPTODATE;
		break;
	default:
		return 0;
	}
	return READ_ONCE(page->mapcount) ? flags | KPF_MMAP : flags;
}

/* Where reclaim has it. */
static u64
list_flags(const struct page *page)
{
	u32 flags = READ_ONCE(page->flags);

	return (flags & BIT(PG_LRU) ? KPF_LRU : 0) | (lru_is_active(page) ? KPF_ACTIVE : 0) |
	       (flags & BIT(PG_UNEVICTABLE) ? KPF_UNEVICTABLE : 0) | (flags & BIT(PG_WRITEBACK) ? KPF_WRITEBACK : 0);
}

static u64
end_pfn(void)
{
	return memblock_ram.count ? memblock_ram.range[memblock_ram.count - 1].end >> PAGE_SHIFT : 0;
}
