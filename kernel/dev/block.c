/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/block.c - from bios to requests and back
 *
 * Idea        see block.h
 * Invariants  I1 to I5 of block.h
 * Locks       disk->lock
 * Follow      from block_file.c   to virtio_blk.c
 * Tests       tests/guest/disk.c
 * See         block.h
 */
#include <kernel/dev/block.h>

#include <kernel/cmdline.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/ratelimit.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmstat.h>

#define POLL_NS NS_PER_MS
#define WATCH_NS NS_PER_SEC

static const char *const op_names[BIO_OPS] = {"read", "write", "flush", "discard"};

static int bio_check(struct bio *bio);
static void queue_locked(struct disk *disk, struct bio *bio);
static bool can_join(const struct disk *disk, const struct bio *bio);
static bool join_locked(struct disk *disk, struct bio *bio);
static void begin_request_locked(struct disk *disk, struct bio *bio);
static void dispatch_locked(struct disk *disk);
static void refill_locked(struct disk *disk);
static void watch_locked(struct disk *disk);
static bool is_late_locked(struct disk *disk);
static void disk_lost(struct disk *disk);
static void frames_keep(struct disk *disk);
static void fail_all(struct disk *disk, struct list *requests, int error, struct list *done);
static void take_apart_locked(struct disk *disk, struct request *r);
static void request_end(struct disk *disk, struct request *r, int error, struct list *done);
static void bios_end(struct disk *disk, struct list *bios);
static void stats_begin(struct block_device *dev, u64 now);
static void stats_end(struct block_device *dev, const struct bio *bio, u64 now);
static void bio_wait_done(struct bio *bio);
static void disk_timer(void *arg);

void
disk_init(struct disk *disk)
{
	spin_init(&disk->lock, RANK_DISK);
	list_init(&disk->free);
	list_init(&disk->pending);
	list_init(&disk->flying);
	list_init(&disk->overflow);
	wait_init(&disk->waiters);
	mutex_init(&disk->write_lock, RANK_INODE);
	timer_init(&disk->timer, disk_timer, disk);
	disk->timeout_ns = cmdline_u64("disk_timeout", DISK_TIMEOUT_S) * NS_PER_SEC;
	for (u32 i = 0; i < DISK_REQUESTS; i++) {
		disk->requests[i].index = i;
		list_init(&disk->requests[i].bios);
		list_add_tail(&disk->requests[i].link, &disk->free);
	}
}

void
bio_submit(struct bio *bio)
{
	struct disk *disk = bio->dev->disk;

	bio_queue(bio);
	disk_kick(disk);
}

void
bio_queue(struct bio *bio)
{
	struct disk *disk = bio->dev->disk;
	int err = bio_check(bio);
	u64 flags;

	bio->error = err;
	bio->alone = false;
	bio->first = bio->dev->start + bio->sector;
	if (!err) {
		flags = spin_lock_irqsave(&disk->lock);
		err = disk->dead ? -EIO : 0;
		if (!err) {
			count_events(bio->op == BIO_READ ? VM_PGPGIN : VM_PGPGOUT, bio->sectors);
			queue_locked(disk, bio);
		}
		spin_unlock_irqrestore(&disk->lock, flags);
	}
	if (err) {
		bio->error = err;
		bio->done(bio);
	}
}

void
disk_kick(struct disk *disk)
{
	u64 flags = spin_lock_irqsave(&disk->lock);

	dispatch_locked(disk);
	spin_unlock_irqrestore(&disk->lock, flags);
}

int
bio_wait(struct bio *bio)
{
	may_sleep();
	bio->done = bio_wait_done;
	bio->over = false;
	bio_submit(bio);
	wait_event(&bio->dev->disk->waiters, __atomic_load_n(&bio->over, __ATOMIC_ACQUIRE));
	return bio->error == -ETIMEDOUT ? -EIO : bio->error;
}

int
disk_flush(struct block_device *dev)
{
	struct bio *bio;
	int err;

	if (!dev->disk->flushes)
		return 0;
	bio = kmalloc(sizeof(*bio), ALLOC_KERNEL);
	if (!bio)
		return -ENOMEM;
	*bio = (struct bio){.dev = dev, .op = BIO_FLUSH};
	err = bio_wait(bio);
	kfree(bio);
	return err;
}

void
disk_complete(struct disk *disk, struct request *r, int error, struct list *done)
{
	must_hold(&disk->lock);
	assertf(!list_empty(&r->bios), "%s is done with a request that nobody made", disk->parts[0].name);
	if (unlikely(error) && r->bios.next->next != &r->bios)
		take_apart_locked(disk, r);
	else
		request_end(disk, r, error, done);
}

void
disk_finish(struct disk *disk, struct list *done)
{
	u64 flags = spin_lock_irqsave(&disk->lock);

	refill_locked(disk);
	dispatch_locked(disk);
	spin_unlock_irqrestore(&disk->lock, flags);
	bios_end(disk, done);
}

