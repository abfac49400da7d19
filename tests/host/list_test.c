/* SPDX-License-Identifier: MIT */
/*
 * tests/host/list_test.c - the linked list against an array
 *
 * Idea        Three lists share 40 items; after each random operation every list is compared, both ways, with its
 *             array.
 */
/* sources: */
#include "host.h"

#include <kernel/lib/list.h>

#define ITEMS 40
#define LISTS 3
#define STEPS 200000

struct item {
	int number;
	struct list link;
};

static struct item items[ITEMS];
static struct list heads[LISTS];
static struct item *model[LISTS][ITEMS];
static int counts[LISTS];
static int home[ITEMS]; /* the list an item is on, -1: none */

static void
model_insert(int l, int at, struct item *item)
{
	memmove(&model[l][at + 1], &model[l][at], (counts[l] - at) * sizeof(item));
	model[l][at] = item;
	counts[l]++;
}

static void
model_remove(int l, const struct item *item)
{
	int at = 0;

	while (model[l][at] != item)
		at++;
	counts[l]--;
	memmove(&model[l][at], &model[l][at + 1], (counts[l] - at) * sizeof(item));
}

static void
lists_check(void)
{
	for (int l = 0; l < LISTS; l++) {
		struct item *pos;
		struct list *back = heads[l].prev;
		int n = 0;

		list_for_each (pos, &heads[l], link)
			assert_ptr_equal(pos, model[l][n++]);
		assert_int_equal(n, counts[l]);
		assert_int_equal(list_empty(&heads[l]), n == 0);
		for (; n; back = back->prev)
			assert_ptr_equal(list_entry(back, struct item, link), model[l][--n]);
		assert_ptr_equal(back, &heads[l]);
	}
}

static void
item_toggle(struct item *item)
{
	int l = host_below(LISTS);

	if (home[item->number] >= 0) {
		list_del(&item->link);
		assert_true(list_empty(&item->link));
		model_remove(home[item->number], item);
		home[item->number] = -1;
		return;
	}
	if (host_below(2)) {
		list_add(&item->link, &heads[l]);
		model_insert(l, 0, item);
	} else {
		list_add_tail(&item->link, &heads[l]);
		model_insert(l, counts[l], item);
	}
	home[item->number] = l;
}

static void
lists_splice(void)
{
	int from = host_below(LISTS);
	int to = (from + 1) % LISTS;

	list_splice(&heads[from], &heads[to]);
	while (counts[from]) {
		struct item *item = model[from][counts[from] - 1];

		model_remove(from, item);
		model_insert(to, 0, item);
		home[item->number] = to;
	}
}

static void
list_agrees_with_an_array(void **state)
{
	for (int l = 0; l < LISTS; l++)
		list_init(&heads[l]);
	for (int i = 0; i < ITEMS; i++) {
		items[i].number = i;
		home[i] = -1;
	}
	for (int i = 0; i < STEPS; i++) {
		if (host_below(50))
			item_toggle(&items[host_below(ITEMS)]);
		else
			lists_splice();
		lists_check();
	}
}

static void
list_can_be_emptied_while_it_is_walked(void **state)
{
	struct list head = LIST_INIT(head);
	struct item *pos, *tmp;
	int n = 0;

	for (int i = 0; i < ITEMS; i++) {
		items[i].number = i;
		list_add_tail(&items[i].link, &head);
	}
	assert_ptr_equal(list_first(&head, struct item, link), &items[0]);
	assert_ptr_equal(list_last(&head, struct item, link), &items[ITEMS - 1]);
	list_for_each_safe (pos, tmp, &head, link) {
		assert_int_equal(pos->number, n++);
		list_del(&pos->link);
	}
	assert_int_equal(n, ITEMS);
	assert_true(list_empty(&head));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_agrees_with_an_array),
		cmocka_unit_test(list_can_be_emptied_while_it_is_walked),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
