/* SPDX-License-Identifier: MIT */
/*
 * mm/share.c - leaf tables shared by fork, and parted again by the first write
 *
 * Idea        fork copies levels 4 to 2 and lets parent and child use the same level-1 tables. Both level-2 entries
 *             lose their write bit: one bit then write-protects 512 pages, and fork costs nothing per page.
 *
 *               after fork                           after the child wrote into it
 *               parent L2 --r/o--.                   parent L2 --r/o--> table --> frames 0..511, private ones read-only
 *                                 >--> table         child  L2 --r/w--> copy ---> the same frames, one more slot each
 *               child  L2 --r/o--'
 *
 *             The parent, now the only user of the old table, gets its write bit back at its own next fault
 *             (table_claim); its private pages are copied or, if the child is gone by then, simply made writable:
 *             ordinary copy-on-write.
 *             Simple: levels 4 to 2 are copied: 1 table for each 512 GiB, 1 GiB and 512 MiB in use.
 * Invariants  pagetable.h I1 to I3
 * Locks       Each side unshares under its own mm->lock for writing, so its own faults wait. The table's page lock
 *             keeps the two sides from copying at once: the second then finds itself the only user and copies nothing.
 *             Table lock of the old, then of the new table (same rank: nobody else knows the new one yet).
 * Follow      from fork.c, fault.c, unmap.c   to rmap.c (rmap_share_leaf, rmap_zap)
 * Tests       tests/host/share_test.c, tests/guest/unshare.c
 * See         docs/mm.md section 5; Zhao, Gong, Fonseca, "On-demand-fork", EuroSys 2021
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/trace.h>
#include <mm/mm.h>
#include <mm/rmap.h>
#include <mm/share.h>
#include <mm/vmstat.h>

static void unshare_locked(struct mm *mm, pte_t *entry, struct page *old, struct page *new, struct chain_pool *pool);
static void copy_leaves(struct page *old, struct page *new, struct chain_pool *pool);
static u32 copy_run(struct page *old, struct page *new, u32 i, struct chain_pool *pool);
static void table_join(struct page *table, struct mm *mm, struct chain_pool *pool);
static bool table_leave(struct page *table, struct mm *mm, struct chain_pool *pool);
static void count_users(struct page *table, struct mm *mm, s32 sign);

void
table_share(pte_t *entry, struct mm *child, pte_t *child_entry, struct chain_pool *pool)
{
	pte_t shared = pte_del(pte_read(entry), PTE_WRITE);
	struct page *table = leaf_page(shared);

	dassert(pte_present(shared) && slot_table(entry)->level == 2);
	dassert(slot_table(child_entry)->level == 2 && !pte_present(pte_read(child_entry)));
	dassert(mm_may_change(child));
	dassert(pool->count >= CHAIN_ADD_MAX);
	page_get(table);
	table_join(table, child, pool);
	pte_write(entry, shared);
	pte_write(child_entry, shared);
	slot_table(child_entry)->other++;
	dassert(table_is_shared(table) && slot_table(child_entry)->other <= TABLE_ENTRIES);
	atomic64_add(&child->tables, 1);
	count_event(VM_TABLE_SHARE);
}

int
table_unshare(struct mm *mm, u64 va)
{
	struct leaf_path path = pagetable_walk(mm, va);
	struct chain_pool pool = {NULL, 0};
	struct page *old;
	struct page *new;

	may_sleep();
	dassert(mm_may_change(mm));
	if (!path.slot || pte_has(pte_read(path.entry2), PTE_WRITE) || table_claim(mm, path.entry2))
		return 0;
	old = slot_table(path.slot);
	/* Why: before the page lock is taken. Memory may have to come from a victim that waits for that very lock. */
	new = table_create(1, old->base);
	if (!new)
		return -ENOMEM;
	if (rmap_reserve(&pool, table_leaves(old))) {
		table_destroy(new);
		return -ENOMEM;
	}
	page_get(old);
	page_lock(old);
	if (table_claim(mm, path.entry2))
		table_destroy(new);
	else
		unshare_locked(mm, path.entry2, old, new, &pool);
	page_unlock(old);
	page_put(old);
	rmap_release(&pool);
	dassert(pte_has(pte_read(path.entry2), PTE_WRITE));
	dassert(leaf_page(pte_read(path.entry2))->mms.head == (u64)mm);
	return 0;
}

int
table_unshare_range(struct mm *mm, u64 start, u64 end)
{
	u64 base = start;
	int err = 0;

	dassert(mm_may_change(mm));
	if ((start ^ (end - 1)) < TABLE_SPAN)
		return table_unshare(mm, start);
	while (!err && pagetable_next(mm, &base, end)) {
		err = table_unshare(mm, base);
		base = round_down(base, TABLE_SPAN) + TABLE_SPAN;
	}
	return err;
}

