/* SPDX-License-Identifier: MIT */
/*
 * mm/vma.c - the mappings of an address space, by address
 *
 * Idea        see vma.h. The last hit is remembered: a program that touches a range page by page walks the tree once.
 *             Simple: a bigger kernel has a B-tree with many keys a node (maple tree), searched without a lock.
 * Invariants  I1, I2 of vma.h
 * Locks       mm->lock of the owner
 * Follow      from fault.c, mmap.c   to kernel/lib/rbtree.c
 * Tests       tests/host/vma_test.c
 * See         docs/mm.md section 3
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/vma.h>

static void insert_behind(struct vma_tree *tree, struct vma *vma, struct vma *prev);
static struct vma *node_vma(struct rb_node *node);
static struct vma *find_from_root(struct vma_tree *tree, u64 va);
static bool update_gap(struct rb_node *node);
static u64 widest_gap(const struct rb_node *node);
static struct rb_node *next_to_search(struct rb_node *node, u64 len);
static u64 node_gap(const struct rb_node *node);
static u64 free_below(const struct vma *vma, u64 bottom);
static void set_gap(struct vma_tree *tree, struct vma *vma, const struct vma *prev);
static u64 gap_in_front(const struct vma *vma, u64 len, u64 low, u64 high);

void
vma_tree_init(struct vma_tree *tree)
{
	rb_tree_init(&tree->rb, update_gap);
	tree->count = 0;
	tree->recent = NULL;
}

struct vma *
vma_find(struct vma_tree *tree, u64 va)
{
	struct vma *vma = READ_ONCE(tree->recent);

	if (likely(vma && vma->start <= va && va < vma->end))
		return vma;
	vma = find_from_root(tree, va);
	dassert(!vma || va < vma->end);
	if (vma)
		WRITE_ONCE(tree->recent, vma);
	return vma;
}

struct vma *
vma_find_neighbour(struct vma_tree *tree, u64 va)
{
	struct vma *vma = READ_ONCE(tree->recent);

	/* A gap that is not empty reaches from the previous vma's end to vma_low. */
	if (vma && va < vma->end && va >= (vma->gap ? vma_low(vma) - vma->gap : vma->start))
		return vma;
	return vma_find(tree, va);
}

struct vma *
vma_first(struct vma_tree *tree)
{
	return node_vma(rb_first(&tree->rb));
}

struct vma *
vma_next(struct vma *vma)
{
	return node_vma(rb_next(&vma->node));
}

struct vma *
vma_prev(struct vma *vma)
{
	return node_vma(rb_prev(&vma->node));
}

void
vma_insert(struct vma_tree *tree, struct vma *vma)
{
	struct rb_node **link = &tree->rb.root;
	struct rb_node *parent = NULL;
	struct vma *prev = NULL;
	struct vma *next = NULL;

	assertf(vma->start < vma->end && vma->end <= USER_TOP, "vma %lx-%lx", vma->start, vma->end);
	dassert(!((vma->start | vma->end) & ~PAGE_MASK)); /* I1 */
	while (*link) { /* the last turn to the right was at prev, the last to the left at next */
		parent = *link;
		if (vma->end <= node_vma(parent)->start) {
			next = node_vma(parent);
			link = &parent->left;
		} else {
			prev = node_vma(parent);
			link = &parent->right;
		}
	}
	assertf(!prev || prev->end <= vma->start, "vma %lx-%lx overlaps %lx-%lx", vma->start, vma->end, prev->start,
		prev->end);
	dassert(!next || vma->end <= next->start);
	vma->gap = free_below(vma, prev ? prev->end : 0);
	vma->max_gap = 0;
	if (next)
		next->gap = free_below(next, vma->end); /* a smaller gap keeps every promise */
	rb_insert_at(&tree->rb, &vma->node, parent, link);
	tree->count++;
}

void
vma_insert_between(struct vma_tree *tree, struct vma *vma, struct vma *prev, struct vma *next)
{
	dassert(vma_next(prev) == next);
	assertf(prev->end <= vma->start && vma->start < vma->end, "vma %lx-%lx behind %lx-%lx", vma->start, vma->end,
		prev->start, prev->end);
	assert(!next || vma->end <= next->start);
	dassert(vma->end <= USER_TOP && !((vma->start | vma->end) & ~PAGE_MASK)); /* I1 */
	vma->gap = free_below(vma, prev->end);
	if (next)
		next->gap = free_below(next, vma->end); /* a smaller gap keeps every promise */
	insert_behind(tree, vma, prev);
}

