/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_io.c - pages on their way to and from slots
 *
 * Idea        A transfer is a run of consecutive slots. Writing: pages come in the order of their slots, mostly, and a
 *             run goes out when it is full or the next page does not continue it. Reading: the slot that is wanted, and
 *             around it a window that grows while what was read ahead is used, and shrinks while it is not.
 *             The end of a transfer comes in an interrupt, which only clears flags and wakes: a page that is read is
 *             unlocked, one that is written joins a list for reclaim.
 *             A transfer that fails says nothing of its single pages: each is tried again by itself, a read by who
 *             wants the page, a write by swap_mend.c.
 * Invariants  I1  A page under PG_WRITEBACK, or locked for reading, is in the swap cache and stays there.
 * Locks       written_lock (interrupts off): the list of written pages
 * Follow      from reclaim_batch.c, swap_cache.c   to kernel/swap_device.c
 * Tests       tests/guest/swap.c
 * See         swap_window.h
 */
#include <kernel/lib/bitmap.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/trace.h>
#include <kernel/wait.h>
#include <mm/page_alloc.h>
#include <mm/swap_cache.h>
#include <mm/swap_io.h>
#include <mm/swap_mend.h>
#include <mm/swap_window.h>
#include <mm/vmstat.h>

u32 swap_page_cluster = 3;

static struct spinlock written_lock = SPINLOCK_INIT(RANK_DISK);
static struct list written = LIST_INIT(written); /* written_lock */
static struct wait_queue written_wait = WAIT_QUEUE_INIT(written_wait);
static atomic_t flying;

/* Of swap_write_alone: the transfer that was answered. */
static struct wait_queue alone_wait = WAIT_QUEUE_INIT(alone_wait);
static struct swap_io *alone_answered;

/* The window of the last read: racy guesses, no more. */
static atomic_t ra_hits;
static u32 last_slot;
static u32 last_window;

static u32 window_size(u32 slot);
static void window_read(struct swap_area *area, u32 first, u32 end, u32 slot, struct page *page);
static struct page *neighbour(struct swap_area *area, u32 slot);
static struct swap_io *io_get(struct swap_area *area, bool write);
static struct swap_io *io_try(struct swap_area *area, struct swap_io **io);
static void io_put(struct swap_io *io);
static void io_submit(struct swap_io *io);
static void read_done(struct swap_io *io);
static void write_done(struct swap_io *io);
static void alone_done(struct swap_io *io);

void
swap_read_around(swap_entry_t entry, struct page *page)
{
	struct swap_area *area = &swap_areas[swap_entry_area(entry)];
	u32 slot = swap_entry_slot(entry);
	u32 window = window_size(slot);
	u32 first = slot / window * window;
	u32 end = (u32)min_u64(first + window, area->map.slots);

	window_read(area, first, end, slot, page);
}

void
swap_read_alone(swap_entry_t entry, struct page *page)
{
	u32 slot = swap_entry_slot(entry);

	window_read(&swap_areas[swap_entry_area(entry)], slot, slot + 1, slot, page);
}

static u32
window_size(u32 slot)
{
	u32 hits = (u32)__atomic_exchange_n(&ra_hits.value, 0, __ATOMIC_RELAXED);
	bool in_order = slot == last_slot + 1 || slot + 1 == last_slot;
	u32 window = swap_window(hits, in_order, last_window, READ_ONCE(swap_page_cluster));

	last_slot = slot;
	last_window = window;
	return window;
}

/* Reads @page into its place among its neighbours, in as many transfers as there are runs. */
static void
window_read(struct swap_area *area, u32 first, u32 end, u32 slot, struct page *page)
{
	struct swap_io *io = NULL;

	for (u32 at = first ? first : 1; at < end; at++) {
		struct page *one = at == slot ? page : neighbour(area, at);

		if (!one) {
			if (io)
				io_submit(io);
			io = NULL;
			continue;
		}
		if (io && io->count == SWAP_CLUSTER) {
			io_submit(io);
			io = NULL;
		}
		if (!io) {
			io = io_get(area, false);
			io->slot = at;
		}
		io->pages[io->count++] = one;
	}
	if (io)
		io_submit(io);
}

void
swap_ra_hit(struct page *page)
{
	if (!page_flag_take(page, PG_READAHEAD))
		return;
	count_event(VM_SWAP_RA_HIT);
	atomic_inc(&ra_hits);
}

/* A page for a slot that leaves name and that is not in memory; NULL: there is no such need, or no memory to spare. */
static struct page *
neighbour(struct swap_area *area, u32 slot)
{
	struct page *page;

	if (!READ_ONCE(area->map.count[slot]) || bitmap_test(area->map.cached, slot))
		return NULL;
	if (swap_cache_prepare(swap_entry(area->type, slot), ALLOC_CHARGE | ALLOC_NOOOM | ALLOC_NOWARN, &page))
		return NULL;
	page_flag_set(page, PG_READAHEAD);
	count_event(VM_SWAP_RA);
	return page;
}

void
swap_write_begin(struct swap_write *w)
{
	w->io = NULL;
}

