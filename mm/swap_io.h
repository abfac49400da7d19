/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_io.h - pages on their way to and from slots
 *
 * Idea        see swap_io.c
 * Invariants  see swap_io.c
 * Locks       see swap_io.c
 * Follow      from reclaim_batch.c, swap_cache.c   to swap_device_ops
 * Tests       tests/guest/swap.c
 */
#pragma once

#include <mm/swap.h>

extern u32 swap_page_cluster; /* vm.page-cluster: a read brings up to 2^this slots (swap_window.h); written whole */

/*
 * swap_read_around - read @page, which stands for @entry, and neighbours of the slot that somebody may want soon
 *
 * swap_read_alone - likewise, without neighbours: an error is the page's own then
 *
 * Context   may sleep for room on the device
 * Takes     the page lock: it goes when the disk has answered, with PG_ERROR set if in vain
 */
void swap_read_around(swap_entry_t entry, struct page *page);
void swap_read_alone(swap_entry_t entry, struct page *page);

/*
 * swap_write_begin, swap_write, swap_write_end - write pages of the cache to their slots, neighbours together
 *
 * A page has PG_WRITEBACK until it is written. Then it is on the list that swap_written_take() returns. If that was in
 * vain, it goes to swap_mend.c, which sets PG_DIRTY again: memory has the only copy.
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

/*
 * swap_write_alone - write @page, whose writing failed, once more and by itself
 *
 * Returns   0, -EIO or another error of the device
 * Context   may sleep; @page has PG_WRITEBACK; one caller at a time
 */
int swap_write_alone(struct page *page);

/*
 * swap_write_done - @page was written after all
 * swap_write_gave_up - @n pages will not be written: they are no longer flying
 *
 * Context   any
 * Takes     (done) the reference that swap_write got, for swap_written_take()
 */
void swap_write_done(struct page *page);
void swap_write_gave_up(u32 n);

/* swap_written_take - all pages that were written since the last call, linked by page->link, onto @out. */
void swap_written_take(struct list *out);

/* swap_written_wait - sleep until something was written, or nothing is flying, or @deadline_ns. Context: may sleep. */
void swap_written_wait(u64 deadline_ns);
