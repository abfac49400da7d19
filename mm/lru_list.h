/* SPDX-License-Identifier: MIT */
/*
 * mm/lru_list.h - on a list, off a list: what the files of lru.h share
 *
 * Idea        A page is on a list of its policy, which evict.h links, or on one of the two beside it; the flags of
 *             lru.h I1 change with it.
 * Invariants  lru.h I1, I2
 * Locks       lruvec->lock
 * Follow      from lru.c, lru_isolate.c, lru_start.c; nobody else
 * Tests       tests/guest/evict.c
 */
#pragma once

#include <mm/lru.h>

static inline struct evict_set *
lru_set_of(struct lruvec *lru, const struct page *page)
{
	return &lru->set[lru_kind_of(page)];
}

/*
 * lru_link - @page, on no list, goes to @list (enum lru_list); a page that was given up to the list of those, whatever
 *            @list says
 * lru_unlink - @page leaves the list it is on
 *
 * Context   holds lruvec->lock
 */
void lru_link(struct lruvec *lru, struct page *page, u32 list);
void lru_unlink(struct lruvec *lru, struct page *page);
