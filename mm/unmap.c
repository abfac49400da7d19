/* SPDX-License-Identifier: MIT */
/*
 * mm/unmap.c - empty a range of an address space
 *
 * Idea        Table by table. A level-1 table that only this range uses is let go whole, shared or not; one that the
 *             range cuts is emptied in part, and must be unshared before.
 *
 *                 floor         start                      end       ceiling
 *                   |--- free ---|######## range ############|-- free --|
 *                      [ table 1 ][ table 2 ][ table 3 ][ table 4 ]       1 to 3: whole; 4: whole if its end <= ceiling
 *
 * Invariants  none of its own
 * Locks       mm->lock for writing: no fault of this address space is under way
 * Follow      from mmap.c, madvise.c, fork.c, mm.c   to rmap.c (rmap_zap), share.c (table_release)
 * Tests       tests/guest/mmap.c
 * See         docs/mm.md section 3
 */
#include <kernel/panic.h>
#include <kernel/wait.h>
#include <mm/mm.h>
#include <mm/rmap.h>
#include <mm/share.h>
#include <mm/unmap.h>

static bool table_goes(const struct unmap_range *range, u64 base);
static void zap_part(struct page *table, const struct unmap_range *range, struct tlb_batch *batch);

int
unmap_prepare(struct mm *mm, const struct unmap_range *range)
{
	u64 first = round_down(range->start, TABLE_SPAN);
	u64 last = round_down(range->end - 1, TABLE_SPAN);
	int err = 0;

	may_sleep();
	dassert(mm_may_change(mm));
	dassert(range->floor <= range->start && range->start < range->end && range->end <= range->ceiling);
	/* Only the first and the last table can be cut: those between lie inside the range. */
	if (!table_goes(range, first))
		err = table_unshare(mm, range->start);
	if (!err && last != first && !table_goes(range, last))
		err = table_unshare(mm, range->end - 1);
	return err;
}

void
unmap_pages(struct mm *mm, const struct unmap_range *range)
{
	struct tlb_batch batch;
	u64 base = range->start;
	pte_t *entry;

	dassert(mm_may_change(mm));
	if (unmap_is_empty(mm, range->start, range->end))
		return;
	mm_note_peak(mm);
	entry = pagetable_next(mm, &base, range->end);
	tlb_batch_init(&batch);
	for (; entry; entry = pagetable_next(mm, &base, range->end)) {
		base = round_down(base, TABLE_SPAN);
		if (table_goes(range, base)) {
			table_release(mm, entry, &batch);
			pagetable_prune(mm, entry, &batch);
		} else {
			assert(!table_is_shared(leaf_page(pte_read(entry))));
			zap_part(leaf_page(pte_read(entry)), range, &batch);
		}
		base += TABLE_SPAN;
	}
	tlb_batch_flush(&batch);
}

/* As if the range stood alone: a table that lies inside it goes whole, and comes back with the next fault. */
int
unmap_drop(struct mm *mm, u64 start, u64 end)
{
	const struct unmap_range range = {.start = start, .end = end, .floor = start, .ceiling = end};
	int err = unmap_prepare(mm, &range);

	if (!err)
		unmap_pages(mm, &range);
	return err;
}

void
unmap_zap(struct mm *mm, u64 start, u64 end)
{
	const struct unmap_range range = {.start = start, .end = end};
	struct tlb_batch batch;
	u64 base = start;
	pte_t *entry;

	dassert(mm_may_change(mm));
	tlb_batch_init(&batch);
	while ((entry = pagetable_next(mm, &base, end))) {
		zap_part(leaf_page(pte_read(entry)), &range, &batch);
		base = round_down(base, TABLE_SPAN) + TABLE_SPAN;
	}
	tlb_batch_flush(&batch);
}

void
unmap_reap(struct mm *mm, u64 start, u64 end)
{
	const struct unmap_range range = {.start = start, .end = end};
	struct tlb_batch batch;
	u64 base = start;
	pte_t *entry;

	dassert(READ_ONCE(mm->oom_unstable) && rwsem_is_held(&mm->lock));
	tlb_batch_init(&batch);
	while ((entry = pagetable_next(mm, &base, end))) {
		struct page *table = leaf_page(pte_read(entry));

		if (!table_is_shared(table))
			zap_part(table, &range, &batch);
		base = round_down(base, TABLE_SPAN) + TABLE_SPAN;
	}
	tlb_batch_flush(&batch);
}

void
unmap_all(struct mm *mm)
{
	struct table_cursor cursor;
	struct tlb_batch batch;
	pte_t *entry;

	tlb_batch_init(&batch);
	dassert(mm_is_private(mm));
	table_cursor_start(mm, &cursor);
	while ((entry = table_cursor_next(mm, &cursor))) {
		table_release(mm, entry, &batch);
		if (pagetable_prune(mm, entry, &batch))
			cursor.entry = NULL;
		cond_resched(); /* large memories end too, and nobody shall wait for that */
	}
	tlb_batch_flush(&batch);
}

/* Whether nothing but the range uses the table at @base. */
static bool
table_goes(const struct unmap_range *range, u64 base)
{
	dassert(!(base & (TABLE_SPAN - 1)));
	return range->floor <= base && base + TABLE_SPAN <= range->ceiling;
}

static void
zap_part(struct page *table, const struct unmap_range *range, struct tlb_batch *batch)
{
	u64 start = max_u64(range->start, table->base);
	u64 end = min_u64(range->end, table->base + TABLE_SPAN);

	dassert(start < end);
	rmap_zap(table, (start - table->base) >> PAGE_SHIFT, (end - table->base) >> PAGE_SHIFT, batch);
}
