/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_look.c - what each slot of swap holds, for those who draw it
 *
 * Idea        see swap_look.h
 * Invariants  none
 * Locks       see swap_look.h
 * Follow      from kernel/fs/procfs_swap.c   to swap_map.h
 * Tests       tests/guest/swap.c
 */
#include <kernel/spinlock.h>
#include <mm/swap.h>
#include <mm/swap_look.h>
#include <mm/swap_map.h>

static u64 area_look(struct swap_area *area, u64 first, u64 count, u8 *kinds, u64 *slots);

u64
swap_look_end(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (READ_ONCE(swap_areas[i].state) != SWAP_OFF)
			sum += READ_ONCE(swap_areas[i].map.slots);
	return sum;
}

u64
swap_look(u64 first, u64 count, u8 *kinds)
{
	u64 before = 0; /* slots of the areas in front */
	u64 done = 0;

	for (u32 i = 0; i < SWAP_AREAS_MAX && done < count; i++) {
		u64 slots;

		done += area_look(&swap_areas[i], first + done - before, count - done, kinds + done, &slots);
		before += slots;
	}
	return done;
}

/* As swap_look, of one area; *slots is how many it has. @first may lie behind them. */
static u64
area_look(struct swap_area *area, u64 first, u64 count, u8 *kinds, u64 *slots)
{
	u64 done = 0;

	spin_lock(&area->lock);
	*slots = area->state == SWAP_OFF ? 0 : area->map.slots;
	while (done < count && first + done < *slots) {
		kinds[done] = (u8)swap_map_kind(&area->map, (u32)(first + done));
		done++;
	}
	spin_unlock(&area->lock);
	return done;
}
