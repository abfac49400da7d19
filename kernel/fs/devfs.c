/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/devfs.c - device nodes, and the devices that are hardly there
 *
 * Idea        see devfs.h. null, zero and full are a few lines each and live here.
 * Invariants  none
 * Locks       none
 * Follow      from file_open, vfs.c   to dev/tty.c, kmsg.c, random.c
 * Tests       tests/guest/file.c
 * See         null(4), full(4), random(4); Linux Documentation/ABI/testing/dev-kmsg
 */
#include <kernel/fs/devfs.h>

#include <kernel/dev/block.h>
#include <kernel/dev/tty.h>
#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/vfs.h>
#include <kernel/kmsg.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/task.h>
#include <kernel/trace_file.h>

/* Linux's numbers: Documentation/admin-guide/devices.txt. */
struct device {
	const char *name;
	u32 major, minor;
	u32 mode;
	const struct file_ops *ops;
};

static s64 null_read(struct file *f, struct io *io);
static s64 null_write(struct file *f, struct io *io);
static s64 zero_read(struct file *f, struct io *io);
static s64 full_write(struct file *f, struct io *io);
static s64 random_dev_read(struct file *f, struct io *io);
static s64 random_dev_write(struct file *f, struct io *io);
static int make_node(struct inode *dev, const char *name, const struct inode_kind *kind);

static const struct file_ops null_ops = {.read = null_read, .write = null_write};
static const struct file_ops zero_ops = {.read = zero_read, .write = null_write, .maps_zeroes = true};
static const struct file_ops full_ops = {.read = zero_read, .write = full_write};
static const struct file_ops random_ops = {.read = random_dev_read, .write = random_dev_write};

static const struct device devices[] = {
	{"null", 1, 3, 0666, &null_ops},
	{"zero", 1, 5, 0666, &zero_ops},
	{"full", 1, 7, 0666, &full_ops},
	{"random", 1, 8, 0666, &random_ops},
	{"urandom", 1, 9, 0666, &random_ops},
	{"trace", 10, 125, 0600, &trace_file_ops}, /* not on Linux: its minor is of the local range there */
	{"kmsg", 1, 11, 0644, &kmsg_device_ops},
	{"tty", 5, 0, 0666, &tty_file_ops},
	{"console", 5, 1, 0600, &console_file_ops},
	{"ttyS0", TTY_RDEV_MAJOR, TTY_RDEV_MINOR, 0660, &serial_file_ops},
};

/* What a program finds at every Linux, made by whatever fills /dev there. */
static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
};

const struct file_ops *
devfs_ops(u64 rdev)
{
	for (u32 i = 0; i < ARRAY_SIZE(devices); i++) {
		if (dev_make(devices[i].major, devices[i].minor) == rdev)
			return devices[i].ops;
	}
	return NULL;
}

int
devfs_populate(struct inode *dev)
{
	struct inode_kind shm = {.mode = S_IFDIR | 01777};
	struct inode_kind kind;
	int err = make_node(dev, "shm", &shm);

	for (u32 i = 0; i < ARRAY_SIZE(devices) && !err; i++) {
		kind = (struct inode_kind){.mode = S_IFCHR | devices[i].mode,
					   .rdev = dev_make(devices[i].major, devices[i].minor)};
		err = make_node(dev, devices[i].name, &kind);
	}
	for (u32 i = 0; i < ARRAY_SIZE(links) && !err; i++) {
		kind = (struct inode_kind){.mode = S_IFLNK | 0777, .target = links[i].target};
		err = make_node(dev, links[i].name, &kind);
	}
	return err ? err : devfs_add_disks(dev);
}

int
devfs_add_disks(struct inode *dev)
{
	struct inode_kind kind = {.mode = S_IFBLK | 0660};
	struct disk *disk;
	int err = 0;

	for (u32 i = 0; (disk = disk_at(i)); i++) {
		for (u32 part = 0; part < PARTS_MAX && !err; part++) {
			kind.rdev = dev_make(DISK_MAJOR, i * PARTS_MAX + part);
			if (disk->parts[part].sectors)
				err = make_node(dev, disk->parts[part].name, &kind);
		}
	}
	return err;
}

static int
make_node(struct inode *dev, const char *name, const struct inode_kind *kind)
{
	struct inode *inode;
	int err = dev->ops->create(dev, name, strlen(name), kind, &inode);

	if (!err)
		inode_put(inode);
	return err;
}

static s64
null_read(struct file *f, struct io *io)
{
	return 0;
}

static s64
null_write(struct file *f, struct io *io)
{
	return io->left;
}

/* A page at a time: a reader of gigabytes can be killed. */
static s64
zero_read(struct file *f, struct io *io)
{
	u64 moved = 0;

	while (io->left && !io->faulted && !signal_state_fatal(&current->signal)) {
		moved += io_put_zero(io, PAGE_SIZE);
		cond_resched();
	}
	return io_result(io, moved);
}

static s64
full_write(struct file *f, struct io *io)
{
	return io->left ? -ENOSPC : 0;
}

static s64
random_dev_read(struct file *f, struct io *io)
{
	return random_read(io);
}

static s64
random_dev_write(struct file *f, struct io *io)
{
	return random_write(io);
}
