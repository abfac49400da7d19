/* SPDX-License-Identifier: MIT */
/*
 * mm/swap.c - swap areas, and the slots that leaves name
 *
 * Idea        see swap.h. Areas are an array that never moves: a leaf's entry finds its area without a lock, since the
 *             area cannot go before the leaf has let go of it.
 * Invariants  see swap.h
 * Locks       area->lock
 * Follow      from rmap.c, reclaim_batch.c, kernel/sys_swap.c   to swap_map.c
 * Tests       tests/guest/swap.c
 * See         swap.h
 */
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/kswapd.h>
#include <mm/lru.h>
#include <mm/pagecache.h>
#include <mm/swap.h>
#include <mm/swap_discard.h>
#include <mm/swap_same.h>
#include <mm/tlb.h>
#include <mm/vmalloc.h>

#define PRIORITY_NONE -1 /* nobody's: those that are asked for lie above, those that are numbered here below */

struct swap_area swap_areas[SWAP_AREAS_MAX];
static u32 areas_ever; /* no area from here on was ever on: grows, one caller at a time */
static struct spinlock turn_lock = SPINLOCK_INIT(RANK_SWAP);
static u32 turn_area; /* turn_lock: the area whose turn it is among its equals */
static u32 turn_left; /* turn_lock: slots until the next one's turn */

static int area_prepare(struct swap_area *area, const struct swap_setup *setup);
static bool mark_bad(struct swap_map *map, const struct swap_setup *setup);
static void area_announce(const struct swap_area *area);
static struct swap_area *area_of(swap_entry_t entry);
static s16 priority_below_all(void);
static void priorities_close_up(s16 gone);
static u32 turn_of(s32 priority);
static bool has_priority(u32 area, s32 priority);
static bool take_slot(struct swap_area *area, swap_entry_t *out);
static s32 best_priority(s32 below);

void
swap_init(void)
{
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++) {
		swap_areas[i].type = (u8)i;
		spin_init(&swap_areas[i].lock, RANK_SWAP);
		wait_init(&swap_areas[i].io_free);
		wait_init(&swap_areas[i].discard_wait);
	}
}

int
swap_area_add(const struct swap_setup *setup)
{
	struct swap_area *area = swap_areas;
	int err;

	may_sleep();
	while (area < swap_areas + SWAP_AREAS_MAX && area->state != SWAP_OFF)
		area++;
	if (area == swap_areas + SWAP_AREAS_MAX)
		return -EPERM;
	err = area_prepare(area, setup);
	if (err)
		return err;
	area->ops = setup->ops;
	area->device = setup->device;
	area->priority = setup->priority >= 0 ? (s16)setup->priority : priority_below_all();
	strlcpy(area->name, setup->name, sizeof(area->name));
	area->discard = setup->discard;
	err = swap_discard_start(area);
	if (err) {
		swap_area_forget(area);
		return err;
	}
	WRITE_ONCE(areas_ever, (u32)max_u64(areas_ever, area->type + 1UL));
	spin_lock(&area->lock);
	area->state = SWAP_ON;
	spin_unlock(&area->lock);
	lru_start();
	for (u32 n = 0; n < node_count; n++)
		kswapd_encourage(&nodes[n]);
	area_announce(area);
	return 0;
}

/* Map and cache of an area that nobody knows yet. */
static int
area_prepare(struct swap_area *area, const struct swap_setup *setup)
{
	void *mem = vmalloc_named(swap_map_bytes(setup->slots), "swap map");
	struct pagecache *cache = mem ? pagecache_create(PAGE_ANON) : NULL;

	if (!cache) {
		vfree(mem);
		return -ENOMEM;
	}
	memset(mem, 0, swap_map_bytes(setup->slots));
	swap_map_init(&area->map, setup->slots, mem);
	if (!mark_bad(&area->map, setup)) {
		pagecache_put(cache);
		vfree(mem);
		return -EINVAL;
	}
	cache->owner = area;
	area->cache = cache;
	return 0;
}

/* False: the list names what is no slot, or leaves none. */
static bool
mark_bad(struct swap_map *map, const struct swap_setup *setup)
{
	for (u32 i = 0; i < setup->bad_count; i++)
		if (!swap_map_bad(map, setup->bad[i]))
			return false;
	if (!swap_map_size(map))
		pr_warn("Empty swap-file\n");
	return swap_map_size(map);
}

