/* SPDX-License-Identifier: MIT */
/*
 * mm/truncate.h - private copies of what a file has no longer
 *
 * Idea        see truncate.c
 * Invariants  none of its own
 * Locks       takes one mm->lock after the other
 * Follow      from pagecache_drop.c   to truncate.c
 * Tests       tests/host/pagecache_test.c, tests/guest/truncate.c
 * See         docs/mm.md section 6
 */
#pragma once

#include <kernel/lib/types.h>

struct pagecache;

/*
 * truncate_copies - take from every program its private copies of the pages of @object from @first on
 *
 * Context   may sleep; holds no mm->lock. The size of @object says already that these pages do not exist
 */
void truncate_copies(struct pagecache *object, u64 first);
