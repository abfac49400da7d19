/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap.c - the door through which a user leaf gets a page, a better one, or other rights
 *
 * Idea        see rmap.h. Each function is the commit beat of somebody's three: it locks, looks again, and then cannot
 *             fail.
 *             Simple: a bigger kernel finds the leaves of an anonymous page through trees of vmas (anon_vma) and must
 *             search; slots cost 8 bytes a mapping beyond the first and need no search.
 * Invariants  I1 to I3 of rmap.h
 * Locks       see rmap_slot.h
 * Follow      from fault.c, share.c, mprotect.c   to rmap_slot.h; the way out is rmap_unmap.c
 * Tests       tests/host/rmap_test.c
 * See         docs/mm.md section 5
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/trace.h>
#include <mm/lru.h>
#include <mm/page_alloc.h>
#include <mm/rmap_slot.h>
#include <mm/slab.h>
#include <mm/swap.h>

static struct kmem_cache *block_cache; /* const after init */

static void lock_mapped(struct page *page);
static void unlock_mapped(struct page *page);
static void count_locks(pte_t old, struct page *new, u64 bits);
static pte_t protect_leaf(pte_t e, u64 bits);

void
rmap_init(void)
{
	block_cache = kmem_cache_create("rmap_block", sizeof(struct chain_block), sizeof(struct chain_block));
	assert(block_cache);
}

int
rmap_reserve(struct chain_pool *pool, u32 n)
{
	may_sleep();
	for (u32 got = 0; got < n; got++) {
		struct chain_block *block = kmem_cache_alloc(block_cache, ALLOC_KERNEL);

		if (!block) {
			while (got--)
				kmem_cache_free(block_cache, chain_pool_get(pool));
			return -ENOMEM;
		}
		chain_pool_put(pool, block);
	}
	dassert(pool->count >= n);
	return 0;
}

void
rmap_release(struct chain_pool *pool)
{
	while (pool->count)
		kmem_cache_free(block_cache, chain_pool_get(pool));
}

bool
rmap_map(pte_t *slot, struct page *page, u64 bits, struct chain_pool *pool)
{
	struct page *table = slot_table(slot);
	bool mapped = false;

	dassert(page_is_user(page) && atomic_read(&page->refs) > 0);
	dassert(bits & (PTE_PRESENT | PTE_HELD) && !(bits & PTE_PFN_MASK));
	spin_lock(&page->lock);
	spin_lock(&table->lock);
	dassert(user_may_look(table));
	dassert(chain_empty(&page->rmap) || pool->count >= CHAIN_ADD_MAX);
	/* Race: truncation took the page from its object after the fault had found it there. */
	if (pte_none(pte_read(slot)) && (page->kind == PAGE_ANON || page->object) && !was_reaped(table)) {
		slot_add(page, table, slot, pool);
		if (page->kind == PAGE_ANON && READ_ONCE(lru_on))
			lru_add(page);
		if (unlikely(bits & PTE_LOCKED))
			rmap_count_lock(page, 1);
		pte_write(slot, pte_make(page_to_pfn(page), bits));
		mapped = true;
	}
	spin_unlock(&table->lock);
	spin_unlock(&page->lock);
	trace(rmap_map, slot, page_to_pfn(page), page->mapcount);
	return mapped;
}

bool
rmap_map_zero(pte_t *slot, u64 bits)
{
	struct page *table = slot_table(slot);
	bool mapped = false;

	dassert(bits & (PTE_PRESENT | PTE_HELD) && !(bits & PTE_PFN_MASK));
	spin_lock(&table->lock);
	dassert(user_may_look(table));
	if (pte_none(pte_read(slot)) && !was_reaped(table)) {
		table->other++;
		pte_write(slot, pte_make(page_to_pfn(zero_frame), bits & ~PTE_WRITE));
		mapped = true;
	}
	spin_unlock(&table->lock);
	trace(rmap_map, slot, page_to_pfn(zero_frame), 0);
	return mapped;
}

