/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/sysfs.h - /sys: a tree of directories that is a constant, and files with one figure each
 *
 * Idea        A table for each directory; an entry is a directory with a table of its own, or a file with the function
 *             that writes its text. What a Linux built without a thing does not show is not there either.
 * Invariants  none
 * Locks       see sysfs.c
 * Follow      from mount.c   to sysfs.c, sysfs_entries.c
 * Tests       tests/guest/sysfs.c
 * See         Linux Documentation/ABI/testing/sysfs-devices-system-cpu, sysfs-kernel-mm
 */
#pragma once

#include <kernel/lib/types.h>

struct fs_type;
struct seq;

/* One name; the last of a table has none. Exactly one of dir and show is set. */
struct sysfs_entry {
	const char *name;
	const struct sysfs_entry *dir; /* the table of a directory */
	void (*show)(struct seq *s);   /* the text of a file */
};

extern const struct fs_type sysfs_type;
extern const struct sysfs_entry sysfs_root_entries[]; /* sysfs_entries.c */
