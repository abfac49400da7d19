/* SPDX-License-Identifier: MIT */
/*
 * mm/pagetable.h - frames by address: the four levels that the processor walks
 *
 * Idea        A leaf is an 8-byte slot in a level-1 table. From the slot's own address, arithmetic gives the table's
 *             struct page, and that knows the address it maps and the address spaces that use it: no other record of a
 *             mapping exists.
 *
 *                 root (4) -> level 3 -> level 2 --entry--> level-1 table --slot--> frame
 *                 `---- one address space's own ----'       `-- shared after fork --'
 *
 *             A level-2 entry with PTE_WRITE says: this address space is the table's only user. After fork neither has
 *             the bit, and the processor then treats the 2 MiB below as read-only whatever the leaves say.
 * Invariants  I1  A table with more than one user is reached through level-2 entries without PTE_WRITE.  (mm_check)
 *             I2  A table with more than one user never gains an entry, and loses one only for all users alike. A user
 *                 that wants more unshares first (share.c).
 *             I3  A level-1 table has one reference for each address space in page->mms.                     (mm_check)
 *             I4  A table with a leaf that has PTE_LOCKED has one user, but while fork makes it so.          (mm_check)
 *             I5  A level-1 table lies under a vma. An upper one goes with the last table below it; only where memory
 *                 ran out on the way down does an empty one stay, until the address space ends.
 * Locks       Levels 4 to 2: mm->lock for writing, or mm->lock for reading and mm->table_lock.
 *             Level 1: the table lock, page->lock of the table.
 *             A walker that holds mm->lock in either way keeps every table it meets alive.
 * Follow      from fault.c, unmap.c, share.c, fork.c   to rmap.c
 * Tests       tests/host/pagetable_test.c
 * See         docs/mm.md section 2; Intel SDM volume 3, section 4.5
 */
#pragma once

#include <mm/page.h>
#include <mm/vma.h>

struct mm;
struct tlb_batch;

#define TABLE_SPAN (1UL << 21) /* bytes that one level-1 table maps */

/* A leaf that keeps its frame although nobody may touch it (PROT_NONE): not present for the processor, not empty. */
#define PTE_HELD PTE_SOFT0

/* A leaf of locked memory: its page stays (mlock.h). */
#define PTE_LOCKED PTE_SOFT1

/* How a leaf is reached. */
struct leaf_path {
	pte_t *entry2; /* the level-2 entry that points to the table; NULL when a level above is missing */
	pte_t *slot;   /* the leaf; NULL when there is no table */
};

/* Whether the leaf has a frame, be the processor allowed to use it or not. */
static inline bool
leaf_has_frame(pte_t e)
{
	return e.value & (PTE_PRESENT | PTE_HELD);
}

static inline struct page *
leaf_page(pte_t e)
{
	return pfn_to_page(pte_pfn(e));
}

/*
 * leaf_bits - what the leaf of a page may hold at most in a vma with @vm_flags
 *
 * Accessed is set at once: the access that faults is about to happen, and the processor is spared a locked write.
 */
static inline u64
leaf_bits(u32 vm_flags)
{
	u64 bits = vm_flags & VM_LOCKED ? PTE_LOCKED : 0;

	if (!(vm_flags & VM_ACCESS))
		return bits | PTE_HELD | PTE_NX;
	bits |= PTE_PRESENT | PTE_USER | PTE_ACCESSED;
	if (vm_flags & VM_WRITE)
		bits |= PTE_WRITE;
	if (!(vm_flags & VM_EXEC))
		bits |= PTE_NX;
	return bits;
}

/* The same leaf, apart from what the processor sets by itself. */
static inline bool
leaf_same(pte_t a, pte_t b)
{
	return !((a.value ^ b.value) & ~(PTE_ACCESSED | PTE_DIRTY));
}

/* The table a slot of any level lies in. */
static inline struct page *
slot_table(const pte_t *slot)
{
	dassert(!((u64)slot & (sizeof(pte_t) - 1)));
	return va_to_page((const void *)((u64)slot & PAGE_MASK));
}

/* The user address that a level-1 slot maps. */
static inline u64
slot_va(const pte_t *slot)
{
	dassert(slot_table(slot)->kind == PAGE_TABLE && slot_table(slot)->level == 1);
	return slot_table(slot)->base + (((u64)slot & ~PAGE_MASK) / sizeof(pte_t) << PAGE_SHIFT);
}

static inline pte_t *
table_slots(const struct page *table)
{
	dassert(table->kind == PAGE_TABLE);
	return page_to_va(table);
}

static inline pte_t *
table_slot(const struct page *table, u32 level, u64 va)
{
	dassert(table->level == level);
	return table_slots(table) + ((va >> level_shift(level)) & (TABLE_ENTRIES - 1));
}

/*
 * table_next_used - the first entry from number @i on, below @last, that is not empty; @last: there is none
 *
 * Most tables of a small program are nearly empty: eight entries at a time cost little more than one.
 */
