/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/block_file.c - disks as files
 *
 * Idea        Bytes go through a few pages of the kernel's own, in transfers of whole sectors: what is read comes from
 *             the disk each time, what is written is there when write() returns. A write that begins or ends inside
 *             a sector reads that sector first. Simple: no cache. Linux keeps a disk's blocks in the page cache,
 *             and writes them back when it likes.
 * Invariants  I1  Between reading a sector and writing it back changed, no other write of the same disk comes.
 * Locks       disk->write_lock (sleeping): I1; disk->lock for claims
 * Follow      from devfs.c   to kernel/dev/block.h
 * Tests       tests/guest/disk.c, tests/guest/swap.c (of an area that is on)
 * See         Linux Documentation/admin-guide/iostats.rst for /proc/diskstats
 */
#include <kernel/fs/block_file.h>

#include <kernel/dev/block.h>
#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/seq.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/sched.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define CHUNK_PAGES 16 /* 64 KiB at a time, if there is so much memory */

#define BLKROGET 0x125e
#define BLKGETSIZE 0x1260
#define BLKFLSBUF 0x1261
#define BLKSSZGET 0x1268
#define BLKBSZGET 0x80081270
#define BLKGETSIZE64 0x80081272
#define BLKPBSZGET 0x127b

/* One transfer on its way: a window of whole sectors around the bytes that are wanted. */
struct window {
	struct block_device *dev;
	struct bio bio;
	struct page *page[CHUNK_PAGES];
	u32 pages;
	u64 sector; /* the first one */
	u32 bytes;  /* whole sectors */
};

static s64 block_read(struct file *f, struct io *io);
static s64 block_write(struct file *f, struct io *io);
static s64 block_ioctl(struct file *f, u32 cmd, u64 arg);
static u64 block_size(struct file *f);
static int block_open(struct file *f);
static void block_release(struct file *f);
static int block_fsync(struct file *f);
static struct block_device *device_of(const struct file *f);
static struct window *window_alloc(struct block_device *dev, u64 len);
static void window_free(struct window *w);
static void window_set(struct window *w, u64 pos, u64 len);
static int window_transfer(struct window *w, enum bio_op op);
static u64 window_copy(struct window *w, struct io *io, bool put);
static u32 window_end_at(struct window *w, u32 bytes);
static s64 read_chunk(struct window *w, struct io *io);
static s64 write_chunk(struct window *w, struct io *io);
static bool clip(struct block_device *dev, struct io *io);
static bool give_way(const struct io *io);
static void stats_line(struct seq *s, struct block_device *dev);

static const struct file_ops block_ops = {
	.open = block_open,
	.release = block_release,
	.read = block_read,
	.write = block_write,
	.ioctl = block_ioctl,
	.size = block_size,
	.fsync = block_fsync,
};

const struct file_ops *
block_file_ops(u64 rdev)
{
	return block_device_find(dev_major(rdev), dev_minor(rdev)) ? &block_ops : NULL;
}

/* O_EXCL alone: nobody else has it so, and it is no swap area. As on Linux, who opens it without does not care. */
static int
block_open(struct file *f)
{
	struct block_device *dev = device_of(f);
	int err = f->flags & O_EXCL ? block_device_claim(dev, BLOCK_EXCLUSIVE) : 0;

	f->private = (f->flags & O_EXCL) && !err ? dev : NULL;
	return err;
}

static void
block_release(struct file *f)
{
	if (f->private)
		block_device_release(f->private);
}

static s64
block_read(struct file *f, struct io *io)
{
	struct block_device *dev = device_of(f);
	struct window *w;
	u64 moved = 0;
	s64 got;

	if (!clip(dev, io))
		return 0;
	w = window_alloc(dev, io->left);
	if (!w)
		return -ENOMEM;
	do {
		got = read_chunk(w, io);
		moved += got > 0 ? got : 0;
	} while (got > 0 && give_way(io));
	window_free(w);
	return moved ? (s64)moved : got < 0 ? got : io_result(io, moved);
}

/*
 * When some of it cannot be read, the rest of the first page alone: who reads on comes as far as the disk does. Not
 * after a request that was lost, which bio_wait calls -EIO, too: nobody waits twice for that.
 */
static s64
read_chunk(struct window *w, struct io *io)
{
	u64 rest = PAGE_SIZE - (io->pos & ~PAGE_MASK);
	int err;

	window_set(w, io->pos, io->left);
	err = window_transfer(w, BIO_READ);
	if (w->bio.error == -EIO && (w->sector << SECTOR_SHIFT) + w->bytes > io->pos + rest) {
		window_set(w, io->pos, rest);
		err = window_transfer(w, BIO_READ);
	}
	return err ? err : (s64)window_copy(w, io, true);
}

