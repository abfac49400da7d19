/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/block_file.h - disks as files: /dev/vda, /dev/vda1, ...
 *
 * Idea        see block_file.c
 * Invariants  see block_file.c
 * Locks       see block_file.c
 * Follow      from file_open, devfs.c   to kernel/dev/block.h
 * Tests       tests/guest/disk.c
 */
#pragma once

#include <kernel/lib/types.h>

struct file_ops;
struct seq;

/* The operations of the block device @rdev; NULL: there is none. Context: any. */
const struct file_ops *block_file_ops(u64 rdev);

/* /proc/diskstats and /proc/partitions. Context: may sleep. */
void diskstats_show(struct seq *s);
void partitions_show(struct seq *s);
