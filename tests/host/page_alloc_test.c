/* SPDX-License-Identifier: MIT */
/*
 * tests/host/page_alloc_test.c - the page allocator from boot to the last frame
 *
 * Idea        Each case boots a machine in a child process, because boot happens once. The world above (slab, oom,
 *             other tasks) is played by hooks that a case sets.
 */
/* sources: mm/page_alloc.c mm/page_ladder.c mm/page_list.c mm/page_check.c mm/pageinit.c mm/node.c */
/* sources: mm/buddy.c mm/memblock.c */
/* sources: mm/watermark.c mm/vmstat.c mm/fail_inject.c */
#include "arena.h"

#include <mm/buddy.h>
#include <mm/fail_inject.h>
#include <mm/oom.h>
#include <mm/page_list.h>
#include <mm/shrinker.h>
#include <mm/vmstat.h>

#include "no_swap.h"
#include <mm/watermark.h>

#define MIB (1UL << 20)

static u32 kills;
static u32 slab_drains;
static u32 waits;
static bool (*on_kill)(void);
static void (*on_wait)(void);
static u64 maps_large;
static u64 maps_small;
static struct page *stock[1 << 20];
static u64 stocked;

int
mmu_map_kernel(u64 va, u64 pa, u64 bits)
{
	u64 size = bits & PTE_HUGE ? 2 * MIB : PAGE_SIZE;

	assert_true(va % size == 0 && pa % size == 0 && memblock_is_ram(pa));
	*(bits & PTE_HUGE ? &maps_large : &maps_small) += 1;
	return 0;
}

u64
shrink_caches(u32 priority)
{
	slab_drains++;
	return 0;
}

bool
oom_kill(u32 order, u32 flags)
{
	kills++;
	return on_kill && on_kill();
}

void
host_wait(void)
{
	waits++;
	if (on_wait)
		on_wait();
}

u64
clock_ns(void)
{
	static u64 now;

	return now += 1000;
}

/* A machine with RAM in [0, 640 KiB) and [1 MiB, @mib), as a PC has. */
static void
boot(u64 mib)
{
	arena_reset(mib * MIB);
	memblock_add(0, 640 << 10);
	memblock_add(MIB, (mib - 1) * MIB);
	memblock_reserve(MIB, MIB);
	page_init();
	memblock_free_all();
	watermark_init(memblock_ram_bytes() >> 10);
}