static s64
block_write(struct file *f, struct io *io)
{
	struct block_device *dev = device_of(f);
	struct window *w;
	u64 moved = 0;
	s64 got;

	if (dev->disk->read_only)
		return -EPERM;
	if (READ_ONCE(dev->claim) == BLOCK_SWAP)
		return -ETXTBSY;
	if (!io->left)
		return 0;
	if (!clip(dev, io))
		return -ENOSPC;
	w = window_alloc(dev, io->left);
	if (!w)
		return -ENOMEM;
	do {
		got = mutex_lock_killable(&dev->disk->write_lock);
		if (got)
			break;
		got = write_chunk(w, io);
		mutex_unlock(&dev->disk->write_lock);
		moved += got > 0 ? got : 0;
	} while (got > 0 && give_way(io));
	window_free(w);
	return moved ? (s64)moved : got < 0 ? got : io_result(io, moved);
}

/*
 * I1: under write_lock from the reading to the end. Race: the device may have become a swap area since the last chunk;
 * swapon comes after a chunk that is under way, as it takes the lock, too.
 */
static s64
write_chunk(struct window *w, struct io *io)
{
	bool whole;
	u64 got, done;
	int err;

	if (READ_ONCE(w->dev->claim) == BLOCK_SWAP)
		return -ETXTBSY;
	window_set(w, io->pos, io->left);
	whole = io->pos % SECTOR_SIZE == 0 && (io->left >= w->bytes || io->left % SECTOR_SIZE == 0);
	err = whole ? 0 : window_transfer(w, BIO_READ);
	if (err)
		return err;
	got = window_copy(w, io, false);
	if (!got)
		return io_result(io, 0);
	done = io->faulted && whole ? window_end_at(w, (u32)got) : got;
	io->pos -= got - done;
	err = done ? window_transfer(w, BIO_WRITE) : -EIO;
	return err ? err : (s64)done;
}

static int
block_fsync(struct file *f)
{
	return disk_flush(device_of(f));
}

static s64
block_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct block_device *dev = device_of(f);

	switch (cmd) {
	case BLKGETSIZE:
		return put_user_u64(dev->sectors, (u64 *)arg);
	case BLKGETSIZE64:
		return put_user_u64(dev->sectors << SECTOR_SHIFT, (u64 *)arg);
	case BLKSSZGET:
	case BLKPBSZGET:
		return put_user_u32(SECTOR_SIZE, (u32 *)arg);
	case BLKBSZGET:
		return put_user_u32(PAGE_SIZE, (u32 *)arg);
	case BLKROGET:
		return put_user_u32(dev->disk->read_only, (u32 *)arg);
	case BLKFLSBUF:
		return block_fsync(f);
	default:
		return -ENOTTY;
	}
}

static u64
block_size(struct file *f)
{
	return device_of(f)->sectors << SECTOR_SHIFT;
}

static struct block_device *
device_of(const struct file *f)
{
	return block_device_find(dev_major(f->inode->rdev), dev_minor(f->inode->rdev));
}

/* ---- windows ---- */

/* Room for a transfer of @len bytes, or of less when memory is short; NULL when there is none at all. */
static struct window *
window_alloc(struct block_device *dev, u64 len)
{
	u64 wanted = min_u64(div_round_up(len, PAGE_SIZE) + 1, CHUNK_PAGES);
	struct window *w = kmalloc(sizeof(*w), ALLOC_KERNEL);

	if (!w)
		return NULL;
	w->dev = dev;
	for (w->pages = 0; w->pages < wanted; w->pages++) {
		w->page[w->pages] = page_alloc(0, ALLOC_KERNEL | ALLOC_NOOOM | ALLOC_NOWARN);
		if (!w->page[w->pages])
			break;
	}
	if (w->pages)
		return w;
	kfree(w);
	return NULL;
}

static void
window_free(struct window *w)
{
	for (u32 i = 0; i < w->pages; i++)
		page_put(w->page[i]);
	kfree(w);
}

/* The whole sectors around up to @len bytes at @pos, as many as there is room for. */
static void
window_set(struct window *w, u64 pos, u64 len)
{
	u64 start = round_down(pos, SECTOR_SIZE);
	u64 end = round_up(pos + len, SECTOR_SIZE);

	w->sector = start >> SECTOR_SHIFT;
	w->bytes = (u32)min_u64(end - start, (u64)w->pages << PAGE_SHIFT);
}

static int
window_transfer(struct window *w, enum bio_op op)
{
	w->bio = (struct bio){.dev = w->dev, .op = op, .sector = w->sector};
	for (u32 at = 0; at < w->bytes; at += PAGE_SIZE)
		bio_add(&w->bio, w->page[at >> PAGE_SHIFT], 0, (u32)min_u64(w->bytes - at, PAGE_SIZE));
	return bio_wait(&w->bio);
}

