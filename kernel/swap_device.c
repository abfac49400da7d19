/* SPDX-License-Identifier: MIT */
/*
 * kernel/swap_device.c - a disk or partition as the back of a swap area
 *
 * Idea        mm/ speaks of slots and pages, the block layer of sectors. Each transfer has its bio from the start, and
 *             there is a fixed number of them: writing a page out never waits for memory, only for another transfer's
 *             end.
 *             A transfer that was lost (block.h I4) is tried again while the disk comes back from its reset: a page
 *             that cannot be read kills a program, and a host that is slow for a minute is no reason to.
 * Invariants  I1  A transfer is on the free list, or with mm/, or with the disk.
 * Locks       lock (RANK_DISK, interrupts off): the free list
 * Follow      from mm/swap_io.c   to dev/block.c
 * Tests       tests/guest/swap.c
 */
#include <kernel/swap_device.h>

#include <kernel/dev/block.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/ratelimit.h>
#include <mm/page_alloc.h>
#include <mm/vmalloc.h>

#define TRANSFERS 24
#define SLOT_SECTORS (PAGE_SIZE / SECTOR_SIZE)

struct transfer {
	struct swap_io io; /* first */
	struct bio bio;
	struct swap_disk *disk;
	u32 lost; /* how often it was */
};

struct swap_disk {
	struct spinlock lock;
	struct block_device *dev;
	struct list free;   /* of swap_io.link; lock */
	struct bio discard; /* one at a time: of swapon, then of the area's thread */
	struct transfer transfers[TRANSFERS];
};

static struct swap_io *io_get(void *device);
static void io_put(void *device, struct swap_io *io);
static void submit(void *device, struct swap_io *io);
static void bio_done(struct bio *bio);
static void report(void *device, const struct swap_io *io);
static int discard(void *device, u32 slot, u32 count);
static void close(void *device);

const struct swap_device_ops swap_disk_ops = {
	.io_get = io_get, .io_put = io_put, .submit = submit, .report = report, .discard = discard, .close = close};

void *
swap_disk_open(struct block_device *dev)
{
	struct swap_disk *disk = vmalloc_named(sizeof(*disk), "swap transfers");

	if (!disk)
		return NULL;
	*disk = (struct swap_disk){.dev = dev};
	spin_init(&disk->lock, RANK_DISK);
	list_init(&disk->free);
	for (u32 i = 0; i < TRANSFERS; i++) {
		disk->transfers[i].disk = disk;
		list_add_tail(&disk->transfers[i].io.link, &disk->free);
	}
	return disk;
}

static struct swap_io *
io_get(void *device)
{
	struct swap_disk *disk = device;
	struct swap_io *io = NULL;
	u64 irq = spin_lock_irqsave(&disk->lock);

	if (!list_empty(&disk->free)) {
		io = list_first(&disk->free, struct swap_io, link);
		list_del(&io->link);
	}
	spin_unlock_irqrestore(&disk->lock, irq);
	return io;
}

static void
io_put(void *device, struct swap_io *io)
{
	struct swap_disk *disk = device;
	u64 irq = spin_lock_irqsave(&disk->lock);

	list_add(&io->link, &disk->free);
	spin_unlock_irqrestore(&disk->lock, irq);
}

static void
submit(void *device, struct swap_io *io)
{
	struct transfer *t = (struct transfer *)io;

	_Static_assert(SWAP_CLUSTER <= BIO_SEGMENTS, "a cluster is one bio");
	t->bio = (struct bio){.dev = t->disk->dev,
			      .op = io->write ? BIO_WRITE : BIO_READ,
			      .sector = (u64)io->slot * SLOT_SECTORS,
			      .done = bio_done};
	for (u32 i = 0; i < io->count; i++)
		bio_add(&t->bio, io->pages[i], 0, PAGE_SIZE);
	t->lost = 0;
	bio_submit(&t->bio);
}

static void
bio_done(struct bio *bio)
{
	struct transfer *t = container_of(bio, struct transfer, bio);

	if (unlikely(bio->error == -ETIMEDOUT) && ++t->lost < SWAP_LOST_MOST) {
		bio_submit(bio);
		return;
	}
	t->io.error = bio->error;
	t->io.done(&t->io);
}

/* In Linux's words; the sector is the disk's. */
static void
report(void *device, const struct swap_io *io)
{
	static struct ratelimit limit[2];
	const struct block_device *dev = ((struct swap_disk *)device)->dev;

	if (ratelimit_ok(&limit[io->write]))
		pr_err("%s-error on swap-device (%u:%u:%lu)\n", io->write ? "Write" : "Read", DISK_MAJOR,
		       dev->disk->index * PARTS_MAX + dev->part, dev->start + (u64)io->slot * SLOT_SECTORS);
}

/* In pieces as large as the disk takes them. */
static int
discard(void *device, u32 slot, u32 count)
{
	struct swap_disk *disk = device;
	u64 sector = (u64)slot * SLOT_SECTORS;
	u64 left = (u64)count * SLOT_SECTORS;
	int err = 0;

	while (left && !err) {
		u32 some = (u32)min_u64(left, disk->dev->disk->discard_most);

		disk->discard = (struct bio){.dev = disk->dev, .op = BIO_DISCARD, .sector = sector, .sectors = some};
		err = bio_wait(&disk->discard);
		sector += some;
		left -= some;
	}
	return err;
}

static void
close(void *device)
{
	vfree(device);
}
