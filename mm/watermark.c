/* SPDX-License-Identifier: MIT */
/*
 * mm/watermark.c - how much of each zone is held back, and from whom
 *
 * Idea        Arithmetic; see watermark.h.
 *             Simple: Linux can raise the marks for a moment when blocks of pages fall apart (boost); nothing here
 *             groups pages, so nothing would be won.
 * Invariants  zone.h I2
 * Locks       see watermark.h
 * Follow      from kernel/main.c, kernel/fs/procfs_sysctl.c   to nothing
 * Tests       tests/host/page_alloc_test.c, tests/guest/vmscan.c
 * See         watermark.h
 */
#include <kernel/panic.h>
#include <mm/watermark.h>

#define MIN_FREE_KB_LEAST 128
#define MIN_FREE_KB_MOST 262144

static u64 min_free;                                                 /* KiB; READ_ONCE, in a zone->lock */
static u32 scale = 10;                                               /* of 10000; likewise */
static u32 ratio[NR_ZONES] = {[ZONE_DMA] = 256, [ZONE_NORMAL] = 32}; /* likewise */

static void watermark_set(struct zone *zone, u64 all);
static void reserve_set(struct zone *zone);
static u64 square_root(u64 x);

void
watermark_init(u64 ram_kbytes)
{
	min_free_kbytes_set(watermark_default(ram_kbytes));
}

void
watermark_update(void)
{
	u64 all = 0;

	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		all += READ_ONCE(z->managed);
	assert(all);
	for (struct zone *z = zone_next(NULL); z; z = zone_next(z)) {
		u64 irq = spin_lock_irqsave(&z->lock);

		watermark_set(z, all);
		reserve_set(z);
		spin_unlock_irqrestore(&z->lock, irq);
	}
}

u64
watermark_default(u64 ram_kbytes)
{
	u64 kbytes = square_root(16 * ram_kbytes);

	return min_u64(max_u64(kbytes, MIN_FREE_KB_LEAST), MIN_FREE_KB_MOST);
}

u64
min_free_kbytes(void)
{
	return READ_ONCE(min_free);
}

void
min_free_kbytes_set(u64 kbytes)
{
	WRITE_ONCE(min_free, kbytes);
	watermark_update();
}

u32
watermark_scale(void)
{
	return READ_ONCE(scale);
}

void
watermark_scale_set(u32 parts)
{
	assert(parts && parts <= WATERMARK_SCALE_MOST);
	WRITE_ONCE(scale, parts);
	watermark_update();
}

u32
lowmem_ratio(enum zone_kind kind)
{
	return READ_ONCE(ratio[kind]);
}

void
lowmem_ratio_set(enum zone_kind kind, u32 value)
{
	assert(kind < NR_ZONES);
	WRITE_ONCE(ratio[kind], value);
	watermark_update();
}

u64
totalreserve_pages(void)
{
	u64 frames = 0;

	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		frames += min_u64(READ_ONCE(z->high) + READ_ONCE(z->reserve[ZONE_NORMAL]), READ_ONCE(z->managed));
	return frames;
}

/* @all: managed frames of all zones. Needs zone->lock. */
static void
watermark_set(struct zone *zone, u64 all)
{
	u64 step;

	must_hold(&zone->lock);
	zone->min = (READ_ONCE(min_free) >> (PAGE_SHIFT - 10)) * zone->managed / all;
	step = max_u64(zone->min / 4, zone->managed * READ_ONCE(scale) / 10000);
	zone->low = zone->min + step;
	zone->high = zone->low + step;
	dassert(zone->min <= zone->low && zone->low <= zone->high); /* zone.h I2 */
}

/* From allocations whose best zone is k, so many frames of @zone are kept: none from those that need @zone itself. */
static void
reserve_set(struct zone *zone)
{
	u32 part = READ_ONCE(ratio[zone->kind]);
	u64 above = 0;

	must_hold(&zone->lock);
	for (u32 k = 0; k < NR_ZONES; k++) {
		above += k > zone->kind ? READ_ONCE(nodes[zone->node].zones[k].managed) : 0;
		zone->reserve[k] = part ? above / part : 0;
	}
	dassert(!zone->reserve[zone->kind]);
}

/* Returns the largest r with r * r <= x, by bits from the top. */
static u64
square_root(u64 x)
{
	u64 r = 0;

	for (u64 bit = 1UL << 31; bit; bit >>= 1)
		if ((r + bit) * (r + bit) <= x)
			r += bit;
	dassert(r * r <= x);
	return r;
}
