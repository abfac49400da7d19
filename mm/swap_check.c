/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_check.c - prove that each slot counts those who name it
 *
 * Idea        mm_check meets every entry there is: in the leaves of tables, each table once however many use it, and in
 *             the trees of objects. Each is one more tick for its slot; at the end ticks and counts must agree.
 *             Simple: without memory for the ticks nothing is proved this time.
 * Invariants  swap.h I1 is what is proved
 * Locks       ticks belong to the one caller; area->lock for the comparison
 * Follow      from check.c, pagecache_object.c   to swap.c
 * Tests       runs after each guest case
 * See         docs/mm.md section 10
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/swap_check.h>
#include <mm/swap_same.h>
#include <mm/vmalloc.h>

#define TOLD_MOST 5 /* lines for one area */

/* One proof at a time: mm_check's. */
static u16 *ticks[SWAP_AREAS_MAX]; /* by slot; NULL: the area is not proved. Else it is held (swap_area_get) */
static u64 words;                  /* leaves that name a word in the place of a slot (swap_same.h) */

static int compare(struct swap_area *area);

void
swap_check_begin(void)
{
	may_sleep();
	words = 0;
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++) {
		u64 bytes;

		assert(!ticks[i]);
		if (!swap_area_get(swap_entry(i, 0)))
			continue;
		bytes = swap_areas[i].map.slots * sizeof(u16);
		ticks[i] = vmalloc_named(bytes, "swap check");
		if (ticks[i])
			memset(ticks[i], 0, bytes);
		else
			swap_area_put(swap_entry(i, 0));
	}
}

int
swap_check_seen(swap_entry_t entry)
{
	const struct swap_area *area = &swap_areas[swap_entry_area(entry) % SWAP_AREAS_MAX];

	if (swap_entry_is_same(entry)) {
		words++;
		return 0;
	}
	if (swap_entry_is_lost(entry))
		return 0;
	if (swap_entry_area(entry) >= SWAP_AREAS_MAX || READ_ONCE(area->state) == SWAP_OFF ||
	    swap_entry_slot(entry) >= area->map.slots) {
		pr_err("mm_check: swap entry %lx names no slot\n", entry.value);
		return 1;
	}
	if (ticks[area->type])
		ticks[area->type][swap_entry_slot(entry)]++;
	return 0;
}

int
swap_check_table(struct page *table)
{
	int bad = 0;

	dassert(table->kind == PAGE_TABLE && table->level == 1);
	if (!table->counts[RSS_SWAP])
		return 0;
	for (u32 i = 0; i < TABLE_ENTRIES; i++) {
		pte_t leaf = pte_read(&table_slots(table)[i]);

		if (leaf_is_swap(leaf))
			bad += swap_check_seen(leaf_to_swap(leaf));
	}
	return bad;
}

int
swap_check_end(void)
{
	int bad = words != swap_same_users();

	if (bad)
		pr_err("mm_check: words count %lu leaves and have %lu\n", swap_same_users(), words);
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++) {
		if (!ticks[i])
			continue;
		bad += compare(&swap_areas[i]);
		vfree(ticks[i]);
		ticks[i] = NULL;
		swap_area_put(swap_entry(i, 0));
	}
	return bad;
}

static int
compare(struct swap_area *area)
{
	int bad = 0;

	spin_lock(&area->lock);
	for (u32 slot = 1; slot < area->map.slots; slot++) {
		if (swap_map_count(&area->map, slot) == ticks[area->type][slot])
			continue;
		if (bad++ < TOLD_MOST)
			pr_err("mm_check: slot %u of swap area %s counts %u users and has %u\n", slot, area->name,
			       swap_map_count(&area->map, slot), ticks[area->type][slot]);
	}
	spin_unlock(&area->lock);
	return bad;
}
