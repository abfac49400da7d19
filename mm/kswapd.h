/* SPDX-License-Identifier: MIT */
/*
 * mm/kswapd.h - memory kept free ahead of demand
 *
 * Idea        see kswapd.c
 * Invariants  see kswapd.c
 * Locks       see kswapd.c
 * Follow      from page_alloc.c, kernel/main.c   to reclaim.c
 * Tests       tests/guest/swap.c
 */
#pragma once

struct node;

/* kswapd_wake - @node has less than `low` free somewhere. Context: any, interrupts off too; cheap when it is awake. */
void kswapd_wake(struct node *node);

/* kswapd_encourage - something can be reclaimed in @node: past failures count no more. Context: any. */
void kswapd_encourage(const struct node *node);

/* kswapd_start - a thread for each node. Context: boot, may sleep. */
void kswapd_start(void);