bool
rmap_replace(pte_t *slot, pte_t expected, struct page *old, struct page *new, u64 bits)
{
	struct chain_pool pool = {NULL, 0};
	struct page *table = slot_table(slot);
	bool replaced = false;

	dassert(leaf_page(expected) == old && old != new);
	dassert(page_is_user(new) && new->mapcount == 0);
	dassert(atomic_read(&new->refs) > 0);
	lock_mapped(old);
	spin_lock_nested(&new->lock); /* cannot deadlock: nobody else knows the new page */
	spin_lock(&table->lock);
	dassert(user_may_look(table));
	if (leaf_same(pte_read(slot), expected)) {
		/*
		 * Why: the leaf is empty while the CPUs forget the old frame. With the new one in place at once, a
		 * thread that already writes the new frame and one that still reads the old would see different memory.
		 */
		pte_xchg(slot, (pte_t){0});
		tlb_flush_page(table, slot_va(slot));
		page_enter_slot(new, slot, &pool);
		if (READ_ONCE(lru_on))
			lru_add(new);
		count_locks(expected, new, bits);
		if (old == zero_frame) {
			dassert(table->other);
			table->other--;
			rmap_count(table, page_rss_kind(new), 1);
		} else {
			page_leave_slot(old, slot, &pool);
			if (old->kind != new->kind) {
				rmap_count(table, page_rss_kind(old), -1);
				rmap_count(table, page_rss_kind(new), 1);
			}
		}
		pte_write(slot, pte_make(page_to_pfn(new), bits));
		replaced = true;
	}
	spin_unlock(&table->lock);
	spin_unlock(&new->lock);
	unlock_mapped(old);
	rmap_release(&pool);
	trace(rmap_map, slot, page_to_pfn(new), new->mapcount);
	return replaced;
}

bool
rmap_make_writable(pte_t *slot, pte_t expected, bool shared)
{
	struct page *table = slot_table(slot);
	bool ours;

	dassert(leaf_has_frame(expected) && leaf_page(expected) != zero_frame);
	/*
	 * Why: without the map lock. While this leaf is the only one that maps the page, a second could only come from
	 * a copy of this very table, which mm->lock forbids, and a reference only through this leaf.
	 */
	spin_lock(&table->lock);
	ours = leaf_same(pte_read(slot), expected) && (shared || rmap_is_alone(leaf_page(expected)));
	dassert(user_may_look(table));
	if (ours)
		pte_write(slot, pte_add(expected, PTE_WRITE | PTE_ACCESSED | PTE_DIRTY));
	spin_unlock(&table->lock);
	return ours;
}

struct page *
rmap_get(pte_t *slot, pte_t expected)
{
	struct page *table = slot_table(slot);
	struct page *page = NULL;

	dassert(leaf_has_frame(expected));
	spin_lock(&table->lock);
	if (leaf_same(pte_read(slot), expected)) {
		page = leaf_page(expected);
		page_get(page);
	}
	spin_unlock(&table->lock);
	return page;
}

bool
rmap_protect(struct page *table, u32 first, u32 last, u64 bits)
{
	pte_t *slots = table_slots(table);
	bool narrowed = false;

	dassert(first < last && last <= TABLE_ENTRIES);
	dassert(bits & (PTE_PRESENT | PTE_HELD));
	spin_lock(&table->lock);
	dassert(user_may_change(table));
	for (u32 i = first; i < last; i++) {
		pte_t e = pte_read(&slots[i]);
		pte_t new;

		if (!leaf_has_frame(e))
			continue;
		/* Race: the processor may set accessed or dirty at any moment; they must not be lost. */
		do {
			e = pte_read(&slots[i]);
			new = protect_leaf(e, bits);
		} while (!pte_cas(&slots[i], e, new));
		narrowed |=
			(e.value & ~new.value &(PTE_PRESENT | PTE_WRITE | PTE_USER)) || (~e.value & new.value &PTE_NX);
	}
	spin_unlock(&table->lock);
	return narrowed;
}