void
disk_stats(struct block_device *dev, struct block_stats *out)
{
	struct disk *disk = dev->disk;
	u64 flags = spin_lock_irqsave(&disk->lock);

	*out = dev->stats;
	if (out->in_flight)
		out->busy_ns += clock_ns() - out->busy_since_ns;
	spin_unlock_irqrestore(&disk->lock, flags);
}

/* ---- from bios to requests ---- */

/* What the device must never see. Fills bio->sectors. */
static int
bio_check(struct bio *bio)
{
	const struct block_device *dev = bio->dev;
	u64 bytes = 0;

	for (u32 i = 0; i < bio->count; i++) {
		const struct bio_segment *seg = &bio->seg[i];

		if (!seg->len || (seg->off | seg->len) % SECTOR_SIZE || seg->off + seg->len > PAGE_SIZE)
			return -EINVAL;
		bytes += seg->len;
	}
	if (bio->op == BIO_DISCARD && (bio->count || bio->sectors > dev->disk->discard_most))
		return dev->disk->discard_most ? -EINVAL : -EOPNOTSUPP;
	if (bio->op != BIO_DISCARD)
		bio->sectors = (u32)(bytes >> SECTOR_SHIFT);
	if (bio->op == BIO_FLUSH)
		return bio->count ? -EINVAL : 0;
	if (!bio->sectors || bio->sector > dev->sectors || bio->sectors > dev->sectors - bio->sector)
		return -EIO;
	return bio->op != BIO_READ && dev->disk->read_only ? -EROFS : 0;
}

static void
queue_locked(struct disk *disk, struct bio *bio)
{
	must_hold(&disk->lock);
	bio->start_ns = clock_ns();
	stats_begin(&disk->parts[0], bio->start_ns);
	if (bio->dev->part)
		stats_begin(bio->dev, bio->start_ns);
	list_init(&bio->link);
	if (!list_empty(&disk->overflow))
		list_add_tail(&bio->link, &disk->overflow);
	else if (!join_locked(disk, bio))
		begin_request_locked(disk, bio);
}

/* Whether @bio continues the youngest waiting request. Simple: no look at others, and none before its beginning. */
static bool
can_join(const struct disk *disk, const struct bio *bio)
{
	const struct request *r = list_last(&disk->pending, struct request, link);

	if (list_empty(&disk->pending) || bio->op >= BIO_FLUSH || r->op != bio->op || r->alone || bio->alone)
		return false;
	return r->sector + r->sectors == bio->first && r->segments + bio->count <= disk->segments_most;
}

/* False: it cannot. */
static bool
join_locked(struct disk *disk, struct bio *bio)
{
	struct request *r = list_last(&disk->pending, struct request, link);

	must_hold(&disk->lock);
	if (!can_join(disk, bio))
		return false;
	list_add_tail(&bio->link, &r->bios);
	r->sectors += bio->sectors; /* I2 */
	r->segments += bio->count;
	disk->parts[0].stats.merges[bio->op]++;
	if (bio->dev->part)
		bio->dev->stats.merges[bio->op]++;
	return true;
}

/* A request of its own for @bio, if one is free; else it waits for one, in front of all others. */
static void
begin_request_locked(struct disk *disk, struct bio *bio)
{
	struct request *r = list_first(&disk->free, struct request, link);

	if (list_empty(&disk->free)) {
		list_add(&bio->link, &disk->overflow);
		return;
	}
	r->op = bio->op;
	r->alone = bio->alone;
	r->sector = bio->first;
	r->sectors = bio->sectors;
	r->segments = bio->count;
	list_add_tail(&bio->link, &r->bios);
	list_del(&r->link);
	list_add_tail(&r->link, &disk->pending); /* I1 */
}

/* Gives the driver what it has room for. */
static void
dispatch_locked(struct disk *disk)
{
	bool started = false;

	must_hold(&disk->lock);
	while (!list_empty(&disk->pending)) {
		struct request *r = list_first(&disk->pending, struct request, link);

		r->start_ns = clock_ns();
		if (!disk->ops->start(disk, r))
			break;
		r->serial = ++disk->started;
		list_del(&r->link);
		list_add_tail(&r->link, &disk->flying); /* I1 */
		started = true;
	}
	if (!started)
		return;
	disk->ops->kick(disk);
	watch_locked(disk);
}

/* Requests became free: the bios that wait for one go on, in their order. */
static void
refill_locked(struct disk *disk)
{
	while (!list_empty(&disk->overflow)) {
		struct bio *bio = list_first(&disk->overflow, struct bio, link);

		if (list_empty(&disk->free) && !can_join(disk, bio))
			return;
		list_del(&bio->link);
		if (!join_locked(disk, bio))
			begin_request_locked(disk, bio);
	}
}

/* ---- requests that the device forgets ---- */

/* Race: the timer that fires meanwhile waits for the lock, and sets itself again if there is reason to. */
static void
watch_locked(struct disk *disk)
{
	if (!disk->timer.queued)
		timer_set(&disk->timer, clock_ns() + (disk->polls ? POLL_NS : WATCH_NS));
}

