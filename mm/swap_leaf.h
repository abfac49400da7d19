/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_leaf.h - a leaf with a swap entry gets its page back
 *
 * Idea        see swap_leaf.c
 * Invariants  none
 * Locks       see swap_leaf.c
 * Follow      from fault.c, swapoff.c   to swap_cache.c, rmap.c
 * Tests       tests/guest/swap.c
 */
#pragma once

#include <mm/swap.h>

/*
 * swap_leaf_in - bring back the page that @leaf, found in @slot, stands for, and map it with @bits, read-only
 *
 * @alloc  flags of page_alloc
 * @own    let go of the slot when no other leaf names it
 * @major  set when the disk was read
 *
 * Returns   0; -EAGAIN: the leaf changed meanwhile; -ENOMEM; -EIO
 * Context   may sleep; mm->lock of a user of the table
 */
int swap_leaf_in(pte_t *slot, pte_t leaf, u64 bits, u32 alloc, bool own, bool *major);

/*
 * swap_leaf_lose - the page that @leaf, found in @slot, stands for cannot be read and is given up (swap_entry_lost)
 *
 * Context   mm->lock of a user of the table; takes the table lock
 */
void swap_leaf_lose(pte_t *slot, pte_t leaf);
