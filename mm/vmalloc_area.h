/* SPDX-License-Identifier: MIT */
/*
 * mm/vmalloc_area.h - which kernel addresses are taken: the tree of areas
 *
 * Idea        The tree is ordered by address, and each node sums up its subtree: its ends, and the largest gap between
 *             two areas in it. The lowest gap that fits is found on one way down. Low addresses first keep the areas
 *             together and the page tables few.
 * Invariants  I1  Areas do not overlap; behind each is at least one page that belongs to none.
 *             I3  Each node's summary is what summary_update() computes.                          (vmalloc_check)
 * Locks       vmalloc_lock
 * Follow      from vmalloc.c; nobody else   to kernel/lib/rbtree.c
 * Tests       tests/host/vmalloc_test.c
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/rbtree.h>
#include <kernel/spinlock.h>

#define FIRST_VA (VMALLOC_BASE + PAGE_SIZE) /* the page before is the first guard */
#define TABLE_BYTES (1UL << 21)             /* what one level-1 table maps */

struct area {
	struct rb_node node;    /* vmalloc_lock */
	u64 va;                 /* const while in the tree */
	u64 end;                /* const while in the tree; behind the guard page */
	u64 mapped;             /* owner of the area; bytes that have frames */
	const char *name;       /* const */
	bool live;              /* vmalloc_lock */
	struct area *next_dead; /* vmalloc_lock */
	u64 first;              /* vmalloc_lock; summary of the subtree: lowest va, */
	u64 last;               /* highest end, */
	u64 gap;                /* most bytes between two neighbours in it */
};

extern struct spinlock vmalloc_lock;

static inline struct area *
area_of(struct rb_node *node)
{
	return container_of(node, struct area, node);
}

void area_tree_init(void);

/* area_gap - the lowest address with @need free bytes behind it, or 0. Context: holds vmalloc_lock. */
u64 area_gap(u64 need);

/* area_insert - @area, which has its addresses, is in the tree. Context: holds vmalloc_lock. */
void area_insert(struct area *area);

/* area_remove - @area is in the tree no longer. Context: holds vmalloc_lock. */
void area_remove(struct area *area);

/*
 * area_find - the area that holds @addr, its guard page behind included, or NULL
 *
 * Context   any: without vmalloc_lock the answer may be wrong, but the walk ends and follows only pointers to areas
 */
struct area *area_find(u64 addr);

/* area_in_table - does an area of the tree reach into the stretch of one table at @va? Context: holds vmalloc_lock. */
bool area_in_table(u64 va);
