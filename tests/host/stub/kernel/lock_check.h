/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/lock_check.h - the rank checker, for host tests: there is none
 *
 * Idea        A host test has one thread. What is left is CONFIG_DEBUG, which is on.
 * Follow      in place of <kernel/lock_check.h>
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>
#include <kernel/lock_rank.h>

#ifndef CONFIG_DEBUG
#define CONFIG_DEBUG 1
#endif

static inline void
may_sleep(void)
{
}
