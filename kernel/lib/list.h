/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/list.h - the intrusive, circular, doubly linked list
 *
 * Idea        The link lives inside the object, so that an object joins and leaves a list without an allocation
 *             and in constant time. The head is a link too: an empty list points at itself.
 * Invariants  n->next->prev == n and n->prev->next == n for every link on a list
 * Locks       none here; each list names its guard where it is declared
 * Follow      everywhere
 * Tests       tests/host/list_test.c
 */
#pragma once

#include <kernel/lib/types.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void
list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool
list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void
list_insert_between(struct list *n, struct list *prev, struct list *next)
{
	next->prev = n;
	n->next = next;
	n->prev = prev;
	prev->next = n;
}

/* First on the list. */
static inline void
list_add(struct list *n, struct list *head)
{
	list_insert_between(n, head, head->next);
}

/* Last on the list. */
static inline void
list_add_tail(struct list *n, struct list *head)
{
	list_insert_between(n, head->prev, head);
}

/* Leaves @n unlinked and pointing at itself. */
static inline void
list_del(struct list *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	list_init(n);
}

/* Puts all of @from at the front of @to and leaves @from empty. */
static inline void
list_splice(struct list *from, struct list *to)
{
	if (list_empty(from))
		return;
	from->prev->next = to->next;
	to->next->prev = from->prev;
	from->next->prev = to;
	to->next = from->next;
	list_init(from);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_last(head, type, member) list_entry((head)->prev, type, member)

#define list_for_each(pos, head, member)                                               \
	for (pos = list_first(head, __typeof__(*pos), member); &pos->member != (head); \
	     pos = list_first(&pos->member, __typeof__(*pos), member))

/* @pos may be unlinked or freed in the body; @tmp is another cursor of the same type. */
#define list_for_each_safe(pos, tmp, head, member)                    \
	for (pos = list_first(head, __typeof__(*pos), member),        \
	    tmp = list_first(&pos->member, __typeof__(*pos), member); \
	     &pos->member != (head); pos = tmp, tmp = list_first(&tmp->member, __typeof__(*tmp), member))
