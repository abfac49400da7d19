/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/devfs.h - from a device number to the driver
 *
 * Idea        Device nodes are inodes of a tmpfs like any other; opening one looks its number up here. The nodes that
 *             programs expect are made at boot: console null zero full random urandom kmsg tty ttyS0. Simple: no
 *             devtmpfs that follows what drivers announce.
 * Invariants  none
 * Locks       none: the table is constant
 * Follow      from file_open   to dev/tty.c
 * Tests       tests/guest/file.c
 */
#pragma once

#include <kernel/lib/types.h>

struct file_ops;
struct inode;

/* The operations of the character device @rdev; NULL: no driver. Context: any. */
const struct file_ops *devfs_ops(u64 rdev);

/*
 * devfs_populate - make the nodes in the directory @dev
 *
 * Returns   0; -ENOMEM
 * Context   may sleep; holds tree_lock for writing
 */
int devfs_populate(struct inode *dev);

/* devfs_add_disks - nodes for the disks alone, in a directory that was populated before there were any. Likewise. */
int devfs_add_disks(struct inode *dev);