/* Linux's line, and its letters for a disk that discards: it can, the area at once, clusters when they are free. */
static void
area_announce(const struct swap_area *area)
{
	pr_info("Adding %luk swap on %s.  Priority:%d extents:1 across:%luk %s%s%s\n",
		(u64)swap_map_size(&area->map) << (PAGE_SHIFT - 10), area->name, area->priority,
		(u64)(area->map.slots - 1) << (PAGE_SHIFT - 10), area->discard ? "D" : "",
		area->discard & SWAP_DISCARD_AREA ? "s" : "", area->discard & SWAP_DISCARD_FREED ? "c" : "");
}

void
swap_area_forget(struct swap_area *area)
{
	pagecache_put(area->cache);
	vfree(area->map.used);
	area->cache = NULL;
	priorities_close_up(area->priority);
}

/* Of an area for which nobody asked for one: -2, -3, ... in the order in which they come, as Linux numbers them. */
static s16
priority_below_all(void)
{
	s16 least = PRIORITY_NONE;

	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (swap_areas[i].state != SWAP_OFF && swap_areas[i].priority < least)
			least = swap_areas[i].priority;
	return (s16)(least - 1);
}

/*
 * An area of priority @gone has left: those numbered after it move up, so that the numbers never run out.
 *
 * Race: swap_slot_alloc() may miss an area that moves past it. Its page stays in memory this time.
 */
static void
priorities_close_up(s16 gone)
{
	for (u32 i = 0; i < SWAP_AREAS_MAX && gone < 0; i++)
		if (swap_areas[i].state != SWAP_OFF && swap_areas[i].priority < gone)
			WRITE_ONCE(swap_areas[i].priority, (s16)(swap_areas[i].priority + 1));
}

/* The atomic operation orders the two: area_close() stores the state and then looks at the users. */
bool
swap_area_get(swap_entry_t entry)
{
	struct swap_area *area = &swap_areas[swap_entry_area(entry)];

	assert(swap_entry_area(entry) < SWAP_AREAS_MAX);
	atomic_inc(&area->users);
	if (READ_ONCE(area->state) != SWAP_OFF)
		return true;
	swap_area_put(entry);
	return false;
}

void
swap_area_put(swap_entry_t entry)
{
	struct swap_area *area = &swap_areas[swap_entry_area(entry)];

	if (atomic_dec_and_test(&area->users) && READ_ONCE(area->state) == SWAP_OFF)
		wake_all(&area->io_free);
}

u64
swap_total_pages(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < READ_ONCE(areas_ever); i++)
		if (READ_ONCE(swap_areas[i].state) != SWAP_OFF)
			sum += swap_map_size(&swap_areas[i].map);
	return sum;
}

u64
swap_steady_pages(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (READ_ONCE(swap_areas[i].state) == SWAP_ON)
			sum += READ_ONCE(swap_areas[i].map.slots) - 1;
	return sum;
}

u64
swap_free_pages(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < READ_ONCE(areas_ever); i++)
		if (READ_ONCE(swap_areas[i].state) == SWAP_ON)
			sum += READ_ONCE(swap_areas[i].map.free);
	return sum;
}

bool
swap_slot_alloc(swap_entry_t *out)
{
	for (s32 priority = best_priority(INT32_MAX); priority != INT32_MIN; priority = best_priority(priority)) {
		u32 first = turn_of(priority);

		for (u32 i = 0; i < SWAP_AREAS_MAX; i++) {
			struct swap_area *area = &swap_areas[(first + i) % SWAP_AREAS_MAX];

			if (READ_ONCE(area->priority) == priority && take_slot(area, out))
				return true;
		}
	}
	return false;
}

void
swap_slot_return(swap_entry_t entry)
{
	swap_slot_leave(entry, 0);
}

void
swap_slot_leave(swap_entry_t entry, u32 shadow)
{
	struct swap_area *area = area_of(entry);

	spin_lock(&area->lock);
	swap_map_uncache(&area->map, swap_entry_slot(entry), shadow);
	spin_unlock(&area->lock);
	swap_discard_wake(area);
}

u32
swap_shadow(swap_entry_t entry)
{
	return READ_ONCE(area_of(entry)->map.shadow[swap_entry_slot(entry)]);
}

