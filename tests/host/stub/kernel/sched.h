/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/sched.h - giving way, on the machine of the host tests
 *
 * Idea        Coroutines for CPUs: any point may be one where another runs (machine.h).
 * Follow      from mm/reclaim.c
 */
#pragma once

#include <kernel/wait.h>

static inline void
schedule(void)
{
	(void)cond_resched();
}