bool
table_claim(struct mm *mm, pte_t *entry)
{
	struct page *table = leaf_page(pte_read(entry));
	bool alone;

	dassert(mm_may_look(mm));
	dassert(pte_present(pte_read(entry)) && slot_table(entry)->level == 2);
	spin_lock(&table->lock);
	alone = table->mms.head == (u64)mm;
	if (alone)
		pte_write(entry, pte_add(pte_read(entry), PTE_WRITE));
	spin_unlock(&table->lock);
	return alone;
}

void
table_release(struct mm *mm, pte_t *entry, struct tlb_batch *batch)
{
	struct chain_pool pool = {NULL, 0};
	struct page *table = leaf_page(pte_read(entry));

	dassert(mm_may_change(mm));
	dassert(pte_present(pte_read(entry)) && slot_table(entry)->level == 2);
	dassert(table->kind == PAGE_TABLE && table->level == 1);
	pte_write(entry, (pte_t){0});
	atomic64_add(&mm->tables, -1);
	/*
	 * Race: once mm has left the table, whoever unmaps one of its pages from the page's side no longer knows mm's
	 * CPUs. So these forget the table first; nothing needs a flush afterwards, neither the pages nor the table.
	 */
	tlb_flush_range(mm, table->base, table->base + TABLE_SPAN);
	if (table_leave(table, mm, &pool)) {
		rmap_zap(table, 0, TABLE_ENTRIES, batch);
		count_events(VM_NR_PAGE_TABLE_PAGES, -1);
		dassert(!table_leaves(table));
	}
	rmap_release(&pool);
	tlb_batch_retire(batch, table);
}

/* Copies the leaves, leaves the old table, enters the new one. The old table's page lock is held. */
static void
unshare_locked(struct mm *mm, pte_t *entry, struct page *old, struct page *new, struct chain_pool *pool)
{
	struct tlb_batch batch;

	dassert(READ_ONCE(old->flags) & BIT(PG_LOCKED));
	dassert(chain_empty(&new->mms) && !table_leaves(new) && new->base == old->base);
	trace(table_unshare, old->base, chain_count(&old->mms), page_to_pfn(new));
	count_event(VM_TABLE_UNSHARE);
	copy_leaves(old, new, pool);
	tlb_batch_init(&batch);
	table_release(mm, entry, &batch);
	tlb_batch_flush(&batch);
	table_join(new, mm, pool);
	atomic64_add(&mm->tables, 1);
	pte_write(entry, pte_make(page_to_pfn(new), PTE_USER_TABLE));
}

/* Both table locks are held all along but for moments in which a map lock's owner may need one. */
static void
copy_leaves(struct page *old, struct page *new, struct chain_pool *pool)
{
	u32 next = 0;

	while (next < TABLE_ENTRIES) {
		spin_lock(&old->lock);
		spin_lock_nested(&new->lock);
		next = copy_run(old, new, next, pool);
		spin_unlock(&new->lock);
		spin_unlock(&old->lock);
	}
}

/* Copies from leaf @i on until the end or a busy map lock. Returns the leaf to go on with. */
static u32
copy_run(struct page *old, struct page *new, u32 i, struct chain_pool *pool)
{
	/* Race: truncation may empty a leaf here and its copy later: only the first run's count says what is left. */
	u32 left = i ? TABLE_ENTRIES : table_leaves(old);
	pte_t *from = table_slots(old);
	pte_t *to = table_slots(new);

	must_hold(&old->lock);
	must_hold(&new->lock);
	for (; i < TABLE_ENTRIES && left; i++) {
		if (pte_none(pte_read(&from[i]))) {
			i = table_next_used(from, i, TABLE_ENTRIES) - 1;
			continue;
		}
		if (!rmap_share_leaf(&from[i], &to[i], new, pool))
			return i;
		left--;
	}
	return TABLE_ENTRIES;
}

static void
table_join(struct page *table, struct mm *mm, struct chain_pool *pool)
{
	spin_lock(&table->lock);
	dassert(!chain_has(&table->mms, (u64)mm));
	chain_add(&table->mms, (u64)mm, pool);
	count_users(table, mm, 1);
	spin_unlock(&table->lock);
}

/* True when @mm was the last user. */
static bool
table_leave(struct page *table, struct mm *mm, struct chain_pool *pool)
{
	bool last;

	spin_lock(&table->lock);
	chain_del(&table->mms, (u64)mm, pool);
	count_users(table, mm, -1);
	last = chain_empty(&table->mms);
	dassert(last || atomic_read(&table->refs) > 1); /* ours, and one for each user that is left: pagetable.h I3 */
	spin_unlock(&table->lock);
	return last;
}

/* What the table maps enters or leaves the rss of one user. The table lock is held. */
static void
count_users(struct page *table, struct mm *mm, s32 sign)
{
	u32 kind = 0;

	must_hold(&table->lock);
	/* Mostly there is only the first kind, and this is the cost of fork and exit. */
	for (u64 left = table->all_counts; left; kind++, left >>= 16) {
		dassert(sign > 0 || atomic64_read(&mm->rss[kind]) >= table->counts[kind]);
		if (left & 0xffff)
			atomic64_add(&mm->rss[kind], sign * (s32)(left & 0xffff));
	}
}
