/* SPDX-License-Identifier: MIT */
/*
 * mm/slab_guard.h - debug builds: what surrounds an object, so that misuse shows
 *
 * Idea        Behind each object stand three words: a red one that says whether the object is taken, the place in the
 *             code that last took or returned it, and the link of the free list, which thus leaves the object alone.
 *             A free object is filled with a pattern.
 *
 *                 | object: size bytes | pad to 8 | red: taken or free | caller | next free |
 *
 *             In release builds none of this exists: the link is the free object's first word.
 * Invariants  I1  red is GUARD_TAKEN from guard_take to guard_return, else GUARD_FREE.
 *             I2  While free, the object and its pad are GUARD_FILL bytes; while taken, the pad is GUARD_PAD bytes.
 * Locks       none: whoever takes or returns an object owns it
 * Follow      from slab.c   to slab_guard.c
 * Tests       tests/host/slab_test.c
 * See         docs/mm.md
 */
#pragma once

#include <kernel/lock_check.h>
#include <mm/page.h>
#include <mm/slab.h>

#define GUARD_WORDS 3

/* Where a free object of a cache of @size keeps the next one's address. */
static inline u32
guard_link_offset(u32 size)
{
	return CONFIG_DEBUG ? round_up(size, sizeof(u64)) + 2 * sizeof(u64) : 0;
}

/* Bytes that an object of @size takes with what stands behind it. */
static inline u32
guard_end(u32 size)
{
	return round_up(size, sizeof(u64)) + (CONFIG_DEBUG ? GUARD_WORDS * sizeof(u64) : 0);
}

/* The slab that an address inside @cache's memory lies in: blocks are aligned to their size. */
static inline struct page *
slab_of(const struct kmem_cache *cache, const void *object)
{
	return pfn_to_page(round_down(va_to_pa(object) >> PAGE_SHIFT, 1UL << cache->order));
}

/*
 * guard_new - a slab was cut: its object @object is free
 * guard_take - @object leaves for a user: panics when somebody wrote to it while it was free
 * guard_return - @object comes back: panics when it is free already, of another cache, no object, or was overrun
 *
 * Returns   nothing
 * Context   any; @caller is the address in the code that asked
 */
void guard_new(const struct kmem_cache *cache, void *object);
void guard_take(const struct kmem_cache *cache, void *object, u64 caller);
void guard_return(const struct kmem_cache *cache, void *object, u64 caller);
