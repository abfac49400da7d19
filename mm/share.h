/* SPDX-License-Identifier: MIT */
/*
 * mm/share.h - leaf tables shared by fork, and parted again by the first write
 *
 * Idea        see share.c
 * Invariants  pagetable.h I1 to I3
 * Locks       mm->lock for writing; the page lock of the table while it is being unshared
 * Follow      from fork.c, fault.c, unmap.c   to rmap.c
 * Tests       tests/host/share_test.c, tests/guest/unshare.c
 * See         docs/mm.md section 5
 */
#pragma once

#include <mm/pagetable.h>
#include <mm/tlb.h>

/*
 * table_share - let @child use the table that the parent's level-2 entry @entry points to, at @child_entry
 *
 * @pool     holds CHAIN_ADD_MAX blocks (rmap_reserve)
 *
 * Context   both mm->lock for writing; no task runs in @child yet. The caller flushes the parent afterwards
 */
void table_share(pte_t *entry, struct mm *child, pte_t *child_entry, struct chain_pool *pool);

/*
 * table_unshare - make the table that maps @va the only property of @mm; nothing when there is none
 *
 * Returns   0, -ENOMEM
 * Context   may sleep; mm->lock for writing; takes the table's page lock
 */
int table_unshare(struct mm *mm, u64 va);

/* table_unshare_range - the same for every table that reaches into [start, end). Returns, Context: likewise. */
int table_unshare_range(struct mm *mm, u64 start, u64 end);

/*
 * table_claim - give the level-2 entry of a table that has one user left its write bit back
 *
 * Returns   true; false when others use the table: unshare it
 * Context   mm->lock in either way
 */
bool table_claim(struct mm *mm, pte_t *entry);

/*
 * table_release - @mm stops using the table behind @entry, which is emptied; the last user's leaves go too
 *
 * Context   mm->lock for writing, or nobody uses @mm any more. Unless the entry is filled again: pagetable_prune
 *           follows
 * Gives     pages, and the table, to @batch, which may be flushed on the way
 */
void table_release(struct mm *mm, pte_t *entry, struct tlb_batch *batch);
