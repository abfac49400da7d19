/* SPDX-License-Identifier: MIT */
/*
 * tests/host/machine_user.h - address spaces for tests on the fake machine, and what programs in them do
 *
 * Idea        Short words for the tests: user_create, user_map, user_write ...
 * Follow      from fault_test.c, share_test.c, ...   to machine.h
 */
#pragma once

#include <kernel/lib/errno.h>
#include <mm/check.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/pagecache.h>
#include <mm/pagetable.h>

#include "machine.h"

#undef assert

#define USER_AT 0x40000000UL /* a border of tables of all levels but the root */
#define RW (PROT_READ | PROT_WRITE)

/* An address space without limits, active on this CPU. Gives: two uses; user_destroy takes both. */
__attribute__((unused)) static struct mm *
user_create(void)
{
	struct mm *mm = mm_create();

	assert_non_null(mm);
	mm->as_limit = mm->data_limit = ~0UL;
	mm->lock_limit = ~0UL;
	mm->stack_limit = 8 << 20;
	mm->mmap_top = USER_TOP - (16UL << 20);
	mm_activate(mm);
	return mm;
}

/* No CPU uses @mm any more. */
__attribute__((unused)) static void
user_destroy(struct mm *mm)
{
	u32 cpu = machine_cpu();

	for (u32 i = 0; i < MACHINE_CPUS; i++) {
		machine_on(i);
		if (mm->cpus & BIT(i))
			mm_activate(NULL);
	}
	machine_on(cpu);
	mm_put(mm);
}

__attribute__((unused)) static struct mm *
user_fork(struct mm *mm)
{
	struct mm *child;

	assert_int_equal(mm_fork(mm, &child), 0);
	return child;
}

/* @object NULL: anonymous. */
__attribute__((unused)) static s64
user_map(struct mm *mm, u64 addr, u64 pages, u32 prot, u32 flags, struct pagecache *object, u64 pgoff)
{
	struct mmap_request r = {
		.addr = addr,
		.len = pages << PAGE_SHIFT,
		.prot = prot,
		.flags = flags,
		.object = object,
		.pgoff = pgoff,
		.may_write = true,
	};

	return do_mmap(mm, &r);
}

/* Private anonymous memory of @pages pages at exactly @addr. */
__attribute__((unused)) static void
user_anon(struct mm *mm, u64 addr, u64 pages, u32 prot)
{
	assert_int_equal(user_map(mm, addr, pages, prot, MAP_PRIVATE | MAP_FIXED, NULL, 0), addr);
}

__attribute__((unused)) static enum fault_result
user_write(struct mm *mm, u64 va, u64 value)
{
	return machine_access(mm, va, FAULT_WRITE, &value);
}

__attribute__((unused)) static enum fault_result
user_touch(struct mm *mm, u64 va, u32 access)
{
	u64 value = 0;

	return machine_access(mm, va, access, &value);
}

/* What stands at @va, which must be readable. */
__attribute__((unused)) static u64
user_read(struct mm *mm, u64 va)
{
	u64 value = ~0UL;

	assert_int_equal(machine_access(mm, va, FAULT_READ, &value), FAULT_OK);
	return value;
}

/* The leaf of @va; 0 without a table. */
__attribute__((unused)) static pte_t
user_leaf(struct mm *mm, u64 va)
{
	pte_t *slot = pagetable_walk(mm, va).slot;

	return slot ? *slot : (pte_t){0};
}

/* An object of @pages pages; the first word of page i is @first + i. Gives: one reference. */
__attribute__((unused)) static struct pagecache *
user_object(u8 kind, u64 pages, u64 first)
{
	struct pagecache *object = pagecache_create(kind);

	assert_non_null(object);
	pagecache_set_size(object, pages << PAGE_SHIFT);
	for (u64 i = 0; i < pages; i++) {
		struct page *page;

		assert_int_equal(pagecache_get_page(object, i, &page), 0);
		*(u64 *)page_to_va(page) = first + i;
		page_put(page);
	}
	return object;
}