static inline u32
table_next_used(const pte_t *slots, u32 i, u32 last)
{
	while (i + 8 <= last) {
		const pte_t *s = &slots[i];
		u64 low = pte_read(&s[0]).value | pte_read(&s[1]).value | pte_read(&s[2]).value | pte_read(&s[3]).value;
		u64 high =
			pte_read(&s[4]).value | pte_read(&s[5]).value | pte_read(&s[6]).value | pte_read(&s[7]).value;

		if (low | high)
			break;
		i += 8;
	}
	while (i < last && pte_none(pte_read(&slots[i])))
		i++;
	return i;
}

/* Leaves of a level-1 table that are not empty. Context: the table lock; without it, of a shared table: at most. */
static inline u32
table_leaves(const struct page *table)
{
	u32 sum = table->other;

	dassert(table->kind == PAGE_TABLE && table->level == 1);
	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		sum += table->counts[kind];
	dassert(sum <= TABLE_ENTRIES);
	return sum;
}

/* Whether more than one address space uses the table. Stable "no" while the mm->lock of its user is held. */
static inline bool
table_is_shared(const struct page *table)
{
	dassert(table->kind == PAGE_TABLE && table->level == 1);
	return READ_ONCE(table->mms.head) & CHAIN_MANY;
}

/*
 * pagetable_walk - the path to the leaf of @va, as far as it exists
 *
 * Context   mm->lock held
 */
struct leaf_path pagetable_walk(struct mm *mm, u64 va);

/*
 * pagetable_extend - make the tables of levels 3 to @lowest that lead to @va, as far as they are missing
 *
 * Returns   0, -ENOMEM
 * Context   may sleep; mm->lock held
 */
int pagetable_extend(struct mm *mm, u64 va, u32 lowest);

/* Tables made beforehand, so that what is to come cannot fail: linked by page->link. Owner: one stack frame. */
struct table_pool {
	struct list tables;
};

/* table_pool_fill - add @n tables. Returns 0, -ENOMEM (those that were made stay). Context: may sleep. */
int table_pool_fill(struct table_pool *pool, u32 n);

/* table_pool_release - free what is left. Context: any. */
void table_pool_release(struct table_pool *pool);

/* pagetable_extend_from - pagetable_extend with tables out of @pool, which must not run dry. Context: mm->lock held. */
void pagetable_extend_from(struct mm *mm, u64 va, u32 lowest, struct table_pool *pool);

/*
 * pagetable_next - the level-1 table with the lowest base whose range reaches into [*va, end)
 *
 * Returns   its level-2 entry, and the first address of the range in *va; NULL when there is none
 * Context   mm->lock held
 */
pte_t *pagetable_next(struct mm *mm, u64 *va, u64 end);

/*
 * pagetable_copy - copy leaves of the first level-1 table that reaches into [*va, end), from *va on
 *
 * @out      TABLE_ENTRIES leaves
 *
 * Returns   how many were copied; the first is that of *va, which moved up to the table. 0: no table, *va is @end
 * Context   mm->lock held; takes no lock: each leaf is a moment old
 */
u32 pagetable_copy(struct mm *mm, u64 *va, u64 end, pte_t *out);

/* Walks the level-1 tables that lie under vmas: all there are. */
struct table_cursor {
	struct vma *vma; /* the vma that is being walked; NULL at the end */
	u64 va;          /* go on here */
	pte_t *entry; /* what was returned last, NULL when its table may be gone: most often the next one follows it */
};

/*
 * table_cursor_start, table_cursor_next - each level-1 table of an address space once, in order of address
 *
 * Returns   (next) the level-2 entry of a table; NULL after the last
 * Context   mm->lock held, or nobody uses @mm; the table that was returned may be released before the next call, and
 *           cursor->entry is set to NULL when that took upper tables along
 */
void table_cursor_start(struct mm *mm, struct table_cursor *cursor);
pte_t *table_cursor_next(struct mm *mm, struct table_cursor *cursor);

/*
 * table_create - an empty table page
 *
 * Returns   the table, one reference; NULL when memory ran out
 * Context   may sleep
 */
struct page *table_create(u32 level, u64 base);

/* table_destroy - free a table without entries that nothing points to. Context: any. Takes the last reference. */
void table_destroy(struct page *table);

/*
 * pagetable_free_rest - free the upper tables that a failed pagetable_extend left without a table below
 *
 * Context   nobody uses @mm; no level-1 table is left
 */
void pagetable_free_rest(struct mm *mm);

/*
 * pagetable_prune - @entry of level 2 was emptied: free the tables above it that thereby became empty, but for the root
 *
 * Returns   true when @entry's own table went
 * Context   mm->lock for writing, or nobody uses @mm
 * Gives     the tables to @batch
 */
bool pagetable_prune(struct mm *mm, pte_t *entry, struct tlb_batch *batch);
