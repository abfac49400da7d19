/* SPDX-License-Identifier: MIT */
/*
 * tests/host/swap_map_test.c - slots of a swap area against a model
 *
 * Idea        Random takes, names, caches and releases; after each step the map's view of a slot is the model's, and
 *             what it gives out was free.
 */
/* sources: mm/swap_map.c kernel/lib/bitmap.c */
#include "host.h"

#include <mm/swap_map.h>

#define SLOTS 1000
#define ROUNDS 400000

static struct swap_map map;
static struct {
	u32 count;
	bool cached, bad;
} model[SLOTS];

static void
start(u32 slots)
{
	free(map.used);
	swap_map_init(&map, slots, calloc(1, swap_map_bytes(slots)));
	memset(model, 0, sizeof(model));
	model[0].bad = true;
}

static bool
model_free(u32 slot)
{
	return !model[slot].count && !model[slot].cached && !model[slot].bad;
}

static void
neighbours(void **state)
{
	start(SLOTS);
	for (u32 slot = 1; slot < SLOTS; slot++)
		assert_int_equal(swap_map_alloc(&map), slot);
	assert_int_equal(swap_map_alloc(&map), 0);
	assert_int_equal(map.free, 0);
	assert_true(swap_map_uncache(&map, 77, 0));
	assert_int_equal(swap_map_alloc(&map), 77);
}

/* A hole that is too small for a cluster is passed over while there is a larger one. */
static void
whole_clusters_first(void **state)
{
	start(SLOTS);
	for (u32 slot = 1; slot < SLOTS; slot++)
		swap_map_alloc(&map);
	for (u32 slot = 100; slot < 100 + SWAP_CLUSTER - 1; slot++)
		swap_map_uncache(&map, slot, 0);
	for (u32 slot = 500; slot < 500 + SWAP_CLUSTER; slot++)
		swap_map_uncache(&map, slot, 0);
	map.cursor = 50;
	for (u32 i = 0; i < SWAP_CLUSTER; i++)
		assert_int_equal(swap_map_alloc(&map), 500 + i);
	assert_int_equal(swap_map_alloc(&map), 100);
}

static void
kinds(void **state)
{
	start(SLOTS);
	assert_int_equal(swap_map_kind(&map, 0), SLOT_NEVER);
	assert_true(swap_map_bad(&map, 9));
	assert_int_equal(swap_map_kind(&map, 9), SLOT_NEVER);
	assert_int_equal(swap_map_kind(&map, 1), SLOT_FREE);
	assert_int_equal(swap_map_alloc(&map), 1);
	assert_int_equal(swap_map_kind(&map, 1), SLOT_CACHED);
	swap_map_get(&map, 1);
	assert_false(swap_map_uncache(&map, 1, 0));
	assert_int_equal(swap_map_kind(&map, 1), SLOT_ALONE);
	assert_true(swap_map_cache(&map, 1));
	assert_int_equal(swap_map_kind(&map, 1), SLOT_CACHED);
	assert_false(swap_map_uncache(&map, 1, 0));
	assert_true(swap_map_put(&map, 1));
	assert_int_equal(swap_map_kind(&map, 1), SLOT_FREE);
}

static void
bad_slots(void **state)
{
	start(10);
	assert_true(swap_map_bad(&map, 3));
	assert_false(swap_map_bad(&map, 3));
	assert_false(swap_map_bad(&map, 0));
	assert_false(swap_map_bad(&map, 10));
	for (u32 i = 0; i < 8; i++)
		assert_true(swap_map_alloc(&map) != 3);
	assert_int_equal(swap_map_alloc(&map), 0);
}

/* A slot that failed stays with who has it, and is nobody's afterwards. */
static void
failed_slots(void **state)
{
	start(10);
	assert_int_equal(swap_map_alloc(&map), 1);
	swap_map_get(&map, 1);
	swap_map_fail(&map, 1);
	assert_true(swap_map_failed(&map));
	assert_int_equal(swap_map_size(&map), 9);
	assert_false(swap_map_uncache(&map, 1, 0));
	assert_true(swap_map_cache(&map, 1));
	assert_false(swap_map_put(&map, 1));
	assert_false(swap_map_failed(&map));
	assert_true(swap_map_uncache(&map, 1, 0));
	assert_int_equal(swap_map_size(&map), 8);
	assert_int_equal(map.free, 8);
	assert_int_equal(swap_map_check(&map), 0);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(swap_map_alloc(&map), 2 + i);
	assert_int_equal(swap_map_alloc(&map), 0);
}

