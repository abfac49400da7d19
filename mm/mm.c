/* SPDX-License-Identifier: MIT */
/*
 * mm/mm.c - the address space of a process: its life from creation to the last put
 *
 * Idea        see mm.h. Creating copies the kernel's half of the top table, which never changes; tearing down lets
 *             every table go.
 *             Simple: an idle CPU or a kernel thread leaves the address space at once (mm_activate(NULL)) instead of
 *             borrowing it (lazy TLB); so nobody translates through a dead address space, and tearing down needs no
 *             flush.
 * Invariants  I1 to I3 of mm.h
 * Locks       mm_list_lock (mutex): the list of all; taken before any mm->lock
 * Follow      from kernel/fork.c, kernel/exec.c, kernel/sched.c   to unmap.c, pagetable.c
 * Tests       tests/guest/cow.c, tests/guest/exec.c
 * See         docs/mm.md section 3
 */
#include <kernel/lib/string.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <mm/commit.h>
#include <mm/mlock.h>
#include <mm/mm.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/pagetable.h>
#include <mm/rmap.h>
#include <mm/slab.h>
#include <mm/unmap.h>
#include <mm/vma_alloc.h>

DEFINE_PER_CPU(struct mm *, active_mm); /* owner CPU; NULL: the kernel's own root */

static struct kmem_cache *mm_cache;                                        /* const after init */
static struct mutex mm_list_lock = MUTEX_INIT(mm_list_lock, RANK_MM_LIST); /* guards all_mms */
static struct list all_mms = LIST_INIT(all_mms);

static bool root_create(struct mm *mm);
static void mm_destroy(struct mm *mm);
static int check_total_vm(struct mm *mm);
static int check_tables(struct mm *mm);

void
mm_init(void)
{
	mm_cache = kmem_cache_create("mm", sizeof(struct mm), 8);
	assert(mm_cache);
	zero_frame = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
	assert(zero_frame);
	dassert(!page_is_user(zero_frame));
	page_queues_init();
	rmap_init();
	pagecache_init();
	vma_cache_init();
	commit_init();
}

struct mm *
mm_create(void)
{
	struct mm *mm = kmem_cache_alloc(mm_cache, ALLOC_KERNEL);

	may_sleep();
	if (!mm)
		return NULL;
	memset(mm, 0, sizeof(*mm));
	if (!root_create(mm)) {
		kmem_cache_free(mm_cache, mm);
		return NULL;
	}
	rwsem_init(&mm->lock, RANK_MM);
	spin_init(&mm->table_lock, RANK_MM_TABLE);
	vma_tree_init(&mm->vmas);
	atomic_set(&mm->users, 1);
	dassert(!mm->vmas.count && !mm_rss(mm));
	mutex_lock(&mm_list_lock);
	list_add_tail(&mm->all, &all_mms); /* behind its parent: mm_for_each */
	mutex_unlock(&mm_list_lock);
	return mm;
}

void
mm_get(struct mm *mm)
{
	assert(atomic_read(&mm->users) > 0);
	atomic_inc(&mm->users);
}

void
mm_put(struct mm *mm)
{
	may_sleep();
	assert(atomic_read(&mm->users) > 0);
	if (!atomic_dec_and_test(&mm->users))
		return;
	if (unlikely(READ_ONCE(mm->oom_victim)))
		oom_reaper_take(mm);
	else
		mm_destroy(mm);
}

void
mm_destroy_victim(struct mm *mm)
{
	assert(mm->oom_victim);
	mm_destroy(mm);
}

void
mm_activate(struct mm *mm)
{
	u64 bit = 1UL << this_cpu_id();
	struct mm *old = this_cpu(active_mm);

	dassert(!mm || atomic_read(&mm->users) > 0);
	dassert(!old || READ_ONCE(old->cpus) & bit); /* mm.h I2 */
	if (mm)
		__atomic_fetch_or(&mm->cpus, bit, __ATOMIC_SEQ_CST); /* before the root is loaded: tlb.h I2 */
	this_cpu(active_mm) = mm;
	mmu_root_switch(mm ? va_to_pa(mm->root) : mmu_kernel_root());
	if (old && old != mm)
		__atomic_fetch_and(&old->cpus, ~bit, __ATOMIC_SEQ_CST);
}

u64
mm_rss(struct mm *mm)
{
	s64 sum = 0;

	for (u32 kind = 0; kind < RSS_SWAP; kind++)
		sum += atomic64_read(&mm->rss[kind]);
	return sum > 0 ? (u64)sum : 0; /* the kinds are read one after the other while others change them */
}

u64
mm_rss_peak(struct mm *mm)
{
	return max_u64(READ_ONCE(mm->rss_peak), mm_rss(mm));
}

void
mm_note_peak(struct mm *mm)
{
	u64 rss = mm_rss(mm);

	if (rss > READ_ONCE(mm->rss_peak))
		WRITE_ONCE(mm->rss_peak, rss);
}

u64
mm_vmas_total(void)
{
	struct mm *mm;
	u64 sum = 0;

	mutex_lock(&mm_list_lock);
	list_for_each (mm, &all_mms, all)
		sum += READ_ONCE(mm->vmas.count);
	mutex_unlock(&mm_list_lock);
	return sum;
}

int
mm_check_one(struct mm *mm)
{
	dassert(rwsem_write_is_mine(&mm->lock));
	return vma_tree_check(&mm->vmas) + check_total_vm(mm) + check_tables(mm) + mlock_check(mm);
}

