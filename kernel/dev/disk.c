/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/disk.c - the disks that there are, and their partitions
 *
 * Idea        A list that grows at boot: vda, vdb, ... in the order in which drivers find them, each with the
 *             partitions that its table names.
 * Invariants  I1  disks[i] is complete before disk_count says that it exists.
 *             I2  Where a disk is claimed, none of its partitions is.
 * Locks       none for the list: disks come at boot, in one task, and never go; disk->lock for claims
 * Follow      from virtio_blk.c, block_file.c, sys_swap.c   to block.c, partition.c
 * Tests       tests/guest/disk.c, tests/guest/swap.c
 * See         block.h
 */
#include <kernel/dev/block.h>
#include <kernel/dev/partition.h>

#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

_Static_assert(PARTS_MAX == PARTITIONS_MAX + 1, "a minor number for the disk and each partition");

/* How partitions_read reads: one bio, one page, again and again. */
struct reader {
	struct bio *bio;
	struct page *page;
	struct block_device *dev;
};

static struct disk *disks[DISKS_MAX]; /* I1 */
static u32 disk_count;

static bool claim_fits(const struct block_device *dev);
static void name_parts(struct disk *disk);
static void read_table(struct disk *disk);
static bool read_sector(void *arg, u64 sector, void *buf);

int
disk_add(struct disk *disk, u64 sectors)
{
	u32 i = disk_count;

	if (i == DISKS_MAX)
		return -ENOSPC;
	disk->index = i;
	disk->parts[0].sectors = sectors;
	name_parts(disk);
	pr_info("%s: %lu MiB%s\n", disk->parts[0].name, sectors >> (20 - SECTOR_SHIFT),
		disk->read_only ? ", read-only" : "");
	read_table(disk);
	disks[i] = disk;
	__atomic_store_n(&disk_count, i + 1, __ATOMIC_RELEASE);
	return 0;
}

struct disk *
disk_at(u32 i)
{
	return i < __atomic_load_n(&disk_count, __ATOMIC_ACQUIRE) ? disks[i] : NULL;
}

struct block_device *
block_device_find(u32 major, u32 minor)
{
	struct disk *disk = major == DISK_MAJOR ? disk_at(minor / PARTS_MAX) : NULL;
	struct block_device *dev = disk ? &disk->parts[minor % PARTS_MAX] : NULL;

	return dev && (dev->sectors || !dev->part) ? dev : NULL;
}

int
block_device_claim(struct block_device *dev, enum block_claim claim)
{
	u64 irq = spin_lock_irqsave(&dev->disk->lock);
	bool fits = claim_fits(dev);

	if (fits)
		WRITE_ONCE(dev->claim, claim);
	spin_unlock_irqrestore(&dev->disk->lock, irq);
	return fits ? 0 : -EBUSY;
}

void
block_device_release(struct block_device *dev)
{
	u64 irq = spin_lock_irqsave(&dev->disk->lock);

	assert(dev->claim != BLOCK_FREE);
	WRITE_ONCE(dev->claim, BLOCK_FREE);
	spin_unlock_irqrestore(&dev->disk->lock, irq);
}

/* I2 */
static bool
claim_fits(const struct block_device *dev)
{
	const struct block_device *parts = dev->disk->parts;

	for (u32 i = 0; i < PARTS_MAX && !dev->part; i++)
		if (parts[i].claim != BLOCK_FREE)
			return false;
	return dev->claim == BLOCK_FREE && parts[0].claim == BLOCK_FREE;
}

static void
name_parts(struct disk *disk)
{
	for (u32 part = 0; part < PARTS_MAX; part++) {
		struct block_device *dev = &disk->parts[part];

		dev->disk = disk;
		dev->part = part;
		if (part)
			format(dev->name, sizeof(dev->name), "vd%c%u", 'a' + disk->index, part);
		else
			format(dev->name, sizeof(dev->name), "vd%c", 'a' + disk->index);
	}
}

static void
read_table(struct disk *disk)
{
	struct reader reader = {.dev = &disk->parts[0]};
	struct partition_source source = {.read = read_sector, .arg = &reader, .sectors = disk->parts[0].sectors};
	struct partition found[PARTITIONS_MAX];

	reader.bio = kmalloc(sizeof(*reader.bio), ALLOC_KERNEL);
	reader.page = page_alloc(0, ALLOC_KERNEL);
	if (reader.bio && reader.page) {
		partitions_read(&source, found);
		for (u32 i = 0; i < PARTITIONS_MAX; i++) {
			disk->parts[i + 1].start = found[i].start;
			disk->parts[i + 1].sectors = found[i].sectors;
			if (found[i].sectors)
				pr_info("%s: %lu MiB\n", disk->parts[i + 1].name,
					found[i].sectors >> (20 - SECTOR_SHIFT));
		}
	}
	if (reader.page)
		page_put(reader.page);
	kfree(reader.bio);
}

static bool
read_sector(void *arg, u64 sector, void *buf)
{
	struct reader *reader = arg;

	*reader->bio = (struct bio){.dev = reader->dev, .op = BIO_READ, .sector = sector};
	bio_add(reader->bio, reader->page, 0, SECTOR_SIZE);
	if (bio_wait(reader->bio))
		return false;
	memcpy(buf, page_to_va(reader->page), SECTOR_SIZE);
	return true;
}
