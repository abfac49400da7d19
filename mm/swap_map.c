/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_map.c - which slots of a swap area are in use
 *
 * Idea        see swap_map.h
 * Invariants  see swap_map.h
 * Locks       the area's lock
 * Follow      from swap.c   to kernel/lib/bitmap.c
 * Tests       tests/host/swap_map_test.c
 * See         swap_map.h
 */
#include <kernel/lib/bitmap.h>
#include <kernel/panic.h>
#include <mm/swap_map.h>

#define STALE_MOST (8 * SWAP_CLUSTER) /* slots that are discarded at once, and that nobody can use meanwhile */

static u32 cluster_used(const struct swap_map *map, u32 cluster);
static void note_stale(struct swap_map *map, u32 cluster);
static u32 stale_check(const struct swap_map *map);
static void slot_use(struct swap_map *map, u32 slot);
static bool slot_release(struct swap_map *map, u32 slot);
static u32 find_run(struct swap_map *map, u32 from);
static u32 find_free(const struct swap_map *map, u32 from);

u64
swap_map_bytes(u32 slots)
{
	return (3 * BITMAP_WORDS(slots) + BITMAP_WORDS(slots / SWAP_CLUSTER + 1)) * sizeof(u64) +
	       slots * (sizeof(u32) + sizeof(u16));
}

void
swap_map_init(struct swap_map *map, u32 slots, void *mem)
{
	assert(slots > 1);
	*map = (struct swap_map){.slots = slots, .free = slots - 1, .cursor = 1, .runs = true};
	map->used = mem;
	map->cached = map->used + BITMAP_WORDS(slots);
	map->bad = map->cached + BITMAP_WORDS(slots);
	map->stale = map->bad + BITMAP_WORDS(slots);
	map->shadow = (u32 *)(map->stale + BITMAP_WORDS(slots / SWAP_CLUSTER + 1));
	map->count = (u16 *)(map->shadow + slots);
	bitmap_set(map->used, 0);
}

bool
swap_map_bad(struct swap_map *map, u32 slot)
{
	if (slot >= map->slots || bitmap_test(map->used, slot))
		return false;
	slot_use(map, slot);
	bitmap_set(map->bad, slot);
	map->lost++;
	return true;
}

void
swap_map_fail(struct swap_map *map, u32 slot)
{
	assertf(slot < map->slots && (map->count[slot] || bitmap_test(map->cached, slot)), "slot %u is not in use",
		slot);
	bitmap_set(map->bad, slot);
}

bool
swap_map_failed(const struct swap_map *map)
{
	u32 slot = 0;

	while ((slot = (u32)bitmap_find_set(map->bad, map->slots, slot)) < map->slots)
		if (map->count[slot++])
			return true;
	return false;
}

u32
swap_map_alloc(struct swap_map *map)
{
	u32 slot = map->cursor;

	if (!map->free)
		return 0;
	if (slot >= map->slots || bitmap_test(map->used, slot)) {
		slot = map->runs ? find_run(map, slot) : 0;
		if (!slot)
			slot = find_free(map, map->cursor);
	}
	dassert(slot && !bitmap_test(map->used, slot) && !map->count[slot]);
	slot_use(map, slot);
	bitmap_set(map->cached, slot);
	map->cursor = slot + 1;
	return slot;
}

void
swap_map_get(struct swap_map *map, u32 slot)
{
	assertf(slot < map->slots && bitmap_test(map->used, slot), "slot %u is free", slot);
	assertf(map->count[slot] < UINT16_MAX, "slot %u has as many users as can be counted", slot);
	map->count[slot]++;
}

bool
swap_map_put(struct swap_map *map, u32 slot)
{
	assertf(slot < map->slots && map->count[slot], "slot %u has no user", slot);
	map->count[slot]--;
	return slot_release(map, slot);
}

bool
swap_map_cache(struct swap_map *map, u32 slot)
{
	if (slot >= map->slots || !map->count[slot] || bitmap_test(map->cached, slot))
		return false;
	bitmap_set(map->cached, slot);
	map->shadow[slot] = 0;
	return true;
}

bool
swap_map_uncache(struct swap_map *map, u32 slot, u32 shadow)
{
	assertf(slot < map->slots && bitmap_test(map->cached, slot), "no page stands for slot %u", slot);
	bitmap_clear(map->cached, slot);
	map->shadow[slot] = shadow;
	return slot_release(map, slot);
}

u32
swap_map_next(const struct swap_map *map, u32 slot)
{
	while ((slot = (u32)bitmap_find_set(map->used, map->slots, slot)) < map->slots) {
		if (map->count[slot])
			return slot;
		slot++;
	}
	return 0;
}

enum swap_slot_kind
swap_map_kind(const struct swap_map *map, u32 slot)
{
	if (!bitmap_test(map->used, slot))
		return SLOT_FREE;
	if (bitmap_test(map->cached, slot))
		return SLOT_CACHED;
	if (map->count[slot])
		return SLOT_ALONE;
	return !slot || bitmap_test(map->bad, slot) ? SLOT_NEVER : SLOT_STALE;
}

