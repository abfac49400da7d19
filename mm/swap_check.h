/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_check.h - prove that each slot counts those who name it
 *
 * Idea        see swap_check.c
 * Invariants  swap.h I1 is what is proved
 * Locks       see swap_check.c
 * Follow      from check.c, pagecache_object.c   to swap_check.c
 * Tests       runs after each guest case
 */
#pragma once

#include <mm/swap.h>

/* swap_check_begin - nobody was seen yet. Context: may sleep; one caller at a time, until swap_check_end. */
void swap_check_begin(void);

/* swap_check_seen - somebody names the slot of @entry. Returns 1, printed, when there is no such slot. Context: any. */
int swap_check_seen(swap_entry_t entry);

/* swap_check_table - the leaves of @table, of level 1. Returns violations printed. Context: the table stands still. */
int swap_check_table(struct page *table);

/* swap_check_end - holds the counts against what was seen. Returns violations printed. Context: may sleep. */
int swap_check_end(void);