static void
disk_timer(void *arg)
{
	struct disk *disk = arg;
	u64 flags;

	/* Why always: an answer that is there is not lost, be its interrupt late or none. */
	disk->ops->poll(disk);
	flags = spin_lock_irqsave(&disk->lock);
	if (is_late_locked(disk)) {
		spin_unlock_irqrestore(&disk->lock, flags);
		disk_lost(disk);
		return;
	}
	if (!list_empty(&disk->flying))
		watch_locked(disk);
	spin_unlock_irqrestore(&disk->lock, flags);
}

static bool
is_late_locked(struct disk *disk)
{
	const struct request *oldest = list_first(&disk->flying, struct request, link);

	must_hold(&disk->lock);
	return disk_age_look(&disk->age, list_empty(&disk->flying) ? 0 : oldest->serial, clock_ns(), disk->timeout_ns);
}

/* I4: what was in flight fails. What waits is tried after the reset, unless there is no device any more. */
static void
disk_lost(struct disk *disk)
{
	struct list done = LIST_INIT(done);
	u64 flags = spin_lock_irqsave(&disk->lock);

	pr_err("%s: a request has had no answer for %lu s: resetting the device\n", disk->parts[0].name,
	       disk->timeout_ns / NS_PER_SEC);
	disk->dead = !disk->ops->reset(disk);
	if (disk->dead)
		frames_keep(disk);
	fail_all(disk, &disk->flying, disk->dead ? -EIO : -ETIMEDOUT, &done);
	if (disk->dead) {
		struct bio *bio;

		pr_err("%s: the device does not answer: it is given up\n", disk->parts[0].name);
		fail_all(disk, &disk->pending, -EIO, &done);
		list_for_each (bio, &disk->overflow, link)
			bio->error = -EIO;
		list_splice(&disk->overflow, &done);
	}
	spin_unlock_irqrestore(&disk->lock, flags);
	disk_finish(disk, &done);
}

/* I5: a reference to each, which nobody gives back. What the device only reads it may read at any time. */
static void
frames_keep(struct disk *disk)
{
	const struct request *r;
	const struct bio *bio;
	u32 kept = 0;

	must_hold(&disk->lock);
	list_for_each (r, &disk->flying, link) {
		if (r->op != BIO_READ)
			continue;
		list_for_each (bio, &r->bios, link)
			for (u32 i = 0; i < bio->count; i++, kept++)
				page_get(bio->seg[i].page);
	}
	pr_err("%s: %u frames that it may still write to are out of use\n", disk->parts[0].name, kept);
}

static void
fail_all(struct disk *disk, struct list *requests, int error, struct list *done)
{
	must_hold(&disk->lock);
	while (!list_empty(requests))
		request_end(disk, list_first(requests, struct request, link), error, done);
}

/* ---- ends ---- */

/* I3: the bios wait for requests of their own; disk_finish gives them some. */
static void
take_apart_locked(struct disk *disk, struct request *r)
{
	struct bio *bio;

	list_for_each (bio, &r->bios, link)
		bio->alone = true;
	list_splice(&r->bios, &disk->overflow);
	list_del(&r->link);
	list_add(&r->link, &disk->free); /* I1 */
}

static void
request_end(struct disk *disk, struct request *r, int error, struct list *done)
{
	struct bio *bio;

	list_for_each (bio, &r->bios, link)
		bio->error = error;
	list_splice(&r->bios, done);
	list_del(&r->link);
	list_add(&r->link, &disk->free); /* I1 */
}

static void
bios_end(struct disk *disk, struct list *bios)
{
	static struct ratelimit limit;

	while (!list_empty(bios)) {
		struct bio *bio = list_first(bios, struct bio, link);
		u64 now = clock_ns();
		u64 flags = spin_lock_irqsave(&disk->lock);

		list_del(&bio->link);
		stats_end(&disk->parts[0], bio, now);
		if (bio->dev->part)
			stats_end(bio->dev, bio, now);
		spin_unlock_irqrestore(&disk->lock, flags);
		if (bio->error && ratelimit_ok(&limit))
			pr_err("%s: I/O error, sector %lu, %s of %u sectors\n", bio->dev->name, bio->sector,
			       op_names[bio->op], bio->sectors);
		bio->done(bio);
	}
}

static void
stats_begin(struct block_device *dev, u64 now)
{
	if (!dev->stats.in_flight++)
		dev->stats.busy_since_ns = now;
}

static void
stats_end(struct block_device *dev, const struct bio *bio, u64 now)
{
	struct block_stats *s = &dev->stats;

	s->ios[bio->op]++;
	s->sectors[bio->op] += bio->sectors;
	s->time_ns[bio->op] += now - bio->start_ns;
	if (!--s->in_flight)
		s->busy_ns += now - s->busy_since_ns;
}

/* Why the disk first: once the bio is over, its owner may be gone with it. */
static void
bio_wait_done(struct bio *bio)
{
	struct disk *disk = bio->dev->disk;

	__atomic_store_n(&bio->over, true, __ATOMIC_RELEASE);
	wake_all(&disk->waiters);
}