void
mm_for_each(void (*fn)(struct mm *mm, void *arg), void *arg)
{
	struct mm *mm = NULL;

	may_sleep();
	while ((mm = mm_next_get(mm))) {
		rwsem_write_lock(&mm->lock);
		fn(mm, arg);
		rwsem_write_unlock(&mm->lock);
	}
}

struct mm *
mm_next_get(struct mm *prev)
{
	struct mm *mm;
	struct mm *found = NULL;

	may_sleep();
	mutex_lock(&mm_list_lock);
	mm = prev ? list_first(&prev->all, struct mm, all) : list_first(&all_mms, struct mm, all);
	for (; &mm->all != &all_mms && !found; mm = list_first(&mm->all, struct mm, all))
		if (atomic_inc_not_zero(&mm->users))
			found = mm;
	mutex_unlock(&mm_list_lock);
	if (prev)
		mm_put(prev);
	return found;
}

int
mm_for_all_locked(int (*fn)(struct mm *mm, void *arg), void *arg)
{
	struct mm *mm;
	int sum = 0;

	may_sleep();
	mutex_lock(&mm_list_lock);
	list_for_each (mm, &all_mms, all)
		rwsem_write_lock_nested(&mm->lock); /* in list order, and nobody else takes two */
	list_for_each (mm, &all_mms, all)
		sum += fn(mm, arg);
	list_for_each (mm, &all_mms, all)
		rwsem_write_unlock(&mm->lock);
	mutex_unlock(&mm_list_lock);
	return sum;
}

static bool
root_create(struct mm *mm)
{
	const pte_t *kernel = pa_to_va(mmu_kernel_root());
	struct page *table = table_create(LEVELS, 0);

	if (!table)
		return false;
	dassert(table->level == LEVELS);
	mm->root = table_slots(table);
	memcpy(&mm->root[KERNEL_FIRST_ENTRY], &kernel[KERNEL_FIRST_ENTRY],
	       (TABLE_ENTRIES - KERNEL_FIRST_ENTRY) * sizeof(pte_t));
	atomic64_set(&mm->tables, 1);
	return true;
}

static void
mm_destroy(struct mm *mm)
{
	dassert(!atomic_read(&mm->users));
	assertf(!READ_ONCE(mm->cpus), "CPUs %lx still use the address space", READ_ONCE(mm->cpus));
	/* Why: mm_check may be looking at it; afterwards nobody can find it, or what it was promised. */
	mutex_lock(&mm_list_lock);
	list_del(&mm->all);
	commit_uncharge(mm->account_vm);
	mutex_unlock(&mm_list_lock);
	unmap_all(mm);
	vma_free_all(&mm->vmas);
	pagetable_free_rest(mm);
	dassert(atomic64_read(&mm->tables) == 1);
	table_destroy(va_to_page(mm->root));
	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		assertf(!atomic64_read(&mm->rss[kind]), "rss of kind %u ends as %ld", kind,
			atomic64_read(&mm->rss[kind]));
	oom_victim_done(mm);
	kmem_cache_free(mm_cache, mm);
}

/* mm.h I3. */
static int
check_total_vm(struct mm *mm)
{
	struct mm sum = {0};

	for (struct vma *vma = vma_first(&mm->vmas); vma; vma = vma_next(vma))
		mm_count_vma(&sum, vma->flags, (s64)vma_pages(vma));
	if (sum.total_vm == mm->total_vm && sum.data_vm == mm->data_vm && sum.exec_vm == mm->exec_vm &&
	    sum.stack_vm == mm->stack_vm && sum.account_vm == mm->account_vm)
		return 0;
	pr_err("mm_check: the vmas of an address space have %lu pages (data %lu, exec %lu, stack %lu, promised %lu), "
	       "and "
	       "it counts %lu (%lu, %lu, %lu, %lu)\n",
	       sum.total_vm, sum.data_vm, sum.exec_vm, sum.stack_vm, sum.account_vm, mm->total_vm, mm->data_vm,
	       mm->exec_vm, mm->stack_vm, mm->account_vm);
	return 1;
}

/* pagetable.h I1 and I3, mm.h I1. */
static int
check_tables(struct mm *mm)
{
	s64 rss[RSS_KINDS] = {0};
	u64 base = 0;
	pte_t *entry;
	int bad = 0;

	dassert(mm_may_change(mm));
	while ((entry = pagetable_next(mm, &base, USER_TOP))) {
		struct page *table = leaf_page(pte_read(entry));

		if (table->kind != PAGE_TABLE || !chain_has(&table->mms, (u64)mm)) {
			pr_err("mm_check: the table at %lx does not know the address space that uses it\n", base);
			return bad + 1;
		}
		if (table_is_shared(table) && pte_has(pte_read(entry), PTE_WRITE)) {
			pr_err("mm_check: the shared table at %lx is reached through a writable entry\n", base);
			bad++;
		}
		if (chain_count(&table->mms) != (u32)atomic_read(&table->refs)) {
			pr_err("mm_check: the table at %lx has %u users and %d references\n", base,
			       chain_count(&table->mms), atomic_read(&table->refs));
			bad++;
		}
		bad += rmap_check_table(table);
		for (u32 kind = 0; kind < RSS_KINDS; kind++)
			rss[kind] += table->counts[kind];
		base = table->base + TABLE_SPAN;
	}
	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		if (rss[kind] != atomic64_read(&mm->rss[kind])) {
			pr_err("mm_check: an address space has %ld pages of kind %u and counts %ld\n", rss[kind], kind,
			       atomic64_read(&mm->rss[kind]));
			bad++;
		}
	return bad;
}
