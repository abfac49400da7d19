/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/radix.h - a map from u64 index to a non-NULL word, for sparse and clustered indices
 *
 * Idea        A tree of nodes with 64 slots, six bits of the index a level. It is as high as its largest index needs:
 *             a map with only index 0 is the root word itself, one up to 63 is one node. Nodes come from and go to
 *             a pool that the caller fills beforehand, so that no allocation happens under a lock.
 *
 *               height 2:   root -> [ 0 | 1 | ... | 63 ]            index bits 11..6
 *                                     |           |
 *                               [ items ]      [ items ]            index bits 5..0
 *
 * Invariants  I1  height is the least that holds the largest index; an empty tree has height 0 and root NULL.
 *             I2  Bit i of a node's used word is set if and only if slot[i] is not NULL; no node is empty.
 *             I3  Items are opaque: any non-zero word, low bits and all.
 * Locks       none here; each tree names its guard where it is declared. A pool belongs to one caller at a time.
 * Follow      from mm/pagecache.c
 * Tests       tests/host/radix_test.c
 */
#pragma once

#include <kernel/lib/types.h>

#define RADIX_BITS 6
#define RADIX_SLOTS (1U << RADIX_BITS)
#define RADIX_MAX_HEIGHT 11 /* 64 bits of index / 6, rounded up */

/*
 * The most nodes one insertion can need: from height 0 (only index 0 is there) to 11 the old root gets 11 levels above
 * it, and the new item 10 nodes of its own below the new root.
 */
#define RADIX_MAX_NODES (2 * RADIX_MAX_HEIGHT - 1)

struct radix_node {
	u64 used; /* one bit a slot */
	void *slot[RADIX_SLOTS];
};

struct radix_tree {
	void *root; /* height 0: the item of index 0; else a struct radix_node */
	u32 height; /* levels of nodes */
};

struct radix_pool {
	struct radix_node *free; /* linked by slot[0] */
	u32 count;               /* nodes on it */
};

/* Makes @tree empty. A struct of zeros is an empty tree as well. */
static inline void
radix_init(struct radix_tree *tree)
{
	tree->root = NULL;
	tree->height = 0;
}

static inline bool
radix_empty(const struct radix_tree *tree)
{
	return !tree->root;
}

/* Gives @node, whose contents do not matter, to @pool. */
static inline void
radix_pool_put(struct radix_pool *pool, struct radix_node *node)
{
	node->slot[0] = pool->free;
	pool->free = node;
	pool->count++;
}

/* Takes a node with undefined contents from @pool; NULL when it is empty. */
static inline struct radix_node *
radix_pool_get(struct radix_pool *pool)
{
	struct radix_node *node = pool->free;

	if (node) {
		pool->free = node->slot[0];
		pool->count--;
	}
	return node;
}

/*
 * radix_insert - let @index name @item, which is not NULL
 *
 * Returns   0; -EEXIST @index names an item already; -ENOMEM the pool holds too few nodes (never when it holds
 *           RADIX_MAX_NODES). An error leaves tree and pool as they were
 * Context   any; the tree's guard
 * Takes     the nodes it needs out of @pool
 */
int radix_insert(struct radix_tree *tree, u64 index, void *item, struct radix_pool *pool);

/*
 * radix_get - what @index names
 *
 * Returns   the item; NULL when there is none
 * Context   any; the tree's guard
 */
void *radix_get(const struct radix_tree *tree, u64 index);

/*
 * radix_replace - let @index, which names something, name @item instead
 *
 * Returns   what it named before
 * Context   any; the tree's guard
 */
void *radix_replace(struct radix_tree *tree, u64 index, void *item);

/*
 * radix_delete - let @index name nothing
 *
 * Returns   the item that was there; NULL when there was none
 * Context   any; the tree's guard
 * Gives     the nodes that became needless to @pool: at most RADIX_MAX_NODES
 */
void *radix_delete(struct radix_tree *tree, u64 index, struct radix_pool *pool);

/*
 * radix_next - the first item whose index is *index or above
 *
 *     for (u64 i = 0; (item = radix_next(tree, &i)); i++)      (ends by itself unless an item may have index 2^64 - 1)
 *
 * Returns   the item, and its index in *index; NULL when there is none, *index unchanged
 * Context   any; the tree's guard. Items may be deleted between calls
 */
void *radix_next(const struct radix_tree *tree, u64 *index);
