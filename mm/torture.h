/* SPDX-License-Identifier: MIT */
/*
 * mm/torture.h - eviction where nobody expects it
 *
 * Idea        see torture.c
 * Invariants  none
 * Locks       none
 * Follow      from fault.c   to reclaim.c
 * Tests       make torture
 */
#pragma once

#include <kernel/lib/types.h>

extern u32 torture_every; /* vm.evict_every, evict_every=: every n-th fault evicts a page; 0: none. Racy */

/* torture_fault - a fault was handled. Context: may sleep; holds no spinlock, no page lock, no mm->lock. */
void torture_fault(void);
