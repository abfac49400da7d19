/* SPDX-License-Identifier: MIT */
/*
 * mm/pagetable.c - frames by address: the four levels that the processor walks
 *
 * Idea        see pagetable.h. Tables are made by the first fault below them, and freed with the last vma above them.
 * Invariants  see pagetable.h
 * Locks       see pagetable.h
 * Follow      from fault.c, unmap.c, fork.c   to page_alloc.c
 * Tests       tests/host/pagetable_test.c
 * See         docs/mm.md section 2
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/pagetable.h>
#include <mm/tlb.h>
#include <mm/vmstat.h>

static int extend(struct mm *mm, u64 va, u32 lowest, struct table_pool *pool);
static struct page *table_take(struct table_pool *pool, u32 level, u64 base);
static bool follower(const pte_t *entry);
static pte_t *entry_table(pte_t entry);
static bool entry_install(struct mm *mm, pte_t *entry, struct page *table);
static pte_t *lowest_entry(struct mm *mm, u64 va, u32 *level);

struct leaf_path
pagetable_walk(struct mm *mm, u64 va)
{
	struct leaf_path path = {NULL, NULL};
	pte_t e = pte_read(&mm->root[level_index(va, 4)]);

	dassert(mm_may_look(mm));
	dassert(va < USER_TOP);
	if (unlikely(!pte_present(e)))
		return path;
	e = pte_read(&entry_table(e)[level_index(va, 3)]);
	if (unlikely(!pte_present(e)))
		return path;
	path.entry2 = &entry_table(e)[level_index(va, 2)];
	e = pte_read(path.entry2);
	if (likely(pte_present(e)))
		path.slot = &entry_table(e)[level_index(va, 1)];
	dassert(slot_table(path.entry2)->level == 2);
	dassert(!path.slot || slot_va(path.slot) == (va & PAGE_MASK));
	return path;
}

int
pagetable_extend(struct mm *mm, u64 va, u32 lowest)
{
	may_sleep();
	return extend(mm, va, lowest, NULL);
}

void
pagetable_extend_from(struct mm *mm, u64 va, u32 lowest, struct table_pool *pool)
{
	int err = extend(mm, va, lowest, pool);

	assert(!err);
}

int
table_pool_fill(struct table_pool *pool, u32 n)
{
	may_sleep();
	for (u32 i = 0; i < n; i++) {
		struct page *table = table_create(1, 0);

		if (!table)
			return -ENOMEM;
		list_add(&table->link, &pool->tables);
	}
	return 0;
}

void
table_pool_release(struct table_pool *pool)
{
	while (!list_empty(&pool->tables))
		table_destroy(table_take(pool, 1, 0));
}

/* Steps over empty entries in the table that it has reached, and walks from the root again only to enter another. */
pte_t *
pagetable_next(struct mm *mm, u64 *va, u64 end)
{
	u64 at = *va;

	dassert(mm_may_look(mm));
	dassert(end <= USER_TOP);
	while (at < end) {
		u32 level;
		pte_t *entry = lowest_entry(mm, at, &level);
		u64 step = 1UL << level_shift(level);
		u64 stop = min_u64(end, round_down(at, step * TABLE_ENTRIES) + step * TABLE_ENTRIES);

		while (at < stop && !pte_present(pte_read(entry))) {
			at = round_down(at, step) + step;
			entry++;
		}
		if (at < stop && level == 2) {
			dassert(leaf_page(pte_read(entry))->base == round_down(at, TABLE_SPAN));
			*va = at;
			return entry;
		}
	}
	return NULL;
}

u32
pagetable_copy(struct mm *mm, u64 *va, u64 end, pte_t *out)
{
	pte_t *entry = pagetable_next(mm, va, end);
	const struct page *table;
	u32 count;

	if (!entry) {
		*va = end;
		return 0;
	}
	table = leaf_page(pte_read(entry));
	count = (min_u64(end, table->base + TABLE_SPAN) - *va) >> PAGE_SHIFT;
	for (u32 i = 0; i < count; i++)
		out[i] = pte_read(table_slot(table, 1, *va) + i);
	dassert(count && count <= TABLE_ENTRIES);
	return count;
}

void
table_cursor_start(struct mm *mm, struct table_cursor *cursor)
{
	dassert(mm_may_look(mm));
	cursor->vma = vma_first(&mm->vmas);
	cursor->va = 0;
	cursor->entry = NULL;
}

pte_t *
table_cursor_next(struct mm *mm, struct table_cursor *cursor)
{
	dassert(mm_may_look(mm));
	dassert(!cursor->entry || cursor->vma);
	if (cursor->entry && cursor->va < cursor->vma->end && follower(cursor->entry)) {
		cursor->va += TABLE_SPAN;
		return ++cursor->entry;
	}
	while (cursor->vma) {
		u64 va = max_u64(cursor->va, cursor->vma->start);
		pte_t *entry = pagetable_next(mm, &va, cursor->vma->end);

		if (entry) {
			cursor->va = round_down(va, TABLE_SPAN) + TABLE_SPAN;
			cursor->entry = entry;
			return entry;
		}
		cursor->vma = vma_next(cursor->vma);
	}
	return NULL;
}

