/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/swapping.h - areas on and off, pages out, and what is told of it
 *
 * Idea        what the groups about swap have in common. Each ends the case when it fails.
 * Follow      from swap.c, swapcache.c, swapfail.c, swaprace.c, swapsmaps.c, tmpswap.c, failswap.c, lazyfree.c, evict.c
 *             to swapping.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void swap_on(const char *path);
/* With a priority: the area with the highest is filled first. */
void swap_on_first(const char *path, int priority);
void swap_off(const char *path);

/* Out of memory it goes; on Tidemark it is gone when this returns. */
void page_out(volatile void *p, size_t bytes);

/* Pages of [p, p + bytes) in memory, as mincore(2) says: on Linux also those that are out and in the swap cache. */
long resident(volatile void *p, size_t bytes);
/* Nothing of it is in memory; on Linux, see above, nobody can tell. */
void must_be_out(volatile void *p, size_t bytes);

/* Page i is stamped by who + i; these @bytes of private memory are new. */
void pages_stamp(volatile void *p, size_t bytes, uint64_t who);
volatile unsigned char *stamped(size_t bytes, uint64_t who);
void must_be_stamped(volatile void *p, size_t bytes, uint64_t who);

/* A figure of /proc/vmstat or, with a colon in the name, of /proc/meminfo; -1: there is none. */
long figure(const char *name);
/* A column of /proc/swaps, in KiB: 2 size, 3 used; -1: it is no area. */
long area_figure(const char *path, int column);
