/* SPDX-License-Identifier: MIT */
/*
 * mm/memblock.c - which memory exists, and who has it before there is an allocator
 *
 * Idea        The firmware's map becomes one list of RAM, and everything in use one list of reserved ranges; both are
 *             sorted arrays of fixed size, since nothing can be allocated yet. An allocation takes the highest free
 *             place and is one more reserved range: page tables, per-CPU copies and page structs thus gather at the
 *             top of RAM, away from the 16 MiB that old devices need. When the page allocator is ready it gets all
 *             that is free.
 * Invariants  I1  Ranges of one list are sorted, non-empty, page aligned, and no two touch or overlap.
 *             I2  The frame at address 0 is reserved, so that 0 can mean "none".
 * Locks       none: one CPU during boot
 * Follow      from kernel/main.c, arch/x86_64/mmu.c   to node.c (node_give)
 * Tests       tests/host/memblock_test.c
 * See         docs/mm.md
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/memblock.h>
#include <mm/zone.h>

#define BOOT_REACH (4UL << 30)

struct memblock_list memblock_ram;
struct memblock_list memblock_reserved;

static u64 reach = BOOT_REACH; /* memblock_alloc stays below; boot only */
static bool closed;            /* memblock_free_all() has run */

static void list_add_range(struct memblock_list *list, u64 base, u64 end);
static void list_open(struct memblock_list *list, u32 at);
static void list_close(struct memblock_list *list, u32 at, u32 n);
static const struct memblock_range *list_overlap(const struct memblock_list *list, u64 base, u64 end);
static u64 range_fit(const struct memblock_range *ram, u64 size, u64 align);
static void list_report(const char *what, const struct memblock_list *list);

void
memblock_add(u64 base, u64 len)
{
	u64 end = round_down(base + len, PAGE_SIZE);

	assert(base + len >= base && !closed);
	base = round_up(base, PAGE_SIZE);
	if (base < end)
		list_add_range(&memblock_ram, base, end);
	list_add_range(&memblock_reserved, 0, PAGE_SIZE);
}

void
memblock_reserve(u64 base, u64 len)
{
	assert(base + len >= base && !closed);
	if (len)
		list_add_range(&memblock_reserved, round_down(base, PAGE_SIZE), round_up(base + len, PAGE_SIZE));
}

void
memblock_cap(u64 limit)
{
	struct memblock_list *ram = &memblock_ram;

	assert(!closed);
	limit = round_down(limit, PAGE_SIZE);
	while (ram->count && ram->range[ram->count - 1].base >= limit)
		ram->count--;
	if (ram->count && ram->range[ram->count - 1].end > limit)
		ram->range[ram->count - 1].end = limit;
	assertf(ram->count, "mem=: nothing is left below %lx; give a larger value", limit);
	dassert(memblock_ram_end() <= limit);
}

void
memblock_reach_set(u64 limit)
{
	assert(limit && !closed);
	reach = limit;
}

u64
memblock_alloc(u64 size, u64 align)
{
	u64 base = 0;

	assert(size && is_pow2(align) && !closed);
	size = round_up(size, PAGE_SIZE);
	align = max_u64(align, PAGE_SIZE);
	for (u32 i = memblock_ram.count; i > 0 && !base; i--)
		base = range_fit(&memblock_ram.range[i - 1], size, align);
	assertf(base,
		"memblock: no %lu KiB are free below %lx: the machine has too little memory, or the initrd is "
		"too large for it",
		size >> 10, reach);
	dassert(!(base & (align - 1)) && base + size <= reach);
	dassert(!list_overlap(&memblock_reserved, base, base + size));
	memblock_reserve(base, size);
	memset(pa_to_va(base), 0, size);
	return base;
}

bool
memblock_next_free(u64 from, struct memblock_range *out)
{
	for (u32 i = 0; i < memblock_ram.count; i++) {
		const struct memblock_range *ram = &memblock_ram.range[i];
		u64 base = max_u64(ram->base, from);
		const struct memblock_range *taken;

		for (u32 j = 0; j < memblock_reserved.count && base < ram->end; j++) {
			taken = &memblock_reserved.range[j];
			if (taken->base <= base && base < taken->end)
				base = taken->end;
		}
		if (base >= ram->end)
			continue;
		*out = (struct memblock_range){base, ram->end};
		taken = list_overlap(&memblock_reserved, base, ram->end);
		if (taken)
			out->end = taken->base;
		dassert(out->base >= from && out->base < out->end);
		dassert(!list_overlap(&memblock_reserved, out->base, out->end));
		return true;
	}
	return false;
}

