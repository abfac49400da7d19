/* SPDX-License-Identifier: MIT */
/*
 * tests/host/vma_test.c - the vma tree against an array of pages
 *
 * Idea        Random vmas come, go and change their ends in a small address space; the model is one byte for each of
 *             its pages. What the tree finds, and the highest gap it finds, must be what a search through the bytes
 *             finds.
 * Follow      to mm/vma.c
 */
/* sources: mm/vma.c kernel/lib/rbtree.c */
#include "host.h"

#include <mm/vma.h>

#undef assert

#define PAGES 2000
#define VMAS 60
#define BASE (1UL << 30)
#define OPERATIONS 60000
#define GUARD (STACK_GUARD_GAP >> PAGE_SHIFT)

static struct vma_tree tree;
static struct vma vmas[VMAS];
static bool used[VMAS];
static u8 owner[PAGES]; /* number of the vma + 1; 0: free */

static u64
va_of(u64 page)
{
	return BASE + (page << PAGE_SHIFT);
}

static void
paint(u32 n, u64 start, u64 end, u8 value)
{
	for (u64 i = start; i < end; i++) {
		assert_true(!value || !owner[i] || owner[i] == n + 1);
		owner[i] = value;
	}
}

static bool
range_free(u64 start, u64 end)
{
	for (u64 i = start; i < end; i++)
		if (owner[i])
			return false;
	return true;
}

static void
insert_some(u32 n)
{
	u64 start = host_below(PAGES), len = 1 + host_below(host_below(4) ? 8 : 300);

	if (start + len > PAGES || !range_free(start, start + len))
		return;
	vmas[n] = (struct vma){.start = va_of(start), .end = va_of(start + len), .flags = VM_READ};
	if (!host_below(8))
		vmas[n].flags |= VM_GROWSDOWN;
	vma_insert(&tree, &vmas[n]);
	paint(n, start, start + len, (u8)(n + 1));
	used[n] = true;
}

static void
resize_some(u32 n)
{
	u64 start = (vmas[n].start - BASE) >> PAGE_SHIFT, end = (vmas[n].end - BASE) >> PAGE_SHIFT;
	u64 new_start = start, new_end = end;

	while (new_start && !owner[new_start - 1] && host_below(4))
		new_start--;
	while (new_end < PAGES && !owner[new_end] && host_below(4))
		new_end++;
	if (host_below(2))
		new_start = start + host_below(end - start);
	if (host_below(2))
		new_end = max_u64(new_start + 1, end - host_below(end - start));
	paint(n, start, end, 0);
	paint(n, new_start, new_end, (u8)(n + 1));
	vma_resize(&tree, &vmas[n], va_of(new_start), va_of(new_end));
}

static void
check_find(void)
{
	u64 page = host_below(PAGES), i = page;
	struct vma *found = vma_find(&tree, va_of(page) + host_below(PAGE_SIZE));

	while (i < PAGES && !owner[i])
		i++;
	assert_ptr_equal(found, i < PAGES ? &vmas[owner[i] - 1] : NULL);
}

/* Free, and not in the guard gap of a stack. */
static bool
page_usable(u64 page)
{
	if (owner[page])
		return false;
	for (u64 i = page; i < PAGES && i <= page + GUARD; i++)
		if (owner[i])
			return !(vmas[owner[i] - 1].flags & VM_GROWSDOWN);
	return true;
}

/* The highest run of @len usable pages in [low, high), as bytes; 0. */
static u64
gap_by_search(u64 len, u64 low, u64 high)
{
	u64 run = 0;

	for (u64 i = high; i-- > low;) {
		run = page_usable(i) ? run + 1 : 0;
		if (run == len)
			return va_of(i);
	}
	return 0;
}

static void
check_gap(void)
{
	u64 len = 1 + host_below(host_below(3) ? 20 : 400);
	u64 low = host_below(3) ? 0 : host_below(PAGES),
	    high = host_below(3) ? PAGES : low + host_below(PAGES - low + 1);

	assert_int_equal(vma_find_gap(&tree, len << PAGE_SHIFT, va_of(low), va_of(high)),
			 gap_by_search(len, low, high));
}

static void
check_order(void)
{
	u32 count = 0;
	u64 end = 0;

	assert_int_equal(vma_tree_check(&tree), 0);
	for (struct vma *v = vma_first(&tree); v; v = vma_next(v), count++) {
		assert_true(v->start >= end);
		end = v->end;
		assert_ptr_equal(vma_prev(v) ? vma_next(vma_prev(v)) : vma_first(&tree), v);
	}
	assert_int_equal(count, tree.count);
}

