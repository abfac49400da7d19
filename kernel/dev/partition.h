/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/partition.h - partition tables: MBR with logical partitions, and GPT
 *
 * Idea        A function of the disk's contents alone: it reads sectors through a callback and believes none of them.
 *             A GPT hides behind an MBR that claims the whole disk for it; its header and its entries bear checksums,
 *             and a copy stands at the end of the disk.
 * Invariants  Every partition that is reported lies on the disk, whatever the table says.
 * Locks       none
 * Follow      from disk.c
 * Tests       tests/host/partition_test.c
 * See         UEFI Specification 2.10, chapter 5
 */
#pragma once

#include <kernel/lib/types.h>

#define PARTITIONS_MAX 15 /* numbered from 1 */

struct partition {
	u64 start;   /* first sector */
	u64 sectors; /* 0: there is none of this number */
};

struct partition_source {
	bool (*read)(void *arg, u64 sector, void *buf); /* one sector of 512 bytes; false: cannot be read */
	void *arg;
	u64 sectors; /* of the disk */
};

enum partition_kind {
	PARTITION_NONE,
	PARTITION_MBR,
	PARTITION_GPT,
};

/*
 * partitions_read - find the partitions of a disk
 *
 * @out    [n - 1] becomes partition n
 *
 * Returns   what kind of table there is; with NONE all of @out is empty
 * Context   as source->read
 */
enum partition_kind partitions_read(const struct partition_source *source, struct partition out[PARTITIONS_MAX]);
