/* SPDX-License-Identifier: MIT */
/*
 * mm/rmap.h - the only door through which a user leaf changes, and the way from a frame back to its leaves
 *
 * Idea        What maps a page is a slot: the address of an 8-byte leaf. A page mapped once holds that address itself;
 *             mapped more often, a chain of small blocks of addresses (kernel/lib/chain.h). From a slot, pagetable.h
 *             finds the table, the virtual address and the address spaces. There is nothing to search.
 *
 *                 page->rmap --> slot --> table page --> base va, address spaces
 *
 * Invariants  I1  A leaf has a frame if and only if the leaf's slot is on the frame's chain; the zero frame has no
 *                 chain.
 *             I2  page->mapcount is the number of slots on the chain.
 *             I3  A table's counts are the numbers of its leaves by kind; an mm's rss is the sum over its tables.
 *                                                                                                (all: mm_check)
 * Locks       page map lock, then table lock. A function here takes both, looks at the leaf again, and changes all or
 *             nothing. Nothing here sleeps but rmap_reserve() and rmap_release().
 * Follow      from fault.c, unmap.c, share.c, mprotect.c   to pagetable.h, tlb.c
 * Tests       tests/host/rmap_test.c, tests/guest/cow.c
 * See         docs/mm.md section 5
 */
#pragma once

#include <mm/pagetable.h>
#include <mm/tlb.h>

void rmap_init(void);

/*
 * rmap_reserve - blocks for @n more slots on chains
 *
 * Returns   0, or -ENOMEM with @pool as it was
 * Context   may sleep
 */
int rmap_reserve(struct chain_pool *pool, u32 n);

/* rmap_release - give what is left in @pool back. Context: any but interrupts. */
void rmap_release(struct chain_pool *pool);

/*
 * rmap_map - let the empty leaf @slot map @page with @bits
 *
 * Returns   true; false when the leaf is no longer empty, or @page has left its cache meanwhile: nothing was changed
 * Context   mm->lock of the table's only user; takes map lock, table lock. @pool holds a block unless @page is unmapped
 * Takes     the caller's reference to @page, when true
 */
bool rmap_map(pte_t *slot, struct page *page, u64 bits, struct chain_pool *pool);

/* rmap_map_zero - the same for the zero frame, which nothing counts. */
bool rmap_map_zero(pte_t *slot, u64 bits);

/*
 * rmap_replace - let @slot, which maps @old as @expected says, map @new with @bits; no CPU ever sees both
 *
 * Returns   true; false when the leaf changed meanwhile: nothing was changed
 * Context   mm->lock of the table's only user; takes both map locks (@new is known to nobody else), table lock; flushes
 * Takes     the caller's reference to @new, when true
 * Gives     the leaf's reference to @old, when true (none for the zero frame)
 */
bool rmap_replace(pte_t *slot, pte_t expected, struct page *old, struct page *new, u64 bits);

/*
 * rmap_make_writable - the write bit for a leaf of a shared mapping, or one whose private page has no other user
 *
 * Returns   true; false when a private page has another user, or the leaf changed: nothing was changed
 * Context   mm->lock of the table's only user; takes the table lock
 */
bool rmap_make_writable(pte_t *slot, pte_t expected, bool shared);

/*
 * rmap_is_alone - whether a private page has one leaf and no other user, so that writing it disturbs nobody
 *
 * Context   under the table lock of the leaf, the answer stays true; elsewhere it is a guess
 */
static inline bool
rmap_is_alone(const struct page *page)
{
	return page->kind == PAGE_ANON && READ_ONCE(page->mapcount) == 1 && atomic_read(&page->refs) == 1;
}

/*
 * rmap_get - a reference to the page that @slot maps, if it still does so as @expected says
 *
 * Returns   the page, or NULL: the leaf changed
 * Context   mm->lock of a user of the table; takes the table lock
 * Gives     one reference
 */
struct page *rmap_get(pte_t *slot, pte_t expected);

/*
 * rmap_protect - give each leaf of @table in [first, last) the bits that @bits allow
 *
 * Write is granted at once only where nobody else has the page; elsewhere the next write faults and decides.
 *
 * Returns   true when some leaf lost a right: the caller flushes
 * Context   mm->lock of the table's only user, for writing; takes the table lock
 */
bool rmap_protect(struct page *table, u32 first, u32 last, u64 bits);

/*
 * rmap_zap - empty the leaves of @table in [first, last)
 *
 * Context   mm->lock of a user of the table, for writing, or nobody uses it any more: a table with more users loses the
 *           leaves for all of them; takes the table lock, tries map locks; may flush
 * Gives     each page's reference to @batch
 */
void rmap_zap(struct page *table, u32 first, u32 last, struct tlb_batch *batch);

/*
 * rmap_move - let the @count empty leaves of @to from @target on map what those of @from from @first on map, and empty
 * these
 *
 * No CPU reaches a page through its old leaf once its map lock or table lock can be had again.
 *
 * Context   mm->lock of the only user of both tables, which may be one, for writing; takes the table locks, tries map
 *           locks; flushes
 */
void rmap_move(struct page *from, u32 first, struct page *to, u32 target, u32 count);

/*
 * rmap_share_leaf - let the empty leaf @target of the table @to, which nobody uses yet, map what @source of another
 * maps; a private page becomes read-only in both, and the new leaf is not locked
 *
 * Returns   true; false when the page's map lock was busy: release the table locks for a moment and try again
 * Context   both table locks; tries the map lock. @pool holds a block
 */
