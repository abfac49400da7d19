/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_same.h - pages all of one word leave memory without a slot
 *
 *                 leaf --entry (type SWAP_TYPE_SAME, number)--> word        no disk, no swap cache
 *
 * Idea        A page of zeroes, or of any other word, is known by that word. Its leaves get a swap entry that names the
 *             word (word_table.h) in the place of a slot, the frame is free at once, and the fault that meets the entry
 *             fills a frame. To look at a page while programs can write it proves nothing, so its leaves lose their
 *             write bit first: reclaim does that for those of a batch that look the same all over, flushes once, and
 *             looks again. Whoever wants to write meanwhile gets a copy, for reclaim has a reference of its own
 *             (rmap_is_alone), and the page stays as it is.
 * Invariants  I1  The count of a word is the number of leaves, and of places in objects (shmem_same.c), that name it.
 *                                                                                         (mm_check: the sum)
 *             I2  Without an area that is on nothing names a word.
 * Locks       same_lock (RANK_SWAP)
 * Follow      from reclaim_batch.c, swap_leaf.c, swap.c, swapoff.c   to word_table.c
 * Tests       tests/host/word_table_test.c, tests/guest/swapcache.c
 * See         docs/mm.md section 10
 */
#pragma once

#include <mm/swap.h>

struct list;

/*
 * swap_same_freeze - does @page look the same all over? Then its leaves lose the write bit, with @batch
 *
 * Returns   true: after the flush, try swap_same_out
 * Context   the page lock, of an isolated private page; takes map lock, table locks
 */
bool swap_same_freeze(struct page *page, struct tlb_batch *batch);

/*
 * swap_same_out - @page, frozen, and flushed everywhere: entries that name its word in the place of its leaves
 *
 * Returns   true: nobody maps it any more, and nobody but the caller has it; false: it is an ordinary page
 * Context   the page lock; as rmap_swap_out
 */
bool swap_same_out(struct page *page, struct tlb_batch *batch);

/*
 * swap_same_in - a page of the word that @leaf, found in @slot, names; mapped with @bits
 *
 * Returns   0; -EAGAIN: the leaf changed meanwhile; -ENOMEM
 * Context   may sleep; mm->lock of a user of the table
 */
int swap_same_in(pte_t *slot, pte_t leaf, u64 bits, u32 alloc);

/* swap_same_look - is @page all of one word just now? Then *word. Context: any; @page stays. */
bool swap_same_look(const struct page *page, u64 *word);

/* swap_same_hold - one user more of @word, by an entry. False: no area is on, or no memory. Context: no spinlock. */
bool swap_same_hold(u64 word, swap_entry_t *out);

/* swap_same_word - the word that @entry names. Context: something that names it stays; takes same_lock. */
u64 swap_same_word(swap_entry_t entry);

/*
 * swap_same_page - a fresh page of @kind, filled with @word, on no list
 *
 * Returns   the page, or NULL as page_alloc(0, @alloc)
 * Context   as page_alloc
 * Gives     the only reference
 */
struct page *swap_same_page(u64 word, enum page_kind kind, u32 alloc);

/* A leaf more, or a leaf fewer names the word of @entry; how many do. Context: as swap_get. */
void swap_same_get(swap_entry_t entry);
void swap_same_put(swap_entry_t entry);
u32 swap_same_count(swap_entry_t entry);

/* swap_same_users - leaves and places that name words. Context: any; after it, whoever finds no area on adds none. */
u64 swap_same_users(void);

/* Proves the table. Returns the number of violations printed. */
int swap_same_check(void);