bool
rmap_share_leaf(pte_t *source, pte_t *target, struct page *to, struct chain_pool *pool)
{
	pte_t e = pte_read(source);
	struct page *page = leaf_page(e);

	must_hold(&slot_table(source)->lock);
	must_hold(&to->lock);
	if (unlikely(!leaf_has_frame(e))) {
		swap_get(leaf_to_swap(e));
		to->counts[RSS_SWAP]++;
		pte_write(target, e);
		return true;
	}
	dassert(slot_table(target) == to && pte_none(pte_read(target)) && chain_empty(&to->mms));
	dassert(page == zero_frame || pool->count >= CHAIN_ADD_MAX);
	if (page == zero_frame) {
		to->other++;
		pte_write(target, pte_del(e, PTE_LOCKED));
		return true;
	}
	if (!spin_trylock(&page->lock))
		return false;
	if (page->kind == PAGE_ANON && pte_has(e, PTE_WRITE)) {
		e = pte_del(e, PTE_WRITE);
		pte_write(source, e); /* no CPU uses the write bit or sets dirty: the level-2 entries forbid writing */
	}
	page_get(page);
	page_enter_slot(page, target, pool);
	to->counts[page_rss_kind(page)]++; /* nobody uses the table yet: no rss to move */
	pte_write(target, pte_del(e, PTE_LOCKED));
	spin_unlock(&page->lock);
	return true;
}

bool
rmap_swap_in(pte_t *slot, pte_t expected, struct page *page, u64 bits, struct chain_pool *pool)
{
	struct page *table = slot_table(slot);
	bool mapped;

	dassert(leaf_is_swap(expected) && READ_ONCE(page->flags) & BIT(PG_LOCKED));
	dassert(chain_empty(&page->rmap) || pool->count >= CHAIN_ADD_MAX);
	spin_lock(&page->lock);
	spin_lock(&table->lock);
	mapped = pte_read(slot).value == expected.value;
	if (mapped) {
		rmap_count(table, RSS_SWAP, -1);
		slot_add(page, table, slot, pool);
		if (unlikely(bits & PTE_LOCKED))
			rmap_count_lock(page, 1);
		pte_write(slot, pte_make(page_to_pfn(page), bits));
	}
	spin_unlock(&table->lock);
	spin_unlock(&page->lock);
	trace(rmap_map, slot, page_to_pfn(page), page->mapcount);
	return mapped;
}

/* Counted as a swapped page still: the leaf is in use, and no frame stands behind it. */
bool
rmap_swap_lose(pte_t *slot, pte_t expected)
{
	struct page *table = slot_table(slot);
	bool lost;

	spin_lock(&table->lock);
	lost = pte_read(slot).value == expected.value;
	if (lost) {
		swap_get(swap_entry_lost());
		pte_write(slot, leaf_from_swap(swap_entry_lost()));
	}
	spin_unlock(&table->lock);
	return lost;
}

void
rmap_count(struct page *table, enum rss_kind kind, s32 n)
{
	count_leaves(table, kind, n);
}

/* The zero frame has no chain, and so no use for its map lock: every program would meet there. */
static void
lock_mapped(struct page *page)
{
	if (page != zero_frame)
		spin_lock(&page->lock);
}

static void
unlock_mapped(struct page *page)
{
	if (page != zero_frame)
		spin_unlock(&page->lock);
}

/* A leaf that held @old maps @new with @bits instead. */
static void
count_locks(pte_t old, struct page *new, u64 bits)
{
	if (likely(!((old.value | bits) & PTE_LOCKED)))
		return;
	if (pte_has(old, PTE_LOCKED) && leaf_page(old) != zero_frame)
		rmap_count_lock(leaf_page(old), -1);
	if (bits & PTE_LOCKED)
		rmap_count_lock(new, 1);
}

static pte_t
protect_leaf(pte_t e, u64 bits)
{
	u64 kept = e.value & ~(PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_NX | PTE_HELD);
	struct page *page = leaf_page(e);

	dassert(leaf_has_frame(e));
	dassert(page == zero_frame || page->mapcount);
	if (!rmap_is_alone(page))
		bits &= ~PTE_WRITE;
	return (pte_t){kept | bits};
}