bool rmap_share_leaf(pte_t *source, pte_t *target, struct page *to, struct chain_pool *pool);

/*
 * rmap_unmap_all - take @page out of every address space
 *
 * Context   the caller holds a reference; takes map lock, table locks. The caller flushes the batch
 * Gives     the references of the mappings to @batch; may flush it when it is full
 */
void rmap_unmap_all(struct page *page, struct tlb_batch *batch);

/*
 * rmap_users - how often programs map the frame: Linux's mapcount, where each of the address spaces that share a table
 *              has a leaf of its own. The sum over the slots of the users of the slot's table
 *
 * Returns   the number; 0 for a frame that is no program's, and for the zero frame
 * Context   any frame of RAM, referenced or not (page.h I4); no spinlock held; takes map lock, table locks
 */
u32 rmap_users(struct page *page);

/* rmap_table_users - the address spaces that use a level-1 table. Context: a user's mm->lock, or the map
 * lock of a page with a slot in it; takes the table lock. */
u32 rmap_table_users(struct page *table);

/*
 * rmap_age - take the accessed bit from the leaves of @table in [first, last) whose page nobody else maps
 *
 * Returns   true when some leaf had it: the caller flushes, or a CPU that remembers the bit does not set it again
 * Context   mm->lock of a user of the table; takes the table lock
 */
bool rmap_age(struct page *table, u32 first, u32 last);

/*
 * rmap_lock - give the leaves of @table in [first, last) that have a frame PTE_LOCKED, or take it from them
 *
 * Context   mm->lock of the table's only user, for writing; takes the table lock
 */
void rmap_lock(struct page *table, u32 first, u32 last, bool on);

/* rmap_count_lock - @n (1 or -1) locked leaves more map @page. Context: the table lock of the leaf. */
void rmap_count_lock(struct page *page, s32 n);

/*
 * rmap_freeze - no leaf may write @page any more, once the caller has flushed @batch
 *
 * While the caller has a reference, who wants to write gets a copy: the page stays as it is.
 *
 * Context   the caller has a reference, of a private page; takes map lock, table locks
 */
void rmap_freeze(struct page *page, struct tlb_batch *batch);

/*
 * rmap_swap_out - as rmap_unmap_all, but the leaves become @entry, a swap entry, and dirty ones make @page PG_DIRTY
 *
 * Returns   true: nobody maps @page any more; false: it is locked in memory, and some leaves are left
 * Context   the page lock, of a page of the swap cache or one that is frozen; else as rmap_unmap_all
 */
bool rmap_swap_out(struct page *page, pte_t entry, struct tlb_batch *batch);

/*
 * rmap_take_out - as rmap_swap_out, for a page of an object: the leaves become empty, since the object knows the page
 *
 * Returns   true: nobody maps @page any more; false: it is locked in memory, and some leaves are left
 * Context   the page lock; else as rmap_unmap_all
 */
bool rmap_take_out(struct page *page, struct tlb_batch *batch);

/*
 * rmap_swap_in - let @slot, which holds the swap entry @expected, map @page, of the swap cache or fresh, with @bits
 *
 * The table may have several users: for all of them the same contents come back. The caller lets go of the entry.
 *
 * Returns   true; false: the leaf changed meanwhile, nothing was changed
 * Context   the page lock; mm->lock of a user of the table; takes map lock, table lock. @pool holds CHAIN_ADD_MAX
 *           blocks
 * Takes     the caller's reference to @page, when true
 */
bool rmap_swap_in(pte_t *slot, pte_t expected, struct page *page, u64 bits, struct chain_pool *pool);

/*
 * rmap_swap_lose - let @slot, which holds the swap entry @expected, say that its page is lost
 *
 * Returns   true: the caller lets go of the entry; false: the leaf changed meanwhile
 * Context   mm->lock of a user of the table; takes the table lock
 */
bool rmap_swap_lose(pte_t *slot, pte_t expected);

/*
 * rmap_test_and_clear_accessed - was @page used through some leaf since this was last asked?
 *
 * No CPU is told: one that remembers the translation may use it on and not set the bit again for a while.
 *
 * Context   the caller has a reference; takes the map lock
 */
bool rmap_test_and_clear_accessed(struct page *page);

/* What came of rmap_discard. */
enum discard {
	DISCARD_DONE,   /* every leaf is empty */
	DISCARD_DIRTY,  /* it was written since it was given up */
	DISCARD_LOCKED, /* it is locked in memory */
	DISCARD_BUSY,   /* somebody else has a reference */
	DISCARD_AGAIN,  /* the batch was full: inside rmap_lazy.c only */
};

/*
 * rmap_discard - empty the leaves of @page, which was given up (lazyfree.h), for good, while none of them is dirty
 *
 * Returns   what came of it; unless DISCARD_DONE, some leaves may be left
 * Context   the page lock, and one reference; takes map lock, table locks. The caller flushes the batch
 * Gives     the references of emptied leaves to @batch; may flush it when it is full
 */
enum discard rmap_discard(struct page *page, struct tlb_batch *batch);

/*
 * rmap_clean - let the leaf @slot, if it maps @page, forget that it was used and written
 *
 * Returns   whether it maps @page
 * Context   mm->lock of the table's only user, for writing; takes the table lock. The caller flushes the batch
 */
bool rmap_clean(pte_t *slot, const struct page *page, struct tlb_batch *batch);

/* Proves I1 to I3 for one table of an mm. Returns violations printed. Context: every mm->lock for writing. */
int rmap_check_table(struct page *table);
/* Proves I1 and I2 from the page's side. */
int rmap_check_page(struct page *page);
