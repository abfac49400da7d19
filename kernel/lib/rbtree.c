/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/rbtree.c - insertion and removal with rebalancing
 *
 * Idea        One rotation serves both directions: rotate_up(top, up) lifts a child over its parent.
 *
 *                  top                 up
 *                 /   \               /  \
 *                up    C     ->      A    top          (or its mirror image)
 *               /  \                     /   \
 *              A    B                   B     C
 *
 *             Summaries: first the way up from the changed link is updated, then each rotation repairs its two nodes.
 *             The nodes below the place of the pair are the same before and after, so nothing above can change.
 * Invariants  I1 to I4 of rbtree.h
 * Locks       none
 * Follow      from mm/vma.c
 * Tests       tests/host/rbtree_test.c
 * See         Cormen et al., chapter 13
 */
#include <kernel/lib/compiler.h>
#include <kernel/lib/rbtree.h>
#include <kernel/panic.h>

/* Where a removal left one node fewer. */
struct hole {
	struct rb_node *child;  /* what stands there now, perhaps NULL */
	struct rb_node *parent; /* NULL: the hole is the root */
	bool black;             /* the node that went was black: paths through here lack one */
};

static void insert_rebalance(struct rb_tree *tree, struct rb_node *node);
static struct hole unlink_outer(struct rb_tree *tree, struct rb_node *node);
static struct hole unlink_inner(struct rb_tree *tree, struct rb_node *node);
static void erase_rebalance(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent);
static void erase_finish(struct rb_tree *tree, struct rb_node *parent, struct rb_node *sibling);
static void rotate_up(struct rb_tree *tree, struct rb_node *top, struct rb_node *up);

static inline bool
is_red(const struct rb_node *node)
{
	return node && !(node->parent_color & RB_BLACK);
}

static inline void
set_black(struct rb_node *node)
{
	node->parent_color |= RB_BLACK;
}

static inline void
set_red(struct rb_node *node)
{
	node->parent_color &= ~RB_BLACK;
}

static inline void
set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (u64)parent | (node->parent_color & RB_BLACK);
}

static inline struct rb_node *
other_child(const struct rb_node *parent, const struct rb_node *child)
{
	return parent->left == child ? parent->right : parent->left;
}

/* The link that held @old holds @new; @new's own words are the caller's. */
static inline void
replace_child(struct rb_tree *tree, struct rb_node *parent, struct rb_node *old, struct rb_node *new)
{
	if (!parent)
		tree->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
}

void
rb_insert_at(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	assert(!*link);
	dassert(parent ? link == &parent->left || link == &parent->right : link == &tree->root);
	node->parent_color = (u64)parent; /* red */
	node->left = NULL;
	node->right = NULL;
	*link = node;
	if (tree->update) {
		tree->update(node);
		rb_update_up(tree, parent);
	}
	if (is_red(parent))
		insert_rebalance(tree, node);
	else if (!parent)
		set_black(node);
}

void
rb_erase(struct rb_tree *tree, struct rb_node *node)
{
	struct hole hole;

	assert(tree->root);
	if (node->left && node->right)
		hole = unlink_inner(tree, node);
	else
		hole = unlink_outer(tree, node);
	if (hole.black)
		erase_rebalance(tree, hole.child, hole.parent);
}

void
rb_replace(struct rb_tree *tree, struct rb_node *old, struct rb_node *new)
{
	struct rb_node *parent = rb_parent(old);

	assert(tree->root);
	new->parent_color = old->parent_color;
	new->left = old->left;
	new->right = old->right;
	replace_child(tree, parent, old, new);
	if (new->left)
		set_parent(new->left, new);
	if (new->right)
		set_parent(new->right, new);
	if (tree->update) {
		/* Why: what @new's summary says of change is against its own past, not against @old's place. */
		tree->update(new);
		rb_update_up(tree, parent);
	}
}

void
rb_update_up(struct rb_tree *tree, struct rb_node *node)
{
	if (!tree->update)
		return;
	while (node && tree->update(node))
		node = rb_parent(node);
}

struct rb_node *
rb_first(const struct rb_tree *tree)
{
	struct rb_node *node = tree->root;

	while (node && node->left)
		node = node->left;
	return node;
}

struct rb_node *
rb_last(const struct rb_tree *tree)
{
	struct rb_node *node = tree->root;

	while (node && node->right)
		node = node->right;
	return node;
}

struct rb_node *
rb_next(const struct rb_node *node)
{
	struct rb_node *next = node->right;

	if (next) {
		while (next->left)
			next = next->left;
		return next;
	}
	while ((next = rb_parent(node)) && next->right == node)
		node = next;
	return next;
}