/* No gap changes: there is none between the two parts, and behind them all is as it was. */
void
vma_split(struct vma_tree *tree, struct vma *low, struct vma *high, u64 at)
{
	assertf(low->start < at && at < low->end, "vma %lx-%lx split at %lx", low->start, low->end, at);
	dassert(!(at & ~PAGE_MASK));
	high->start = at;
	high->end = low->end;
	high->gap = 0;
	low->end = at;
	insert_behind(tree, high, low);
}

void
vma_absorb(struct vma_tree *tree, struct vma *left, struct vma *right)
{
	dassert(left->end == right->start && vma_next(left) == right);
	dassert(tree->count && !right->gap);
	if (tree->recent == right)
		tree->recent = left;
	rb_erase(&tree->rb, &right->node);
	tree->count--;
	left->end = right->end;
}

void
vma_move_border(struct vma *left, struct vma *right, u64 at)
{
	assert(left->end == right->start && left->start < at && at < right->end);
	dassert(!(at & ~PAGE_MASK) && vma_next(left) == right);
	left->end = at;
	right->start = at;
}

struct vma *
vma_remove(struct vma_tree *tree, struct vma *vma)
{
	struct vma *next = vma_next(vma);
	struct vma *prev = vma_prev(vma);

	dassert(tree->count);
	dassert(find_from_root(tree, vma->start) == vma);
	if (tree->recent == vma)
		tree->recent = NULL;
	rb_erase(&tree->rb, &vma->node);
	tree->count--;
	if (next)
		set_gap(tree, next, prev);
	return next;
}

void
vma_resize(struct vma_tree *tree, struct vma *vma, u64 start, u64 end)
{
	struct vma *next = vma->end == end ? NULL : vma_next(vma);

	assertf(start < end && end <= USER_TOP, "vma %lx-%lx", start, end);
	assert(!next || end <= next->start);
	dassert(!((start | end) & ~PAGE_MASK)); /* I1 */
	dassert(start == vma->start || !vma_prev(vma) || vma_prev(vma)->end <= start);
	if (vma->start != start) {
		vma->start = start;
		set_gap(tree, vma, vma_prev(vma));
	}
	if (vma->end != end) {
		vma->end = end;
		if (next)
			set_gap(tree, next, vma);
	}
}

/*
 * The highest gap wins, so the right side is searched first; a subtree that promises too little is never entered. The
 * gap above the last vma belongs to no vma and is looked at first. A promise may be broken, by a gap that [low, high)
 * cuts or by an old promise; then the walk goes on, and lowers the promises on its way up.
 */
u64
vma_find_gap(struct vma_tree *tree, u64 len, u64 low, u64 high)
{
	struct vma *vma = node_vma(rb_last(&tree->rb));
	u64 top = vma ? max_u64(vma->end, low) : low;

	dassert(len && !((len | low | high) & ~PAGE_MASK));
	if (top <= high && high - top >= len)
		return high - len;
	while (vma) {
		u64 found = gap_in_front(vma, len, low, high);

		dassert(!found || (found >= low && found + len <= high));
		if (found)
			WRITE_ONCE(tree->recent, vma); /* whoever maps something there asks for its neighbour next */
		if (found || vma->end <= low)
			return found;
		vma = node_vma(next_to_search(&vma->node, len));
	}
	return 0;
}

bool
vma_can_merge(const struct vma *left, const struct vma *right)
{
	if (left->end != right->start || left->flags != right->flags || left->object != right->object)
		return false;
	return left->pgoff + vma_pages(left) == right->pgoff;
}

