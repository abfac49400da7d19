/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_swap.c - swapon, swapoff, and /proc/swaps
 *
 * Idea        The first page of an area is a header that mkswap wrote: a magic word, how many pages, which are bad.
 *             Nothing of it is believed before it fits the device. Simple: areas are disks and partitions; a file would
 *             need a file system that says where its blocks are.
 * Invariants  I1  One block device is one area at most: an area has claimed its device.
 * Locks       swapon_lock (sleeping): one change of the areas at a time
 * Follow      from syscalls.def   to swap_device.c, mm/swap.c
 * Tests       tests/guest/swap.c
 * See         swapon(2); Linux include/linux/swap.h, union swap_header
 */
#include <kernel/sys_swap.h>

#include <kernel/cred.h>
#include <kernel/dev/block.h>
#include <kernel/fs/seq.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/printk.h>
#include <kernel/swap_device.h>
#include <kernel/sys_fs.h>
#include <kernel/syscall.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define SWAP_FLAG_PREFER 0x8000
#define SWAP_FLAG_PRIO_MASK 0x7fff
#define SWAP_FLAG_DISCARD 0x10000
#define SWAP_FLAG_DISCARD_ONCE 0x20000
#define SWAP_FLAG_DISCARD_PAGES 0x40000
#define SWAP_FLAGS_VALID 0x7ffff

/* Of a page of 4 KiB. */
struct swap_header {
	u8 boot[1024];
	u32 version;
	u32 last_page;
	u32 nr_badpages;
	u8 uuid[16];
	u8 label[16];
	u32 padding[117];
	u32 badpages[637];
	u8 unused[2];
	char magic[10]; /* the last bytes of the page */
};

static struct mutex swapon_lock = MUTEX_INIT(swapon_lock, RANK_FILE);

static int device_of(u64 path, struct block_device **out);
static struct swap_area *area_on(const struct block_device *dev);
static int swapon_locked(struct block_device *dev, u64 flags);
static int header_read(struct block_device *dev, struct page *page);
static int header_check(const struct block_device *dev, const struct swap_header *h);
static int area_open(struct block_device *dev, const struct swap_header *h, u64 flags);
static u8 discard_of(const struct block_device *dev, u64 flags);

s64
sys_swapon(u64 path, u64 flags)
{
	struct block_device *dev;
	s64 result;

	if (flags & ~(u64)SWAP_FLAGS_VALID)
		return -EINVAL;
	if (!cred_is_root())
		return -EPERM;
	result = device_of(path, &dev);
	if (result)
		return result;
	mutex_lock(&swapon_lock);
	result = block_device_claim(dev, BLOCK_SWAP);
	if (!result) {
		mutex_lock(&dev->disk->write_lock); /* a write that began before the claim is over then */
		mutex_unlock(&dev->disk->write_lock);
		result = swapon_locked(dev, flags);
		if (result)
			block_device_release(dev);
	}
	mutex_unlock(&swapon_lock);
	return result;
}

s64
sys_swapoff(u64 path)
{
	struct block_device *dev;
	struct swap_area *area;
	s64 result = cred_is_root() ? device_of(path, &dev) : -EPERM;

	if (result)
		return result;
	mutex_lock(&swapon_lock);
	area = area_on(dev);
	result = area ? swap_area_remove(area) : -EINVAL;
	if (!result)
		block_device_release(dev);
	mutex_unlock(&swapon_lock);
	return result;
}

void
swaps_show(struct seq *s)
{
	seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++) {
		const struct swap_area *area = &swap_areas[i];
		u64 size = swap_map_size(&area->map);

		if (READ_ONCE(area->state) == SWAP_OFF)
			continue;
		seq_printf(s, "%s", area->name);
		seq_pad(s, 40);
		seq_printf(s, "partition\t%lu\t\t%lu\t\t%d\n", size << (PAGE_SHIFT - 10),
			   (size - READ_ONCE(area->map.free)) << (PAGE_SHIFT - 10), READ_ONCE(area->priority));
	}
}

