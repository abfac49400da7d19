/* SPDX-License-Identifier: MIT */
/*
 * mm/pageinit.c - a page struct for every frame of RAM, at boot
 *
 * Idea        The array of page structs lies at VMEMMAP_BASE, indexed by frame number, and has memory behind it only
 *             where RAM is. The unit is the stretch of 2^MAX_ORDER frames (4 MiB): where it contains RAM, all its
 *             page structs exist, so that the buddy may look at any frame beside one of RAM. Frames that are no RAM
 *             stay PAGE_RESERVED.
 *
 *                 RAM        |####.###|########|........|##......|      . hole   one cell: 4 MiB
 *                 page structs  64 KiB   64 KiB    none    64 KiB
 *
 *             Where the array needs 2 MiB in one piece (128 MiB of RAM, aligned), one large mapping holds them.
 * Invariants  I1  Every frame of a stretch with RAM has a page struct, with its zone and node.
 *             I2  kind is PAGE_RESERVED and refs is 1 until node_give().
 * Locks       none: boot, one CPU
 * Follow      from kernel/main.c   to memblock.c, node.c, arch/x86_64/mmu.c (mmu_map_kernel)
 * Tests       tests/host/page_alloc_test.c
 * See         docs/mm.md
 */
#include <kernel/panic.h>
#include <mm/memblock.h>
#include <mm/page.h>
#include <mm/page_alloc.h>
#include <mm/page_list.h>
#include <mm/zone.h>

#define STRETCH_FRAMES BIT(MAX_ORDER)
#define STRETCH_BYTES (STRETCH_FRAMES * sizeof(struct page))
#define LARGE_BYTES (1UL << 21)
#define LARGE_FRAMES (LARGE_BYTES / sizeof(struct page))

static void structs_map(u64 start_pfn, u64 end_pfn);
static void structs_map_large(u64 pfn);
static void structs_map_stretch(u64 pfn);
static bool stretch_has_ram(u64 pfn);
static bool large_is_full(u64 pfn);
static void structs_init(u64 pfn, u64 frames);

void
page_init(void)
{
	u64 start = memblock_ram.range[0].base >> PAGE_SHIFT;
	u64 end = memblock_ram_end() >> PAGE_SHIFT;

	assert(start < end && !node_count); /* once */
	structs_map(round_down(start, STRETCH_FRAMES), round_up(end, STRETCH_FRAMES));
	node_init(0, start, end);
	page_list_size(memblock_ram_bytes() >> PAGE_SHIFT);
}

/* Backs and fills the page structs of all stretches with RAM in [start_pfn, end_pfn). */
static void
structs_map(u64 start_pfn, u64 end_pfn)
{
	u64 pfn = start_pfn;

	dassert(!((start_pfn | end_pfn) & (STRETCH_FRAMES - 1)));
	while (pfn < end_pfn) {
		if (large_is_full(pfn)) {
			structs_map_large(pfn);
			pfn += LARGE_FRAMES;
			continue;
		}
		if (stretch_has_ram(pfn))
			structs_map_stretch(pfn);
		pfn += STRETCH_FRAMES;
	}
}

static void
structs_map_large(u64 pfn)
{
	u64 pa = memblock_alloc(LARGE_BYTES, LARGE_BYTES);
	int err = mmu_map_kernel((u64)pfn_to_page(pfn), pa, PTE_KERNEL_DATA | PTE_HUGE);

	dassert(!(pfn & (LARGE_FRAMES - 1)));
	assertf(!err, "page_init: no memory for the tables that map page structs");
	structs_init(pfn, LARGE_FRAMES);
}

static void
structs_map_stretch(u64 pfn)
{
	u64 pa = memblock_alloc(STRETCH_BYTES, PAGE_SIZE);
	int err = 0;

	dassert(!(pfn & (STRETCH_FRAMES - 1)));
	for (u64 at = 0; at < STRETCH_BYTES && !err; at += PAGE_SIZE)
		err = mmu_map_kernel((u64)pfn_to_page(pfn) + at, pa + at, PTE_KERNEL_DATA);
	assertf(!err, "page_init: no memory for the tables that map page structs");
	structs_init(pfn, STRETCH_FRAMES);
}

static bool
stretch_has_ram(u64 pfn)
{
	u64 start = pfn << PAGE_SHIFT;
	u64 end = start + (STRETCH_FRAMES << PAGE_SHIFT);

	dassert(!(pfn & (STRETCH_FRAMES - 1)));
	for (u32 i = 0; i < memblock_ram.count; i++)
		if (memblock_ram.range[i].base < end && start < memblock_ram.range[i].end)
			return true;
	return false;
}

/* Does a 2 MiB mapping begin at the page struct of @pfn, and would no stretch in it go without RAM? */
static bool
large_is_full(u64 pfn)
{
	bool full = !(pfn & (LARGE_FRAMES - 1));

	for (u64 at = 0; at < LARGE_FRAMES && full; at += STRETCH_FRAMES)
		full = stretch_has_ram(pfn + at);
	return full;
}

static void
structs_init(u64 pfn, u64 frames)
{
	for (u64 i = pfn; i < pfn + frames; i++) {
		struct page *page = pfn_to_page(i);

		/* The memory is zeroed: PAGE_RESERVED is 0, and so is node. */
		dassert(page->kind == PAGE_RESERVED && !page->node);
		atomic_set(&page->refs, 1);
		page->zone = i < DMA_END_PFN ? ZONE_DMA : ZONE_NORMAL;
		list_init(&page->link);
	}
}
