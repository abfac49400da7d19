/* SPDX-License-Identifier: MIT */
/*
 * mm/lru_check.c - the proof that the lists hold what the flags of their pages say
 *
 * Idea        Walks every list, under its lock.
 * Invariants  those of lru.h
 * Locks       lruvec->lock
 * Follow      from check.c   to lru.h
 * Tests       tests/guest/evict.c
 * See         docs/mm.md
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/lru.h>

static int check_set(struct lruvec *lru, enum lru_kind kind);
static int check_list(const struct list *list, u32 number, u64 expected);

int
lru_check(void)
{
	int bad = 0;

	for (u32 n = 0; n < node_count; n++) {
		struct lruvec *lru = &nodes[n].lru;

		spin_lock(&lru->lock);
		for (u32 kind = 0; kind < LRU_KINDS; kind++)
			bad += check_set(lru, kind);
		bad += check_list(&lru->unevictable, LRU_UNEVICTABLE, lru->unevictable_count);
		bad += check_list(&lru->lazy, LRU_LAZY, lru->lazy_count);
		spin_unlock(&lru->lock);
	}
	return bad;
}

static int
check_set(struct lruvec *lru, enum lru_kind kind)
{
	struct evict_set *set = &lru->set[kind];
	int bad = 0;

	for (u32 l = 0; l < EVICT_LISTS; l++) {
		bad += check_list(&set->lists[l], l, set->count[l]);
		if (set->count[l] && !(set->lists_used & BIT(l))) {
			pr_err("mm_check: LRU list %u has pages, and %s looks at it never\n", l,
			       evict_policy_name(set->policy));
			bad++;
		}
	}
	return bad;
}

static int
check_list(const struct list *list, u32 number, u64 expected)
{
	struct page *page;
	u64 count = 0;
	int bad = 0;

	list_for_each (page, list, link) {
		bool locked = page->flags & BIT(PG_UNEVICTABLE);
		bool lazy = page->flags & BIT(PG_LAZY);

		count++;
		if (page->flags & BIT(PG_LRU) && evict_list_of(page) == number &&
		    locked == (number == LRU_UNEVICTABLE) && lazy == (number == LRU_LAZY) && !(lazy && page->object))
			continue;
		pr_err("mm_check: frame %lx with flags %x is on LRU list %u\n", page_to_pfn(page), page->flags, number);
		bad++;
	}
	if (count != expected) {
		pr_err("mm_check: LRU list %u counts %lu pages and has %lu\n", number, expected, count);
		bad++;
	}
	return bad;
}
