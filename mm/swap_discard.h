/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_discard.h - telling the disk which slots hold nothing any more
 *
 * Idea        see swap_discard.c
 * Invariants  see swap_discard.c
 * Locks       see swap_discard.c
 * Follow      from swap.c, swapoff.c   to swap_device_ops
 * Tests       tests/guest/swapcache.c
 * See         swapon(2), SWAP_FLAG_DISCARD
 */
#pragma once

#include <mm/swap.h>

/*
 * swap_discard_start - as area->discard says: discard all of @area, not on yet, and have freed clusters discarded
 *
 * An area that cannot be discarded is used all the same.
 *
 * Returns   0; -ENOMEM
 * Context   may sleep
 */
int swap_discard_start(struct swap_area *area);

/* swap_discard_stop - nothing of @area is discarded any more, nor is it being. Context: may sleep. */
void swap_discard_stop(struct swap_area *area);

/* swap_discard_wake - slots of @area were freed. Context: any but interrupts; area->lock is not held. */
static inline void
swap_discard_wake(struct swap_area *area)
{
	if (unlikely(READ_ONCE(area->map.stale_count)))
		wake_one(&area->discard_wait);
}
