/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/virtio_blk.c - disks that the host emulates
 *
 * Idea        A request is a chain: a header that says what and where, the pages, one byte for the verdict. Header,
 *             byte and table of descriptors of each request lie in memory that belongs to it for good, so that no
 *             transfer allocates.
 *
 *                 [ header ][ page ][ page ] ... [ status ]
 *                  device reads   reads or writes  writes
 *
 *             The device interrupts by message (MSI-X); where it has none it is looked at every millisecond while
 *             something is in flight.
 * Invariants  I1  slot i belongs to request i of the disk; the device knows it only while that is in flight.
 * Locks       disk->lock: the queue and the slots
 * Follow      from kernel/main.c, block.c   to virtq.c, virtio_pci.c
 * Tests       tests/guest/disk.c
 * See         VIRTIO 1.1, section 5.2
 */
#include <kernel/dev/virtio_blk.h>

#include <kernel/dev/block.h>
#include <kernel/dev/virtio_pci.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/page_alloc.h>
#include <mm/vmalloc.h>

#define DEVICE_FIRST 0x1000 /* virtio devices of any kind */
#define DEVICE_LAST 0x107f
#define DEVICE_LEGACY 0x1001 /* a transitional one, which has the modern interface too */
#define DEVICE_MODERN 0x1042

#define F_SEG_MAX BIT(2)
#define F_RO BIT(5)
#define F_FLUSH BIT(9)
#define F_DISCARD BIT(13)
#define CONFIG_CAPACITY 0
#define CONFIG_SEG_MAX 12
#define CONFIG_DISCARD_MOST 36

#define TYPE_IN 0
#define TYPE_OUT 1
#define TYPE_FLUSH 4
#define TYPE_DISCARD 11
#define STATUS_OK 0
#define STATUS_UNSUPPORTED 2

#define CHAIN_MOST (REQUEST_SEGMENTS + 2)

struct blk_header {
	u32 type;
	u32 reserved;
	u64 sector;
};

struct blk_range {
	u64 sector;
	u32 sectors;
	u32 flags;
};

/* I1: what the device reads and writes beside the pages. */
struct slot {
	struct virtq_desc table[CHAIN_MOST];
	struct blk_header header;
	struct blk_range range; /* of a discard */
	u8 status;
} __aligned(2048);

#define SLOTS_A_PAGE (PAGE_SIZE / sizeof(struct slot))

struct virtio_blk {
	struct disk disk;
	struct virtio_device device;
	struct pci_device pci; /* const after probe */
	struct virtq queue;    /* disk.lock */
	void *ring;            /* const after probe, as the rest: the queue's memory */
	struct slot *slots[DISK_REQUESTS];
	u16 message;
	char irq_name[20]; /* const after probe */
};

static void probe(struct pci_device *dev);
static void add(struct pci_device *dev, u32 number);
static int set_up(struct virtio_blk *blk, struct pci_device *dev, u32 number);
static int allocate(struct virtio_blk *blk);
static int run(struct virtio_blk *blk);
static void constants_read(struct virtio_blk *blk);
static bool start(struct disk *disk, struct request *r);
static u32 chain_build(struct slot *slot, const struct request *r, struct virtq_buf *bufs);
static void kick(struct disk *disk);
static void interrupt(void *arg);
static void poll(struct disk *disk);
static int verdict(const struct virtio_blk *blk, const struct request *r);
static bool reset(struct disk *disk);

static const struct pci_driver driver = {.vendor = VIRTIO_VENDOR, .probe = probe};
static const struct disk_ops virtio_blk_ops = {.start = start, .kick = kick, .poll = poll, .reset = reset};

void
virtio_blk_probe_all(void)
{
	pci_scan(&driver);
}

/* Virtio devices have numbers in the order of the buses, whatever they are: virtio0, virtio1, as Linux calls them. */
static void
probe(struct pci_device *dev)
{
	static u32 found; /* boot, one task */

	if (dev->device < DEVICE_FIRST || dev->device > DEVICE_LAST)
		return;
	if (dev->device == DEVICE_LEGACY || dev->device == DEVICE_MODERN)
		add(dev, found);
	found++;
}

