/* SPDX-License-Identifier: MIT */
/*
 * tests/host/fault_test.c - the table at the head of fault.c
 *
 * Idea        fault_classify for all combinations of entry, rights, sharing, object and access against the table,
 *             written down here a second time. Then each row as a program meets it: what it reads, which frame it gets,
 *             what is counted.
 * Follow      from machine_one.h   to mm/fault.c
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#define MACHINE_FRAMES 400
#include "machine_one.h"

#include <mm/vmstat.h>

static enum fault_kind
by_the_table(pte_t entry, u32 vm_flags, bool has_object, u32 access)
{
	bool allowed = access & FAULT_WRITE  ? vm_flags & VM_WRITE
		       : access & FAULT_EXEC ? vm_flags & VM_EXEC
					     : vm_flags & (VM_READ | VM_WRITE | VM_EXEC);

	if (!allowed)
		return FAULT_KIND_DENY;
	if (!entry.value)
		return has_object ? FAULT_KIND_FILE : FAULT_KIND_ZERO;
	if (!(entry.value & (PTE_PRESENT | PTE_HELD)))
		return FAULT_KIND_SWAP;
	if (!(access & FAULT_WRITE) || (entry.value & PTE_WRITE))
		return FAULT_KIND_SPURIOUS;
	return vm_flags & VM_SHARED ? FAULT_KIND_FILE : FAULT_KIND_COW;
}

static void
classify_follows_the_table(void **state)
{
	static const u64 entries[] = {
		0,
		PTE_PRESENT | PTE_USER,
		PTE_PRESENT | PTE_USER | PTE_NX,
		PTE_PRESENT | PTE_USER | PTE_WRITE,
		PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED,
		PTE_HELD | PTE_NX,
		3UL << 2, /* a swap entry: area 3 */
	};
	u32 seen[FAULT_KIND_SPURIOUS + 1] = {0};

	for (u32 e = 0; e < ARRAY_SIZE(entries); e++)
		for (u32 flags = 0; flags < 16; flags++) /* READ, WRITE, EXEC, SHARED */
			for (u32 object = 0; object < 2; object++)
				for (u32 access = 1; access < 16; access++) {
					pte_t entry = {entries[e] ? entries[e] | 5UL << PAGE_SHIFT : 0};
					enum fault_kind kind = fault_classify(entry, flags, object, access);

					assert_int_equal(kind, by_the_table(entry, flags, object, access));
					seen[kind]++;
				}
	for (u32 kind = 0; kind <= FAULT_KIND_SPURIOUS; kind++)
		assert_true(seen[kind] > 0);
}

static u64
frame_of(u64 va)
{
	return pte_pfn(user_leaf(mm, va));
}

static void
deny_nothing_mapped(void **state)
{
	assert_int_equal(user_touch(mm, USER_AT, FAULT_READ), FAULT_SEGV_MAP);
	assert_int_equal(user_touch(mm, 0, FAULT_WRITE), FAULT_SEGV_MAP);
	assert_int_equal(fault_handle(mm, ~0UL, FAULT_READ), FAULT_SEGV_MAP);
	assert_int_equal(fault_handle(mm, DIRECT_BASE, FAULT_WRITE), FAULT_SEGV_MAP);
	user_anon(mm, USER_AT, 1, RW);
	assert_int_equal(user_touch(mm, USER_AT - 8, FAULT_READ), FAULT_SEGV_MAP);
	assert_int_equal(user_touch(mm, USER_AT + PAGE_SIZE, FAULT_READ), FAULT_SEGV_MAP);
}

static void
deny_by_rights(void **state)
{
	static const u32 accesses[] = {FAULT_READ, FAULT_WRITE, FAULT_EXEC};

	for (u32 prot = 0; prot < 8; prot++) {
		user_anon(mm, USER_AT, 1, prot);
		for (u32 i = 0; i < 3; i++) {
			bool want = accesses[i] == FAULT_READ
					    ? prot
					    : prot & (accesses[i] == FAULT_WRITE ? PROT_WRITE : PROT_EXEC);

			assert_int_equal(user_touch(mm, USER_AT, accesses[i]), want ? FAULT_OK : FAULT_SEGV_ACC);
		}
	}
}

static void
zero_read_maps_the_zero_frame(void **state)
{
	u64 free;

	user_anon(mm, USER_AT, 3, RW);
	assert_int_equal(user_read(mm, USER_AT), 0);
	free = machine_free_frames();
	assert_int_equal(user_read(mm, USER_AT + PAGE_SIZE), 0);
	assert_int_equal(machine_free_frames(), free);
	assert_int_equal(frame_of(USER_AT), page_to_pfn(zero_frame));
	assert_false(pte_has(user_leaf(mm, USER_AT), PTE_WRITE));
	assert_int_equal(mm_rss(mm), 0);
}

