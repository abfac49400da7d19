/* SPDX-License-Identifier: MIT */
/*
 * kernel/selftest_disk.c - selftest=disk: a disk that loses requests, or interrupts
 *
 * Idea        A disk without a device. It forgets as many requests as it is told to, and answers the others, without an
 *             interrupt, when it is looked at. In order:
 *               - a request is lost, and the reset works: the frame is free again when its owner lets go.
 *               - an answer is there and its interrupt is not, for longer than a request may take: it is found.
 *               - swap's transfers are tried again, but not for ever.
 *               - a request is lost, and the reset fails: the device may answer late, so the frame is nobody's for
 *                 ever, and the disk is given up.
 * Invariants  none
 * Locks       those of the disk
 * Follow      from selftest.c   to dev/block.c, swap_device.c
 * Tests       tests/guest/test_guest.py (test_self)
 */
#include <kernel/dev/block.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/selftest.h>
#include <kernel/swap_device.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/swap.h>
#include <mm/vmalloc.h>

#define TIMEOUT_NS (100 * NS_PER_MS)
#define SOME_FRAMES 64
#define PATTERN 0x77

/* The device. The disk's lock. */
static bool resets;   /* whether the next reset works */
static u32 forgets;   /* requests yet to be forgotten */
static u32 forgotten; /* so far */

static struct wait_queue over = WAIT_QUEUE_INIT(over);
static bool swap_over;

static bool
start(struct disk *disk, struct request *r)
{
	if (forgets) {
		forgets--;
		forgotten++;
		r->alone = true;
	}
	return true;
}

static void
kick(struct disk *disk)
{
}

static void
request_fill(const struct request *r)
{
	const struct bio *bio;

	list_for_each (bio, &r->bios, link)
		for (u32 i = 0; i < bio->count; i++)
			memset((u8 *)page_to_va(bio->seg[i].page) + bio->seg[i].off, PATTERN, bio->seg[i].len);
}

/* Answers what is in flight and not forgotten, which start() marks by @alone. */
static void
poll(struct disk *disk)
{
	struct list done = LIST_INIT(done);
	struct request *r, *next;
	u64 flags = spin_lock_irqsave(&disk->lock);

	list_for_each_safe (r, next, &disk->flying, link) {
		if (r->alone)
			continue;
		request_fill(r);
		disk_complete(disk, r, 0, &done);
	}
	spin_unlock_irqrestore(&disk->lock, flags);
	disk_finish(disk, &done);
}

static bool
reset(struct disk *disk)
{
	return resets;
}

static const struct disk_ops nowhere = {.start = start, .kick = kick, .poll = poll, .reset = reset};

/* Reads into a frame; returns it, with our reference given up already. */
static struct page *
read_one(struct disk *disk, int expected)
{
	struct bio *bio = kmalloc(sizeof(*bio), ALLOC_KERNEL);
	struct page *page = page_alloc(0, ALLOC_KERNEL);
	int err;

	assert(bio && page);
	*bio = (struct bio){.dev = &disk->parts[0], .op = BIO_READ};
	bio_add(bio, page, 0, PAGE_SIZE);
	err = bio_wait(bio);
	assertf(err == expected, "the request ends with %d, and not with %d", err, expected);
	kfree(bio);
	page_put(page);
	return page;
}

static void
swap_done(struct swap_io *io)
{
	__atomic_store_n(&swap_over, true, __ATOMIC_RELEASE);
	wake_all(&over);
}

/* One transfer of swap; the device forgets it @lost times. */
static void
swap_read(struct disk *disk, u32 lost, int expected)
{
	void *device = swap_disk_open(&disk->parts[0]);
	struct page *page = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
	struct swap_io *io;

	assert(device && page);
	io = swap_disk_ops.io_get(device);
	io->write = false;
	io->slot = 1;
	io->count = 1;
	io->pages[0] = page;
	io->done = swap_done;
	forgets = lost;
	forgotten = 0;
	swap_over = false;
	swap_disk_ops.submit(device, io);
	wait_event(&over, __atomic_load_n(&swap_over, __ATOMIC_ACQUIRE));
	assertf(io->error == expected, "a transfer that was lost %u times ends with %d", lost, io->error);
	assertf(forgotten == lost, "it was tried %u times", forgotten);
	assert(*((u8 *)page_to_va(page) + 5) == (expected ? 0 : PATTERN));
	swap_disk_ops.io_put(device, io);
	swap_disk_ops.close(device);
	page_put(page);
}

/* Does the allocator give @page to somebody? It serves the frame that was freed last first. */
static bool
comes_back(struct page *page)
{
	struct page *got[SOME_FRAMES];
	bool found = false;

	for (u32 i = 0; i < SOME_FRAMES; i++) {
		got[i] = page_alloc(0, ALLOC_KERNEL);
		assert(got[i]);
		found |= got[i] == page;
	}
	for (u32 i = 0; i < SOME_FRAMES; i++)
		page_put(got[i]);
	return found;
}

static struct disk *
disk_make(void)
{
	struct disk *disk = vmalloc_named(sizeof(*disk), "a disk that is none");

	assert(disk);
	*disk = (struct disk){0};
	disk_init(disk);
	disk->ops = &nowhere;
	disk->timeout_ns = TIMEOUT_NS;
	disk->segments_most = 1;
	disk->polls = true;
	disk->parts[0] = (struct block_device){.disk = disk, .name = "none", .sectors = 1024};
	return disk;
}

void
selftest_disk(void)
{
	struct disk *disk = disk_make();
	struct page *page;

	resets = true;
	forgets = 1;
	page = read_one(disk, -EIO);
	assertf(comes_back(page), "the device forgot the request, and its frame has %d references",
		atomic_read(&page->refs));
	read_one(disk, 0);
	/* The first look comes after a second now, ten times as long as a request may take. */
	disk->polls = false;
	read_one(disk, 0);
	disk->polls = true;
	swap_read(disk, 0, 0);
	swap_read(disk, SWAP_LOST_MOST - 1, 0);
	swap_read(disk, SWAP_LOST_MOST, -ETIMEDOUT);
	resets = false;
	forgets = 1;
	page = read_one(disk, -EIO);
	memset(page_to_va(page), 0x5a, PAGE_SIZE); /* the late answer: nobody may notice */
	assertf(atomic_read(&page->refs) == 1 && !comes_back(page), "the device may write to a frame that is free");
	assert(disk->dead && list_empty(&disk->flying));
	page = read_one(disk, -EIO); /* at once, and the device never sees it */
	assert(comes_back(page));
}
