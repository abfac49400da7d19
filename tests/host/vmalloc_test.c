/* SPDX-License-Identifier: MIT */
/*
 * tests/host/vmalloc_test.c - kernel address ranges against a model of the page tables
 *
 * Idea        The model remembers for each page of the window what is mapped there, and whether a translation may
 *             still be in a TLB: mapping such a page again is an error. Tables are frames of the allocator, so that
 *             the ledger shows one that is not given back.
 */
/* sources: mm/vmalloc.c mm/vmalloc_area.c kernel/lib/rbtree.c mm/slab.c mm/slab_block.c mm/slab_shrink.c */
/* sources: mm/slab_check.c mm/slab_guard.c mm/kmalloc.c */
/* sources: mm/page_alloc.c mm/page_ladder.c mm/page_list.c mm/page_check.c mm/pageinit.c mm/node.c */
/* sources: mm/buddy.c mm/memblock.c */
/* sources: mm/watermark.c mm/shrinker.c mm/vmstat.c mm/fail_inject.c */
#include "arena_slab.h"

#include <mm/oom.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#include "no_swap.h"
#include <mm/watermark.h>

#define WINDOW_PAGES (1UL << 16)
#define WINDOW_TABLES (WINDOW_PAGES / 512)
#define HELD 300

static u64 mapped[WINDOW_PAGES]; /* physical address */
static bool stale[WINDOW_PAGES]; /* perhaps still in a TLB */
static struct page *table[WINDOW_TABLES];
static u32 table_used[WINDOW_TABLES];
static u32 flushes;
static u32 map_fails_after = ~0U;

static u64
window_index(u64 va)
{
	assert_true(va > VMALLOC_BASE && va < VMALLOC_BASE + (WINDOW_PAGES << PAGE_SHIFT) && va % PAGE_SIZE == 0);
	return (va - VMALLOC_BASE) >> PAGE_SHIFT;
}

int
mmu_map_kernel(u64 va, u64 pa, u64 bits)
{
	u64 i;

	if (va < VMALLOC_BASE || va >= VMALLOC_END)
		return 0; /* page structs */
	i = window_index(va);
	assert_true(bits == PTE_KERNEL_DATA && !mapped[i] && !stale[i]);
	if (map_fails_after-- == 0)
		return -ENOMEM;
	if (!table[i / 512])
		table[i / 512] = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
	table_used[i / 512]++;
	mapped[i] = pa;
	return 0;
}

pte_t
mmu_unmap_kernel(u64 va)
{
	u64 i = window_index(va);
	pte_t e = {mapped[i] ? mapped[i] | PTE_KERNEL_DATA : 0};

	assert_true(mapped[i]);
	mapped[i] = 0;
	stale[i] = true;
	table_used[i / 512]--;
	return e;
}

u64
mmu_detach_kernel_table(u64 va)
{
	u64 i = (va - VMALLOC_BASE) >> PAGE_SHIFT;
	struct page *page = table[i / 512];

	if (!page || table_used[i / 512])
		return 0;
	table[i / 512] = NULL;
	return page_to_pa(page);
}

void
mmu_flush_local_global(void)
{
	flushes++;
	memset(stale, 0, sizeof(stale));
}

static void
boot(void)
{
	arena_boot();
	vmalloc_init();
}

static u64
frames_now(void)
{
	vmalloc_purge();
	slab_drain_all();
	page_alloc_drain();
	assert_int_equal(vmalloc_check(), 0);
	assert_int_equal(slab_check(), 0);
	assert_int_equal(page_alloc_check(), 0);
	return nr_free_pages();
}

/* All pages of the area are mapped to frames of their own, the pages on either side are not. */
static void
area_verify(u64 va, u64 pages)
{
	assert_int_equal(mapped[window_index(va) - 1], 0);
	assert_int_equal(mapped[window_index(va) + pages], 0);
	for (u64 i = 0; i < pages; i++) {
		u64 pa = mapped[window_index(va) + i];
		struct vmalloc_info info;

		assert_true(pa && pfn_to_page(pa >> PAGE_SHIFT)->kind == PAGE_STACK);
		assert_true(vmalloc_area_of(va + i * PAGE_SIZE + host_below(PAGE_SIZE), &info));
		assert_true(info.va == va && info.size == pages << PAGE_SHIFT && info.live);
	}
}

