/* SPDX-License-Identifier: MIT */
/*
 * mm/kmalloc.c - memory by size: a cache for each of 13 sizes, whole pages above
 *
 * Idea        Powers of two, with 96 and 192 between, where most structs are. Up to 256 bytes a table of 8-byte steps
 *             names the cache; above, the position of the highest bit does. The frame of an address tells kfree where
 *             it belongs: a slab names its cache, a block of frames its order.
 *
 *                 size     1..8  ..16  ..32  ..64  ..96 ..128 ..192 ..256 | ..512 ..1024 ..2048 ..4096 ..8192 | pages
 *                 class      0     1     2     3     4    5     6     7   |   8     9      10     11     12   |
 *
 * Invariants  none
 * Locks       none
 * Follow      from everywhere   to slab.c, page_alloc.c
 * Tests       tests/host/slab_test.c
 * See         docs/mm.md
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define SMALL_MOST 256
#define SMALL_CLASSES 8
#define CLASSES 13

static struct kmem_cache *class_cache[CLASSES]; /* const after init */
static u8 small_class[SMALL_MOST / 8 + 1];      /* by (size + 7) / 8; const after init */

static const struct {
	const char *name;
	u32 size;
} classes[CLASSES] = {
	{"kmalloc-8", 8},     {"kmalloc-16", 16},   {"kmalloc-32", 32},   {"kmalloc-64", 64},   {"kmalloc-96", 96},
	{"kmalloc-128", 128}, {"kmalloc-192", 192}, {"kmalloc-256", 256}, {"kmalloc-512", 512}, {"kmalloc-1k", 1024},
	{"kmalloc-2k", 2048}, {"kmalloc-4k", 4096}, {"kmalloc-8k", 8192},
};

static void *kmalloc_pages(size_t size, u32 flags);

void
slab_init(void)
{
	u32 class = 0;

	assert(!class_cache[0]); /* once */
	slab_caches_init();
	for (u32 i = 0; i < CLASSES; i++) {
		u32 size = classes[i].size;

		assert(size <= KMALLOC_MAX_SLAB && (!i || size > classes[i - 1].size));
		class_cache[i] =
			kmem_cache_create(classes[i].name, size, is_pow2(size) && size <= PAGE_SIZE ? size : 8);
	}
	for (u32 i = 0; i < ARRAY_SIZE(small_class); i++) {
		if (i * 8 > classes[class].size)
			class ++;
		small_class[i] = class;
		assert(i * 8 <= classes[class].size);
	}
	assert(class == SMALL_CLASSES - 1);
}

void *
kmalloc(size_t size, u32 flags)
{
	u32 class;

	assert(size);
	if (likely(size <= SMALL_MOST))
		class = small_class[(size + 7) / 8];
	else if (size <= KMALLOC_MAX_SLAB)
		class = SMALL_CLASSES + (63 - __builtin_clzl(size - 1)) - 8;
	else
		return kmalloc_pages(size, flags);
	dassert(class < CLASSES && size <= classes[class].size);
	return kmem_cache_alloc(class_cache[class], flags);
}

void *
kzalloc(size_t size, u32 flags)
{
	return kmalloc(size, flags | ALLOC_ZERO);
}

void
kfree(void *p)
{
	struct page *page;

	if (!p)
		return;
	page = va_to_page(p);
	if (likely(page->kind == PAGE_SLAB)) {
		kmem_cache_free(page->cache, p);
		return;
	}
	assertf(page->kind == PAGE_KERNEL && !((u64)p & ~PAGE_MASK), "kfree: %p was never allocated: its frame is %s",
		p, page_kind_name(page->kind));
	dassert((PAGE_SIZE << page->order) > KMALLOC_MAX_SLAB);
	page_free(page, page->order);
}

static void *
kmalloc_pages(size_t size, u32 flags)
{
	u64 frames = div_round_up(size, PAGE_SIZE);
	u32 order = frames > 1 ? 64 - __builtin_clzl(frames - 1) : 0;
	struct page *page = order <= MAX_ORDER ? page_alloc(order, flags) : NULL;

	dassert(size > KMALLOC_MAX_SLAB && (PAGE_SIZE << order) >= size);
	return page ? page_to_va(page) : NULL;
}
