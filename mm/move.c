/* SPDX-License-Identifier: MIT */
/*
 * mm/move.c - what a range of addresses maps goes to another range
 *
 * Idea        Table by table of the source. Where source and destination lie alike in their tables (their distance is a
 *             multiple of 2 MiB), a whole table moves: two level-2 entries and the table's base change, and the 512
 *             slots stay what and where they are, so that no page hears of it.
 *
 *                 level 2:   [ . ][ * ][ . ][ . ]      ->      [ . ][ . ][ . ][ * ]
 *                                   |                                           |
 *                                 table, base 2 MiB                           the same table, base 6 MiB
 *
 *             Elsewhere, and where other mappings use the table too, leaf by leaf (rmap_move). When mremap may choose
 *             the address, it chooses one where tables can move.
 *             Simple: a table shared since fork is parted first; its 512 leaves are then copied once.
 * Invariants  none of its own
 * Locks       mm->lock for writing; a table's lock while its base changes
 * Follow      from mremap.c   to rmap_move.c, pagetable.c, share.c
 * Tests       tests/host/mremap_test.c, tests/guest/mremap.c
 * See         docs/mm.md section 8
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/mm.h>
#include <mm/move.h>
#include <mm/rmap.h>
#include <mm/share.h>
#include <mm/tlb.h>

#define SPAN3 (TABLE_SPAN * TABLE_ENTRIES) /* bytes below a level-2 table */
#define SPAN4 (SPAN3 * TABLE_ENTRIES)      /* bytes below a level-3 table */

static u32 tables_needed(const struct move *move, u32 sources);
static u32 spans_touched(u64 start, u64 len, u64 span);
static bool table_fits(struct mm *mm, const struct move *move, struct page *table);
static bool has_leaves(const struct page *table, u32 first, u32 last);
static void move_table(struct mm *mm, pte_t *from, pte_t *to, u64 base);
static void move_leaves(struct mm *mm, struct move *move, struct page *table);

int
move_prepare(struct mm *mm, struct move *move)
{
	u64 base = move->from;
	u64 end = move->from + move->len;
	u32 sources = 0;
	int err = 0;

	may_sleep();
	dassert(mm_may_change(mm));
	list_init(&move->pool.tables);
	while (!err && pagetable_next(mm, &base, end)) {
		err = table_unshare(mm, base);
		sources++;
		base = round_down(base, TABLE_SPAN) + TABLE_SPAN;
	}
	if (err || !sources)
		return err;
	/* A table at either end of the destination may belong to a neighbour as well, and to a relative of ours. */
	err = table_unshare(mm, move->to);
	if (!err)
		err = table_unshare(mm, move->to + move->len - 1);
	return err ? err : table_pool_fill(&move->pool, tables_needed(move, sources));
}

void
move_pages(struct mm *mm, struct move *move)
{
	u64 base = move->from;
	struct tlb_batch batch;
	pte_t *entry;

	dassert(mm_may_change(mm));
	tlb_batch_init(&batch);
	while ((entry = pagetable_next(mm, &base, move->from + move->len))) {
		struct page *table = leaf_page(pte_read(entry));
		u64 to = round_down(base, TABLE_SPAN) + (move->to - move->from);

		base = table->base + TABLE_SPAN;
		if (table_fits(mm, move, table)) {
			pagetable_extend_from(mm, to, 2, &move->pool);
			move_table(mm, entry, pagetable_walk(mm, to).entry2, to);
			pagetable_prune(mm, entry, &batch);
		} else {
			move_leaves(mm, move, table);
		}
	}
	tlb_batch_flush(&batch);
}

void
move_end(struct move *move)
{
	table_pool_release(&move->pool);
}

/* How many tables the destination can lack at most, when @sources tables have something to move. */
static u32
tables_needed(const struct move *move, u32 sources)
{
	bool alike = !((move->from ^ move->to) & (TABLE_SPAN - 1));
	u64 most = alike ? 2 : 2 * (u64)sources; /* alike: only the first and the last can be used by others as well */
	u64 leaf = min_u64(most, spans_touched(move->to, move->len, TABLE_SPAN));
	u64 all = 2 * (u64)sources; /* each source table lies over two of the destination at most */

	return (u32)(leaf + min_u64(all, spans_touched(move->to, move->len, SPAN3)) +
		     min_u64(all, spans_touched(move->to, move->len, SPAN4)));
}

static u32
spans_touched(u64 start, u64 len, u64 span)
{
	dassert(len);
	return (u32)((start + len - 1) / span - start / span + 1);
}

/* Whether @table, a source, can take its place in the destination as it is. */
static bool
table_fits(struct mm *mm, const struct move *move, struct page *table)
{
	u64 start = max_u64(move->from, table->base);
	u64 end = min_u64(move->from + move->len, table->base + TABLE_SPAN);

	if ((move->from ^ move->to) & (TABLE_SPAN - 1))
		return false;
	if (pagetable_walk(mm, start - move->from + move->to).slot)
		return false; /* a neighbour there has one already */
	return !has_leaves(table, 0, (start - table->base) >> PAGE_SHIFT) &&
	       !has_leaves(table, (end - table->base) >> PAGE_SHIFT, TABLE_ENTRIES);
}

/* Leaves may go at any moment (truncation), but none can come. */
static bool
has_leaves(const struct page *table, u32 first, u32 last)
{
	const pte_t *slots = table_slots(table);

	for (u32 i = first; i < last; i++)
		if (!pte_none(pte_read(&slots[i])))
			return true;
	return false;
}

static void
move_table(struct mm *mm, pte_t *from, pte_t *to, u64 base)
{
	struct page *table = leaf_page(pte_read(from));
	u64 old = table->base;

	dassert(!table_is_shared(table) && pte_none(pte_read(to)));
	dassert(!((old | base) & (TABLE_SPAN - 1)) && slot_table(to)->level == 2);
	spin_lock(&table->lock);
	pte_write(from, (pte_t){0});
	/*
	 * Race: whoever comes from a page flushes the address that base names, and waits for this lock. So no CPU may
	 * remember the old address once base has changed.
	 */
	tlb_flush_range(mm, old, old + TABLE_SPAN);
	table->base = base;
	slot_table(to)->other++;
	pte_write(to, pte_make(page_to_pfn(table), PTE_USER_TABLE));
	spin_unlock(&table->lock);
}

/* What the move takes out of @table, into the one or two tables over which it comes to lie. */
static void
move_leaves(struct mm *mm, struct move *move, struct page *table)
{
	u64 start = max_u64(move->from, table->base);
	u64 end = min_u64(move->from + move->len, table->base + TABLE_SPAN);

	while (start < end) {
		u64 to = start - move->from + move->to;
		u64 stop = min_u64(end, start + (round_down(to, TABLE_SPAN) + TABLE_SPAN - to));
		u32 first = (u32)((start - table->base) >> PAGE_SHIFT);
		u32 count = (u32)((stop - start) >> PAGE_SHIFT);

		if (has_leaves(table, first, first + count)) {
			pte_t *slot;

			pagetable_extend_from(mm, to, 1, &move->pool);
			slot = pagetable_walk(mm, to).slot;
			rmap_move(table, first, slot_table(slot), level_index(to, 1), count);
		}
		start = stop;
	}
}
