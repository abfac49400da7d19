/* SPDX-License-Identifier: MIT */
/*
 * tests/host/rbtree_test.c - the red-black tree: order, colours, parents and summaries after each operation
 *
 * Idea        Items have a key, which orders them, and a weight; the summary is the largest weight and the number
 *             of items of the subtree, or the largest weight alone, which seldom changes: so the way up ends
 *             early. Small trees are checked in full after every operation, large ones now and then.
 */
/* sources: kernel/lib/rbtree.c */
#include "host.h"

#include <kernel/lib/rbtree.h>

#define SMALL 48
#define SMALL_STEPS 400000
#define LARGE 20000
#define LARGE_STEPS 300000

struct item {
	struct rb_node node;
	u64 key;
	u64 weight;
	u64 max;
	u64 count;
	bool in;
};

static struct item items[LARGE];
static u64 updates;

static struct item *
item_of(const struct rb_node *node)
{
	return container_of(node, struct item, node);
}

static bool
item_update(struct rb_node *node)
{
	struct item *item = item_of(node);
	u64 max = item->weight, count = 1;
	bool changed;

	updates++;
	if (node->left) {
		max = max_u64(max, item_of(node->left)->max);
		count += item_of(node->left)->count;
	}
	if (node->right) {
		max = max_u64(max, item_of(node->right)->max);
		count += item_of(node->right)->count;
	}
	changed = max != item->max || count != item->count;
	item->max = max;
	item->count = count;
	return changed;
}

static bool
max_update(struct rb_node *node)
{
	struct item *item = item_of(node);
	u64 before = item->max;

	updates++;
	item->max = item->weight;
	if (node->left)
		item->max = max_u64(item->max, item_of(node->left)->max);
	if (node->right)
		item->max = max_u64(item->max, item_of(node->right)->max);
	return item->max != before;
}

/* Returns the number of black nodes on each path down from @node; the sum of nodes goes to *count. */
static u64
subtree_check(const struct rb_tree *tree, const struct rb_node *node, const struct rb_node *parent, u64 *count)
{
	bool black;
	u64 left, right, max, before = *count;

	if (!node)
		return 1;
	black = node->parent_color & RB_BLACK;
	assert_ptr_equal(rb_parent(node), parent);
	if (!black)
		assert_true(parent && (parent->parent_color & RB_BLACK));
	left = subtree_check(tree, node->left, node, count);
	right = subtree_check(tree, node->right, node, count);
	assert_int_equal(left, right);
	++*count;
	if (tree->update) {
		max = item_of(node)->weight;
		if (node->left)
			max = max_u64(max, item_of(node->left)->max);
		if (node->right)
			max = max_u64(max, item_of(node->right)->max);
		assert_int_equal(item_of(node)->max, max);
		if (tree->update == item_update)
			assert_int_equal(item_of(node)->count, *count - before);
	}
	return left + black;
}

static void
tree_check(const struct rb_tree *tree, u64 keys)
{
	const struct rb_node *node = rb_first(tree);
	u64 count = 0;

	subtree_check(tree, tree->root, NULL, &count);
	for (u64 key = 0; key < keys; key++) {
		if (!items[key].in)
			continue;
		assert_ptr_equal(node, &items[key].node);
		node = rb_next(node);
		count--;
	}
	assert_null(node);
	assert_int_equal(count, 0);
	node = rb_last(tree);
	for (u64 key = keys; key-- > 0;) {
		if (!items[key].in)
			continue;
		assert_ptr_equal(node, &items[key].node);
		node = rb_prev(node);
	}
	assert_null(node);
}

static void
item_insert(struct rb_tree *tree, struct item *item)
{
	struct rb_node **link = &tree->root;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		link = item->key < item_of(parent)->key ? &parent->left : &parent->right;
	}
	/* What was there before must not matter. */
	item->max = host_below(8);
	item->weight = host_below(6);
	rb_insert_at(tree, &item->node, parent, link);
	item->in = true;
}

static void
item_erase(struct rb_tree *tree, struct item *item)
{
	rb_erase(tree, &item->node);
	memset(&item->node, 0xee, sizeof(item->node));
	item->in = false;
}