void
swap_slot_fail(swap_entry_t entry)
{
	struct swap_area *area = area_of(entry);

	spin_lock(&area->lock);
	swap_map_fail(&area->map, swap_entry_slot(entry));
	spin_unlock(&area->lock);
}

void
swap_get(swap_entry_t entry)
{
	struct swap_area *area;

	if (unlikely(swap_entry_is_same(entry))) {
		swap_same_get(entry);
		return;
	}
	if (unlikely(swap_entry_is_lost(entry)))
		return;
	area = area_of(entry);
	spin_lock(&area->lock);
	swap_map_get(&area->map, swap_entry_slot(entry));
	spin_unlock(&area->lock);
}

bool
swap_put(swap_entry_t entry)
{
	u32 slot = swap_entry_slot(entry);
	struct swap_area *area;
	bool orphan;

	if (unlikely(swap_entry_is_same(entry))) {
		swap_same_put(entry);
		return false;
	}
	if (unlikely(swap_entry_is_lost(entry)))
		return false;
	area = area_of(entry);
	spin_lock(&area->lock);
	orphan = !swap_map_put(&area->map, slot) && !swap_map_count(&area->map, slot);
	spin_unlock(&area->lock);
	swap_discard_wake(area);
	return orphan;
}

bool
swap_put_batched(swap_entry_t entry, struct tlb_batch *batch)
{
	if (batch->orphans == TLB_BATCH_ORPHANS)
		return false;
	if (swap_put(entry))
		batch->orphan[batch->orphans++] = entry.value;
	return true;
}

u32
swap_count(swap_entry_t entry)
{
	if (unlikely(swap_entry_is_same(entry)))
		return swap_same_count(entry);
	if (unlikely(swap_entry_is_lost(entry)))
		return 1;
	return READ_ONCE(area_of(entry)->map.count[swap_entry_slot(entry)]);
}

int
swap_check(void)
{
	int bad = swap_same_check();

	for (u32 i = 0; i < SWAP_AREAS_MAX; i++) {
		struct swap_area *area = &swap_areas[i];
		u32 wrong;

		spin_lock(&area->lock);
		wrong = area->state == SWAP_OFF ? 0 : swap_map_check(&area->map);
		spin_unlock(&area->lock);
		if (wrong)
			pr_err("mm_check: the map of swap area %s contradicts itself in %u places\n", area->name,
			       wrong);
		bad += wrong;
	}
	return bad;
}

static struct swap_area *
area_of(swap_entry_t entry)
{
	struct swap_area *area = &swap_areas[swap_entry_area(entry)];

	assertf(swap_entry_area(entry) < SWAP_AREAS_MAX && area->state != SWAP_OFF, "no swap area for entry %lx",
		entry.value);
	return area;
}

/* The area to ask first. Why a cluster each: pages that leave together are written together. */
static u32
turn_of(s32 priority)
{
	u32 area;

	spin_lock(&turn_lock);
	if (!turn_left || !has_priority(turn_area, priority)) {
		for (u32 i = 0; i < SWAP_AREAS_MAX; i++) {
			turn_area = (turn_area + 1) % SWAP_AREAS_MAX;
			if (has_priority(turn_area, priority))
				break;
		}
		turn_left = SWAP_CLUSTER;
	}
	turn_left--;
	area = turn_area;
	spin_unlock(&turn_lock);
	return area;
}

static bool
has_priority(u32 area, s32 priority)
{
	return READ_ONCE(swap_areas[area].state) == SWAP_ON && READ_ONCE(swap_areas[area].priority) == priority;
}

static bool
take_slot(struct swap_area *area, swap_entry_t *out)
{
	u32 slot = 0;

	spin_lock(&area->lock);
	if (area->state == SWAP_ON)
		slot = swap_map_alloc(&area->map);
	spin_unlock(&area->lock);
	*out = swap_entry(area->type, slot);
	return slot;
}

/* The highest priority of an area that is on, below @below; INT32_MIN: there is none. */
static s32
best_priority(s32 below)
{
	s32 best = INT32_MIN;

	for (u32 i = 0; i < READ_ONCE(areas_ever); i++) {
		const struct swap_area *area = &swap_areas[i];
		s32 priority = READ_ONCE(area->priority);

		if (READ_ONCE(area->state) == SWAP_ON && priority < below && priority > best)
			best = priority;
	}
	return best;
}
