/* SPDX-License-Identifier: MIT */
/*
 * tests/host/rmap_test.c - the door through which leaves change
 *
 * Idea        Each function of rmap.h by itself: what it changes when the leaf is as expected, that it changes nothing
 *             when it is not, and what is counted. Then pages with many mappers, taken away from the page's side while
 *             CPUs map and unmap them.
 * Follow      from machine.h   to mm/rmap.c
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#include "machine_user.h"

#include <mm/page_alloc.h>
#include <mm/rmap.h>
#include <mm/vmstat.h>

#define MAPPERS 40
#define LEAF (PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_WRITE | PTE_NX)

static struct mm *mm;
static struct pagecache *object;

static int
setup(void **state)
{
	machine_start(500, host_random());
	mm = user_create();
	user_anon(mm, USER_AT, 512, RW);
	assert_int_equal(pagetable_extend(mm, USER_AT, 1), 0);
	return 0;
}

static int
teardown(void **state)
{
	assert_int_equal(mm_check(), 0);
	user_destroy(mm);
	machine_stop();
	return 0;
}

static pte_t *
slot(u32 i)
{
	return pagetable_walk(mm, USER_AT + i * PAGE_SIZE).slot;
}

static struct page *
anon_page(void)
{
	struct page *page = page_alloc(0, ALLOC_USER | ALLOC_ZERO);

	page_become_user(page, PAGE_ANON, NULL, 0);
	return page;
}

static struct chain_pool none;

static void
map_takes_the_reference_and_counts(void **state)
{
	struct page *page = anon_page();

	assert_true(rmap_map(slot(3), page, LEAF, &none));
	assert_int_equal(slot(3)->value, pte_make(page_to_pfn(page), LEAF).value);
	assert_int_equal(page->mapcount, 1);
	assert_int_equal(page->rmap.head, (u64)slot(3));
	assert_int_equal(slot_va(slot(3)), USER_AT + 3 * PAGE_SIZE);
	assert_int_equal(atomic_read(&page->refs), 1);
	assert_int_equal(mm_rss(mm), 1);
	assert_int_equal(vmstat_sum(VM_NR_ANON_PAGES), 1);
}

static void
map_leaves_a_taken_leaf_alone(void **state)
{
	struct page *page = anon_page(), *second = anon_page();

	assert_true(rmap_map(slot(0), page, LEAF, &none));
	assert_false(rmap_map(slot(0), second, LEAF, &none));
	assert_false(rmap_map_zero(slot(0), LEAF));
	assert_ptr_equal(leaf_page(*slot(0)), page);
	assert_int_equal(second->mapcount, 0);
	page_put(second);
	assert_true(rmap_map_zero(slot(1), LEAF));
	assert_false(pte_has(*slot(1), PTE_WRITE));
	assert_false(rmap_map_zero(slot(1), LEAF));
}

static void
map_refuses_a_page_that_left_its_object(void **state)
{
	struct pagecache *o = user_object(PAGE_SHMEM, 1, 0);
	struct page *page = pagecache_find(o, 0);

	pagecache_set_size(o, 0);
	assert_null(page->object);
	assert_false(rmap_map(slot(0), page, LEAF, &none));
	assert_true(pte_none(*slot(0)));
	page_put(page);
	pagecache_put(o);
}

static void
replace_changes_frames_in_one_step(void **state)
{
	struct page *old = anon_page(), *new = anon_page(), *third = anon_page();
	u64 flushes;
	pte_t before;

	rmap_map(slot(0), old, LEAF, &none);
	before = *slot(0);
	user_read(mm, USER_AT);
	assert_true(machine_tlb_has(USER_AT));
	flushes = machine_flushes();
	assert_true(rmap_replace(slot(0), pte_del(before, PTE_ACCESSED), old, new, LEAF));
	assert_true(machine_flushes() > flushes && !machine_tlb_has(USER_AT));
	assert_ptr_equal(leaf_page(*slot(0)), new);
	assert_int_equal(old->mapcount, 0);
	assert_int_equal(atomic_read(&old->refs), 1); /* ours now */
	page_put(old);
	assert_false(rmap_replace(slot(0), before, old, third, LEAF));
	assert_ptr_equal(leaf_page(*slot(0)), new);
	page_put(third);
	assert_int_equal(mm_rss(mm), 1);
}

static void
writable_only_for_the_last_owner(void **state)
{
	struct page *page = anon_page();
	pte_t before;

	rmap_map(slot(0), page, LEAF & ~PTE_WRITE, &none);
	before = *slot(0);
	page_get(page); /* somebody looks at it: a copy, or a mapping that is being flushed */
	assert_false(rmap_make_writable(slot(0), before, false));
	page_put(page);
	assert_true(rmap_make_writable(slot(0), before, false));
	assert_true(pte_has(*slot(0), PTE_WRITE | PTE_DIRTY));
	assert_false(rmap_make_writable(slot(0), before, false)); /* the leaf changed */
	assert_null(rmap_get(slot(0), before));
	assert_ptr_equal(rmap_get(slot(0), *slot(0)), page);
	page_put(page);
}

