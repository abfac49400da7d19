/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_discard.c - telling the disk which slots hold nothing any more
 *
 * Idea        A disk that is memory of another kind (an SSD, a sparse file of the host) works better, or is smaller,
 *             when it knows what need not be kept. Asked for with swapon, all of an area is discarded before it is
 *             used, and clusters when the last of their slots is free (swap_map.h marks them as stale).
 *             The disk may do what it is told in any order, so a cluster must not be written while it is being
 *             discarded: a thread takes it, waits for the disk, and gives it back. While slots are short it does not,
 *             for they are about to be written again.
 * Invariants  I1  A slot that is being discarded is in use for everybody else.
 * Locks       area->lock for the map
 * Follow      from swap.c, swapoff.c   to swap_map.c, kernel/swap_device.c
 * Tests       tests/host/swap_map_test.c, tests/guest/swapcache.c
 * See         swapon(2)
 */
#include <kernel/kthread.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/wait.h>
#include <mm/swap_discard.h>

static void discarder(void *arg);
static void discard_some(struct swap_area *area);

int
swap_discard_start(struct swap_area *area)
{
	int err = area->discard & SWAP_DISCARD_AREA ? area->ops->discard(area->device, 1, area->map.slots - 1) : 0;

	may_sleep();
	if (err)
		pr_err("swapon: discarding %s failed: error %d\n", area->name, -err);
	if (!(area->discard & SWAP_DISCARD_FREED))
		return 0;
	area->map.discards = true;
	area->discard_ends = false;
	area->discard_runs = true;
	if (kthread_create(discarder, area, "swap_discard"))
		return 0;
	area->discard_runs = false;
	return -ENOMEM;
}

void
swap_discard_stop(struct swap_area *area)
{
	may_sleep();
	WRITE_ONCE(area->discard_ends, true);
	wake_all(&area->discard_wait);
	wait_event(&area->discard_wait, !__atomic_load_n(&area->discard_runs, __ATOMIC_ACQUIRE));
}

static void
discarder(void *arg)
{
	struct swap_area *area = arg;

	while (!READ_ONCE(area->discard_ends)) {
		wait_event(&area->discard_wait, READ_ONCE(area->discard_ends) || swap_map_is_stale(&area->map));
		discard_some(area);
	}
	__atomic_store_n(&area->discard_runs, false, __ATOMIC_RELEASE);
	wake_all(&area->discard_wait); /* areas never go: the queue is there still */
}

static void
discard_some(struct swap_area *area)
{
	u32 first;
	u32 count;
	int err;

	spin_lock(&area->lock);
	count = swap_map_take_stale(&area->map, &first); /* I1 */
	spin_unlock(&area->lock);
	if (!count)
		return;
	err = area->ops->discard(area->device, first, count);
	if (err)
		warn_once("%s: discarding freed slots failed: error %d", area->name, -err);
	spin_lock(&area->lock);
	swap_map_give_back(&area->map, first, count);
	spin_unlock(&area->lock);
}
