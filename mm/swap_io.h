/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_io.h - pages on their way to and from slots
 *
 * Idea        see swap_io.c
 * Invariants  see swap_io.c
 * Locks       see swap_io.c
 * Follow      from reclaim.c, swap_cache.c   to swap_device_ops
 * Tests       tests/guest/swap.c
 */
#pragma once

#include <mm/swap.h>

extern u32 swap_page_cluster; /* vm.page-cluster: a read brings up to 2^this slots (swap_window.h); written whole */

/*
 * swap_read_around - read @page, which stands for @entry, and neighbours of the slot that somebody may want soon
 *
 * Context   may sleep for room on the device
 * Takes     the page lock: it goes when the disk has answered, with PG_ERROR set if in vain
 */
void swap_read_around(swap_entry_t entry, struct page *page);

/*
 * swap_write_begin, swap_write, swap_write_end - write pages of the cache to their slots, neighbours together
 *
 * A page has PG_WRITEBACK until it is written; PG_DIRTY is cleared, and set again if in vain. Then it is on the list
 * that swap_written_take() returns.
 *
 * Context   may sleep for room on the device
 * Takes     (swap_write) the page lock, and one reference, which swap_written_take() gives back
 */
struct swap_write {
	struct swap_io *io; /* being filled, or NULL */
};

void swap_write_begin(struct swap_write *w);
void swap_write(struct swap_write *w, struct page *page);
void swap_write_end(struct swap_write *w);

/* swap_write_wait - sleep until @page is not being written any more. Context: may sleep; the page lock. */
void swap_write_wait(struct page *page);

/* swap_ra_hit - @page was wanted; if it was read ahead, the window may grow. Context: any. */
void swap_ra_hit(struct page *page);

/* Pages that were handed to swap_write and are not written yet. Context: any. */
u32 swap_writes_flying(void);

/* swap_written_take - all pages that were written since the last call, linked by page->link, onto @out. */
void swap_written_take(struct list *out);

/* swap_written_wait - sleep until something was written, or nothing is flying, or @deadline_ns. Context: may sleep. */
void swap_written_wait(u64 deadline_ns);