static void
step(u32 slot)
{
	u32 got;

	switch (host_below(7)) {
	case 0:
	case 1:
		got = swap_map_alloc(&map);
		if (!got) {
			assert_int_equal(map.free, 0);
			break;
		}
		assert_true(model_free(got));
		model[got].cached = true;
		break;
	case 2:
		if (model[slot].cached || model[slot].count) {
			swap_map_get(&map, slot);
			model[slot].count++;
		}
		break;
	case 3:
		if (model[slot].count) {
			model[slot].count--;
			assert_int_equal(swap_map_put(&map, slot), !model[slot].count && !model[slot].cached);
		}
		break;
	case 4:
		got = model[slot].count && !model[slot].cached;
		assert_int_equal(swap_map_cache(&map, slot), got);
		model[slot].cached |= got;
		break;
	case 5:
		if (model[slot].cached) {
			model[slot].cached = false;
			assert_int_equal(swap_map_uncache(&map, slot, 0), !model[slot].count);
		}
		break;
	case 6:
		if (!host_below(500) && (model[slot].cached || model[slot].count)) {
			swap_map_fail(&map, slot);
			model[slot].bad = true;
		}
		break;
	}
}

static void
random_steps(void **state)
{
	start(SLOTS);
	for (int i = 0; i < 20; i++) {
		u32 bad = 1 + host_below(SLOTS - 1);

		assert_int_equal(swap_map_bad(&map, bad), !model[bad].bad);
		model[bad].bad = true;
	}
	for (int round = 0; round < ROUNDS; round++) {
		u32 slot = 1 + host_below(SLOTS - 1);
		u32 free = 0;

		step(slot);
		assert_int_equal(swap_map_count(&map, slot), model[slot].count);
		if (round % 1000)
			continue;
		for (u32 i = 1; i < SLOTS; i++)
			free += model_free(i);
		assert_int_equal(map.free, free);
		assert_int_equal(swap_map_check(&map), 0);
		for (u32 i = 1, next; (next = swap_map_next(&map, i)); i = next + 1) {
			assert_true(model[next].count > 0);
			while (i < next)
				assert_int_equal(model[i++].count, 0);
		}
	}
}

static void
let_go(u32 slot)
{
	for (; model[slot].count; model[slot].count--)
		swap_map_put(&map, slot);
	if (model[slot].cached)
		swap_map_uncache(&map, slot, 0);
	model[slot].cached = false;
}

/* What is discarded was free, is nobody's meanwhile, and is free again afterwards. */
static void
stale_clusters(void **state)
{
	u32 first = 0;
	u32 count = 0;
	u32 taken = 0;

	start(SLOTS);
	map.discards = true;
	for (int round = 0; round < ROUNDS; round++) {
		u32 slot = 1 + host_below(SLOTS - 1);

		if (count && host_below(50) == 0) {
			for (u32 i = first; i < first + count; i++)
				model[i].bad = false;
			swap_map_give_back(&map, first, count);
			count = 0;
		} else if (!count && (count = swap_map_take_stale(&map, &first))) {
			assert_true(first % SWAP_CLUSTER == 0 && count % SWAP_CLUSTER == 0 && first + count <= SLOTS);
			for (u32 i = first; i < first + count; i++) {
				assert_true(model_free(i));
				model[i].bad = true;
			}
			taken += count;
		}
		if (!host_below(100)) /* somebody ends */
			for (u32 i = slot; i < SLOTS && i < slot + 200; i++)
				let_go(i);
		step(slot);
		assert_true(round % 500 || swap_map_check(&map) == 0);
	}
	assert_true(taken > 10 * SLOTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours),   cmocka_unit_test(whole_clusters_first),
		cmocka_unit_test(kinds),        cmocka_unit_test(bad_slots),
		cmocka_unit_test(random_steps), cmocka_unit_test(stale_clusters),
		cmocka_unit_test(failed_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