static void
random_operations_match_the_model(void **state)
{
	vma_tree_init(&tree);
	for (u32 i = 0; i < OPERATIONS; i++) {
		u32 n = host_below(VMAS);

		if (!used[n]) {
			insert_some(n);
		} else if (host_below(2)) {
			resize_some(n);
		} else {
			vma_remove(&tree, &vmas[n]);
			paint(n, (vmas[n].start - BASE) >> PAGE_SHIFT, (vmas[n].end - BASE) >> PAGE_SHIFT, 0);
			used[n] = false;
			memset(&vmas[n], 0xa5, sizeof(vmas[n])); /* nobody looks at it any more */
		}
		check_find();
		if (i % 8 == 0)
			check_gap();
		if (i % 64 == 0)
			check_order();
	}
}

static void
an_empty_tree_is_one_gap(void **state)
{
	struct vma_tree empty;

	vma_tree_init(&empty);
	assert_null(vma_find(&empty, 0));
	assert_null(vma_first(&empty));
	assert_int_equal(vma_find_gap(&empty, PAGE_SIZE, 0x10000, USER_TOP), USER_TOP - PAGE_SIZE);
	assert_int_equal(vma_find_gap(&empty, USER_TOP - 0x10000, 0x10000, USER_TOP), 0x10000);
	assert_int_equal(vma_find_gap(&empty, USER_TOP, 0x10000, USER_TOP), 0);
	assert_int_equal(vma_find_gap(&empty, PAGE_SIZE, 0x10000, 0), 0);
	assert_int_equal(vma_tree_check(&empty), 0);
}

static void
a_stack_keeps_its_guard_gap(void **state)
{
	struct vma stack = {.start = BASE, .end = BASE + PAGE_SIZE, .flags = VM_GROWSDOWN};
	struct vma low = {.start = 0, .end = PAGE_SIZE};
	struct vma_tree t;

	vma_tree_init(&t);
	vma_insert(&t, &stack);
	assert_int_equal(vma_low(&stack), BASE - STACK_GUARD_GAP);
	assert_int_equal(vma_find_gap(&t, PAGE_SIZE, 0, BASE + PAGE_SIZE), BASE - STACK_GUARD_GAP - PAGE_SIZE);
	vma_resize(&t, &stack, STACK_GUARD_GAP, BASE + PAGE_SIZE);
	assert_int_equal(vma_find_gap(&t, PAGE_SIZE, 0, BASE + PAGE_SIZE), 0);
	vma_insert(&t, &low);
	assert_int_equal(vma_tree_check(&t), 0);
}

static void
equal_neighbours_merge(void **state)
{
	struct vma a = {.start = 0x1000, .end = 0x3000, .flags = VM_READ, .pgoff = vma_home(0x1000)},
		   b = {.start = 0x3000, .end = 0x4000, .flags = VM_READ, .pgoff = vma_home(0x3000)};

	assert_true(vma_can_merge(&a, &b));
	assert_false(vma_can_merge(&b, &a));
	b.pgoff = 7; /* moved here with its pages */
	assert_false(vma_can_merge(&a, &b));
	b.pgoff = vma_home(0x3000);
	b.flags |= VM_WRITE;
	assert_false(vma_can_merge(&a, &b));
	b.flags = a.flags;
	a.object = b.object = (struct pagecache *)0x1000;
	a.pgoff = 7;
	b.pgoff = 9;
	assert_true(vma_can_merge(&a, &b));
	b.pgoff = 8;
	assert_false(vma_can_merge(&a, &b));
	b.object = NULL;
	assert_false(vma_can_merge(&a, &b));
	b = (struct vma){.start = 0x4000, .end = 0x5000, .flags = VM_READ};
	a.object = NULL;
	assert_false(vma_can_merge(&a, &b));
}

static void
insert_overlapping(void *arg)
{
	struct vma a = {.start = 0x1000, .end = 0x3000}, b = {.start = 0x2000, .end = 0x4000};
	struct vma_tree t;

	vma_tree_init(&t);
	vma_insert(&t, &a);
	vma_insert(&t, &b);
}

static void
insert_empty(void *arg)
{
	struct vma a = {.start = 0x1000, .end = 0x1000};
	struct vma_tree t;

	vma_tree_init(&t);
	vma_insert(&t, &a);
}

static void
wrong_vmas_are_panics(void **state)
{
	assert_true(host_dies(insert_overlapping, NULL));
	assert_true(host_dies(insert_empty, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_tree_is_one_gap), cmocka_unit_test(a_stack_keeps_its_guard_gap),
		cmocka_unit_test(equal_neighbours_merge),   cmocka_unit_test(random_operations_match_the_model),
		cmocka_unit_test(wrong_vmas_are_panics),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
