/* SPDX-License-Identifier: MIT */
/*
 * mm/slab_guard.c - debug builds: what surrounds an object, so that misuse shows
 *
 * Idea        see slab_guard.h
 * Invariants  see slab_guard.h
 * Locks       none
 * Follow      from slab.c   to kernel/ksyms.h
 * Tests       tests/host/slab_test.c
 * See         docs/mm.md
 */
#include <kernel/ksyms.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/slab_guard.h>

#define GUARD_TAKEN 0x7a6b656e7a6b656eUL
#define GUARD_FREE 0x66726565f4eef4eeUL
#define GUARD_FILL 0x6b
#define GUARD_PAD 0xcc

struct guard {
	u64 red;
	u64 caller;
};

static struct guard *guard_of(const struct kmem_cache *cache, void *object);
static u32 first_other(const u8 *bytes, u32 from, u32 to, u8 value);
static void guard_panic(const struct kmem_cache *cache, void *object, const char *fault, u64 value) __noreturn;

void
guard_new(const struct kmem_cache *cache, void *object)
{
	dassert(slab_of(cache, object)->kind == PAGE_SLAB);
	*guard_of(cache, object) = (struct guard){.red = GUARD_FREE};
	memset(object, GUARD_FILL, round_up(cache->size, sizeof(u64)));
}

void
guard_take(const struct kmem_cache *cache, void *object, u64 caller)
{
	struct guard *guard = guard_of(cache, object);
	u32 end = round_up(cache->size, sizeof(u64));
	u32 at = first_other(object, 0, end, GUARD_FILL);

	dassert(object && cache->stride >= guard_end(cache->size));
	if (guard->red != GUARD_FREE)
		guard_panic(cache, object, "its red zone was overwritten while it was free", guard->red);
	if (at < end)
		guard_panic(cache, object, "it was written to after it was freed, at byte", at);
	memset((u8 *)object + cache->size, GUARD_PAD, end - cache->size);
	*guard = (struct guard){GUARD_TAKEN, caller};
}

void
guard_return(const struct kmem_cache *cache, void *object, u64 caller)
{
	struct page *slab = slab_of(cache, object);
	struct guard *guard = guard_of(cache, object);
	u32 end = round_up(cache->size, sizeof(u64));
	u64 offset = (u64)((char *)object - (char *)page_to_va(slab));

	if (slab->kind != PAGE_SLAB || slab->cache != cache)
		panic("slab: %p is freed to cache %s, but lies in a frame of kind %s%s%s", object, cache->name,
		      page_kind_name(slab->kind), slab->kind == PAGE_SLAB ? " of cache " : "",
		      slab->kind == PAGE_SLAB ? slab->cache->name : "");
	if (offset % cache->stride || offset / cache->stride >= cache->per_slab)
		panic("slab: %p is freed to cache %s, but is no object: it lies %lu bytes into one", object,
		      cache->name, offset % cache->stride);
	if (guard->red == GUARD_FREE)
		guard_panic(cache, object, "it is freed twice", 0);
	if (guard->red != GUARD_TAKEN)
		guard_panic(cache, object, "somebody wrote past its end, into the red zone", guard->red);
	if (first_other(object, cache->size, end, GUARD_PAD) < end)
		guard_panic(cache, object, "somebody wrote past its end, at byte", cache->size);
	*guard = (struct guard){GUARD_FREE, caller};
	memset(object, GUARD_FILL, end);
}

static struct guard *
guard_of(const struct kmem_cache *cache, void *object)
{
	return (struct guard *)((char *)object + round_up(cache->size, sizeof(u64)));
}

/* Returns the first index in [from, to) whose byte is not @value, or @to. */
static u32
first_other(const u8 *bytes, u32 from, u32 to, u8 value)
{
	while (from < to && bytes[from] == value)
		from++;
	return from;
}

static void
guard_panic(const struct kmem_cache *cache, void *object, const char *fault, u64 value)
{
	struct guard *guard = guard_of(cache, object);
	u64 offset = 0;
	const char *name = ksym_lookup(guard->caller, &offset);

	panic("slab: object %p of cache %s (%u bytes): %s (%#lx); it was last taken or freed by %s+%#lx", object,
	      cache->name, cache->size, fault, value, name ? name : "?", name ? offset : guard->caller);
}