/* Runs @body in a child: boot state dies with it. */
static void
machine(void (*body)(void))
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child) {
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		body();
		assert_int_equal(page_alloc_check(), 0);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static u64
stock_up(u32 flags)
{
	struct page *page;
	u64 had = stocked;

	while ((page = page_alloc(0, flags | ALLOC_NOWARN))) {
		assert_int_equal(page->kind, PAGE_KERNEL);
		assert_int_equal(atomic_read(&page->refs), 1);
		stock[stocked++] = page;
	}
	return stocked - had;
}

static void
stock_return(u64 n)
{
	assert_true(n <= stocked);
	stocked -= n;
	page_free_batch(stock + stocked, n);
}

static u64
marks(void)
{
	u64 frames = 0;

	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		frames += z->min + z->reserve[ZONE_NORMAL];
	return frames;
}

static void
body_boot(void)
{
	u64 reserved = 0;

	boot(128);
	for (u32 i = 0; i < memblock_reserved.count; i++)
		reserved += (memblock_reserved.range[i].end - memblock_reserved.range[i].base) >> PAGE_SHIFT;
	assert_int_equal(total_pages(), (memblock_ram_bytes() >> PAGE_SHIFT) - reserved);
	assert_int_equal(nr_free_pages(), total_pages());
	assert_true(maps_large == 1 && maps_small == 0);
	assert_int_equal(min_free_kbytes(), 1446);
	assert_int_equal(nodes[0].zones[ZONE_DMA].present, (16 * MIB - (384 << 10)) >> PAGE_SHIFT);
	for (struct zone *z = zone_next(NULL); z; z = zone_next(z))
		assert_true(z->min && z->min <= z->low && z->low <= z->high);
}

static void
body_boot_small(void)
{
	boot(24);
	assert_true(maps_large == 0 && maps_small == 6 * 16);
	assert_int_equal(min_free_kbytes(), 622);
	assert_true(marks() < total_pages() / 20);
}

/* RAM around a hole of 1 GiB, and the last of it not a multiple of 4 MiB. */
static void
body_boot_hole(void)
{
	arena_reset(5UL << 30);
	memblock_add(MIB, 3UL << 30);
	memblock_add(4UL << 30, 333 * MIB + 12345);
	memblock_reach_set(5UL << 30);
	page_init();
	memblock_free_all();
	watermark_init(memblock_ram_bytes() >> 10);
	assert_true(maps_large >= 23 && maps_small < 32 * 16 * 3);
	assert_int_equal(page_alloc_check(), 0);
	assert_true(total_pages() > (3UL << 30 >> PAGE_SHIFT));
}

static void
body_ledger(void)
{
	u64 all;

	boot(64);
	all = nr_free_pages();
	for (u32 i = 0; i < 3000; i++)
		stock[stocked++] = page_alloc(0, ALLOC_KERNEL);
	assert_int_equal(nr_free_pages(), all - 3000);
	assert_int_equal(vmstat_sum(VM_PGALLOC_NORMAL) + vmstat_sum(VM_PGALLOC_DMA), 3000);
	stock_return(3000);
	assert_int_equal(nr_free_pages(), all);
	assert_true(nr_cached_pages() > 0 && nr_cached_pages() == page_list_count(0));
	page_alloc_drain();
	assert_int_equal(nr_cached_pages(), 0);
	assert_int_equal(nr_free_pages(), all);
	assert_int_equal(vmstat_sum(VM_PGFREE), 3000);
}

static void
body_random(void)
{
	struct page *block[512] = {NULL};
	u64 all;

	boot(32);
	all = nr_free_pages();
	for (u32 step = 0; step < 300000; step++) {
		u32 i = host_below(512);

		if (block[i]) {
			if (host_below(2))
				page_put(block[i]);
			else
				page_free(block[i], block[i]->order);
			block[i] = NULL;
		} else {
			u32 order = host_below(8) ? 0 : host_below(6);

			block[i] = page_alloc(order, ALLOC_ATOMIC | ALLOC_NOWARN | (host_below(9) ? 0 : ALLOC_ZERO));
			if (!block[i])
				continue;
			assert_int_equal(block[i]->order, order);
			block[i]->kind = PAGE_KERNEL + host_below(3);
			*(u64 *)page_to_va(block[i]) = step;
		}
		if (step % 5000 == 0)
			assert_int_equal(page_alloc_check(), 0);
	}
	for (u32 i = 0; i < 512; i++)
		if (block[i])
			page_put(block[i]);
	page_alloc_drain();
	assert_int_equal(nr_free_pages(), all);
}

static void
body_marks(void)
{
	boot(24);
	stock_up(ALLOC_KERNEL | ALLOC_NOOOM);
	page_alloc_drain();
	assert_int_equal(nr_free_pages(), marks());
	stock_up(ALLOC_ATOMIC);
	assert_int_equal(nr_free_pages(),
			 nodes[0].zones[0].min / 2 + nodes[0].zones[0].reserve[1] + nodes[0].zones[1].min / 2);
	stock_up(ALLOC_RESERVE);
	assert_int_equal(nr_free_pages(), 0);
	assert_int_equal(kills, 0);
	stock_return(stocked);
}

static void
body_dma(void)
{
	u64 dma;

	boot(64);
	dma = nodes[0].zones[ZONE_DMA].free;
	for (u32 i = 0; i < 2000; i++) {
		struct page *page = page_alloc(0, ALLOC_KERNEL);

		assert_true(page->zone == ZONE_NORMAL);
		stock[stocked++] = page;
	}
	assert_int_equal(nodes[0].zones[ZONE_DMA].free, dma);
	for (u32 i = 0; i < 100; i++) {
		struct page *page = page_alloc(0, ALLOC_KERNEL | ALLOC_DMA);

		assert_true(page_to_pfn(page) < DMA_END_PFN);
		stock[stocked++] = page;
	}
	stock_return(stocked);
}

static bool
victim_found(void)
{
	return true;
}

static void
victim_frees(void)
{
	if (waits >= 3 && stocked >= 200)
		stock_return(200);
}

static void
body_oom(void)
{
	struct page *page;

	boot(24);
	on_kill = victim_found;
	on_wait = victim_frees;
	stock_up(ALLOC_KERNEL | ALLOC_NOOOM);
	assert_int_equal(kills, 0);
	page = page_alloc(0, ALLOC_USER);
	assert_non_null(page);
	assert_true(waits == 3 && kills == 3 && slab_drains > 0);
	page_put(page);
	stock_return(stocked);
}

static void
body_stuck_victim(void)
{
	boot(24);
	on_kill = victim_found;
	stock_up(ALLOC_KERNEL | ALLOC_NOOOM);
	assert_null(page_alloc(0, ALLOC_USER));
	assert_true(waits > 10 && waits < 1000);
	stock_return(stocked);
}

static void
body_dying(void)
{
	struct page *page;

	boot(24);
	on_kill = victim_found;
	stock_up(ALLOC_KERNEL | ALLOC_NOOOM);
	host_task.signal.queue.set = SIGNAL_BIT(SIGKILL);
	assert_true(stock_up(ALLOC_USER) > 10);
	page = page_alloc(0, ALLOC_USER);
	assert_null(page);
	host_task.oom_victim = true;
	assert_true(stock_up(ALLOC_USER) > 10);
	assert_int_equal(nr_free_pages(), 0);
	assert_true(kills == 0 && waits == 0);
	stock_return(stocked);
}

static void
user_alloc(void *arg)
{
	page_alloc(0, ALLOC_USER);
}

static void
body_nobody_to_kill(void)
{
	boot(24);
	stock_up(ALLOC_KERNEL);
	assert_true(kills > 0);
	assert_null(page_alloc(0, ALLOC_KERNEL));
	assert_true(host_dies(user_alloc, NULL));
	stock_return(stocked);
}

static void
body_costly(void)
{
	struct page *page;

	boot(24);
	on_kill = victim_found;
	while ((page = page_alloc(MAX_ORDER, ALLOC_KERNEL)))
		stock[stocked++] = page;
	assert_true(stocked >= 2 && kills == 0);
	while (stocked)
		page_put(stock[--stocked]);
}

static void
free_twice(void *page)
{
	page_free(page, 0);
}

static void
alloc_many(void *arg)
{
	for (u32 i = 0; i < 1000; i++)
		page_alloc(0, ALLOC_KERNEL);
}

static void
body_misuse(void)
{
	struct page *page;

	boot(24);
	page = page_alloc(0, ALLOC_KERNEL);
	page_get(page);
	assert_true(host_dies(free_twice, page));
	page_put(page);
	page_free(page, 0);
	assert_true(host_dies(free_twice, page));
	assert_true(host_dies(free_twice, pfn_to_page(256)));
	page_alloc_drain();
	assert_true(host_dies(free_twice, page));
	*((u8 *)page_to_va(page) + 4095) = 1;
	assert_true(host_dies(alloc_many, NULL));
	*((u64 *)page_to_va(page) + 511) = 0xf4eef4eef4eef4ee;
	alloc_many(NULL);
}

static void
body_injection(void)
{
	u32 failed = 0;

	boot(24);
	fail_inject_every(5);
	for (u32 i = 0; i < 100; i++)
		page_put(page_alloc(0, ALLOC_KERNEL));
	host_task.mm = (struct mm *)8;
	for (u32 i = 0; i < 100; i++) {
		struct page *page = page_alloc(0, ALLOC_USER);

		if (page)
			page_put(page);
		else
			failed++;
	}
	assert_int_equal(failed, 20);
	for (u32 i = 0; i < 100; i++)
		page_put(page_alloc(0, ALLOC_USER | ALLOC_NOINJECT));
}

static void
body_nth(void)
{
	struct page *page;

	boot(24);
	fail_inject_nth(&host_task, 3);
	page_put(page_alloc(0, ALLOC_KERNEL));
	page_put(page_alloc(0, ALLOC_KERNEL | ALLOC_NOINJECT));
	page_put(page_alloc(2, ALLOC_ATOMIC));
	assert_int_equal(host_task.fail_nth, 1);
	page = page_alloc(0, ALLOC_USER);
	assert_null(page);
	assert_int_equal(host_task.fail_nth, 0);
	for (u32 i = 0; i < 100; i++)
		page_put(page_alloc(0, ALLOC_KERNEL));
}

static void
body_give(void)
{
	u64 all;

	boot(24);
	all = total_pages();
	assert_int_equal(page_give(MIB + 1, 3 * PAGE_SIZE), 2);
	assert_int_equal(page_give(MIB, 4 * PAGE_SIZE), 2);
	assert_int_equal(page_give(640 << 10, MIB - (640 << 10)), 0);
	assert_int_equal(total_pages(), all + 4);
	assert_int_equal(nr_free_pages(), all + 4);
}

static void
the_watermark_follows_the_square_root(void **state)
{
	assert_int_equal(watermark_default(0), 128);
	assert_int_equal(watermark_default(24 << 10), 627);
	assert_int_equal(watermark_default(128 << 10), 1448);
	assert_int_equal(watermark_default(1UL << 20), 4096);
	assert_int_equal(watermark_default(1UL << 35), 262144);
}

#define MACHINE_CASE(name, body)       \
	static void name(void **state) \
	{                              \
		machine(body);         \
	}

MACHINE_CASE(boot_gives_every_frame_that_is_not_reserved, body_boot)
MACHINE_CASE(a_machine_of_24_mib_boots, body_boot_small)
MACHINE_CASE(page_structs_skip_a_hole_in_ram, body_boot_hole)
MACHINE_CASE(the_ledger_is_exact, body_ledger)
MACHINE_CASE(random_blocks_come_and_go, body_random)
MACHINE_CASE(each_flag_dips_as_deep_as_it_may, body_marks)
MACHINE_CASE(dma_is_spared_and_served, body_dma)
MACHINE_CASE(a_victim_gives_its_memory_to_who_waits, body_oom)
MACHINE_CASE(a_victim_that_cannot_die_stops_nobody_for_ever, body_stuck_victim)
MACHINE_CASE(the_dying_use_the_reserves_and_then_fail, body_dying)
MACHINE_CASE(with_nobody_to_kill_the_kernel_fails_and_a_program_panics, body_nobody_to_kill)
MACHINE_CASE(nobody_is_killed_for_a_large_block, body_costly)
MACHINE_CASE(misuse_is_caught, body_misuse)
MACHINE_CASE(every_nth_allocation_of_a_program_fails_on_demand, body_injection)
MACHINE_CASE(the_nth_allocation_of_a_task_fails_once, body_nth)
MACHINE_CASE(reserved_frames_can_be_given_later, body_give)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_watermark_follows_the_square_root),
		cmocka_unit_test(boot_gives_every_frame_that_is_not_reserved),
		cmocka_unit_test(a_machine_of_24_mib_boots),
		cmocka_unit_test(page_structs_skip_a_hole_in_ram),
		cmocka_unit_test(the_ledger_is_exact),
		cmocka_unit_test(random_blocks_come_and_go),
		cmocka_unit_test(each_flag_dips_as_deep_as_it_may),
		cmocka_unit_test(dma_is_spared_and_served),
		cmocka_unit_test(a_victim_gives_its_memory_to_who_waits),
		cmocka_unit_test(a_victim_that_cannot_die_stops_nobody_for_ever),
		cmocka_unit_test(the_dying_use_the_reserves_and_then_fail),
		cmocka_unit_test(with_nobody_to_kill_the_kernel_fails_and_a_program_panics),
		cmocka_unit_test(nobody_is_killed_for_a_large_block),
		cmocka_unit_test(misuse_is_caught),
		cmocka_unit_test(every_nth_allocation_of_a_program_fails_on_demand),
		cmocka_unit_test(the_nth_allocation_of_a_task_fails_once),
		cmocka_unit_test(reserved_frames_can_be_given_later),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