struct rb_node *
rb_prev(const struct rb_node *node)
{
	struct rb_node *prev = node->left;

	if (prev) {
		while (prev->right)
			prev = prev->right;
		return prev;
	}
	while ((prev = rb_parent(node)) && prev->left == node)
		node = prev;
	return prev;
}

/*
 * @node and its parent are red, everything else is in order.
 *
 *     uncle            node is                 do
 *     red              anything                parent and uncle black, grandparent red; go on from there
 *     black or none    the inner grandchild    lift it over its parent, which makes an outer one
 *                      the outer grandchild    lift the parent over the grandparent and swap their colours; done
 */
static void
insert_rebalance(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *parent;

	while (is_red(parent = rb_parent(node))) {
		struct rb_node *grand = rb_parent(parent);
		struct rb_node *uncle = other_child(grand, parent);

		set_red(grand);
		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			node = grand;
			continue;
		}
		if ((grand->left == parent) != (parent->left == node)) {
			rotate_up(tree, parent, node);
			parent = node;
		}
		set_black(parent);
		rotate_up(tree, grand, parent);
		break;
	}
	set_black(tree->root);
}

/* @node has at most one child, which takes its place. */
static struct hole
unlink_outer(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);
	struct rb_node *child = node->left ? node->left : node->right;

	replace_child(tree, parent, node, child);
	if (child)
		set_parent(child, parent);
	rb_update_up(tree, parent);
	return (struct hole){.child = child, .parent = parent, .black = node->parent_color & RB_BLACK};
}

/* @node has two children: the next node, which has no left one, is unlinked and takes @node's place and colour. */
static struct hole
unlink_inner(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *next = rb_next(node);
	struct rb_node *above = rb_parent(node);
	struct hole hole = {.child = next->right, .parent = rb_parent(next), .black = next->parent_color & RB_BLACK};

	if (hole.parent == node) {
		hole.parent = next;
	} else {
		hole.parent->left = hole.child;
		if (hole.child)
			set_parent(hole.child, hole.parent);
		next->right = node->right;
		set_parent(next->right, next);
	}
	next->left = node->left;
	set_parent(next->left, next);
	next->parent_color = node->parent_color;
	replace_child(tree, above, node, next);
	if (tree->update) {
		/* Why: no early end up to @next: its old summary was for another place. */
		for (struct rb_node *n = hole.parent; n != above; n = rb_parent(n))
			tree->update(n);
		rb_update_up(tree, above);
	}
	return hole;
}

/*
 * Paths through @node (perhaps NULL), child of @parent, have one black node too few.
 *
 *     node    sibling   sibling's children     do
 *     red     any       any                    make node black; done
 *     black   red       black                  lift the sibling over the parent, swap their colours: a black sibling
 *     black   black     none is red            make the sibling red; the parent is the one that lacks
 *     black   black     one is red             erase_finish; done
 */
static void
erase_rebalance(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent)
{
	while (parent && !is_red(node)) {
		struct rb_node *sibling = other_child(parent, node);

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate_up(tree, parent, sibling);
			sibling = other_child(parent, node);
		}
		if (is_red(sibling->left) || is_red(sibling->right)) {
			erase_finish(tree, parent, sibling);
			return;
		}
		set_red(sibling);
		node = parent;
		parent = rb_parent(node);
	}
	if (node)
		set_black(node);
}

/* @sibling is black with a red child: lift it, or its inner child if the outer one is not red, into @parent's place. */
static void
erase_finish(struct rb_tree *tree, struct rb_node *parent, struct rb_node *sibling)
{
	bool left = parent->left == sibling;
	struct rb_node *outer = left ? sibling->left : sibling->right;

	if (!is_red(outer)) {
		struct rb_node *inner = left ? sibling->right : sibling->left;

		rotate_up(tree, sibling, inner);
		outer = sibling;
		sibling = inner;
	}
	sibling->parent_color = (u64)rb_parent(sibling) | (parent->parent_color & RB_BLACK);
	set_black(parent);
	set_black(outer);
	rotate_up(tree, parent, sibling);
}

/* Colours stay with their nodes. */
static void
rotate_up(struct rb_tree *tree, struct rb_node *top, struct rb_node *up)
{
	struct rb_node *above = rb_parent(top);
	struct rb_node *between;

	if (top->left == up) {
		between = up->right;
		top->left = between;
		up->right = top;
	} else {
		between = up->left;
		top->right = between;
		up->left = top;
	}
	if (between)
		set_parent(between, top);
	replace_child(tree, above, top, up);
	set_parent(up, above);
	set_parent(top, up);
	if (tree->update) {
		tree->update(top);
		tree->update(up);
	}
}
