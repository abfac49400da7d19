/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/block.h - disks, and transfers between them and pages
 *
 *                 bio_submit        queue: neighbours join            driver's start
 *            bio -----------> [ request: bio, bio ] [ request: bio ] -----------> device
 *             ^                                                                     |
 *             `------- bio->done, in an interrupt <--- disk_complete <--------------'
 *
 * Idea        A bio is one transfer of up to 128 KiB between consecutive sectors and pieces of pages. The queue makes
 *             requests of them: a bio that continues a request still waiting joins it. A request goes to the driver as
 *             soon as that has room. Requests are as many as the disk was born with: to write a page
 *             out allocates nothing. Simple: no elevator. The host's own disk scheduler stands behind every virtual
 *             disk.
 * Invariants  I1  A request is on exactly one of the lists free, pending, flying.
 *             I2  The sectors of a request are consecutive, and are the sum of its bios' sectors.
 *             I3  Who joined others does not suffer from their errors: a request of several bios that fails is taken
 *                 apart, and each of them tried by itself.
 *             I4  Every bio that was submitted is done exactly once, be it with an error: a request that the device
 *                 does not answer for DISK_TIMEOUT_S is lost, and the device is reset (disk_age.h).
 *             I5  A frame that a lost request would have written to is free only when the device has forgotten the
 *                 request: a device that cannot even be reset keeps those frames for good, whatever it does with them.
 * Locks       disk->lock (RANK_DISK, interrupts off). bio->done runs without it, in an interrupt or in bio_submit.
 * Follow      from block_file.c, partition.c, mm   to virtio_blk.c
 * Tests       tests/guest/disk.c
 * See         docs/mm.md
 */
#pragma once

#include <kernel/dev/disk_age.h>
#include <kernel/lib/list.h>
#include <kernel/mutex.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>
#include <kernel/wait.h>
#include <mm/page.h>

#define SECTOR_SIZE 512
#define SECTOR_SHIFT 9
#define BIO_SEGMENTS 32     /* of one bio: 128 KiB in whole pages */
#define REQUEST_SEGMENTS 64 /* of one request, when the device takes so many */
#define DISK_REQUESTS 32    /* in flight or waiting, a disk */
#define DISKS_MAX 16
#define PARTS_MAX 16 /* a disk, itself included: minor numbers, as Linux's virtio-blk has them */
#define DISK_MAJOR 254
#define DISK_TIMEOUT_S 30 /* Linux's for block devices; disk_timeout= changes it */

enum bio_op {
	BIO_READ,
	BIO_WRITE,
	BIO_FLUSH,   /* what was written before and is done survives a power failure; no sectors, no segments */
	BIO_DISCARD, /* what these sectors hold is of no use any more; no segments */
	BIO_OPS,
};

/* @off + @len lie in the page; both are multiples of SECTOR_SIZE. */
struct bio_segment {
	struct page *page;
	u32 off;
	u32 len;
};

/* What /proc/diskstats tells of a disk or partition; the disk's lock. */
struct block_stats {
	u64 ios[BIO_OPS];
	u64 merges[BIO_OPS];
	u64 sectors[BIO_OPS];
	u64 time_ns[BIO_OPS]; /* from submission to the end, summed up */
	u32 in_flight;
	u64 busy_ns; /* time with something in flight */
	u64 busy_since_ns;
};

/* Who has a block device for itself. */
enum block_claim {
	BLOCK_FREE,
	BLOCK_EXCLUSIVE, /* a file opened with O_EXCL */
	BLOCK_SWAP,      /* a swap area: as on Linux, nobody else writes it, but whoever writes the whole disk */
};

/* A disk, or a part of one: what a bio is for. */
struct block_device {
	struct disk *disk;
	enum block_claim claim; /* disk->lock; READ_ONCE */
	char name[16];          /* vda, vda1 */
	u32 part;               /* 0: the whole disk */
	u64 start;              /* first sector */
	u64 sectors;            /* 0: there is no such partition */
	struct block_stats stats;
};

struct bio {
	struct block_device *dev;
	u8 op;      /* enum bio_op */
	u64 sector; /* from the beginning of dev */
	u32 count;  /* segments */
	s32 error;  /* when it is done: 0; -EIO, -ETIMEDOUT (lost), -EINVAL (past the end, odd), -EROFS */
	void (*done)(struct bio *bio); /* interrupt context, or bio_submit's: wakes at most */
	void *private;                 /* of the submitter */
	struct bio_segment seg[BIO_SEGMENTS];

	/* the queue's */
	struct list link;
	u64 first;   /* sector of the disk */
	u32 sectors; /* of BIO_DISCARD: the submitter's */
	u64 start_ns;
	bool alone; /* joins nobody: I3 */
	bool over;  /* of bio_wait */
};

/* Bios for consecutive sectors, in order, on their way together. */
struct request {
	struct list link; /* I1; disk->lock */
	struct list bios;
	u32 index; /* const: 0 to DISK_REQUESTS - 1, for the driver's own memory */
	u8 op;
	u64 sector; /* of the disk */
	u32 sectors;
	u32 segments;
	bool alone;   /* nobody joins */
	u64 start_ns; /* when the driver took it */
	u64 serial;   /* which of all that the driver took: from 1 */
};

struct disk_ops {
	/* Hands @r to the device. False: no room now; tried again after the next end of a request. disk->lock held. */
	bool (*start)(struct disk *disk, struct request *r);
	/* Lets the device see what was started. disk->lock held. */
	void (*kick)(struct disk *disk);
	/* Takes from the device what it is done with, as its interrupt would. */
	void (*poll)(struct disk *disk);
	/*
	 * The device forgets every request, and touches their pages no more. False: it is lost, and may still do so.
	 * disk->lock held.
	 */
	bool (*reset)(struct disk *disk);
};

struct disk {
	struct spinlock lock;
	const struct disk_ops *ops; /* const after disk_add, as the next six */
	void *private;
	bool read_only;
	bool flushes;                         /* it has a cache that BIO_FLUSH empties */
	bool polls;                           /* it does not interrupt */
	u32 segments_most;                    /* of a request */
	u32 discard_most;                     /* sectors of one discard; 0: it cannot */
	u64 timeout_ns;                       /* for one request; const after disk_init */
	u32 index;                            /* 0: vda */
	bool dead;                            /* lock: gone for good, every transfer fails */
	struct list free, pending, flying;    /* requests; lock */
	struct list overflow;                 /* bios that found no free request, in order; lock */
	u64 started;                          /* requests that the driver took; lock */
	struct disk_age age;                  /* of the oldest one; lock */
	struct timer timer;                   /* looks after lost requests, and polls; set under lock */
	struct wait_queue waiters;            /* tasks in bio_wait */
	struct mutex write_lock;              /* rank INODE: whoever reads a sector to write it back changed */
	struct block_device parts[PARTS_MAX]; /* [0] is the disk */
	struct request requests[DISK_REQUESTS];
};

/* disk_init - a disk without requests in flight; the driver sets the constants next. Context: boot. */
void disk_init(struct disk *disk);

/*
 * disk_add - make @disk, of @sectors sectors, known under the next free name, and read its partition table
 *
 * ops, private and the other constants are set by the driver; requests may come from here on.
 *
 * Returns   0; -ENOSPC: DISKS_MAX are there
 * Context   boot, may sleep: it reads from the disk
 */
int disk_add(struct disk *disk, u64 sectors);

/* disk_at - the i-th disk, NULL past the last. Context: any, after boot. */
struct disk *disk_at(u32 i);

/* block_device_find - by device number; NULL: there is none. Context: any. */
struct block_device *block_device_find(u32 major, u32 minor);

/*
 * block_device_claim - have @dev for oneself, until block_device_release
 *
 * Returns   0; -EBUSY: somebody has it, or the disk that it is a part of, or a part of it
 * Context   any; takes disk->lock
 */
int block_device_claim(struct block_device *dev, enum block_claim claim);
void block_device_release(struct block_device *dev);

/*
 * bio_submit - begin the transfer that @bio describes: dev, op, sector, count, seg, done are set
 *
 * bio_queue does the same but does not start it, so that neighbours which follow at once can join; disk_kick starts.
 *
 * Returns   nothing; bio->done is called once, perhaps before this returns
 * Context   any, interrupts too; takes disk->lock
 * Takes     the bio and the pages' contents until bio->done
 */
void bio_submit(struct bio *bio);
void bio_queue(struct bio *bio);
void disk_kick(struct disk *disk);

/*
 * bio_wait - submit and wait for the end
 *
 * Returns   bio->error; -EIO for one that was lost
 * Context   may sleep; sets bio->done
 */
int bio_wait(struct bio *bio);

/*
 * disk_flush - what was written to @dev and is done survives a power failure
 *
 * Returns   0, also where the device has no cache; -ENOMEM, or the device's error
 * Context   may sleep
 */
int disk_flush(struct block_device *dev);

/* bio_add - append a segment. False: it is full. Context: before submission. */
static inline bool
bio_add(struct bio *bio, struct page *page, u32 off, u32 len)
{
	if (bio->count == BIO_SEGMENTS)
		return false;
	bio->seg[bio->count++] = (struct bio_segment){page, off, len};
	return true;
}

/*
 * disk_complete - the device is done with @r: its bios go to @done, with @error, or are tried again (I3)
 *
 * Context   disk->lock held; disk_finish follows
 */
void disk_complete(struct disk *disk, struct request *r, int error, struct list *done);

/* disk_finish - start what waited for room, then end the bios of @done. Context: interrupt; disk->lock not held. */
void disk_finish(struct disk *disk, struct list *done);

/* disk_stats - a consistent copy. Context: takes disk->lock. */
void disk_stats(struct block_device *dev, struct block_stats *out);