/* The block device that a path names. -EINVAL: it is something else. */
static int
device_of(u64 path, struct block_device **out)
{
	struct inode *inode;
	int err = at_inode(AT_FDCWD, path, WALK_FOLLOW, &inode);

	if (err)
		return err;
	*out = NULL;
	if ((inode->mode & S_IFMT) == S_IFBLK)
		*out = block_device_find(dev_major(inode->rdev), dev_minor(inode->rdev));
	err = *out ? 0 : (inode->mode & S_IFMT) == S_IFBLK ? -ENXIO : -EINVAL;
	inode_put(inode);
	return err;
}

static struct swap_area *
area_on(const struct block_device *dev)
{
	char name[SWAP_NAME_MAX];

	format(name, sizeof(name), "/dev/%s", dev->name);
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (swap_areas[i].state != SWAP_OFF && !strcmp(swap_areas[i].name, name))
			return &swap_areas[i];
	return NULL;
}

static int
swapon_locked(struct block_device *dev, u64 flags)
{
	struct page *page = page_alloc(0, ALLOC_KERNEL);
	const struct swap_header *h;
	int err;

	_Static_assert(sizeof(struct swap_header) == PAGE_SIZE, "the header as mkswap writes it");
	if (!page)
		return -ENOMEM;
	h = page_to_va(page);
	err = dev->disk->read_only ? -EROFS : header_read(dev, page);
	if (!err)
		err = header_check(dev, h);
	if (!err)
		err = area_open(dev, h, flags);
	page_put(page);
	return err;
}

static int
header_read(struct block_device *dev, struct page *page)
{
	struct bio *bio = kmalloc(sizeof(*bio), ALLOC_KERNEL);
	int err;

	if (!bio)
		return -ENOMEM;
	*bio = (struct bio){.dev = dev, .op = BIO_READ};
	bio_add(bio, page, 0, PAGE_SIZE);
	err = bio_wait(bio);
	kfree(bio);
	return err;
}

/* As Linux: a page too many for the device is an error, too few are not. */
static int
header_check(const struct block_device *dev, const struct swap_header *h)
{
	u64 pages = dev->sectors / (PAGE_SIZE / SECTOR_SIZE);

	if (memcmp(h->magic, "SWAPSPACE2", sizeof(h->magic))) {
		pr_err("Unable to find swap-space signature on /dev/%s\n", dev->name);
		return -EINVAL;
	}
	if (h->version != 1) {
		pr_warn("Unable to handle swap header version %u on /dev/%s\n", h->version, dev->name);
		return -EINVAL;
	}
	if (!h->last_page) {
		pr_warn("Empty swap-file\n");
		return -EINVAL;
	}
	if (h->last_page >= UINT32_MAX / 2 || (u64)h->last_page + 1 > pages) {
		pr_warn("Swap area shorter than signature indicates: %u pages, /dev/%s has %lu\n", h->last_page + 1,
			dev->name, pages);
		return -EINVAL;
	}
	return h->nr_badpages > ARRAY_SIZE(h->badpages) ? -EINVAL : 0;
}

static int
area_open(struct block_device *dev, const struct swap_header *h, u64 flags)
{
	char name[SWAP_NAME_MAX];
	struct swap_setup setup = {
		.ops = &swap_disk_ops,
		.device = swap_disk_open(dev),
		.name = name,
		.priority = flags & SWAP_FLAG_PREFER ? (s32)(flags & SWAP_FLAG_PRIO_MASK) : -1,
		.slots = h->last_page + 1,
		.bad = h->badpages,
		.bad_count = h->nr_badpages,
		.discard = discard_of(dev, flags),
	};
	int err;

	if (!setup.device)
		return -ENOMEM;
	format(name, sizeof(name), "/dev/%s", dev->name);
	err = swap_area_add(&setup);
	if (err)
		setup.ops->close(setup.device);
	return err;
}

/* As Linux: where the disk can; the area and freed clusters, unless one of them alone is asked for. */
static u8
discard_of(const struct block_device *dev, u64 flags)
{
	if (!(flags & SWAP_FLAG_DISCARD) || !dev->disk->discard_most)
		return 0;
	if (flags & SWAP_FLAG_DISCARD_ONCE)
		return SWAP_DISCARD_AREA;
	return flags & SWAP_FLAG_DISCARD_PAGES ? SWAP_DISCARD_FREED : SWAP_DISCARD_AREA | SWAP_DISCARD_FREED;
}