static void
protect_narrows_and_widens(void **state)
{
	struct page *own = anon_page(), *seen = anon_page();
	struct page *table = slot_table(slot(0));

	rmap_map(slot(0), own, LEAF, &none);
	rmap_map(slot(1), seen, LEAF & ~PTE_WRITE, &none);
	page_get(seen);
	rmap_map_zero(slot(2), LEAF);
	assert_true(rmap_protect(table, 0, 4, leaf_bits(VM_READ)));
	assert_false(pte_has(*slot(0), PTE_WRITE));
	assert_false(rmap_protect(table, 0, 4, leaf_bits(VM_READ)));
	assert_false(rmap_protect(table, 0, 4, leaf_bits(VM_READ | VM_WRITE)));
	assert_true(pte_has(*slot(0), PTE_WRITE));
	assert_false(pte_has(*slot(1), PTE_WRITE)); /* somebody else has it: the next write decides */
	assert_false(pte_has(*slot(2), PTE_WRITE)); /* nor may anyone write the zero frame */
	assert_true(rmap_protect(table, 0, 4, leaf_bits(0)));
	for (u32 i = 0; i < 3; i++)
		assert_true(!pte_present(*slot(i)) && leaf_has_frame(*slot(i)));
	assert_true(pte_none(*slot(3)));
	assert_int_equal(mm_rss(mm), 2);
	assert_false(rmap_protect(table, 0, 4, leaf_bits(VM_READ | VM_EXEC)));
	assert_false(pte_has(*slot(0), PTE_NX));
	page_put(seen);
}

static void
zap_empties_more_than_a_batch(void **state)
{
	struct page *table = slot_table(slot(0));
	u64 free = machine_free_frames();
	struct tlb_batch batch;

	for (u32 i = 0; i < 300; i++)
		assert_true(rmap_map(slot(i), anon_page(), LEAF, &none));
	rmap_map_zero(slot(300), LEAF);
	tlb_batch_init(&batch);
	rmap_zap(table, 10, 301, &batch);
	tlb_batch_flush(&batch);
	assert_int_equal(machine_free_frames(), free - 10);
	assert_int_equal(table->counts[RSS_ANON], 10);
	assert_int_equal(table->other, 0);
}

/* Objects whose pages MAPPERS places map, in three address spaces and two generations. */
static void
unmap_all_finds_every_slot(void **state)
{
	struct pagecache *o = user_object(PAGE_SHMEM, 2, 5);
	struct page *page = pagecache_find(o, 1);
	struct mm *other;
	struct tlb_batch batch;

	for (u32 i = 0; i < MAPPERS; i++) {
		user_map(mm, USER_AT + i * 2 * PAGE_SIZE, 2, RW, MAP_SHARED | MAP_FIXED, o, 0);
		assert_int_equal(user_read(mm, USER_AT + (i * 2 + 1) * PAGE_SIZE), 6);
	}
	assert_int_equal(page->mapcount, MAPPERS);
	other = user_fork(mm);
	mm_activate(other);
	user_write(other, USER_AT, 1);
	assert_int_equal(page->mapcount, 2 * MAPPERS);
	tlb_batch_init(&batch);
	rmap_unmap_all(page, &batch);
	assert_true(page->mapcount == 0 && page->rmap.head == 0);
	tlb_batch_flush(&batch);
	assert_int_equal(atomic_read(&page->refs), 2); /* the object's and ours */
	page_put(page);
	assert_int_equal(user_read(other, USER_AT + PAGE_SIZE), 6); /* it is only unmapped */
	mm_activate(mm);
	user_destroy(other);
	pagecache_put(o);
}

static void
map_or_unmap(u32 cpu)
{
	struct tlb_batch batch;

	if (cpu) {
		mm_activate(mm);
		for (u32 i = 0; i < 30; i++)
			user_touch(mm, USER_AT + host_below(60) * PAGE_SIZE, cpu == 1 ? FAULT_WRITE : FAULT_READ);
		return;
	}
	for (u32 i = 0; i < 10; i++) {
		struct page *page = pagecache_find(object, host_below(4));

		tlb_batch_init(&batch);
		rmap_unmap_all(page, &batch);
		tlb_batch_flush(&batch);
		page_put(page);
	}
}

static void
unmap_all_meets_faults(void **state)
{
	object = user_object(PAGE_SHMEM, 4, 7);
	for (u32 i = 0; i < 15; i++)
		user_map(mm, USER_AT + i * 4 * PAGE_SIZE, 4, RW, MAP_SHARED | MAP_FIXED, object, 0);
	machine_speculate(USER_AT, USER_AT + 60 * PAGE_SIZE);
	for (u32 n = 0; n < 200; n++) {
		machine_run(4, map_or_unmap);
		assert_int_equal(mm_check(), 0);
	}
	pagecache_put(object);
}

static void
corrupt_a_leaf(void *arg)
{
	struct page *page = anon_page();

	rmap_map(slot(0), page, LEAF, &none);
	if (arg)
		*slot(0) = (pte_t){0};
	else
		page->mapcount++;
	_exit(mm_check() ? 0 : 1);
}

static bool
check_notices(void *arg)
{
	int status;
	pid_t child = fork();

	if (!child) {
		fclose(stderr);
		corrupt_a_leaf(arg);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void
the_check_notices_corruption(void **state)
{
	fflush(NULL);
	assert_true(check_notices(NULL));
	assert_true(check_notices(""));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(map_takes_the_reference_and_counts),
		CASE(map_leaves_a_taken_leaf_alone),
		CASE(map_refuses_a_page_that_left_its_object),
		CASE(replace_changes_frames_in_one_step),
		CASE(writable_only_for_the_last_owner),
		CASE(protect_narrows_and_widens),
		CASE(zap_empties_more_than_a_batch),
		CASE(unmap_all_finds_every_slot),
		CASE(unmap_all_meets_faults),
		CASE(the_check_notices_corruption),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
