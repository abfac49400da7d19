/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_mend.c - pages that a disk did not take
 *
 * Idea        A page whose writing failed has lost nothing: memory holds it. But its leaves name the slot already, and
 *             the slot is no good. A thread mends that, so that the page can go to another slot, or another disk:
 *
 *                 write of 32 pages fails -> each page once more, by itself -> good: as if nothing had happened
 *                                                                           `-> bad slot (swap_map.h)
 *                                            leaves that name a bad slot get their page back, as by swapoff
 *                                            page without a slot -> its list, to be evicted again, elsewhere
 *
 *             Two threads: the first only writes, and waits for nothing but the disk, since others wait, with a page
 *             locked, until it is no longer being written. The second searches, and may wait for them, but for no
 *             mm->lock: its holder may be waiting for memory, and so for this thread.
 *             Until then the pages count as being written: reclaim waits for them, for a moment, before it gives up.
 *             Whoever wants such a page meanwhile finds it in the swap cache. A page that cannot be mended, for
 *             memory is short, stays in the cache, dirty: it is written to the same slot again when its turn comes.
 *             Simple: Linux leaves the page where it is, and tries the same slot for ever.
 * Invariants  I1  A page of failed has PG_WRITEBACK. A page of either list has our reference, and is on no LRU list.
 * Locks       mend_lock (interrupts off): the lists
 * Follow      from swap_io.c   to swapoff.c
 * Tests       tests/guest/swapfail.c
 * See         docs/mm.md section 10
 */
#include <kernel/kthread.h>
#include <kernel/panic.h>
#include <kernel/task.h>
#include <kernel/wait.h>
#include <mm/lru.h>
#include <mm/swap_cache.h>
#include <mm/swap_io.h>
#include <mm/swap_mend.h>

static struct spinlock mend_lock = SPINLOCK_INIT(RANK_DISK);
static struct list failed = LIST_INIT(failed);     /* to be written again; I1; mend_lock, as the next two */
static struct list homeless = LIST_INIT(homeless); /* their slots are bad */
static u32 types;                                  /* a bit for each area with such slots */
static atomic_t waiting;                           /* pages that are homeless, or in the second thread's hands */
static struct wait_queue mend_wait = WAIT_QUEUE_INIT(mend_wait);

static void write_thread(void *arg);
static void search_thread(void *arg);
static void write_again(struct page *page);
static void give_up(struct page *page);
static void put_back(struct page *page);
static u32 mend_steal(struct list *list, struct list *out);
static struct page *mend_take(struct list *list);

void
swap_mend_start(void)
{
	if (!kthread_create(write_thread, NULL, "kswapwrite") || !kthread_create(search_thread, NULL, "kswapmend"))
		panic("no memory for a thread");
}

void
swap_mend_add(struct page **pages, u32 n)
{
	u64 irq = spin_lock_irqsave(&mend_lock);

	for (u32 i = 0; i < n; i++)
		list_add_tail(&pages[i]->link, &failed);
	spin_unlock_irqrestore(&mend_lock, irq);
	wake_all(&mend_wait);
}

u32
swap_mend_waiting(void)
{
	return (u32)atomic_read(&waiting);
}

static void
write_thread(void *arg)
{
	for (;;) {
		struct list mine = LIST_INIT(mine);
		struct page *page;

		wait_event(&mend_wait, !list_empty(&failed));
		mend_steal(&failed, &mine);
		while ((page = mend_take(&mine)))
			write_again(page);
	}
}

/* Why "reclaims": what it allocates comes from the reserve, for those who wait for memory wait for it. */
static void
search_thread(void *arg)
{
	for (;;) {
		struct list mine = LIST_INIT(mine);
		struct page *page;
		u32 concerned;

		wait_event(&mend_wait, !list_empty(&homeless));
		concerned = mend_steal(&homeless, &mine);
		current->reclaims = true;
		for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
			if (concerned & BIT(i))
				swap_area_mend(&swap_areas[i]);
		while ((page = mend_take(&mine)))
			put_back(page);
		current->reclaims = false;
	}
}

/* By itself: whether its slot is bad shows now. */
static void
write_again(struct page *page)
{
	u32 type = swap_entry_area(page_swap_entry(page));
	u64 irq;

	if (!swap_write_alone(page)) {
		swap_write_done(page);
		return;
	}
	give_up(page);
	atomic_inc(&waiting);
	irq = spin_lock_irqsave(&mend_lock);
	list_add_tail(&page->link, &homeless);
	types |= BIT(type);
	spin_unlock_irqrestore(&mend_lock, irq);
	wake_all(&mend_wait);
}

/* Why in this order: without PG_WRITEBACK the page may leave the cache, and with the last page the area may go. */
static void
give_up(struct page *page)
{
	swap_slot_fail(page_swap_entry(page));
	page_flag_set(page, PG_DIRTY);
	page_flag_clear(page, PG_WRITEBACK);
	swap_write_gave_up(0); /* it is flying still, but swap_write_wait() is over */
}

static void
put_back(struct page *page)
{
	page_lock(page);
	swap_cache_disown(page);
	page_unlock(page);
	lru_putback(page, LRU_YOUNG); /* consumes the reference */
	atomic_dec(&waiting);
	swap_write_gave_up(1);
}

/* All of @list; returns what types says, for the second thread. */
static u32
mend_steal(struct list *list, struct list *out)
{
	u64 irq = spin_lock_irqsave(&mend_lock);
	u32 said = 0;

	if (list == &homeless) {
		said = types;
		types = 0;
	}
	list_splice(list, out);
	spin_unlock_irqrestore(&mend_lock, irq);
	return said;
}

static struct page *
mend_take(struct list *list)
{
	struct page *page = list_first(list, struct page, link);

	if (list_empty(list))
		return NULL;
	list_del(&page->link);
	return page;
}
