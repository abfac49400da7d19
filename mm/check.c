/* SPDX-License-Identifier: MIT */
/*
 * mm/check.c - prove that memory is what the head comments say it is
 *
 * Idea        First every address space from the program's side: vmas, tables, leaves. Then every frame from the other
 *             side: its slots, its references, its kind. Then the gauges against both. What no side explains is a leak
 *             or a corruption.
 * Invariants  none of its own
 * Locks       check_lock (RANK_CHECK): one proof at a time; then every mm->lock for writing, at once: memory of
 *             programs stands still meanwhile
 * Follow      from kernel/fs/procfs_mm.c (/proc/mm_check)   to mm.c, rmap.c, pagecache.c, page_alloc.c, slab_check.c,
 *             lru_check.c
 * Tests       runs after each guest case
 * See         docs/mm.md
 */
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/check.h>
#include <mm/commit.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/reclaim.h>
#include <mm/rmap.h>
#include <mm/slab.h>
#include <mm/swap.h>
#include <mm/swap_check.h>
#include <mm/vmalloc.h>
#include <mm/vmstat.h>

/* What the frames say, to be held against the gauges. */
struct tally {
	s64 anon;       /* mapped private pages */
	s64 mapped;     /* mapped pages of objects */
	s64 cached;     /* pages of objects */
	s64 swapcached; /* pages in the swap cache */
	s64 tables;
	s64 locked; /* pages that a locked leaf maps */
	int bad;
};

/* The visit to all address spaces. */
struct frozen {
	bool pages_done;
	u64 promised; /* pages, by all of them */
};

static struct mutex check_lock = MUTEX_INIT(check_lock, RANK_CHECK); /* one proof at a time: some of it is static */

static int check_locked(void);
static int check_frozen(struct mm *mm, void *arg);
static int check_pages(void);
static void check_page(struct page *page, struct tally *t);
static void check_user_page(struct page *page, struct tally *t);
static int check_gauge(enum vmstat_item item, s64 found);

int
mm_check(void)
{
	int bad;

	may_sleep();
	mutex_lock(&check_lock);
	bad = check_locked();
	mutex_unlock(&check_lock);
	return bad;
}

static int
check_locked(void)
{
	struct frozen f = {0};
	int bad;

	oom_done_await(); /* what is being torn down is on no list any more */
	reclaim_settle();
	swap_check_begin();
	bad = mm_for_all_locked(check_frozen, &f);
	bad += commit_check(f.promised + pagecache_promised());
	bad += pagecache_check();
	bad += swap_check_end(); /* when leaves and objects have both said what they name */
	return bad + lru_check() + swap_check() + page_alloc_check() + slab_check() + vmalloc_check();
}

/* Called with all address spaces locked; the frames are looked at once, while nothing moves. */
static int
check_frozen(struct mm *mm, void *arg)
{
	struct frozen *f = arg;
	int bad = mm_check_one(mm);

	dassert(rwsem_write_is_mine(&mm->lock));
	f->promised += mm->account_vm;
	if (!f->pages_done) {
		f->pages_done = true;
		bad += check_pages();
	}
	return bad;
}

static int
check_pages(void)
{
	struct tally t = {0};

	assert(memblock_ram.count);
	for (u32 i = 0; i < memblock_ram.count; i++)
		for (u64 pa = memblock_ram.range[i].base; pa < memblock_ram.range[i].end; pa += PAGE_SIZE)
			check_page(pfn_to_page(pa >> PAGE_SHIFT), &t);
	t.bad += check_gauge(VM_NR_ANON_PAGES, t.anon);
	t.bad += check_gauge(VM_NR_MAPPED, t.mapped);
	t.bad += check_gauge(VM_NR_FILE_PAGES, t.cached);
	t.bad += check_gauge(VM_NR_SWAPCACHE, t.swapcached);
	t.bad += check_gauge(VM_NR_MLOCK, t.locked);
	t.bad += check_gauge(VM_NR_PAGE_TABLE_PAGES, t.tables);
	return t.bad;
}

static void
check_page(struct page *page, struct tally *t)
{
	if (page->kind == PAGE_TABLE) {
		t->tables++;
		if (page->level == 1)
			t->bad += swap_check_table(page);
		return;
	}
	if (page->kind >= PAGE_KINDS) {
		pr_err("mm_check: frame %lx is of kind %u, which does not exist\n", page_to_pfn(page), page->kind);
		t->bad++;
		return;
	}
	if (page_is_user(page))
		check_user_page(page, t);
}

/* page.h I2: one reference a slot, one for the cache, and on a quiet system no other. */
static void
check_user_page(struct page *page, struct tally *t)
{
	s32 expected = (s32)page->mapcount + (page->object ? 1 : 0);

	dassert(page_is_user(page) && page->kind < PAGE_KINDS);
	t->bad += rmap_check_page(page);
	if (atomic_read(&page->refs) != expected) {
		pr_err("mm_check: %s frame %lx has %d references, but %u mappings%s\n", page_kind_name(page->kind),
		       page_to_pfn(page), atomic_read(&page->refs), page->mapcount,
		       page->object ? " and its object" : "");
		t->bad++;
	}
	if (page->kind == PAGE_ANON)
		t->anon += page->mapcount > 0;
	else
		t->mapped += page->mapcount > 0;
	if (page->kind == PAGE_ANON)
		t->swapcached += page->object != NULL;
	else
		t->cached += page->object != NULL;
	t->locked += page->locks > 0;
}

static int
check_gauge(enum vmstat_item item, s64 found)
{
	dassert(found >= 0);
	if (vmstat_sum(item) == found)
		return 0;
	pr_err("mm_check: %s says %ld, and there are %ld\n", vmstat_name(item), vmstat_sum(item), found);
	return 1;
}