/* Why never freed when it fails: a boot goes on without a broken disk, which may be half set up and write to memory. */
static void
add(struct pci_device *dev, u32 number)
{
	struct virtio_blk *blk = vmalloc_named(sizeof(*blk), "virtio disk");
	u64 sectors;
	int err;

	if (!blk) {
		pr_err("no memory for a virtio disk\n");
		return;
	}
	*blk = (struct virtio_blk){0};
	disk_init(&blk->disk);
	err = set_up(blk, dev, number);
	if (!err) {
		virtio_config_read(&blk->device, CONFIG_CAPACITY, &sectors, sizeof(sectors));
		err = disk_add(&blk->disk, sectors);
	}
	if (err)
		pr_err("a virtio disk cannot be used: error %d\n", -err);
}

static int
set_up(struct virtio_blk *blk, struct pci_device *dev, u32 number)
{
	int err = virtio_find(&blk->device, dev);

	if (err)
		return err;
	blk->pci = *dev;
	blk->disk.ops = &virtio_blk_ops;
	blk->disk.private = blk;
	blk->message = VIRTIO_NO_MESSAGE;
	format(blk->irq_name, sizeof(blk->irq_name), "virtio%u-req.0", number);
	if (pci_msix_enable(dev) && !pci_msix_wire(dev, 0, interrupt, blk, blk->irq_name))
		blk->message = 0;
	blk->disk.polls = blk->message == VIRTIO_NO_MESSAGE;
	err = allocate(blk);
	if (!err)
		err = run(blk);
	if (!err)
		constants_read(blk);
	return err;
}

/* The ring for the largest queue there can be, and a slot for each request. */
static int
allocate(struct virtio_blk *blk)
{
	struct page *page;
	u32 order = 0;

	while ((PAGE_SIZE << order) < virtq_bytes(VIRTQ_SIZE_MAX))
		order++;
	page = page_alloc(order, ALLOC_KERNEL);
	if (!page)
		return -ENOMEM;
	blk->ring = page_to_va(page);
	for (u32 i = 0; i < DISK_REQUESTS; i += SLOTS_A_PAGE) {
		page = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
		if (!page)
			return -ENOMEM;
		for (u32 n = 0; n < SLOTS_A_PAGE && i + n < DISK_REQUESTS; n++)
			blk->slots[i + n] = (struct slot *)page_to_va(page) + n;
	}
	return 0;
}

/* From reset to a device that works, at boot and after it was lost. */
static int
run(struct virtio_blk *blk)
{
	u64 wanted = F_SEG_MAX | F_RO | F_FLUSH | F_DISCARD | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
	int err = virtio_start(&blk->device, wanted);
	u16 size;

	if (err)
		return err;
	size = (u16)min_u64(virtio_queue_size(&blk->device), VIRTQ_SIZE_MAX);
	if (!is_pow2(size))
		return -ENODEV;
	memset(blk->ring, 0, virtq_bytes(size));
	virtq_init(&blk->queue, size, blk->ring, blk->device.features & VIRTIO_F_INDIRECT_DESC,
		   blk->device.features & VIRTIO_F_EVENT_IDX);
	err = virtio_queue_attach(&blk->device, &blk->queue, va_to_pa(blk->ring), blk->message);
	if (!err)
		virtio_run(&blk->device);
	return err;
}

static void
constants_read(struct virtio_blk *blk)
{
	u32 most = 1;

	if (blk->device.features & F_SEG_MAX)
		virtio_config_read(&blk->device, CONFIG_SEG_MAX, &most, sizeof(most));
	if (!(blk->device.features & VIRTIO_F_INDIRECT_DESC))
		most = (u32)min_u64(most, blk->queue.size - 2);
	blk->disk.segments_most = (u32)min_u64(most, REQUEST_SEGMENTS);
	blk->disk.read_only = blk->device.features & F_RO;
	blk->disk.flushes = blk->device.features & F_FLUSH;
	if (blk->device.features & F_DISCARD)
		virtio_config_read(&blk->device, CONFIG_DISCARD_MOST, &blk->disk.discard_most,
				   sizeof(blk->disk.discard_most));
}

