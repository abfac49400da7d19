/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_mend.h - pages that a disk did not take
 *
 * Idea        see swap_mend.c
 * Invariants  see swap_mend.c
 * Locks       see swap_mend.c
 * Follow      from swap_io.c   to swapoff.c
 * Tests       tests/guest/swapfail.c
 */
#pragma once

#include <kernel/lib/types.h>

struct page;

/* swap_mend_start - start the thread. Context: boot, may sleep. */
void swap_mend_start(void);

/*
 * swap_mend_add - @n pages could not be written together
 *
 * Context   interrupt
 * Takes     their references, which swap_write got; they have PG_WRITEBACK, and count as flying
 */
void swap_mend_add(struct page **pages, u32 n);

/*
 * swap_mend_waiting - pages, of those that are flying (swap_io.h), which wait for no disk but for the search
 *
 * Context   any. Who holds what the search may need (a page lock) waits for them with a limit only
 */
u32 swap_mend_waiting(void);