void
swap_write(struct swap_write *w, struct page *page)
{
	swap_entry_t entry = page_swap_entry(page);
	struct swap_area *area = &swap_areas[swap_entry_area(entry)];
	u32 slot = swap_entry_slot(entry);
	struct swap_io *io = w->io;

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED));
	if (io && (io->area != area || io->slot + io->count != slot || io->count == SWAP_CLUSTER))
		swap_write_end(w);
	if (!w->io) {
		w->io = io_get(area, true);
		w->io->slot = slot;
	}
	page_flag_set(page, PG_WRITEBACK);
	page_flag_clear(page, PG_DIRTY);
	page_unlock(page);
	atomic_inc(&flying);
	w->io->pages[w->io->count++] = page;
}

void
swap_write_end(struct swap_write *w)
{
	if (w->io)
		io_submit(w->io);
	w->io = NULL;
}

void
swap_write_wait(struct page *page)
{
	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED));
	if (unlikely(READ_ONCE(page->flags) & BIT(PG_WRITEBACK)))
		wait_event(&written_wait, !(READ_ONCE(page->flags) & BIT(PG_WRITEBACK)));
}

u32
swap_writes_flying(void)
{
	return (u32)atomic_read(&flying);
}

void
swap_written_take(struct list *out)
{
	u64 irq = spin_lock_irqsave(&written_lock);

	list_splice(&written, out);
	spin_unlock_irqrestore(&written_lock, irq);
}

void
swap_written_wait(u64 deadline_ns)
{
	(void)wait_timed(&written_wait, !list_empty(&written) || !atomic_read(&flying), TASK_UNINTERRUPTIBLE,
			 deadline_ns);
}

/* Room for one transfer: waits for the end of another when all are in flight. */
static struct swap_io *
io_get(struct swap_area *area, bool write)
{
	struct swap_io *io;

	may_sleep();
	wait_event(&area->io_free, io_try(area, &io));
	io->area = area;
	io->write = write;
	io->count = 0;
	io->error = 0;
	io->done = write ? write_done : read_done;
	return io;
}

static struct swap_io *
io_try(struct swap_area *area, struct swap_io **io)
{
	*io = area->ops->io_get(area->device);
	return *io;
}

static void
io_put(struct swap_io *io)
{
	struct swap_area *area = io->area;

	area->ops->io_put(area->device, io);
	wake_one(&area->io_free);
}

static void
io_submit(struct swap_io *io)
{
	assert(io->count && io->count <= SWAP_CLUSTER);
	if (trace_on(swap_in) || trace_on(swap_out))
		io->start_ns = clock_ns();
	io->area->ops->submit(io->area->device, io);
}

/* Interrupt. The pages have the cache's reference as long as they are locked. */
static void
read_done(struct swap_io *io)
{
	if (io->error && io->count == 1)
		io->area->ops->report(io->area->device, io);
	if (!io->error)
		count_events(VM_PSWPIN, io->count);
	trace(swap_in, swap_entry(io->area->type, io->slot).value, io->count, clock_ns() - io->start_ns);
	for (u32 i = 0; i < io->count; i++) {
		if (io->error)
			page_flag_set(io->pages[i], PG_ERROR);
		page_unlock(io->pages[i]);
	}
	io_put(io);
}

/* Interrupt. */
static void
write_done(struct swap_io *io)
{
	u64 irq;

	trace(swap_out, swap_entry(io->area->type, io->slot).value, io->count, clock_ns() - io->start_ns);
	if (io->error) {
		swap_mend_add(io->pages, io->count);
		io_put(io);
		return;
	}
	count_events(VM_PSWPOUT, io->count);
	irq = spin_lock_irqsave(&written_lock);
	for (u32 i = 0; i < io->count; i++) {
		page_flag_clear(io->pages[i], PG_WRITEBACK);
		list_add_tail(&io->pages[i]->link, &written);
		atomic_dec(&flying);
	}
	spin_unlock_irqrestore(&written_lock, irq);
	io_put(io);
	wake_all(&written_wait);
}

/* ---- once more, for swap_mend.c ---- */

int
swap_write_alone(struct page *page)
{
	swap_entry_t entry = page_swap_entry(page);
	struct swap_io *io = io_get(&swap_areas[swap_entry_area(entry)], true);
	int err;

	dassert(READ_ONCE(page->flags) & BIT(PG_WRITEBACK));
	io->slot = swap_entry_slot(entry);
	io->pages[io->count++] = page;
	io->done = alone_done;
	io_submit(io);
	wait_event(&alone_wait, __atomic_exchange_n(&alone_answered, NULL, __ATOMIC_ACQ_REL) == io);
	err = io->error;
	if (err)
		io->area->ops->report(io->area->device, io);
	else
		count_event(VM_PSWPOUT);
	io_put(io);
	return err;
}

void
swap_write_done(struct page *page)
{
	u64 irq = spin_lock_irqsave(&written_lock);

	page_flag_clear(page, PG_WRITEBACK);
	list_add_tail(&page->link, &written);
	spin_unlock_irqrestore(&written_lock, irq);
	swap_write_gave_up(1);
}

void
swap_write_gave_up(u32 n)
{
	while (n--)
		atomic_dec(&flying);
	wake_all(&written_wait);
}

/* Interrupt. */
static void
alone_done(struct swap_io *io)
{
	__atomic_store_n(&alone_answered, io, __ATOMIC_RELEASE);
	wake_all(&alone_wait);
}