int
vma_tree_check(struct vma_tree *tree)
{
	u64 end = 0;
	u32 count = 0;
	int bad = 0;

	for (struct vma *vma = vma_first(tree); vma; vma = vma_next(vma), count++) {
		u64 least = widest_gap(&vma->node);

		if (vma->start < end || vma->start >= vma->end || ((vma->start | vma->end) & ~PAGE_MASK)) {
			pr_err("mm_check: vma %lx-%lx is out of order or not page aligned\n", vma->start, vma->end);
			bad++;
		}
		if (vma->gap != free_below(vma, end) || vma->max_gap < least) {
			pr_err("mm_check: vma %lx-%lx knows gap %lx, max_gap %lx; true are %lx, at least %lx\n",
			       vma->start, vma->end, vma->gap, vma->max_gap, free_below(vma, end), least);
			bad++;
		}
		end = vma->end;
	}
	if (count != tree->count) {
		pr_err("mm_check: a vma tree counts %u and has %u\n", tree->count, count);
		bad++;
	}
	return bad;
}

/* Into the first empty place behind @prev: its right, or the left of what follows. vma->gap is set. */
static void
insert_behind(struct vma_tree *tree, struct vma *vma, struct vma *prev)
{
	struct rb_node *parent = &prev->node;
	struct rb_node **link = &parent->right;

	while (*link) {
		parent = *link;
		link = &parent->left;
	}
	vma->max_gap = 0;
	rb_insert_at(&tree->rb, &vma->node, parent, link);
	tree->count++;
	WRITE_ONCE(tree->recent, vma); /* what is new is touched next */
}

static struct vma *
node_vma(struct rb_node *node)
{
	return node ? container_of(node, struct vma, node) : NULL;
}

static struct vma *
find_from_root(struct vma_tree *tree, u64 va)
{
	struct rb_node *node = tree->rb.root;
	struct vma *best = NULL;

	while (node) {
		struct vma *vma = node_vma(node);

		if (va >= vma->end) {
			node = node->right;
			continue;
		}
		best = vma;
		if (va >= vma->start)
			break;
		node = node->left;
	}
	return best;
}

/* I2, as the tree asks for it: upwards only, so that a mapping made and unmade does not cost two ways to the root. */
static bool
update_gap(struct rb_node *node)
{
	struct vma *vma = node_vma(node);
	u64 widest = widest_gap(node);

	if (widest <= vma->max_gap)
		return false;
	vma->max_gap = widest;
	dassert(vma->max_gap >= vma->gap); /* I2 */
	return true;
}

/* The widest gap that a node and its children promise. */
static u64
widest_gap(const struct rb_node *node)
{
	u64 gap = container_of(node, struct vma, node)->gap;

	return max_u64(gap, max_u64(node_gap(node->left), node_gap(node->right)));
}

/* The node before @node that may have @len bytes in front of it; its right side, and it itself, had not. */
static struct rb_node *
next_to_search(struct rb_node *node, u64 len)
{
	if (node_gap(node->left) >= len) { /* the rightmost on the left that promises enough is next */
		node = node->left;
		while (node_gap(node->right) >= len)
			node = node->right;
		return node;
	}
	node_vma(node)->max_gap = widest_gap(node);
	while (rb_parent(node) && rb_parent(node)->left == node) { /* until we come up from the right */
		node = rb_parent(node);
		node_vma(node)->max_gap = widest_gap(node);
	}
	return rb_parent(node);
}

static u64
node_gap(const struct rb_node *node)
{
	return node ? container_of(node, struct vma, node)->max_gap : 0;
}

/* Usable bytes between @bottom, where the previous vma ends, and @vma with its guard gap. */
static u64
free_below(const struct vma *vma, u64 bottom)
{
	return vma_low(vma) > bottom ? vma_low(vma) - bottom : 0;
}

/* The gap below @vma after its start, or the end of its predecessor @prev, moved. */
static void
set_gap(struct vma_tree *tree, struct vma *vma, const struct vma *prev)
{
	u64 gap = free_below(vma, prev ? prev->end : 0);

	if (vma->gap == gap)
		return;
	vma->gap = gap;
	rb_update_up(&tree->rb, &vma->node);
}

/* The highest place for @len bytes in the gap below @vma, within [low, high); 0 when it does not fit. */
static u64
gap_in_front(const struct vma *vma, u64 len, u64 low, u64 high)
{
	u64 top = min_u64(vma_low(vma), high);
	u64 bottom = max_u64(vma_low(vma) - vma->gap, low);

	return top >= bottom && top - bottom >= len ? top - len : 0;
}