static void
random_areas_never_touch_and_nothing_is_lost(void **state)
{
	struct {
		u64 va;
		u64 pages;
	} held[HELD] = {{0, 0}};
	u64 frames = frames_now();

	for (u32 step = 0; step < 30000; step++) {
		u32 i = host_below(HELD);

		if (held[i].va) {
			area_verify(held[i].va, held[i].pages);
			vfree((void *)held[i].va);
			held[i].va = 0;
		} else {
			held[i].pages = host_below(10) ? 4 : 1 + host_below(40);
			held[i].va = (u64)vmalloc((held[i].pages << PAGE_SHIFT) - host_below(PAGE_SIZE));
			area_verify(held[i].va, held[i].pages);
		}
		if (step % 500 == 0)
			assert_int_equal(vmalloc_check(), 0);
	}
	assert_true(flushes > 0 && flushes < 200);
	for (u32 i = 0; i < HELD; i++)
		vfree((void *)held[i].va);
	assert_int_equal(frames_now(), frames);
}

static void
freed_addresses_come_back_after_a_flush_lowest_first(void **state)
{
	void *a;
	void *b;
	void *c;

	vmalloc_purge();
	a = vmalloc(4 * PAGE_SIZE);
	b = vmalloc(4 * PAGE_SIZE);
	assert_int_equal((u64)a, VMALLOC_BASE + PAGE_SIZE);
	assert_int_equal((u64)b, (u64)a + 5 * PAGE_SIZE);
	vfree(a);
	c = vmalloc(PAGE_SIZE);
	assert_true(c > b);
	vmalloc_purge();
	assert_ptr_equal(vmalloc(4 * PAGE_SIZE), a);
	vfree(a);
	vfree(b);
	vfree(c);
}

static void
a_guard_page_is_named_after_the_area_above_it(void **state)
{
	struct vmalloc_info info;
	u64 a = (u64)vmalloc_named(PAGE_SIZE, "lower");
	u64 b = (u64)vmalloc_named(PAGE_SIZE, "upper");

	assert_int_equal(b, a + 2 * PAGE_SIZE);
	assert_true(vmalloc_area_of(b - 8, &info) && !strcmp(info.name, "upper"));
	assert_true(vmalloc_area_of(a - 1, &info) && !strcmp(info.name, "lower"));
	assert_true(vmalloc_area_of(b + PAGE_SIZE, &info) && !strcmp(info.name, "upper"));
	assert_false(vmalloc_area_of(b + 2 * PAGE_SIZE, &info));
	vfree((void *)a);
	assert_true(vmalloc_area_of(a, &info) && !info.live);
	vfree((void *)b);
	vmalloc_purge();
	assert_false(vmalloc_area_of(a, &info));
}

static void
a_failure_half_way_leaves_nothing_behind(void **state)
{
	u64 frames = frames_now();

	for (u32 n = 0; n < 8; n++) {
		map_fails_after = n;
		assert_null(vmalloc(8 * PAGE_SIZE));
		map_fails_after = ~0U;
		assert_int_equal(frames_now(), frames);
	}
	assert_null(vmalloc(VMALLOC_END - VMALLOC_BASE - PAGE_SIZE));
	assert_int_equal(frames_now(), frames);
}

static void
free_at(void *va)
{
	vfree(va);
}

static void
misuse_is_caught(void **state)
{
	char *va = vmalloc(2 * PAGE_SIZE);

	assert_true(host_dies(free_at, va + PAGE_SIZE));
	assert_true(host_dies(free_at, va + 100 * PAGE_SIZE));
	vfree(va);
	assert_true(host_dies(free_at, va));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_areas_never_touch_and_nothing_is_lost),
		cmocka_unit_test(freed_addresses_come_back_after_a_flush_lowest_first),
		cmocka_unit_test(a_guard_page_is_named_after_the_area_above_it),
		cmocka_unit_test(a_failure_half_way_leaves_nothing_behind),
		cmocka_unit_test(misuse_is_caught),
	};

	host_start();
	boot();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
