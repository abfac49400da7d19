/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/mount_options.h - the words of mount -o that tmpfs knows
 *
 * Idea        text in, figures out. Words about things that do not exist here (huge pages, swap, memory policies) are
 *             refused, as by a Linux that is built without them.
 * Invariants  none
 * Locks       none: pure
 * Follow      from mount.c   to tmpfs.c
 * Tests       tests/host/mount_options_test.c
 * See         tmpfs(5)
 */
#pragma once

#include <kernel/lib/types.h>

enum mount_option {
	OPTION_SIZE = 1,
	OPTION_INODES = 2,
	OPTION_MODE = 4,
	OPTION_UID = 8,
	OPTION_GID = 16,
};

struct mount_options {
	u32 said;   /* enum mount_option: which of the others are set */
	u32 mode;   /* permission bits of the root */
	u32 uid;    /* of the root */
	u32 gid;    /* of the root */
	u64 pages;  /* from size= or nr_blocks=; 0: no limit */
	u64 inodes; /* from nr_inodes=; 0: no limit */
};

/*
 * mount_options_parse - read "size=10m,mode=1777,..."; percentages are of @ram_pages
 *
 * Returns   0; -EINVAL: a word that is not known, or a value that is none
 * Context   any
 */
int mount_options_parse(const char *text, u64 ram_pages, struct mount_options *out);
