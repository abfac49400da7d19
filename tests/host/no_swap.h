/* SPDX-License-Identifier: MIT */
/*
 * tests/host/no_swap.h - what the allocator asks of reclaim, on a machine that has none
 *
 * Idea        Nothing can be reclaimed and no page is on a list: the ladder goes on to its next rung.
 * Follow      from tests of mm/page_alloc.c and what stands on it
 */
#pragma once

#include <mm/kswapd.h>
#include <mm/lru.h>
#include <mm/reclaim.h>

void
lru_init(struct lruvec *lru)
{
}

void
lru_del_dead(struct page *page)
{
	abort();
}

u64
reclaim_pages(struct node *node, u64 target, bool kswapd)
{
	return 0;
}

void
kswapd_wake(struct node *node)
{
}

bool
reclaim_possible(void)
{
	return false;
}