struct page *
table_create(u32 level, u64 base)
{
	struct page *table = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);

	dassert(level >= 1 && level <= LEVELS);
	dassert(base < USER_TOP && !(base & ((1UL << level_shift(level + 1)) - 1)));
	if (!table)
		return NULL;
	spin_set_rank(&table->lock, RANK_TABLE);
	table->base = base;
	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		table->counts[kind] = 0;
	table->other = 0;
	table->mms.head = 0;
	table->level = level;
	barrier(); /* page.h I4: who finds this kind finds the level, and no user */
	table->kind = PAGE_TABLE;
	count_event(VM_NR_PAGE_TABLE_PAGES);
	return table;
}

void
table_destroy(struct page *table)
{
	assert(table->kind == PAGE_TABLE && !table->other);
	dassert(atomic_read(&table->refs) == 1);
	dassert(table->level > 1 || chain_empty(&table->mms));
	for (u32 kind = 0; kind < RSS_KINDS; kind++)
		assert(!table->counts[kind]);
	count_events(VM_NR_PAGE_TABLE_PAGES, -1);
	page_put(table);
}

bool
pagetable_prune(struct mm *mm, pte_t *entry, struct tlb_batch *batch)
{
	struct page *table = slot_table(entry);
	bool gone = table->other == 1;

	dassert(mm_may_change(mm));
	dassert(pte_none(pte_read(entry)) && table->level >= 2);
	assert(table->other);
	while (--table->other == 0 && table->level < LEVELS) {
		pte_t *parent = table->parent;

		dassert(leaf_page(pte_read(parent)) == table && slot_table(parent)->level == table->level + 1);
		dassert(atomic_read(&table->refs) == 1);
		pte_write(parent, (pte_t){0});
		atomic64_add(&mm->tables, -1);
		tlb_batch_range(batch, READ_ONCE(mm->cpus), table->base, table->base + TABLE_SPAN);
		count_events(VM_NR_PAGE_TABLE_PAGES, -1);
		tlb_batch_retire(batch, table);
		table = slot_table(parent);
		dassert(table->other);
	}
	return gone;
}

/* Most often there is nothing to find: then the root says so by itself. */
void
pagetable_free_rest(struct mm *mm)
{
	struct tlb_batch batch;

	dassert(mm_is_private(mm));
	tlb_batch_init(&batch);
	for (u64 va = 0; va < USER_TOP && va_to_page(mm->root)->other;) {
		u32 level;
		pte_t *entry = lowest_entry(mm, va, &level);
		struct page *table = slot_table(entry);

		va = round_down(va, 1UL << level_shift(level)) + (1UL << level_shift(level));
		if (table->other || level == LEVELS)
			continue;
		table->other = 1; /* as if an entry had been here until now */
		pagetable_prune(mm, entry, &batch);
	}
	tlb_batch_flush(&batch);
}

/* Tables come from @pool, or are made when it is NULL. */
static int
extend(struct mm *mm, u64 va, u32 lowest, struct table_pool *pool)
{
	pte_t *slots = mm->root;

	dassert(mm_may_look(mm));
	dassert(va < USER_TOP && lowest >= 1 && lowest < LEVELS);
	for (u32 level = LEVELS; level > lowest; level--) {
		pte_t *entry = &slots[level_index(va, level)];
		u64 base = round_down(va, 1UL << level_shift(level));

		if (!pte_present(pte_read(entry))) {
			struct page *table = pool ? table_take(pool, level - 1, base) : table_create(level - 1, base);

			if (!table)
				return -ENOMEM;
			if (!entry_install(mm, entry, table))
				table_destroy(table);
		}
		slots = entry_table(pte_read(entry));
		dassert(slot_table(slots)->level == level - 1);
	}
	return 0;
}

static struct page *
table_take(struct table_pool *pool, u32 level, u64 base)
{
	struct page *table = list_first(&pool->tables, struct page, link);

	assert(!list_empty(&pool->tables));
	list_del(&table->link);
	table->level = level;
	table->base = base;
	return table;
}

/* Whether the entry after @entry is in the same table and leads to one. */
static bool
follower(const pte_t *entry)
{
	return ((u64)(entry + 1) & ~PAGE_MASK) && pte_present(pte_read(entry + 1));
}

/* The slots of the table that @entry points to. */
static pte_t *
entry_table(pte_t entry)
{
	dassert(pte_present(entry) && !pte_has(entry, PTE_HUGE));
	return pa_to_va(entry.value & PTE_PFN_MASK);
}

/* Points an empty entry to a new table; false when another fault of this address space was first. */
static bool
entry_install(struct mm *mm, pte_t *entry, struct page *table)
{
	bool first;

	dassert(mm_may_look(mm));
	dassert(table->level + 1 == slot_table(entry)->level);
	dassert(chain_empty(&table->mms) && atomic_read(&table->refs) == 1);
	spin_lock(&mm->table_lock);
	first = !pte_present(pte_read(entry));
	if (first) {
		if (table->level == 1)
			table->mms.head = (u64)mm;
		else
			table->parent = entry;
		slot_table(entry)->other++;
		dassert(slot_table(entry)->other <= TABLE_ENTRIES);
		pte_write(entry, pte_make(page_to_pfn(table), PTE_USER_TABLE));
		atomic64_add(&mm->tables, 1);
	}
	spin_unlock(&mm->table_lock);
	return first;
}

/* The entry for @va in the lowest table that exists, down to level 2. */
static pte_t *
lowest_entry(struct mm *mm, u64 va, u32 *level)
{
	pte_t *entry = &mm->root[level_index(va, LEVELS)];

	dassert(va < USER_TOP);
	*level = LEVELS;
	while (*level > 2 && pte_present(pte_read(entry)))
		entry = &entry_table(pte_read(entry))[level_index(va, --*level)];
	return entry;
}
