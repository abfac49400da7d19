/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_map.h - which slots of a swap area are in use, and by how many leaves
 *
 *                 slot      0      1      2      3      4      5
 *                         header  free   bad   count 2  count 0  count 1
 *                                                       cached   cached
 *
 * Idea        A slot is a page on the disk. It is in use while leaves name it (count) or a page in memory stands for it
 *             (cached). Slots are given out one after the other, so that pages which leave memory together lie together
 *             and go out in one transfer; where the next slot is taken, the search goes on at a free run of a whole
 *             cluster, and only when there is none any more at the next free slot.
 *             A slot that could not be written is bad from then on: who has it keeps it, nobody gets it again.
 * Invariants  I1  used(slot) if and only if it is bad, or count > 0, or cached, or being discarded.
 *             I2  free is the number of slots that are not used.
 *             I3  stale(cluster) only if none of its slots is used; stale_count of them.
 *             I4  lost is the number of slots that are bad, and nothing else.     (all: swap_map_check)
 * Locks       the area's lock, for all of it
 * Follow      from swap.c   to kernel/lib/bitmap.h
 * Tests       tests/host/swap_map_test.c
 * See         docs/mm.md
 */
#pragma once

#include <kernel/lib/types.h>

#define SWAP_CLUSTER 32 /* slots: 128 KiB, the largest transfer */

struct swap_map {
	u32 slots; /* const: all, the header's included */
	u32 free;
	u32 lost;        /* bad ones that nobody has */
	u32 cursor;      /* where the next slot is looked for */
	bool runs;       /* there may be free runs of a cluster: the last search found one, or enough was freed since */
	u32 freed;       /* slots freed since runs was cleared */
	bool discards;   /* const while on: clusters that become free are marked as stale */
	u32 stale_count; /* stale clusters */
	u16 *count;      /* by slot: leaves that name it, of all tables */
	u64 *used;       /* bit by slot */
	u64 *cached;     /* bit by slot */
	u64 *stale;      /* bit by cluster: free, and the disk does not know yet */
	u32 *shadow;     /* by slot: of the page that has left memory (workingset.h); 0: none */
	u64 *bad;        /* bit by slot: not to be given out */
};

/* swap_map_bytes - memory that a map of @slots needs. Context: pure. */
u64 swap_map_bytes(u32 slots);

/* swap_map_init - a map of @slots in @mem, zeroed, of swap_map_bytes(@slots); slot 0 is the header's. */
void swap_map_init(struct swap_map *map, u32 slots, void *mem);

/* swap_map_bad - @slot must not be used. Returns false when it is no slot, or is in use already. */
bool swap_map_bad(struct swap_map *map, u32 slot);

/*
 * swap_map_fail - @slot, which is in use, could not be written: when its last user lets go of it, it stays used
 *
 * swap_map_failed - is there a bad slot that leaves still name?
 */
void swap_map_fail(struct swap_map *map, u32 slot);
bool swap_map_failed(const struct swap_map *map);

/* swap_map_alloc - take a free slot for a page in memory: cached, count 0. Returns 0: none is free. */
u32 swap_map_alloc(struct swap_map *map);

/* swap_map_get, swap_map_put - one more, or one fewer leaf names @slot. put: true when the slot is free now. */
void swap_map_get(struct swap_map *map, u32 slot);
bool swap_map_put(struct swap_map *map, u32 slot);

/*
 * swap_map_cache - a page in memory stands for @slot from now on
 *
 * Returns   false: nobody names the slot any more, or another page stands for it already
 */
bool swap_map_cache(struct swap_map *map, u32 slot);

/* swap_map_uncache - none does any more; the slot keeps @shadow. Returns true when the slot is free now. */
bool swap_map_uncache(struct swap_map *map, u32 slot, u32 shadow);

/* The leaves that name @slot. */
static inline u32
swap_map_count(const struct swap_map *map, u32 slot)
{
	return map->count[slot];
}

/* swap_map_next - the first slot from @slot on that leaves name; 0: none. For swapoff. */
u32 swap_map_next(const struct swap_map *map, u32 slot);

/*
 * swap_map_is_stale - is there a stale cluster worth discarding? Not while slots are short.
 * swap_map_take_stale - some of them, in a row: they are in use until swap_map_give_back
 *
 * Returns   (take) how many slots from *@first on; 0: none
 */
bool swap_map_is_stale(const struct swap_map *map);
u32 swap_map_take_stale(struct swap_map *map, u32 *first);
void swap_map_give_back(struct swap_map *map, u32 first, u32 count);

/* What a slot holds. The numbers are those of /proc/swap_slots. */
enum swap_slot_kind {
	SLOT_FREE,
	SLOT_NEVER,  /* the header, or bad */
	SLOT_ALONE,  /* a page that is nowhere else */
	SLOT_CACHED, /* a page that is in memory too */
	SLOT_STALE,  /* nothing: it is being discarded */
};

/* swap_map_kind - what @slot holds. */
enum swap_slot_kind swap_map_kind(const struct swap_map *map, u32 slot);

/* Slots that can hold a page: neither the header's, nor bad. */
static inline u64
swap_map_size(const struct swap_map *map)
{
	return map->slots - 1 - map->lost;
}

/* Proves I1 to I4, and workingset.h I1. Returns the number of violations. */
u32 swap_map_check(const struct swap_map *map);