/* Between the program's buffers and the window; returns the bytes moved. */
static u64
window_copy(struct window *w, struct io *io, bool put)
{
	u64 at = io->pos - (w->sector << SECTOR_SHIFT);
	u64 moved = 0;

	while (at < w->bytes && io->left && !io->faulted) {
		char *bytes = (char *)page_to_va(w->page[at >> PAGE_SHIFT]) + (at & ~PAGE_MASK);
		u64 n = min_u64(PAGE_SIZE - (at & ~PAGE_MASK), w->bytes - at);
		u64 got = put ? io_put(io, bytes, n) : io_take(io, bytes, n);

		at += got;
		moved += got;
	}
	return moved;
}

/*
 * Only the first @bytes of what should have been whole sectors are there: the window ends with the sector of the last
 * one, and the rest of that comes from the disk. If that fails, it ends before. Returns how many bytes count then.
 */
static u32
window_end_at(struct window *w, u32 bytes)
{
	u32 at = round_down(bytes, SECTOR_SIZE);
	char *sector = (char *)page_to_va(w->page[at >> PAGE_SHIFT]) + (at & ~PAGE_MASK);
	char ours[SECTOR_SIZE];

	w->bytes = at;
	if (at == bytes)
		return at;
	memcpy(ours, sector, bytes - at);
	w->bio = (struct bio){.dev = w->dev, .op = BIO_READ, .sector = w->sector + (at >> SECTOR_SHIFT)};
	bio_add(&w->bio, w->page[at >> PAGE_SHIFT], at & ~PAGE_MASK, SECTOR_SIZE);
	if (bio_wait(&w->bio))
		return at;
	memcpy(sector, ours, bytes - at);
	w->bytes += SECTOR_SIZE;
	return bytes;
}

/* Cuts the transfer at the end of the device. False: nothing is left of it. */
static bool
clip(struct block_device *dev, struct io *io)
{
	u64 size = dev->sectors << SECTOR_SHIFT;

	if (io->pos >= size)
		return false;
	io->left = min_u64(io->left, size - io->pos);
	return io->left;
}

static bool
give_way(const struct io *io)
{
	if (!io->left || io->faulted)
		return false;
	cond_resched();
	return !signal_state_fatal(&current->signal);
}

/* ---- /proc ---- */

void
diskstats_show(struct seq *s)
{
	struct disk *disk;

	for (u32 i = 0; (disk = disk_at(i)); i++)
		for (u32 part = 0; part < PARTS_MAX; part++)
			if (disk->parts[part].sectors)
				stats_line(s, &disk->parts[part]);
}

static void
stats_line(struct seq *s, struct block_device *dev)
{
	struct block_stats st;
	u64 weighted;

	disk_stats(dev, &st);
	weighted = st.time_ns[BIO_READ] + st.time_ns[BIO_WRITE] + st.time_ns[BIO_FLUSH] + st.time_ns[BIO_DISCARD];
	seq_printf(s, "%4d %7u %s ", DISK_MAJOR, dev->disk->index * PARTS_MAX + dev->part, dev->name);
	seq_printf(s, "%lu %lu %lu %lu ", st.ios[BIO_READ], st.merges[BIO_READ], st.sectors[BIO_READ],
		   st.time_ns[BIO_READ] / NS_PER_MS);
	seq_printf(s, "%lu %lu %lu %lu ", st.ios[BIO_WRITE], st.merges[BIO_WRITE], st.sectors[BIO_WRITE],
		   st.time_ns[BIO_WRITE] / NS_PER_MS);
	seq_printf(s, "%u %lu %lu ", st.in_flight, st.busy_ns / NS_PER_MS, weighted / NS_PER_MS);
	seq_printf(s, "%lu %lu %lu %lu ", st.ios[BIO_DISCARD], st.merges[BIO_DISCARD], st.sectors[BIO_DISCARD],
		   st.time_ns[BIO_DISCARD] / NS_PER_MS);
	seq_printf(s, "%lu %lu\n", st.ios[BIO_FLUSH], st.time_ns[BIO_FLUSH] / NS_PER_MS);
}

void
partitions_show(struct seq *s)
{
	struct disk *disk;

	seq_puts(s, "major minor  #blocks  name\n\n");
	for (u32 i = 0; (disk = disk_at(i)); i++)
		for (u32 part = 0; part < PARTS_MAX; part++)
			if (disk->parts[part].sectors)
				seq_printf(s, "%4d %8u %10lu %s\n", DISK_MAJOR, i * PARTS_MAX + part,
					   disk->parts[part].sectors / 2, disk->parts[part].name);
}