u64
memblock_free_all(void)
{
	struct memblock_range free = {0, 0};
	u64 frames = 0;

	assert(!closed);
	while (memblock_next_free(free.end, &free)) {
		dassert(free.base); /* I2 */
		frames += node_give(free.base >> PAGE_SHIFT, free.end >> PAGE_SHIFT);
	}
	closed = true;
	return frames;
}

u64
memblock_ram_bytes(void)
{
	u64 bytes = 0;

	for (u32 i = 0; i < memblock_ram.count; i++)
		bytes += memblock_ram.range[i].end - memblock_ram.range[i].base;
	return bytes;
}

u64
memblock_ram_end(void)
{
	assert(memblock_ram.count);
	return memblock_ram.range[memblock_ram.count - 1].end;
}

bool
memblock_is_ram(u64 pa)
{
	return list_overlap(&memblock_ram, pa, pa + 1);
}

void
memblock_report(void)
{
	list_report("RAM", &memblock_ram);
	list_report("reserved", &memblock_reserved);
}

/* Puts [base, end) into @list, merged with every range that it overlaps or touches. */
static void
list_add_range(struct memblock_list *list, u64 base, u64 end)
{
	struct memblock_range *r = list->range;
	u32 first = 0;
	u32 last;

	assert(base < end && !((base | end) & ~PAGE_MASK));
	while (first < list->count && r[first].end < base)
		first++;
	last = first;
	while (last < list->count && r[last].base <= end) {
		base = min_u64(base, r[last].base);
		end = max_u64(end, r[last].end);
		last++;
	}
	if (last == first)
		list_open(list, first);
	else
		list_close(list, first + 1, last - first - 1);
	r[first] = (struct memblock_range){base, end};
	dassert(first == 0 || r[first - 1].end < base); /* I1 */
	dassert(first + 1 == list->count || end < r[first + 1].base);
}

/* Makes room for one range at index @at. */
static void
list_open(struct memblock_list *list, u32 at)
{
	assertf(list->count < MEMBLOCK_RANGES, "memblock: more than %u ranges", MEMBLOCK_RANGES);
	assert(at <= list->count);
	memmove(&list->range[at + 1], &list->range[at], (list->count - at) * sizeof(list->range[0]));
	list->count++;
}

/* Removes @n ranges from index @at on. */
static void
list_close(struct memblock_list *list, u32 at, u32 n)
{
	assert(at + n <= list->count);
	memmove(&list->range[at], &list->range[at + n], (list->count - at - n) * sizeof(list->range[0]));
	list->count -= n;
}

/* Returns the lowest range of @list that shares a byte with [base, end), or NULL. */
static const struct memblock_range *
list_overlap(const struct memblock_list *list, u64 base, u64 end)
{
	dassert(base < end);
	for (u32 i = 0; i < list->count; i++)
		if (list->range[i].base < end && base < list->range[i].end)
			return &list->range[i];
	return NULL;
}

/* Returns the highest place in @ram, below the reach, where @size free bytes lie at a multiple of @align; 0 if none. */
static u64
range_fit(const struct memblock_range *ram, u64 size, u64 align)
{
	u64 end = min_u64(ram->end, reach);
	const struct memblock_range *taken;
	u64 base;

	dassert(size && is_pow2(align));
	while (end >= size && round_down(end - size, align) >= ram->base) {
		base = round_down(end - size, align);
		taken = list_overlap(&memblock_reserved, base, base + size);
		if (!taken)
			return base;
		end = taken->base;
	}
	return 0;
}

static void
list_report(const char *what, const struct memblock_list *list)
{
	for (u32 i = 0; i < list->count; i++)
		pr_info("memblock: %-8s %012lx-%012lx %8lu KiB\n", what, list->range[i].base, list->range[i].end - 1,
			(list->range[i].end - list->range[i].base) >> 10);
}