static void
zero_write_maps_a_frame_of_its_own(void **state)
{
	user_anon(mm, USER_AT, 2, RW);
	assert_int_equal(user_write(mm, USER_AT + 8, 5), FAULT_OK);
	assert_int_equal(user_read(mm, USER_AT), 0);
	assert_int_equal(user_read(mm, USER_AT + 8), 5);
	assert_int_equal(mm_rss(mm), 1);
	assert_true(pte_has(user_leaf(mm, USER_AT), PTE_WRITE | PTE_DIRTY | PTE_ACCESSED | PTE_NX));
}

static void
cow_leaves_the_zero_frame(void **state)
{
	user_anon(mm, USER_AT, 1, RW);
	assert_int_equal(user_read(mm, USER_AT), 0);
	assert_int_equal(user_write(mm, USER_AT, 5), FAULT_OK);
	assert_int_not_equal(frame_of(USER_AT), page_to_pfn(zero_frame));
	assert_int_equal(*(u64 *)page_to_va(zero_frame), 0);
	assert_int_equal(mm_rss(mm), 1);
}

static void
file_shared_is_one_frame_for_all(void **state)
{
	struct pagecache *object = user_object(PAGE_SHMEM, 3, 70);
	struct mm *other = user_fork(mm);
	struct page *page;

	user_map(mm, USER_AT, 3, RW, MAP_SHARED | MAP_FIXED, object, 0);
	user_map(other, USER_AT, 2, RW, MAP_SHARED | MAP_FIXED, object, 1);
	assert_int_equal(user_read(mm, USER_AT + PAGE_SIZE), 71);
	assert_false(pte_has(user_leaf(mm, USER_AT + PAGE_SIZE), PTE_WRITE)); /* the first write is noticed */
	assert_int_equal(user_write(mm, USER_AT + PAGE_SIZE, 5), FAULT_OK);
	assert_int_equal(mm->rss[RSS_SHMEM].value, 1);
	mm_activate(other);
	assert_int_equal(user_read(other, USER_AT), 5);
	assert_int_equal(user_write(other, USER_AT, 6), FAULT_OK);
	page = pagecache_find(object, 1);
	assert_int_equal(page->mapcount, 2);
	assert_int_equal(*(u64 *)page_to_va(page), 6);
	page_put(page);
	assert_int_equal(mm_check(), 0);
	mm_activate(mm);
	user_destroy(other);
	pagecache_put(object);
}

static void
file_private_is_copied_by_a_write(void **state)
{
	struct pagecache *object = user_object(PAGE_FILE, 2, 70);

	user_map(mm, USER_AT, 2, RW, MAP_PRIVATE | MAP_FIXED, object, 0);
	assert_int_equal(user_read(mm, USER_AT), 70);
	assert_int_equal(mm->rss[RSS_FILE].value, 1);
	assert_int_equal(user_write(mm, USER_AT, 1), FAULT_OK);                 /* FILE, then COW */
	assert_int_equal(user_write(mm, USER_AT + PAGE_SIZE + 8, 2), FAULT_OK); /* FILE with a write: at once */
	assert_int_equal(user_read(mm, USER_AT + PAGE_SIZE), 71);
	assert_int_equal(mm->rss[RSS_FILE].value, 0);
	assert_int_equal(mm->rss[RSS_ANON].value, 2);
	for (u64 i = 0; i < 2; i++) {
		struct page *page = pagecache_find(object, i);

		assert_int_equal(*(u64 *)page_to_va(page), 70 + i);
		assert_int_equal(page->mapcount, 0);
		page_put(page);
	}
	pagecache_put(object);
}

static void
file_past_the_end_is_a_bus_error(void **state)
{
	struct pagecache *object = user_object(PAGE_SHMEM, 1, 0);

	pagecache_set_size(object, PAGE_SIZE + 1);
	user_map(mm, USER_AT, 4, RW, MAP_SHARED | MAP_FIXED, object, 0);
	assert_int_equal(user_touch(mm, USER_AT + PAGE_SIZE, FAULT_READ), FAULT_OK);
	assert_int_equal(user_touch(mm, USER_AT + 2 * PAGE_SIZE, FAULT_READ), FAULT_BUS);
	assert_int_equal(user_touch(mm, USER_AT + 3 * PAGE_SIZE, FAULT_WRITE), FAULT_BUS);
	pagecache_put(object);
}

