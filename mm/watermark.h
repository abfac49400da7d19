/* SPDX-License-Identifier: MIT */
/*
 * mm/watermark.h - how much of each zone is held back, and from whom
 *
 * Idea        Three marks a zone, and a reserve. min is left to those who must not fail; below low kswapd wakes, at
 *             high it sleeps. The reserve protects a low zone from allocations that could as well have a higher one:
 *             devices that reach 16 MiB only must find something there.
 *
 *                 free |=========================| high |=======| low |======| min + reserve |=====|0
 *                         kswapd sleeps ........ ^ <- it works -. wakes it ...  ordinary allocations end
 *
 *             All follow from three numbers that can be set, by Linux's formulas:
 *
 *                 min      min_free_kbytes, shared out by size
 *                 low      min + the larger of min / 4 and size x watermark_scale_factor / 10000
 *                 high     low + as much again
 *                 reserve  the frames of the zones above / lowmem_reserve_ratio of the zone
 *
 * Invariants  zone.h I2
 * Locks       zone->lock: the marks. The three numbers are read under it, so that the last who sets one wins in all
 *             zones.
 * Follow      from kernel/main.c, kernel/fs/procfs_sysctl.c   to page_alloc.c, kswapd.c
 * Tests       tests/host/page_alloc_test.c, tests/guest/vmscan.c
 * See         docs/mm.md section 10; Linux Documentation/admin-guide/sysctl/vm.rst
 */
#pragma once

#include <mm/zone.h>

#define WATERMARK_SCALE_MOST 3000 /* of 10000 */

/*
 * watermark_init - the default marks for a machine of @ram_kbytes of memory
 *
 * Context   boot, once, after memblock_free_all()
 */
void watermark_init(u64 ram_kbytes);

/* watermark_update - the marks of all zones anew: their sizes have changed. Context: takes each zone->lock. */
void watermark_update(void);

/*
 * watermark_default - min_free_kbytes for @ram_kbytes of memory: 4 * sqrt(@ram_kbytes), from 128 to 262144
 *
 * Returns   KiB
 * Context   any (pure)
 */
u64 watermark_default(u64 ram_kbytes);

/*
 * min_free_kbytes, watermark_scale, lowmem_ratio - the three numbers; a ratio of 0 is no reserve
 *
 * Context   any; setters take each zone->lock
 */
u64 min_free_kbytes(void);
void min_free_kbytes_set(u64 kbytes);
u32 watermark_scale(void);
void watermark_scale_set(u32 parts);
u32 lowmem_ratio(enum zone_kind kind);
void lowmem_ratio_set(enum zone_kind kind, u32 ratio);

/* totalreserve_pages - frames that programs cannot have, whatever they do: high and the reserve of each zone. */
u64 totalreserve_pages(void);
