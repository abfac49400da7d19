/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/rbtree.h - the intrusive red-black tree, with a summary per subtree if its owner wants one
 *
 * Idea        The node lives inside the object. The owner walks down itself, with its own comparison inlined, and
 *             hands over the empty link it arrived at: no indirect call decides an order. Balance costs at most two
 *             rotations an insertion and three a removal, whatever the size.
 *             An owner that keeps a summary of each subtree in its objects (for example the largest gap below) gives
 *             `update`; the tree calls it for exactly the nodes whose subtree changed, and stops on the way up
 *             where a summary comes out as it was.
 * Invariants  I1  The root is black; a red node has no red child.
 *             I2  Every path from the root to an empty link has the same number of black nodes.
 *             I3  A child's parent word names its parent.
 *             I4  Every summary is what update() would compute from the node and its children's summaries.
 * Locks       none here; each tree names its guard where it is declared
 * Follow      from mm/vma.c
 * Tests       tests/host/rbtree_test.c
 * See         Cormen et al., Introduction to Algorithms, chapters 13 and 17 (14 in older editions)
 */
#pragma once

#include <kernel/lib/types.h>

#define RB_BLACK 1UL

struct rb_node {
	u64 parent_color;      /* address of the parent, 0 for the root; bit 0 set: this node is black */
	struct rb_node *left;  /* what orders before this node */
	struct rb_node *right; /* what orders after it */
};

struct rb_tree {
	struct rb_node *root;
	bool (*update)(struct rb_node *node); /* const after init; NULL: no summaries */
};

/*
 * rb_tree_init - make @tree empty
 *
 * @update computes @node's summary from its own value and the summaries of node->left and node->right (each may be
 * NULL), stores it in the object, and returns whether it differs from what was stored before. The summary must
 * depend on which nodes are below and in which order, not on the shape of the tree.
 *
 * Returns   nothing
 * Context   any
 */
static inline void
rb_tree_init(struct rb_tree *tree, bool (*update)(struct rb_node *node))
{
	tree->root = NULL;
	tree->update = update;
}

static inline bool
rb_empty(const struct rb_tree *tree)
{
	return !tree->root;
}

static inline struct rb_node *
rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~RB_BLACK);
}

/*
 * rb_insert_at - put @node into the empty link @link of @parent, and rebalance
 *
 * The caller has walked down from tree->root by its own order: @link is &parent->left or &parent->right and holds NULL;
 * in an empty tree @parent is NULL and @link is &tree->root.
 *
 * Returns   nothing; cannot fail
 * Context   any; the tree's guard is held
 */
void rb_insert_at(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link);

/*
 * rb_erase - take @node, which is in @tree, out of it, and rebalance
 *
 * Returns   nothing; cannot fail. @node's own words are left stale: it may be freed or inserted again
 * Context   any; the tree's guard is held
 */
void rb_erase(struct rb_tree *tree, struct rb_node *node);

/*
 * rb_replace - let @new stand where @old stood
 *
 * The caller promises that @new orders between @old's neighbours. Summaries are recomputed from @new upwards.
 *
 * Returns   nothing; cannot fail. @old is out of the tree
 * Context   any; the tree's guard is held
 */
void rb_replace(struct rb_tree *tree, struct rb_node *old, struct rb_node *new);

/*
 * rb_update_up - recompute summaries from @node towards the root after @node's own value changed
 *
 * Ends where a summary comes out unchanged. Does nothing for a tree without summaries, or when @node is NULL.
 *
 * Returns   nothing
 * Context   any; the tree's guard is held
 */
void rb_update_up(struct rb_tree *tree, struct rb_node *node);

/*
 * rb_first, rb_last - the ends of the order; rb_next, rb_prev - a node's neighbours in it
 *
 * Returns   the node; NULL when the tree is empty, or at its end
 * Context   any; the tree's guard is held
 */
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);
