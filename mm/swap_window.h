/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_window.h - how many slots to read when one is wanted
 *
 *                 hits since the last read   next to the last slot   asked for
 *                 none                       no                      1
 *                 none                       yes                     2
 *                 n                          .                       n + 2, rounded up to a power of two, at least 4
 *
 * Idea        A neighbour is worth a place in memory only if earlier neighbours were: the window grows with their hits,
 *             and is at least half of the last one, so that a single jump does not forget what was learnt.
 *             vm.page-cluster is its limit; 0 reads the one page alone.
 * Invariants  none
 * Locks       none: pure
 * Follow      from swap_io.c
 * Tests       tests/host/swap_window_test.c
 * See         Linux mm/swap_state.c, __swapin_nr_pages()
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

#define SWAP_WINDOW_MOST 10 /* as a power of two: 4 MiB */

/* swap_window - the table above, between half of the @last window and 2^@limit. Returns a power of two. */
static inline u32
swap_window(u32 hits, bool in_order, u32 last, u32 limit)
{
	u32 most = 1U << (limit < SWAP_WINDOW_MOST ? limit : SWAP_WINDOW_MOST);
	u32 size = hits ? 4 : in_order ? 2 : 1;

	while (size < hits + 2 && hits && size < most)
		size *= 2;
	if (size < last / 2)
		size = last / 2;
	return size < most ? size : most;
}
