/* SPDX-License-Identifier: MIT */
/*
 * mm/vmalloc_area.c - which kernel addresses are taken: the tree of areas
 *
 * Idea        see vmalloc_area.h
 * Invariants  see vmalloc_area.h
 * Locks       vmalloc_lock
 * Follow      from vmalloc.c, kernel/fs/procfs_zone.c   to kernel/lib/rbtree.c
 * Tests       tests/host/vmalloc_test.c
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/vmalloc.h>
#include <mm/vmalloc_area.h>

#define DEPTH_MOST 64 /* no balanced tree is deeper */

static bool summary_update(struct rb_node *node);

struct spinlock vmalloc_lock = SPINLOCK_INIT(RANK_VMALLOC);
static struct rb_tree areas; /* vmalloc_lock */

void
area_tree_init(void)
{
	rb_tree_init(&areas, summary_update);
}

/*
 * A gap is looked for where it would be lowest: left of the node, between left and the node, between the node and
 * right, right of the node.
 */
u64
area_gap(u64 need)
{
	struct rb_node *n = areas.root;

	must_hold(&vmalloc_lock);
	dassert(need >= 2 * PAGE_SIZE);
	if (!n)
		return FIRST_VA;
	if (area_of(n)->first - FIRST_VA >= need)
		return FIRST_VA;
	if (area_of(n)->gap < need)
		return VMALLOC_END - area_of(n)->last >= need ? area_of(n)->last : 0;
	for (;;) {
		struct area *area = area_of(n);

		if (n->left && area_of(n->left)->gap >= need)
			n = n->left;
		else if (n->left && area->va - area_of(n->left)->last >= need)
			return area_of(n->left)->last;
		else if (n->right && area_of(n->right)->first - area->end >= need)
			return area->end;
		else
			n = n->right; /* the summary promised a gap, and it is nowhere else */
		assert(n && area_of(n)->gap >= need);
	}
}

void
area_insert(struct area *area)
{
	struct rb_node **link = &areas.root;
	struct rb_node *parent = NULL;

	must_hold(&vmalloc_lock);
	while (*link) {
		parent = *link;
		dassert(area->end <= area_of(parent)->va || area->va >= area_of(parent)->end); /* I1 */
		link = area->va < area_of(parent)->va ? &parent->left : &parent->right;
	}
	rb_insert_at(&areas, &area->node, parent, link);
}

void
area_remove(struct area *area)
{
	must_hold(&vmalloc_lock);
	rb_erase(&areas, &area->node);
}

struct area *
area_find(u64 addr)
{
	struct rb_node *n = READ_ONCE(areas.root);

	for (u32 depth = 0; n && depth < DEPTH_MOST; depth++) {
		struct area *area = area_of(n);

		if (addr >= area->va && addr < area->end)
			return area;
		n = addr < area->va ? READ_ONCE(n->left) : READ_ONCE(n->right);
	}
	return NULL;
}

bool
area_in_table(u64 va)
{
	struct rb_node *n = areas.root;

	must_hold(&vmalloc_lock);
	dassert(!(va & (TABLE_BYTES - 1)));
	while (n) {
		struct area *area = area_of(n);

		if (area->va < va + TABLE_BYTES && va < area->end)
			return true;
		n = va < area->va ? n->left : n->right;
	}
	return false;
}

bool
vmalloc_next(u64 addr, struct vmalloc_info *out)
{
	struct area *found = NULL;
	struct rb_node *n;

	spin_lock(&vmalloc_lock);
	for (n = areas.root; n;) {
		struct area *area = area_of(n);

		if (area->va >= addr)
			found = area;
		n = area->va >= addr ? n->left : n->right;
	}
	for (n = found ? &found->node : NULL; n && !area_of(n)->live;)
		n = rb_next(n);
	if (n)
		*out = (struct vmalloc_info){area_of(n)->va, area_of(n)->end - PAGE_SIZE - area_of(n)->va,
					     area_of(n)->name, true};
	spin_unlock(&vmalloc_lock);
	return n;
}

int
vmalloc_check(void)
{
	u64 end = FIRST_VA;
	int bad = 0;

	spin_lock(&vmalloc_lock);
	for (struct rb_node *n = rb_first(&areas); n; n = rb_next(n)) {
		struct area *area = area_of(n);

		if (area->va < end || area->end <= area->va + PAGE_SIZE || summary_update(n)) {
			pr_err("vmalloc: area %s at %lx-%lx overlaps its neighbour, or its summary is stale\n",
			       area->name, area->va, area->end);
			bad++;
		}
		end = area->end;
	}
	spin_unlock(&vmalloc_lock);
	return bad;
}

/* See struct rb_tree: recomputes the summary of @node; true when it changed. */
static bool
summary_update(struct rb_node *node)
{
	struct area *area = area_of(node);
	struct area *left = node->left ? area_of(node->left) : NULL;
	struct area *right = node->right ? area_of(node->right) : NULL;
	u64 first = left ? left->first : area->va;
	u64 last = right ? right->last : area->end;
	u64 gap = 0;
	bool changed;

	must_hold(&vmalloc_lock);
	dassert(!left || left->last <= area->va);
	dassert(!right || right->first >= area->end);
	if (left)
		gap = max_u64(left->gap, area->va - left->last);
	if (right)
		gap = max_u64(gap, max_u64(right->gap, right->first - area->end));
	changed = first != area->first || last != area->last || gap != area->gap;
	area->first = first;
	area->last = last;
	area->gap = gap;
	return changed;
}
