/* SPDX-License-Identifier: MIT */
/*
 * tests/host/radix_test.c - the radix tree against a sorted array
 *
 * Idea        Indices are of several kinds: dense from 0, dense at the top, of random size. Nodes come from the
 *             heap one by one and go back at random, so that ASan sees a node used after its end. The whole tree
 *             is checked every few steps.
 */
/* sources: kernel/lib/radix.c */
#include "host.h"

#include <kernel/lib/errno.h>
#include <kernel/lib/radix.h>

#define ENTRIES 150
#define STEPS 200000
#define CHECK_EVERY 16

struct entry {
	u64 index;
	void *item;
};

static struct entry model[ENTRIES];
static u32 entries;
static u32 nodes_alive;

static void
pool_fill(struct radix_pool *pool, u32 count)
{
	while (pool->count < count) {
		struct radix_node *node = malloc(sizeof(*node));

		memset(node, 0xee, sizeof(*node));
		radix_pool_put(pool, node);
		nodes_alive++;
	}
}

static void
pool_drain(struct radix_pool *pool, u32 count)
{
	while (pool->count > count) {
		free(radix_pool_get(pool));
		nodes_alive--;
	}
}

static u64
index_random(void)
{
	switch (host_below(6)) {
	case 0:
		return host_below(80);
	case 1:
		return -1UL - host_below(80);
	case 2:
		return 0x123456780UL + host_below(200);
	case 3:
		/* Borders of the heights. */
		return (1UL << (host_below(11) * RADIX_BITS)) - host_below(2);
	case 4:
		return entries ? model[host_below(entries)].index : 0;
	default:
		return host_random_size();
	}
}

/* Place of the first entry at or above @index. */
static u32
model_place(u64 index)
{
	u32 i = 0;

	while (i < entries && model[i].index < index)
		i++;
	return i;
}

static u32
subtree_check(const void *item, u32 level)
{
	const struct radix_node *node = item;
	u32 nodes = 1;

	if (!level)
		return 0;
	assert_true(node->used);
	for (u32 i = 0; i < RADIX_SLOTS; i++) {
		assert_int_equal(!!node->slot[i], node->used >> i & 1);
		if (node->slot[i])
			nodes += subtree_check(node->slot[i], level - 1);
	}
	return nodes;
}

static void
tree_check(const struct radix_tree *tree, const struct radix_pool *pool)
{
	u64 last = entries ? model[entries - 1].index : 0;
	u32 height = 0;

	while (height < RADIX_MAX_HEIGHT && last >> (height * RADIX_BITS))
		height++;
	assert_int_equal(tree->height, height);
	assert_int_equal(radix_empty(tree), entries == 0);
	if (entries)
		assert_int_equal(subtree_check(tree->root, height) + pool->count, nodes_alive);
	else
		assert_int_equal(pool->count, nodes_alive);
}

static void
walk_check(const struct radix_tree *tree)
{
	u64 index = index_random();
	u32 i = model_place(index);
	void *item;

	while ((item = radix_next(tree, &index))) {
		assert_true(i < entries);
		assert_int_equal(index, model[i].index);
		assert_ptr_equal(item, model[i].item);
		i++;
		if (index++ == -1UL)
			break;
	}
	assert_int_equal(i, entries);
}

static void
step_insert(struct radix_tree *tree, struct radix_pool *pool)
{
	u64 index = index_random();
	void *item = (void *)(host_random() | 1);
	u32 before = pool->count;
	u32 i = model_place(index);
	int err = radix_insert(tree, index, item, pool);

	if (i < entries && model[i].index == index) {
		assert_int_equal(err, -EEXIST);
		assert_int_equal(pool->count, before);
		return;
	}
	if (err) {
		assert_int_equal(err, -ENOMEM);
		assert_true(before < RADIX_MAX_NODES);
		assert_int_equal(pool->count, before);
		assert_null(radix_get(tree, index));
		return;
	}
	memmove(&model[i + 1], &model[i], (entries - i) * sizeof(model[0]));
	model[i] = (struct entry){index, item};
	entries++;
}

static void
step_delete(struct radix_tree *tree, struct radix_pool *pool)
{
	u64 index = index_random();
	u32 i = model_place(index);
	void *item;

	if (host_below(2) && entries) {
		i = host_below(entries);
		index = model[i].index;
	}
	item = radix_delete(tree, index, pool);
	if (i == entries || model[i].index != index) {
		assert_null(item);
		return;
	}
	assert_ptr_equal(item, model[i].item);
	entries--;
	memmove(&model[i], &model[i + 1], (entries - i) * sizeof(model[0]));
}

static void
tree_agrees_with_an_array(void **state)
{
	struct radix_pool pool = {NULL, 0};
	struct radix_tree tree;

	radix_init(&tree);
	for (u32 i = 0; i < STEPS; i++) {
		u32 target = (i / 500) % ENTRIES;

		if (host_below(3))
			pool_fill(&pool, RADIX_MAX_NODES);
		else
			pool_drain(&pool, host_below(4));
		if (entries < ENTRIES && host_below(ENTRIES) + target > entries)
			step_insert(&tree, &pool);
		else
			step_delete(&tree, &pool);
		if (i % CHECK_EVERY == 0)
			tree_check(&tree, &pool);
		if (host_below(8) == 0)
			walk_check(&tree);
		for (u32 k = 0; k < 4; k++) {
			u64 index = index_random();
			u32 at = model_place(index);
			bool found = at < entries && model[at].index == index;

			assert_ptr_equal(radix_get(&tree, index), found ? model[at].item : NULL);
		}
	}
	while (entries)
		step_delete(&tree, &pool);
	tree_check(&tree, &pool);
	pool_drain(&pool, 0);
	assert_int_equal(nodes_alive, 0);
}

static void
the_largest_insertion_takes_max_nodes(void **state)
{
	struct radix_pool pool = {NULL, 0};
	struct radix_tree tree;
	u64 index = 1;

	radix_init(&tree);
	pool_fill(&pool, RADIX_MAX_NODES - 1);
	assert_int_equal(radix_insert(&tree, 0, &tree, &pool), 0);
	assert_int_equal(pool.count, RADIX_MAX_NODES - 1);
	assert_int_equal(radix_insert(&tree, -1UL, &pool, &pool), -ENOMEM);
	assert_int_equal(tree.height, 0);
	pool_fill(&pool, RADIX_MAX_NODES);
	assert_int_equal(radix_insert(&tree, -1UL, &pool, &pool), 0);
	assert_int_equal(pool.count, 0);
	assert_ptr_equal(radix_next(&tree, &index), &pool);
	assert_int_equal(index, -1UL);
	assert_ptr_equal(radix_get(&tree, 0), &tree);
	assert_ptr_equal(radix_delete(&tree, -1UL, &pool), &pool);
	assert_int_equal(tree.height, 0);
	assert_int_equal(pool.count, RADIX_MAX_NODES);
	assert_ptr_equal(radix_delete(&tree, 0, &pool), &tree);
	pool_drain(&pool, 0);
}

static void
insert_nothing(void *arg)
{
	struct radix_pool pool = {NULL, 0};
	struct radix_tree tree = {NULL, 0};

	radix_insert(&tree, 0, NULL, &pool);
}

static void
misuse_is_caught(void **state)
{
	assert_true(host_dies(insert_nothing, NULL));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_agrees_with_an_array),
		cmocka_unit_test(the_largest_insertion_takes_max_nodes),
		cmocka_unit_test(misuse_is_caught),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
