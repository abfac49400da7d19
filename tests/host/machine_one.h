/* SPDX-License-Identifier: MIT */
/*
 * tests/host/machine_one.h - cases about one address space
 *
 * Idea        Each case has a machine of MACHINE_FRAMES frames, which the test defines before, and one address space,
 *             mm. After it the books are right, nothing is locked in memory, and the machine has its frames back.
 * Follow      from fault_test.c, madvise_test.c, mlock_test.c, mmap_test.c, mremap_test.c   to machine_user.h
 */
#pragma once

#include <mm/vmstat.h>

#include "machine_user.h"

static struct mm *mm;

static int
setup(void **state)
{
	machine_start(MACHINE_FRAMES, host_random());
	mm = user_create();
	return 0;
}

static int
teardown(void **state)
{
	assert_int_equal(mm_check(), 0);
	user_destroy(mm);
	assert_int_equal(vmstat_sum(VM_NR_MLOCK), 0);
	machine_stop();
	return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