/* ---- requests ---- */

static bool
start(struct disk *disk, struct request *r)
{
	struct virtio_blk *blk = disk->private;
	struct slot *slot = blk->slots[r->index];
	struct virtq_buf bufs[CHAIN_MOST];
	u32 pages = chain_build(slot, r, bufs);
	u32 reads = r->op == BIO_READ ? 1 : 1 + pages;

	must_hold(&disk->lock);
	slot->status = STATUS_UNSUPPORTED;
	return virtq_add(&blk->queue, bufs, reads, pages + 2 - reads, slot->table, va_to_pa(slot->table), r);
}

/* Returns the number of pieces between header and status. */
static u32
chain_build(struct slot *slot, const struct request *r, struct virtq_buf *bufs)
{
	static const u32 types[BIO_OPS] = {
		[BIO_READ] = TYPE_IN, [BIO_WRITE] = TYPE_OUT, [BIO_FLUSH] = TYPE_FLUSH, [BIO_DISCARD] = TYPE_DISCARD};
	const struct bio *bio;
	u32 n = 1;

	slot->header = (struct blk_header){.type = types[r->op], .sector = r->op >= BIO_FLUSH ? 0 : r->sector};
	bufs[0] = (struct virtq_buf){va_to_pa(&slot->header), sizeof(slot->header)};
	list_for_each (bio, &r->bios, link)
		for (u32 i = 0; i < bio->count; i++)
			bufs[n++] = (struct virtq_buf){page_to_pa(bio->seg[i].page) + bio->seg[i].off, bio->seg[i].len};
	if (r->op == BIO_DISCARD) {
		slot->range = (struct blk_range){.sector = r->sector, .sectors = r->sectors};
		bufs[n++] = (struct virtq_buf){va_to_pa(&slot->range), sizeof(slot->range)};
	}
	bufs[n] = (struct virtq_buf){va_to_pa(&slot->status), 1};
	return n - 1;
}

static void
kick(struct disk *disk)
{
	struct virtio_blk *blk = disk->private;

	if (virtq_show(&blk->queue))
		virtio_kick(&blk->device);
}

static void
interrupt(void *arg)
{
	struct virtio_blk *blk = arg;
	struct list done = LIST_INIT(done);
	u64 flags = spin_lock_irqsave(&blk->disk.lock);
	struct request *r;

	/* A device that was given up may answer still: nobody waits for it. */
	while (!blk->disk.dead && (r = virtq_take(&blk->queue)))
		disk_complete(&blk->disk, r, verdict(blk, r), &done);
	spin_unlock_irqrestore(&blk->disk.lock, flags);
	disk_finish(&blk->disk, &done);
}

static void
poll(struct disk *disk)
{
	interrupt(disk->private);
}

/* Why the length: a device that says OK and wrote less than was asked for leaves what the frames held before. */
static int
verdict(const struct virtio_blk *blk, const struct request *r)
{
	u64 bytes = (r->op == BIO_READ ? (u64)r->sectors << SECTOR_SHIFT : 0) + 1;

	switch (blk->slots[r->index]->status) {
	case STATUS_OK:
		if (likely(blk->queue.written >= bytes))
			return 0;
		warn_once("%s wrote %u of %lu bytes, and says that all is well", blk->disk.parts[0].name,
			  blk->queue.written, bytes);
		return -EIO;
	case STATUS_UNSUPPORTED:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

static bool
reset(struct disk *disk)
{
	struct virtio_blk *blk = disk->private;

	must_hold(&disk->lock);
	if (virtio_reset(&blk->device) && !run(blk))
		return true;
	pci_silence(&blk->pci);
	return false;
}
