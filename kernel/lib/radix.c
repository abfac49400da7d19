/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/radix.c - the radix tree
 *
 * Idea        The height is in the tree, not in the nodes: going down, the level counts down to 0, where the items are.
 *             What an insertion will take is known before it changes anything, so that it needs no undoing.
 *             The used word makes "the next slot in use" one instruction, and "is the node empty" a comparison.
 *             Simple: no tags per slot (dirty, written back): who needs them keeps a list of its own.
 * Invariants  I1 to I3 of radix.h
 * Locks       none
 * Follow      from mm/pagecache.c
 * Tests       tests/host/radix_test.c
 * See         none
 */
#include <kernel/lib/compiler.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/radix.h>
#include <kernel/panic.h>

static u32 height_for(u64 index);
static u32 nodes_missing(const struct radix_tree *tree, u64 index, u32 height);
static void grow(struct radix_tree *tree, u32 height, struct radix_pool *pool);
static void shrink(struct radix_tree *tree, struct radix_pool *pool);
static struct radix_node *node_take(struct radix_pool *pool);

/* The slot of @index in a node of @level: 1 for those that hold the items. */
static inline u32
slot_at(u64 index, u32 level)
{
	return index >> ((level - 1) * RADIX_BITS) & (RADIX_SLOTS - 1);
}

/* Can a tree of @height hold @index? */
static inline bool
fits(u64 index, u32 height)
{
	return height >= RADIX_MAX_HEIGHT || index >> (height * RADIX_BITS) == 0;
}

static inline void
slot_set(struct radix_node *node, u32 slot, void *item)
{
	node->slot[slot] = item;
	node->used |= BIT(slot);
}

int
radix_insert(struct radix_tree *tree, u64 index, void *item, struct radix_pool *pool)
{
	u32 height = height_for(index);
	void **link = &tree->root;
	struct radix_node *node = NULL;
	u32 slot = 0;

	assert(item);
	if (height < tree->height)
		height = tree->height;
	if (pool->count < RADIX_MAX_NODES && pool->count < nodes_missing(tree, index, height))
		return -ENOMEM;
	if (height > tree->height)
		grow(tree, height, pool);
	for (u32 level = height; level; level--) {
		if (!*link) {
			*link = node_take(pool);
			if (node)
				node->used |= BIT(slot);
		}
		node = *link;
		slot = slot_at(index, level);
		link = &node->slot[slot];
	}
	if (*link)
		return -EEXIST;
	*link = item;
	if (node)
		node->used |= BIT(slot);
	return 0;
}

void *
radix_get(const struct radix_tree *tree, u64 index)
{
	void *item = tree->root;

	if (unlikely(!fits(index, tree->height)))
		return NULL;
	for (u32 level = tree->height; level && item; level--)
		item = ((struct radix_node *)item)->slot[slot_at(index, level)];
	return item;
}

void *
radix_replace(struct radix_tree *tree, u64 index, void *item)
{
	void **link = &tree->root;
	void *old;

	assert(item && fits(index, tree->height));
	for (u32 level = tree->height; level && *link; level--)
		link = &((struct radix_node *)*link)->slot[slot_at(index, level)];
	old = *link;
	assertf(old, "index %lx names nothing", index);
	*link = item;
	return old;
}

void *
radix_delete(struct radix_tree *tree, u64 index, struct radix_pool *pool)
{
	struct radix_node *path[RADIX_MAX_HEIGHT + 1];
	void *item = tree->root;
	u32 level;

	if (!fits(index, tree->height))
		return NULL;
	for (level = tree->height; level && item; level--) {
		path[level] = item;
		item = path[level]->slot[slot_at(index, level)];
	}
	if (!item)
		return NULL;
	for (level = 1; level <= tree->height; level++) {
		path[level]->slot[slot_at(index, level)] = NULL;
		path[level]->used &= ~BIT(slot_at(index, level));
		if (path[level]->used)
			break;
		radix_pool_put(pool, path[level]);
	}
	if (level > tree->height)
		radix_init(tree);
	shrink(tree, pool);
	return item;
}

void *
radix_next(const struct radix_tree *tree, u64 *index)
{
	u64 at = *index;
	void *item = tree->root;
	u32 level = tree->height;

	while (item && fits(at, tree->height)) {
		struct radix_node *node = item;
		u64 span, rest;

		if (!level) {
			*index = at;
			return item;
		}
		span = BIT((level - 1) * RADIX_BITS);
		rest = node->used >> slot_at(at, level);
		if (rest & 1) {
			/* The subtree of @at itself. */
			item = node->slot[slot_at(at, level--)];
			continue;
		}
		if (rest) {
			/* A later subtree of this node: its beginning. */
			at = round_down(at, span) + span * __builtin_ctzl(rest);
			continue;
		}
		/* Nothing more in this node: start over at the first index behind it. */
		at = (at | (span * (RADIX_SLOTS - 1)) | (span - 1)) + 1;
		if (!at)
			return NULL;
		item = tree->root;
		level = tree->height;
	}
	return NULL;
}

static u32
height_for(u64 index)
{
	u32 bits = index ? 64 - __builtin_clzl(index) : 0;

	return (bits + RADIX_BITS - 1) / RADIX_BITS;
}

/* How many nodes the insertion of @index into @tree, made @height high, will take; 0 when @index exists. */
static u32
nodes_missing(const struct radix_tree *tree, u64 index, u32 height)
{
	const void *item = tree->root;
	u32 level = tree->height;

	if (!item)
		return height;
	/* Behind a new root the old tree is slot 0, and @index, which did not fit, goes another way. */
	if (height > level)
		return height - level + height - 1;
	for (; level && item; level--)
		item = ((const struct radix_node *)item)->slot[slot_at(index, level)];
	return level;
}

static void
grow(struct radix_tree *tree, u32 height, struct radix_pool *pool)
{
	for (; tree->root && tree->height < height; tree->height++) {
		struct radix_node *node = node_take(pool);

		slot_set(node, 0, tree->root);
		tree->root = node;
	}
	tree->height = height;
}

static void
shrink(struct radix_tree *tree, struct radix_pool *pool)
{
	while (tree->height) {
		struct radix_node *node = tree->root;

		if (node->used != 1)
			return;
		tree->root = node->slot[0];
		tree->height--;
		radix_pool_put(pool, node);
	}
}

static struct radix_node *
node_take(struct radix_pool *pool)
{
	struct radix_node *node = radix_pool_get(pool);

	assert(node);
	*node = (struct radix_node){.used = 0};
	return node;
}