u32
swap_map_check(const struct swap_map *map)
{
	u32 free = 0;
	u32 lost = 0;
	u32 wrong = 0;

	for (u32 slot = 1; slot < map->slots; slot++) {
		bool used = bitmap_test(map->used, slot);
		bool held = map->count[slot] || bitmap_test(map->cached, slot);
		bool bad = bitmap_test(map->bad, slot);

		free += !used;
		lost += bad && !held;
		wrong += map->shadow[slot] && (!map->count[slot] || bitmap_test(map->cached, slot));
		wrong += !used && (held || bad); /* I1; what is being discarded has neither */
	}
	return wrong + (free != map->free) + (lost != map->lost) + stale_check(map);
}

/* Less than an eighth of all slots is short. */
bool
swap_map_is_stale(const struct swap_map *map)
{
	return READ_ONCE(map->stale_count) && READ_ONCE(map->free) > map->slots / 8;
}

u32
swap_map_take_stale(struct swap_map *map, u32 *first)
{
	u32 clusters = map->slots / SWAP_CLUSTER;
	u32 cluster;
	u32 count = 0;

	if (!swap_map_is_stale(map))
		return 0;
	cluster = (u32)bitmap_find_set(map->stale, clusters, 0);
	*first = cluster * SWAP_CLUSTER;
	while (cluster < clusters && count < STALE_MOST && bitmap_test(map->stale, cluster)) {
		dassert(!cluster_used(map, cluster)); /* I3 */
		for (u32 i = 0; i < SWAP_CLUSTER; i++)
			slot_use(map, cluster * SWAP_CLUSTER + i); /* takes the mark with it */
		count += SWAP_CLUSTER;
		cluster++;
	}
	return count;
}

void
swap_map_give_back(struct swap_map *map, u32 first, u32 count)
{
	for (u32 slot = first; slot < first + count; slot++) {
		assertf(bitmap_test(map->used, slot) && !map->count[slot], "slot %u was not taken to be discarded",
			slot);
		bitmap_clear(map->used, slot);
	}
	map->free += count;
	map->runs = true;
}

/* The slots of @cluster that are used, bit by slot. */
static u32
cluster_used(const struct swap_map *map, u32 cluster)
{
	_Static_assert(SWAP_CLUSTER == 32, "two clusters are a word of the map");
	return (u32)(map->used[cluster / 2] >> cluster % 2 * SWAP_CLUSTER);
}

static void
slot_use(struct swap_map *map, u32 slot)
{
	dassert(map->free);
	if (map->stale_count && bitmap_test(map->stale, slot / SWAP_CLUSTER)) {
		bitmap_clear(map->stale, slot / SWAP_CLUSTER);
		map->stale_count--;
	}
	bitmap_set(map->used, slot);
	map->free--;
}

/* I1. True when nobody uses @slot any more. */
static bool
slot_release(struct swap_map *map, u32 slot)
{
	if (map->count[slot] || bitmap_test(map->cached, slot))
		return false;
	map->shadow[slot] = 0;
	if (unlikely(bitmap_test(map->bad, slot))) {
		map->lost++; /* I4 */
		return true;
	}
	bitmap_clear(map->used, slot);
	map->free++;
	if (!map->runs && ++map->freed >= SWAP_CLUSTER) {
		map->runs = true;
		map->freed = 0;
	}
	if (unlikely(map->discards))
		note_stale(map, slot / SWAP_CLUSTER);
	return true;
}

/* A slot of @cluster, the last perhaps, is free now. Simple: what is behind the last whole cluster never counts. */
static void
note_stale(struct swap_map *map, u32 cluster)
{
	if (cluster >= map->slots / SWAP_CLUSTER || cluster_used(map, cluster))
		return;
	bitmap_set(map->stale, cluster);
	map->stale_count++;
}

static u32
stale_check(const struct swap_map *map)
{
	u32 stale = 0;
	u32 bad = 0;

	for (u32 cluster = 0; cluster < map->slots / SWAP_CLUSTER; cluster++) {
		if (!bitmap_test(map->stale, cluster))
			continue;
		stale++;
		bad += cluster_used(map, cluster) != 0;
	}
	return bad + (stale != map->stale_count);
}

/* A free run of a whole cluster, from @from on and then from the beginning; 0, remembered, when there is none. */
static u32
find_run(struct swap_map *map, u32 from)
{
	u32 start = from < map->slots ? from : 1;
	u32 at = start;
	bool wrapped = false;

	for (;;) {
		u32 first = (u32)bitmap_find_zero(map->used, map->slots, at);
		u32 end = (u32)bitmap_find_set(map->used, map->slots, first);

		if (end - first >= SWAP_CLUSTER && first < map->slots)
			return first;
		at = end;
		if (at < map->slots && !(wrapped && at >= start))
			continue;
		if (wrapped)
			break;
		wrapped = true;
		at = 1;
	}
	map->runs = false;
	map->freed = 0;
	return 0;
}

/* The next free slot, of which there is at least one. */
static u32
find_free(const struct swap_map *map, u32 from)
{
	u32 slot = (u32)bitmap_find_zero(map->used, map->slots, from);

	return slot < map->slots ? slot : (u32)bitmap_find_zero(map->used, map->slots, 1);
}