static void
spurious_is_proved_and_forgotten(void **state)
{
	user_anon(mm, USER_AT, 1, RW);
	user_write(mm, USER_AT, 1);
	assert_true(machine_tlb_has(USER_AT));
	assert_int_equal(fault_handle(mm, USER_AT, FAULT_WRITE | FAULT_USER), FAULT_OK);
	assert_false(machine_tlb_has(USER_AT));
}

static void
a_kind_is_foreseen(void **state)
{
	assert_int_equal(fault_foresee(mm, USER_AT, FAULT_READ), FAULT_KIND_DENY);
	user_anon(mm, USER_AT, 2, RW);
	assert_int_equal(fault_foresee(mm, USER_AT - 8, FAULT_READ), FAULT_KIND_DENY);
	assert_int_equal(fault_foresee(mm, USER_AT, FAULT_EXEC), FAULT_KIND_DENY);
	assert_int_equal(fault_foresee(mm, USER_AT + 5, FAULT_WRITE), FAULT_KIND_ZERO);
	user_read(mm, USER_AT);
	assert_int_equal(fault_foresee(mm, USER_AT, FAULT_WRITE), FAULT_KIND_COW);
	user_write(mm, USER_AT, 1);
	assert_int_equal(fault_foresee(mm, USER_AT, FAULT_WRITE), FAULT_KIND_SPURIOUS);
	assert_int_equal(fault_foresee(mm, USER_AT + PAGE_SIZE, FAULT_READ), FAULT_KIND_ZERO);
}

static void
break_a_leaf(void *arg)
{
	pte_t *slot = pagetable_walk(mm, USER_AT).slot;

	*slot = pte_del(*slot, PTE_USER);
	fault_handle(mm, USER_AT, FAULT_READ);
}

static void
spurious_panics_when_the_entry_forbids(void **state)
{
	user_anon(mm, USER_AT, 1, RW);
	user_write(mm, USER_AT, 1);
	assert_true(host_dies(break_a_leaf, NULL));
}

static void
without_memory_the_access_fails_and_succeeds_later(void **state)
{
	struct pagecache *object = user_object(PAGE_SHMEM, 1, 9);

	user_anon(mm, USER_AT, 1, RW);
	user_map(mm, USER_AT + PAGE_SIZE, 2, RW, MAP_SHARED | MAP_FIXED, object, 0);
	pagecache_set_size(object, 2 * PAGE_SIZE);
	for (u32 n = 1; n < 4; n++)
		for (u32 i = 0; i < 3; i++) {
			enum fault_result result;

			machine_fail_every(n);
			result = user_write(mm, USER_AT + i * PAGE_SIZE, n);
			machine_fail_every(0);
			assert_true(result == FAULT_OK || result == FAULT_OOM);
			assert_int_equal(mm_check(), 0);
		}
	assert_int_equal(fault_populate(mm, USER_AT, USER_AT + 3 * PAGE_SIZE, FAULT_WRITE), 0);
	assert_int_equal(fault_populate(mm, USER_AT, USER_AT + 4 * PAGE_SIZE, FAULT_READ), -EFAULT);
	pagecache_put(object);
}

/* Threads of one address space touch the same pages for the first time. */
static void
touch_all(u32 cpu)
{
	mm_activate(mm);
	for (u32 i = 0; i < 16; i++)
		assert_int_equal(user_write(mm, USER_AT + i * PAGE_SIZE + cpu * 8, cpu + 1), FAULT_OK);
}

static void
threads_fault_on_the_same_pages(void **state)
{
	for (u32 n = 0; n < 100; n++) {
		user_anon(mm, USER_AT, 16, RW);
		if (n % 2)
			for (u32 i = 0; i < 16; i++)
				user_read(mm, USER_AT + i * PAGE_SIZE); /* the zero frame: all copy */
		machine_run(MACHINE_CPUS, touch_all);
		for (u32 i = 0; i < 16; i++)
			for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++)
				assert_int_equal(user_read(mm, USER_AT + i * PAGE_SIZE + cpu * 8), cpu + 1);
		assert_int_equal(mm_rss(mm), 16);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classify_follows_the_table),
		CASE(deny_nothing_mapped),
		CASE(deny_by_rights),
		CASE(zero_read_maps_the_zero_frame),
		CASE(zero_write_maps_a_frame_of_its_own),
		CASE(cow_leaves_the_zero_frame),
		CASE(file_shared_is_one_frame_for_all),
		CASE(file_private_is_copied_by_a_write),
		CASE(file_past_the_end_is_a_bus_error),
		CASE(spurious_is_proved_and_forgotten),
		CASE(a_kind_is_foreseen),
		CASE(spurious_panics_when_the_entry_forbids),
		CASE(without_memory_the_access_fails_and_succeeds_later),
		CASE(threads_fault_on_the_same_pages),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