/* A stranger takes the item's place, and gives it back. */
static void
item_replace(struct rb_tree *tree, struct item *item)
{
	struct item other = {.key = item->key, .weight = host_below(6), .max = host_below(8)};

	rb_replace(tree, &item->node, &other.node);
	memset(&item->node, 0xee, sizeof(item->node));
	item->weight = host_below(6);
	rb_replace(tree, &other.node, &item->node);
}

static void
item_step(struct rb_tree *tree, struct item *item)
{
	if (!item->in) {
		item_insert(tree, item);
		return;
	}
	switch (host_below(4)) {
	case 0:
		item->weight = host_below(6);
		rb_update_up(tree, &item->node);
		break;
	case 1:
		item_replace(tree, item);
		break;
	default:
		item_erase(tree, item);
	}
}

static void
tree_run(bool (*update)(struct rb_node *), u64 keys, u64 steps, u64 check_every)
{
	struct rb_tree tree;

	rb_tree_init(&tree, update);
	assert_true(rb_empty(&tree));
	for (u64 i = 0; i < keys; i++)
		items[i] = (struct item){.key = i};
	for (u64 i = 0; i < steps; i++) {
		item_step(&tree, &items[host_below(keys)]);
		if (i % check_every == 0)
			tree_check(&tree, keys);
	}
	for (u64 i = 0; i < keys; i++) {
		if (items[i].in)
			item_erase(&tree, &items[i]);
		if (i % check_every == 0)
			tree_check(&tree, keys);
	}
	assert_true(rb_empty(&tree));
}

static void
small_tree_is_right_after_each_step(void **state)
{
	tree_run(NULL, SMALL, SMALL_STEPS / 2, 1);
}

static void
small_tree_with_summaries_is_right_after_each_step(void **state)
{
	tree_run(item_update, SMALL, SMALL_STEPS, 1);
	tree_run(max_update, SMALL, SMALL_STEPS, 1);
	tree_run(max_update, 7, SMALL_STEPS, 1);
}

static void
large_tree_stays_right(void **state)
{
	tree_run(item_update, LARGE, LARGE_STEPS, 10000);
}

static u64
depth(const struct rb_node *node)
{
	return node ? 1 + max_u64(depth(node->left), depth(node->right)) : 0;
}

static void
ascending_keys_make_no_list(void **state)
{
	struct rb_tree tree;

	rb_tree_init(&tree, NULL);
	for (u64 i = 0; i < LARGE; i++) {
		items[i] = (struct item){.key = i};
		item_insert(&tree, &items[i]);
	}
	tree_check(&tree, LARGE);
	/* 2 log2(n + 1) */
	assert_true(depth(tree.root) <= 29);
}

static void
propagation_stops_where_nothing_changed(void **state)
{
	struct rb_tree tree;
	struct rb_node *leaf;

	rb_tree_init(&tree, max_update);
	for (u64 i = 0; i < LARGE; i++) {
		items[i] = (struct item){.key = i};
		item_insert(&tree, &items[i]);
	}
	/* The left neighbour of the root is far below it, and its weight is less than the root's own. */
	item_of(tree.root)->weight = 1000;
	rb_update_up(&tree, tree.root);
	leaf = rb_first(&tree);
	item_of(leaf)->weight = 100;
	rb_update_up(&tree, leaf);
	updates = 0;
	item_of(leaf)->weight = 100;
	rb_update_up(&tree, leaf);
	assert_int_equal(updates, 1);
}

static void
insert_into_a_taken_link(void *arg)
{
	struct rb_tree tree;
	struct item a = {.key = 1}, b = {.key = 2};

	rb_tree_init(&tree, NULL);
	rb_insert_at(&tree, &a.node, NULL, &tree.root);
	rb_insert_at(&tree, &b.node, NULL, &tree.root);
}

static void
misuse_is_caught(void **state)
{
	assert_true(host_dies(insert_into_a_taken_link, NULL));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_tree_is_right_after_each_step),
		cmocka_unit_test(small_tree_with_summaries_is_right_after_each_step),
		cmocka_unit_test(large_tree_stays_right),
		cmocka_unit_test(ascending_keys_make_no_list),
		cmocka_unit_test(propagation_stops_where_nothing_changed),
		cmocka_unit_test(misuse_is_caught),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
