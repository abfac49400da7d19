/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_look.h - what each slot of swap holds, for those who draw it
 *
 * Idea        The slots of all areas that are on stand one behind the other, in the areas' order; each is one byte.
 *             What a bigger kernel offers is only how many are in use (/proc/swaps).
 * Invariants  none
 * Locks       area->lock for each area in turn: the picture is true for each slot, and a moment old as a whole
 * Follow      from kernel/fs/procfs_swap.c   to swap_map.h
 * Tests       tests/guest/swap.c, tests/guest/test_tide.py
 */
#pragma once

#include <kernel/lib/types.h>

/* Slots of all areas that are on, headers included. Context: any; a moment old. */
u64 swap_look_end(void);

/*
 * swap_look - the kinds (enum swap_slot_kind) of up to @count slots from number @first on
 *
 * Returns   how many there were
 * Context   takes area->lock, of one area at a time
 */
u64 swap_look(u64 first, u64 count, u8 *kinds);
