/* SPDX-License-Identifier: MIT */
/*
 * mm/shmem_item.h - a page of an object changes its place: inside shmem*.c only
 *
 * Idea        see shmem.c
 * Invariants  none of its own
 * Locks       object->lock, map lock
 * Follow      from shmem.c, shmem_same.c
 * Tests       tests/guest/tmpswap.c
 * See         docs/mm.md section 10
 */
#pragma once

#include <mm/shmem.h>
#include <mm/swap.h>

/* shmem_object_trylock - the object of @page, locked; NULL: it has none any more, or its lock is busy. */
struct pagecache *shmem_object_trylock(struct page *page);

/* shmem_page_become - @page, unmapped, is known as (@object, @index) from now on. Context: the lock of its object. */
void shmem_page_become(struct page *page, enum page_kind kind, struct pagecache *object, u64 index);

/*
 * shmem_same_out - an entry that names the one word of @page takes its place in the object
 *
 * Returns   true: only the caller has the page now; false: it is an ordinary page, and nothing was changed
 * Context   as shmem_swap_out
 */
bool shmem_same_out(struct page *page);

/*
 * shmem_same_in - a page of the word that @item, found at @index, names; in its place
 *
 * Returns   0 and the page; -EAGAIN: the item has gone meanwhile; -ENOMEM
 * Context   may sleep; the caller keeps @object alive
 * Gives     a reference to the page
 */
int shmem_same_in(struct pagecache *object, u64 index, const void *item, u32 alloc, struct page **out);
